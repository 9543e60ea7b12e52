"""Bytes in and out: the only part of the scanner that knows asyncio and sockets."""
