"""The hedging desk beside live books: what ``scanner.hedge`` reckons, fed and told."""
