"""Worker processes: each scans its share of the symbols; the parent keeps, shows and tells."""
