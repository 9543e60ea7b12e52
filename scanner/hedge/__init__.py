"""Hedging: what it costs to hold a coin without holding its price."""
