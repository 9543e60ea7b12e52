"""A process that begins to write while others do; it imports little, as several of it start."""

from __future__ import annotations

import time
from multiprocessing.synchronize import Barrier

from storage.writer import Writer
from tests.storage.events import SECOND, START, closed, opened


def begin(url: str, gate: Barrier, number: int) -> None:
    """Write one that opened before all have begun, and its end."""
    writer = Writer(url, version="1", config_text="", now=time.time_ns)
    last = opened(number)
    writer(last)
    gate.wait(20)
    writer.start()
    writer(closed(last, START + SECOND))
    writer.close(20)
