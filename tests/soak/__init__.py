"""Long runs of the whole program, each a command of its own; a small share of them is a test."""
