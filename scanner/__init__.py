"""Crossbook: a cross-exchange arbitrage scanner that reads public order books and never trades."""

__version__ = "0.1.0"
