"""Books that are chains of updates, each naming the id before it, with a best bid and offer beside.

A snapshot comes only in answer to a subscribe, so a broken chain is mended by leaving and joining.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeAlias, TypeVar

from msgspec import Struct

from scanner.steps import Best, Delta, Reconnect, Refused, Reset, Send, Snapshot
from scanner.venues import cells as C
from scanner.venues.cells import Cells, Shared
from scanner.venues.parts import MILLISECOND, Resubscriptions
from scanner.venues.protocol import Steps
from scanner.venues.sequence import Chained, Ranks, Verdict

S = TypeVar("S", Snapshot, Delta)


class Level(Struct, array_like=True):
    """Price and size; whatever else the venue says of a level is passed over."""

    price: str
    size: str


NO_LEVEL = Level("", "")


class Book(Protocol):
    """A whole book or a change of one. ``time`` in ms; the ids are None where there are none."""

    time: int
    sequence: int | None
    previous: int | None
    checksum: int | None

    def sides(self) -> tuple[bytes, bytes]:
        """Bids and asks, as level lists. Raises ``msgspec.ValidationError`` if one is missing."""
        ...


class Touch(Protocol):
    """A best bid and offer; fields as in ``Book``."""

    time: int
    sequence: int | None

    def best(self) -> tuple[Level, Level]:
        """Bid and ask, ``NO_LEVEL`` where a side is empty. Raises as ``Book.sides``."""
        ...


Ask: TypeAlias = Callable[[str, Sequence[str], int], Send | Reconnect]
"""``ask(verb, markets, at)``: the request to subscribe or to unsubscribe ``markets``."""


class Linked:
    """One market of a venue whose snapshot opens a chain of deltas, a best bid and offer beside it.

    1. A snapshot opens the chain; only one that is older (``Ranks``) does not. 2. Deltas follow by
    ``Chained``. 3. In recordings (``recorded``) from before the venue named predecessors, where the
    snapshot has no ``previous`` either, a delta without one is taken as it comes, unless it is
    older. 4. A delta before any snapshot, or without a ``previous`` in a chain, is a gap.
    """

    __slots__ = ("_cells", "_chain", "_ranks", "synced")

    def __init__(self, cells: Cells | None = None, *, recorded: bool = False) -> None:
        self._cells = C.new_cells() if cells is None else cells
        self._cells[C.NAMED] = 0 if recorded else C.ALWAYS
        self._chain = Chained(self._cells)
        self._ranks = Ranks(self._cells)
        self.synced = False

    def forget(self) -> None:
        """Nothing seen so far counts: wait for a snapshot."""
        self._chain.last = None
        self._ranks.forget()
        self.synced = False

    def snapshot(
        self, previous: int | None, sequence: int | None, time: int, at: int
    ) -> int | None:
        """The rank of a whole book; None to skip it."""
        rank = self._ranks.book(sequence, time, at)
        if rank is not None:
            self._chain.last = sequence
            if self._cells[C.NAMED] != C.ALWAYS:
                self._cells[C.NAMED] = previous is not None
            self.synced = True
        return rank

    def ready(self) -> None:
        """What follows needs nothing but the cells."""
        self._cells[C.READY] = 1

    def delta(
        self, previous: int | None, sequence: int | None, time: int, at: int
    ) -> tuple[Verdict, int | None]:
        """What to do with a delta, and its rank if it applies."""
        verdict = self._verdict(previous, sequence)
        if verdict is not Verdict.APPLY:
            return verdict, None
        rank = self._ranks.book(sequence, time, at, proven=previous is not None)
        return (Verdict.SKIP if rank is None else verdict), rank

    def best(self, sequence: int | None, time: int, at: int) -> int | None:
        """The rank of a best bid and offer; None to skip it."""
        return self._ranks.best(sequence, time, at)

    def _verdict(self, previous: int | None, sequence: int | None) -> Verdict:
        if not self.synced:
            return Verdict.GAP
        if previous is None:
            return Verdict.GAP if self._cells[C.NAMED] else Verdict.APPLY
        return Verdict.GAP if sequence is None else self._chain.delta(previous, sequence)


class LinkedBooks:
    """The books of one connection, a ``Linked`` each, and the requests that mend them.

    ``recorded``: it may be a recording whose updates name no predecessor.
    """

    __slots__ = ("_ask", "_recorded", "_resubscriptions", "_shared", "_streams")

    def __init__(self, ask: Ask, shared: Shared | None = None, *, recorded: bool = False) -> None:
        self._ask = ask
        self._shared = shared or Shared()
        self._resubscriptions = Resubscriptions()
        self._recorded = recorded
        self._streams: dict[str, Linked] = {}

    def best(self, market: str, touch: Touch, at: int) -> Sequence[Best]:
        """A best bid and offer has come."""
        bid, ask = touch.best()
        rank = self._stream(market).best(touch.sequence, touch.time, at)
        if rank is None:
            return ()
        return [
            Best(
                market=market,
                bid_price=bid.price,
                bid_size=bid.size,
                ask_price=ask.price,
                ask_size=ask.size,
                order=rank,
                sent_at=touch.time * MILLISECOND,
            )
        ]

    def whole(self, market: str, book: Book, at: int) -> Steps:
        """A whole book has come."""
        stream = self._stream(market)
        rank = stream.snapshot(book.previous, book.sequence, book.time, at)
        if rank is None:
            return ()
        self._resubscriptions.done(market)
        if market not in self._resubscriptions:
            stream.ready()
        return [_step(Snapshot, market, book, rank)]

    def update(self, market: str, book: Book, at: int) -> Steps:
        """A change of a book has come."""
        stream = self._stream(market)
        verdict, rank = stream.delta(book.previous, book.sequence, book.time, at)
        if verdict is Verdict.GAP:
            reason = f"an update after id {book.previous} follows nothing that was seen"
            return self.lost(market, reason, at)
        return () if rank is None else [_step(Delta, market, book, rank)]

    def lost(self, market: str, reason: str, at: int) -> Steps:
        """The book cannot go on from what has come."""
        was_synced = self._stream(market).synced
        steps = self.renew(market, at)
        return [Reset(market, reason), *steps] if was_synced or steps else ()

    def renew(self, market: str, at: int) -> Steps:
        """Nothing seen so far counts; the venue is asked for a fresh book."""
        self._stream(market).forget()
        if not self._resubscriptions.start(market, at):
            return ()
        return [self._ask("unsubscribe", [market], at)]

    def left(self, market: str, at: int) -> Steps:
        """The venue has answered an unsubscribe, whatever it said."""
        return [self._ask("subscribe", [market], at)] if self._resubscriptions.left(market) else ()

    def refused(self, market: str, reason: str, at: int) -> Steps:
        """The venue has refused a request about ``market``."""
        if joining := self.left(market, at):
            return joining
        self._resubscriptions.done(market)
        return [Refused(market, reason)]

    def later(self, markets: Iterable[str], at: int) -> None:
        """The venue had no time for a request about ``markets``."""
        for market in markets:
            self._resubscriptions.later(market, at)

    def due(self, at: int) -> list[Send | Reconnect]:
        """The requests that are to be made again now."""
        leave, join = self._resubscriptions.due(at)
        return [self._ask("unsubscribe", [market], at) for market in leave] + [
            self._ask("subscribe", [market], at) for market in join
        ]

    def _stream(self, market: str) -> Linked:
        stream = self._streams.get(market)
        if stream is None:
            stream = self._streams[market] = Linked(self._shared[market], recorded=self._recorded)
        return stream


def _step(kind: type[S], market: str, book: Book, rank: int) -> S:
    bids, asks = book.sides()
    return kind(
        market=market,
        bids=bids,
        asks=asks,
        sequence=book.time if book.sequence is None else book.sequence,
        order=rank,
        sent_at=book.time * MILLISECOND,
        checksum=book.checksum or None,
    )
