"""Ours end to end: the real feeds and pipeline over sockets, on uvloop, in a process of its own.

python -m benchmarks.ours_loopback URL VENUES SYMBOLS MESSAGES [CERTIFICATE]
"""

from __future__ import annotations

import asyncio
import ctypes
import ssl
import sys
import time
from collections.abc import Sequence
from functools import partial
from random import Random
from typing import Any

import msgspec
import uvloop

from benchmarks.corpus import pipeline
from benchmarks.drivers.report import Report, stamp
from benchmarks.synthetic import SPOKEN, market
from scanner.feeds.feed import socket_feed
from scanner.feeds.shell import Shell
from scanner.feeds.socket import open_socket
from scanner.lane import Action, Lane
from scanner.types import Depth
from scanner.venues.protocol import Options
from scanner.venues.registry import native
from scanner.warm import warm_alone

STAMP = len('{"ts":')
DIGITS = 13


class Timed:
    """A lane that tells the report what it took, when book and scan are done."""

    def __init__(self, lane: Lane, report: Report) -> None:
        self._lane = lane
        self._report = report

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lane, name)

    def received(self, raw: bytes, at: int) -> list[Action]:
        actions = self._lane.received(raw, at)
        self._took(raw[:90], 1, stamp())
        return actions

    def received_many(
        self, buffer: int, starts: int, ends: int, count: int, at: int
    ) -> Sequence[Action]:
        actions = self._lane.received_many(buffer, starts, ends, count, at)
        done = stamp()
        first = buffer + ctypes.c_int64.from_address(starts).value
        self._took(ctypes.string_at(first, 90), count, done)
        return actions

    def _took(self, head: bytes, count: int, done: int) -> None:
        """What is read off a message to report it comes after the delay that is reported."""
        if b'"delta"' not in head:
            return
        self._report.took(count)
        self._report.scanned(int(head[STAMP : STAMP + DIGITS]), count, done)
        if self._report.over:
            self._report.end()


class Lanes:
    """The pipeline, with the report at each lane."""

    def __init__(self, report: Report) -> None:
        self._pipeline = pipeline()
        self._report = report

    def lane(self, *arguments: Any) -> Any:
        return Timed(self._pipeline.lane(*arguments), self._report)


async def main() -> None:
    url, venues, symbols, messages = sys.argv[1], *map(int, sys.argv[2:5])
    authority = sys.argv[5] if len(sys.argv) > 5 else None
    tls = ssl.create_default_context(cafile=authority) if authority else None
    lanes = Lanes(Report(messages))
    shell = Shell(now=time.time_ns, rng=Random(1), open_socket=partial(open_socket, tls=tls))
    venue = native(SPOKEN)
    assert venue is not None
    async with asyncio.TaskGroup() as group:
        for number in range(venues):
            named = msgspec.structs.replace(venue, id=f"{venue.id}.{number}")
            markets = [market(named.id, n) for n in range(symbols)]
            options = Options(depth=Depth.FULL, rest=venue.rest, ws=f"{url}/{number}")
            group.create_task(socket_feed(named, markets, options, lanes, shell).run())


if __name__ == "__main__":
    warm_alone()  # as the scanner does before it connects
    uvloop.run(main())
