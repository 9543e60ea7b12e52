"""What was found, looked up: the commands ``history``, ``explain`` and ``spreads``."""
