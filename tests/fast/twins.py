"""The same stream through both lanes, held against each other after every message."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

import msgspec
import numpy as np

from scanner.books import layout as L
from scanner.engine.bounds import Bounds
from scanner.engine.ids import Ids
from scanner.engine.tracker import Thresholds
from scanner.events import Opportunity, RouteMinute, Survival
from scanner.lane import Action, Identify, Lane
from scanner.pipeline import Pipeline
from scanner.types import Depth, Market
from scanner.venues.protocol import Options, Venue

COUNTS = ("messages", "snapshots", "deltas", "bests", "gaps", "checksums_ok", "checksums_bad")
counted = attrgetter(*COUNTS)
SLOTS = (L.PRICE, L.SIZE)
# Where a book lies in memory.
WHERE = [L.OFFSET_SIDE, L.OFFSET_SIDE + 1, L.CAPACITY_SIDE, L.CAPACITY_SIDE + 1]
TEXT_SLOTS = (*SLOTS, L.PRICE_UNITS, L.SIZE_UNITS, L.DECIMALS)


def number(bits: int) -> int:
    """No chance: ids of opportunities are the same in both."""
    return 0


class Plain(Pipeline):
    """A pipeline whose connections know the reference lane only."""

    def lane(
        self,
        venue: Venue,
        markets: Sequence[Market] | None,
        options: Options,
        identify: Identify | None = None,
    ) -> Lane:
        return super().lane(msgspec.structs.replace(venue, wire=None), markets, options, identify)


class Twin:
    """One pipeline, what it flagged, and what became of that."""

    def __init__(self, fast: bool, thresholds: Thresholds) -> None:
        self.flagged: list[Opportunity] = []
        self.survived: list[Survival] = []
        made = Pipeline if fast else Plain
        self.pipeline = made(
            thresholds=thresholds,
            bounds=Bounds(),
            ids=Ids(number),
            emit=self.flagged.append,
            survived=self.survived.append,
        )

    def lane(self, venue: Venue, markets: Sequence[Market] | None, depth: Depth) -> Lane:
        return self.pipeline.lane(
            venue, markets, Options(depth=depth, rest=venue.rest, ws=venue.ws)
        )

    def book(self, book: int) -> tuple[list[int], list[float], list[list[float]]]:
        """Everything that is known of a book but where it lies in memory."""
        store = self.pipeline.store
        row = np.asarray(store.array(L.META))[book * L.META_WIDTH : (book + 1) * L.META_WIDTH]
        told = np.delete(row, WHERE).tolist()
        real = np.asarray(store.array(L.REAL))[book * L.REAL_WIDTH : (book + 1) * L.REAL_WIDTH]
        sides = []
        for side in (0, 1):
            start = int(row[L.OFFSET_SIDE + side])
            end = start + int(row[L.COUNT_SIDE + side])
            slots = TEXT_SLOTS if row[L.KEEPS_TEXT] else SLOTS
            sides += [store.array(slot)[start:end].tolist() for slot in slots]
        return told, real.tolist(), sides

    def raw(self, book: int) -> list[bytes]:
        """What ``book`` tells, as it lies in memory: what is the same to the bit is the same."""
        store, width = self.pipeline.store, L.META_WIDTH
        row = store.array(L.META)[book * width : (book + 1) * width]
        slots = TEXT_SLOTS if row[L.KEEPS_TEXT] else SLOTS
        real = store.array(L.REAL)[book * L.REAL_WIDTH : (book + 1) * L.REAL_WIDTH]
        told = [np.delete(row, WHERE).tobytes(), real.tobytes()]
        for side in (0, 1):
            start = int(row[L.OFFSET_SIDE + side])
            end = start + int(row[L.COUNT_SIDE + side])
            told += [store.array(slot)[start:end].tobytes() for slot in slots]
        return told

    def minutes(self, at: int) -> list[RouteMinute]:
        return self.pipeline.engine.take_minutes(at)


class Twins:
    """Both lanes of one connection."""

    def __init__(
        self,
        reference: Twin,
        fast: Twin,
        venue: Venue,
        markets: Sequence[Market] | None,
        depth: Depth = Depth.FULL,
    ) -> None:
        self.pair = (reference, fast)
        self.lanes = (
            reference.lane(venue, markets, depth),
            fast.lane(venue, markets, depth),
        )

    def start(self, at: int) -> list[Action]:
        return self._same([lane.start(at) for lane in self.lanes])

    def opened(self, at: int) -> list[Action]:
        return self._same([lane.opened(at) for lane in self.lanes])

    def received(self, raw: bytes, at: int) -> list[Action]:
        """One message, and whether all is the same after it."""
        actions = self._same([lane.received(raw, at) for lane in self.lanes], raw)
        self.check(raw)
        return actions

    def fetched(self, tag: str, status: int, body: bytes, at: int) -> list[Action]:
        actions = self._same([lane.fetched(tag, status, body, at) for lane in self.lanes])
        self.check(body)
        return actions

    def idle(self, at: int) -> list[Action]:
        for twin in self.pair:
            twin.pipeline.tick(at)
        return self._same([lane.idle(at) for lane in self.lanes])

    def check(self, about: bytes = b"") -> None:
        assert_same(self.pair, self.lanes, about)

    def share(self) -> float:
        return share(self.lanes[1])

    @staticmethod
    def _same(answers: Sequence[list[Action]], about: bytes = b"") -> list[Action]:
        assert answers[0] == answers[1], about
        return answers[0]


def share(lane: Lane) -> float:
    """Of the messages with data, how many took the fast lane."""
    counts = lane.counts.values()
    return sum(count.fast for count in counts) / max(sum(count.messages for count in counts), 1)


def assert_same(pair: Sequence[Twin], lanes: Sequence[Lane], about: bytes = b"") -> None:
    """All books of a connection, what its rules know and its counts, and what was flagged."""
    reference, fast = lanes
    assert reference.books.keys() == fast.books.keys(), about
    for market, book in reference.books.items():
        if pair[0].raw(book) != pair[1].raw(fast.books[market]):
            books = [pair[0].book(book), pair[1].book(fast.books[market])]
            assert books[0] == books[1], (market, about)
        told = [counted(lane.counts[market]) for lane in lanes]
        assert told[0] == told[1], (COUNTS, market, about)
        cells = [lane._protocol.shared[market].tolist() for lane in lanes]
        assert cells[0] == cells[1], (market, about)
    assert pair[0].flagged == pair[1].flagged, about
    assert reference.proved == fast.proved, about
