"""Books of which a snapshot shows only the best levels.

What changes later is known wherever it lies; what was not shown and does not change is not. So
beyond the last level shown, a book kept by changes has holes. ``Horizon`` leaves out what lies
there and says when the price has moved so far that a fresh snapshot is due; ``ShallowBridge`` joins
that to the stream without a break. Levels are ``[price, size, ...]`` arrays of texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import msgspec

from scanner.steps import Delta, Snapshot
from scanner.venues import cells as C
from scanner.venues.cells import Cells, new_cells, reals
from scanner.venues.parts import decode
from scanner.venues.sequence import Bridge, Verdict, Waiting

Rows = list[list[str]]

_rows = msgspec.json.Decoder(Rows)


class Horizon:
    """The range of prices in which one book is known; ``worn`` once the price has left its middle.

    Each side of a snapshot with exactly ``limit`` levels has been cut there. Lists that are not of
    this form are passed on as they are, for the book to refuse.
    """

    __slots__ = ("_limit", "_reals", "worn")

    def __init__(self, limit: int, cells: Cells | None = None) -> None:
        self._limit = limit
        self._reals = reals(new_cells() if cells is None else cells)
        self._open()

    def _open(self) -> None:
        self._reals[C.FLOOR] = self._reals[C.LOW] = -inf
        self._reals[C.CEILING] = self._reals[C.HIGH] = inf
        self.worn = False

    def shown(self, snapshot: Snapshot) -> None:
        """Everything that ``snapshot`` shows is known from here on."""
        self._open()
        try:
            bids, asks = _prices(snapshot.bids), _prices(snapshot.asks)
        except msgspec.DecodeError:
            return
        if len(bids) == self._limit:
            self._reals[C.FLOOR] = min(bids)
            self._reals[C.LOW] = (max(bids) + self._reals[C.FLOOR]) / 2
        if len(asks) == self._limit:
            self._reals[C.CEILING] = max(asks)
            self._reals[C.HIGH] = (min(asks) + self._reals[C.CEILING]) / 2

    def within(self, delta: Delta) -> Delta:
        """``delta`` without the rows beyond the horizon."""
        try:
            return self._within(delta, rows(delta.bids), rows(delta.asks))
        except msgspec.DecodeError:
            return delta

    def _within(self, delta: Delta, bids: Rows, asks: Rows) -> Delta:
        near_bids = [row for row in bids if not number(row[0]) < self._reals[C.FLOOR]]
        near_asks = [row for row in asks if not number(row[0]) > self._reals[C.CEILING]]
        # An offer stands above every bid: where one is, the bids above it are used up.
        self.worn = (
            self.worn
            or any(0 < number(row[0]) <= self._reals[C.LOW] and number(row[1]) > 0 for row in asks)
            or any(number(row[0]) >= self._reals[C.HIGH] and number(row[1]) > 0 for row in bids)
        )
        if len(near_bids) == len(bids) and len(near_asks) == len(asks):
            return delta
        return msgspec.structs.replace(delta, bids=_text(near_bids), asks=_text(near_asks))


class ShallowBridge:
    """``Bridge`` for snapshots of ``limit`` levels a side; ``room`` bytes for what waits.

    1. While the price stays near the middle of the snapshot: as ``Bridge``, less the rows beyond
    the horizon. 2. When it is ``worn``, fetch a snapshot and ``renew``: the book goes on, and the
    changes from then on are remembered. 3. They are merged into that snapshot, which replaces the
    book in one step and not by an older state; one that is ahead of the stream replaces it as it
    is. 4. Rows that carry a sequence of their own, not above the snapshot's, are skipped.
    """

    __slots__ = ("_bridge", "_cells", "_horizon", "_room", "_since")

    def __init__(self, limit: int, cells: Cells | None = None, room: int = Bridge.ROOM) -> None:
        self._cells = new_cells() if cells is None else cells
        self._bridge = Bridge(self._cells, room)
        self._horizon = Horizon(limit, self._cells)
        self._room = room
        self._since: Waiting | None = None

    @property
    def synced(self) -> bool:
        """A snapshot is in place."""
        return self._bridge.synced

    @property
    def spilt(self) -> bool:
        """More deltas have waited than there was room for."""
        return self._bridge.spilt

    @property
    def worn(self) -> bool:
        """A fresh snapshot is due."""
        return self._horizon.worn

    def restart(self) -> None:
        """Forget the snapshot and what waited; buffer anew."""
        self._bridge.restart()
        self._since = None

    def renew(self) -> None:
        """A fresh snapshot has been asked for."""
        self._since = Waiting(self._room)
        self._offer()

    def delta(self, first: int, last: int, step: Delta, at: int) -> tuple[Verdict, Delta]:
        """As ``Bridge.delta``, and what is known of ``step``."""
        verdict = self._bridge.delta(first, last, step, at)
        if verdict is Verdict.GAP:
            self._since = None
        if verdict is not Verdict.APPLY:
            return verdict, step
        if self._since is not None:
            self._since.add(first, last, None, step, at)
        if first <= self._cells[C.SHOWN]:
            step = msgspec.structs.replace(step, rows_after=self._cells[C.SHOWN])
        step = self._horizon.within(step)
        self._offer()
        return verdict, step

    def snapshot(self, sequence: int, step: Snapshot) -> list[Snapshot | Delta] | None:
        """As ``Bridge.snapshot``; a renewed book is one whole snapshot."""
        renewed = self._since is not None
        steps = self._renewed(sequence, step) if renewed else self._bridge.snapshot(sequence, step)
        if not steps:
            return steps
        self._since = None
        self._cells[C.SHOWN] = sequence
        self._horizon.shown(step)
        deltas = [self._horizon.within(delta) for delta in steps[1:] if isinstance(delta, Delta)]
        if deltas:
            # Only the first one may reach back behind the snapshot.
            deltas[0] = msgspec.structs.replace(deltas[0], rows_after=sequence)
        self._offer()
        return [merged(step, deltas)] if renewed else [step, *deltas]

    def _renewed(self, sequence: int, step: Snapshot) -> list[Snapshot | Delta] | None:
        if sequence >= (self._bridge.last or 0):
            self._bridge.restart()
            return self._bridge.snapshot(sequence, step)
        since = list(self._since or ())
        if not since or since[0][0] > sequence + 1:
            return None
        return [step, *(delta for _, last, _, delta in since if last > sequence)]

    def _offer(self) -> None:
        """Say whether the next change needs nothing but the cells."""
        flowing = self._bridge.bridged and self._since is None and not self._horizon.worn
        self._cells[C.READY] = int(flowing)


def merged(snapshot: Snapshot, deltas: Sequence[Delta]) -> Snapshot:
    """The book that ``snapshot`` becomes by ``deltas``, in one step; rows of price 0 are none."""
    if not deltas:
        return msgspec.structs.replace(snapshot, live=True)
    bids = {number(row[0]): row[:2] for row in rows(snapshot.bids)}
    asks = {number(row[0]): row[:2] for row in rows(snapshot.asks)}
    for delta in deltas:
        _apply(bids, delta.bids, delta.rows_after)
        _apply(asks, delta.asks, delta.rows_after)
    last = deltas[-1]
    return msgspec.structs.replace(
        snapshot,
        bids=_text([bids[price] for price in sorted(bids, reverse=True)]),
        asks=_text([asks[price] for price in sorted(asks)]),
        sequence=last.sequence,
        order=last.order,
        sent_at=last.sent_at,
        live=True,
        received_at=last.received_at,
    )


def rows(text: bytes) -> Rows:
    """The rows of a level list. Raises ``msgspec.ValidationError`` if it is none."""
    levels = decode(_rows, text)
    if any(len(level) < 2 for level in levels):
        raise msgspec.ValidationError("a level without price and size")
    return levels


def number(text: str) -> float:
    """A price, size or sequence. Raises ``msgspec.ValidationError`` if it is none."""
    try:
        return float(text)
    except ValueError as error:
        raise msgspec.ValidationError(f"{text!r:.40} is not a number") from error


def _prices(text: bytes) -> list[float]:
    return [number(row[0]) for row in rows(text)]


def _apply(side: dict[float, list[str]], text: bytes, rows_after: int) -> None:
    for row in rows(text):
        price = number(row[0])
        if price == 0 or (rows_after and (len(row) < 3 or _integer(row[2]) <= rows_after)):
            continue
        if number(row[1]) == 0:
            side.pop(price, None)
        else:
            side[price] = row[:2]


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise msgspec.ValidationError(f"{text!r:.40} is not a sequence") from error


def _text(levels: Rows) -> bytes:
    return msgspec.json.encode(levels)
