"""What venues and coins are called, cost and allow: by ccxt's metadata, lists of ours and the
configuration."""
