"""Carry: a coin or a contract bought, a contract sold, both held for a while and then unwound."""
