"""Faults on every protocol, held against what the simulated venues really showed.

python -m tests.faults --seeds 1000 [--seed 1] [--deltas 10000000] [--jobs 2]
"""
