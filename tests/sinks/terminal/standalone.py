"""The terminal in a process of its own: ``python -m tests.sinks.terminal.standalone REPORT SECONDS
[uvloop] [controlling]``.

A busy source, and a heartbeat beside it as a feed would have. REPORT tells afterwards how long the
event loop was ever held up, and how it ended.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import sys
import termios
import time
from pathlib import Path

from scanner.sinks.terminal.app import run_terminal
from scanner.view.frame import Frame, Query
from tests.sinks.terminal.frames import AT, SECOND, Still, frame, row


class Busy(Still):
    """Every figure changes with every frame."""

    def frame(self, at: int, query: Query) -> Frame:
        n = len(self.queries)
        self.now = frame(rows=tuple(row(f"S{i:02}/USDT", -i - n % 7 / 8) for i in range(60)))
        return super().frame(at, query)


async def main(report: Path, seconds: float) -> None:
    stop = asyncio.Event()
    longest = 0.0

    async def beat() -> None:
        nonlocal longest
        before = time.monotonic()
        while True:
            await asyncio.sleep(0.01)
            now = time.monotonic()
            longest, before = max(longest, now - before), now

    beating = asyncio.create_task(beat())
    asyncio.get_running_loop().call_later(seconds, stop.set)
    begun = time.monotonic()
    await run_terminal(Busy(frame()), now=lambda: AT + SECOND, stop=stop, banner=lambda: "TEST")
    beating.cancel()
    told = {"longest": longest, "seconds": time.monotonic() - begun, "stopped": stop.is_set()}
    report.write_text(json.dumps(told))


if __name__ == "__main__":
    if "controlling" in sys.argv:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    work = main(Path(sys.argv[1]), float(sys.argv[2]))
    if "uvloop" in sys.argv:
        import uvloop

        uvloop.run(work)
    else:
        asyncio.run(work)
