"""Parity: how far currencies that are pegged to the same money are apart, and what that pays."""
