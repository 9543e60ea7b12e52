"""``python -m scanner.lab.child SEED [TRUTH]``: a simulated market for whoever started the process.

It prints one line of JSON, where each venue is and whether it trades coins and contracts alike
(``{"okx": [REST, WebSocket, true], ...}``) or, as a text, why there is none; and it serves until
its standard input is closed, which a starter that has died does too. Signals are for the starter,
who decides when the lab ends.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from scanner.event_loop import fastest


def main() -> None:
    """Serve until the end of standard input."""
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)
    # A client that is gone before its answer is there is no news for whoever watches the demo.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    seed, *truth = sys.argv[1:]
    fastest()(_serve(int(seed), Path(truth[0]) if truth else None))


async def _serve(seed: int, truth: Path | None) -> int:
    from scanner.lab.server import Clock, LabServer
    from scanner.lab.world import World

    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), ended.set)
    clock = Clock()
    try:
        async with LabServer(
            World(seed, clock(), contracts=True, depeg=True), truth=truth, clock=clock
        ) as server:
            _answer(
                {
                    name: (server.url(name), server.ws(name), server.trades_both(name))
                    for name in server.venues
                }
            )
            await ended.wait()
    except OSError as error:
        _answer(str(error))
    return 0


def _answer(answer: object) -> None:
    # The starter may have gone while we began; then the end of standard input is there already.
    with suppress(BrokenPipeError):
        os.write(sys.stdout.fileno(), json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    main()
