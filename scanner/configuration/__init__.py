"""The parts of the configuration, and what reads it."""
