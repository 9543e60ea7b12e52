"""Books of any number of venues, symbols and levels, and changes of them: where a lab's market has
too few. The messages are in the format of one venue, as its own protocol reads them."""

from __future__ import annotations

import random
from collections.abc import Iterator

import msgspec
import numpy as np

from benchmarks.corpus import BEGIN, SECOND, connected, pipeline
from scanner.lane import Lane
from scanner.pipeline import Pipeline
from scanner.types import Depth, Market
from scanner.venues.registry import native

SPOKEN = "bybit"
READ = 32
AT = BEGIN + 60 * SECOND


class Books:
    """``venues`` connections, each with ``symbols`` markets of ``levels`` levels a side, which all
    stand. ``changes`` of ``touched`` levels come for one venue, markets in turn."""

    def __init__(self, venues: int, symbols: int, levels: int) -> None:
        self.symbols, self.levels = symbols, levels
        self.pipeline: Pipeline = pipeline()
        self._random = random.Random(1)
        self._sequences = [10] * symbols
        self._next = 0
        self.lanes = [self._lane(number) for number in range(venues)]

    def changes(self, count: int, touched: int = 5) -> Changes:
        """The next ``count`` messages for the last lane."""
        frames = []
        for _ in range(count):
            symbol = self._next
            self._next = (symbol + 1) % self.symbols
            self._sequences[symbol] += 1
            frames.append(self._frame("delta", symbol, self._touched(touched)))
        return Changes(self.lanes[-1], frames)

    def _lane(self, number: int) -> Lane:
        venue = native(SPOKEN)
        assert venue is not None
        markets = [market(venue.id, n) for n in range(self.symbols)]
        lane = connected(self.pipeline, venue, markets, Depth.FULL, number)
        lane.start(BEGIN)
        lane.opened(BEGIN)
        for n in range(self.symbols):
            rows = [(side, k) for side in (0, 1) for k in range(self.levels)]
            lane.received(self._frame("snapshot", n, rows), AT)
        if lane.live() != self.symbols:
            raise SystemExit(f"{lane.live()} of {self.symbols} books stand")
        return lane

    def _touched(self, count: int) -> list[tuple[int, int]]:
        """Mostly near the best, now and then anywhere."""
        rows = set()
        for _ in range(count):
            deep = self._random.random() < 0.1
            place = self._random.randrange(self.levels) if deep else self._random.expovariate(0.2)
            rows.add((self._random.randrange(2), min(int(place), self.levels - 1)))
        return sorted(rows)

    def _frame(self, kind: str, symbol: int, rows: list[tuple[int, int]]) -> bytes:
        price, sides = 1000.0 + symbol, ([], [])
        for side, place in rows:
            at = price + (place + 1) * 0.001 * (1 if side else -1)
            gone = kind == "delta" and place > 3 and self._random.random() < 0.15
            size = 0 if gone else self._random.random() * 5 + 0.001
            sides[side].append([f"{at:.3f}", f"{size:.5f}"])
        data = {"s": identifier(symbol), "b": sides[0], "a": sides[1]}
        data |= {"u": self._sequences[symbol], "seq": self._sequences[symbol]}
        told = {
            "topic": f"orderbook.200.{identifier(symbol)}",
            "type": kind,
            "ts": AT // 10**6,
            "data": data,
        }
        return msgspec.json.encode(told | {"cts": AT // 10**6})


class Changes:
    """Messages that lie in memory as a read brings them."""

    def __init__(self, lane: Lane, frames: list[bytes]) -> None:
        self._lane = lane
        self.count = len(frames)
        self._memory = np.frombuffer(b"".join(frames), np.uint8)
        self._ends = np.cumsum([len(frame) for frame in frames], dtype=np.int64)
        self._starts = self._ends - np.array([len(frame) for frame in frames], np.int64)

    def take(self) -> None:
        """All of them, in reads."""
        memory, starts, ends = (a.ctypes.data for a in (self._memory, self._starts, self._ends))
        for first in range(0, self.count, READ):
            count = min(READ, self.count - first)
            self._lane.received_many(memory, starts + 8 * first, ends + 8 * first, count, AT)


def market(venue: str, number: int) -> Market:
    """One of the venue's markets."""
    return Market(
        venue=venue,
        id=identifier(number),
        symbol=f"{identifier(number).removesuffix('USDT')}/USDT",
        base=identifier(number).removesuffix("USDT"),
        quote="USDT",
        price_tick=0.001,
        lot=0.001,
        taker_fee=0.001,
    )


def identifier(number: int) -> str:
    """What the venue calls a market. All names are of one length, as all prices are: it is to be
    seen what more symbols cost, not what more bytes do."""
    return f"C{number:04}USDT"


def share_fast(lane: Lane) -> float:
    """Of a lane's messages, those of the fast lane."""
    counted: Iterator[tuple[int, int]] = ((c.fast, c.messages) for c in lane.counts.values())
    fast, messages = (sum(x) for x in zip(*counted, strict=True))
    return fast / max(messages, 1)
