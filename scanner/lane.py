"""A lane: one connection's way through the pipeline.

Messages go in; what the shell has to do (connect, send, fetch, reconnect) or to say (acks,
refusals, resets, notices) comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from scanner.books import layout as L
from scanner.books.lag import UNTOLD, ConnectionClock
from scanner.books.slow import BadLevels
from scanner.books.store import Keys
from scanner.counts import EVER_PROVEN, Counts
from scanner.fast import layout as F
from scanner.fast.lane import FastLane
from scanner.quiet import TAG, Quiet
from scanner.steps import (
    Ack,
    Best,
    Clock,
    Connect,
    Delta,
    DerivativeTicker,
    Fetch,
    Notice,
    Reconnect,
    Refused,
    Reset,
    Send,
    Snapshot,
    Step,
)
from scanner.types import BookState, ChecksumRule, Market
from scanner.venues.frames import message
from scanner.venues.protocol import Options, Venue
from scanner.watch import Watch

if TYPE_CHECKING:
    from scanner.pipeline import Pipeline

Action: TypeAlias = Connect | Send | Fetch | Ack | Refused | Reset | Reconnect | Notice
Identify: TypeAlias = Callable[[str], Market | None]

CLOCK_WITHIN = 10_000_000_000
"""How long the first word of a venue's time is waited for, ns."""


class Lane:
    """One connection to one venue. ``books``: market id to book number; ``counts`` likewise.

    What one message leads to is put into the books as a whole before any of them is scanned: what
    a book was in between (changes that had to wait for their snapshot, several events in a message)
    was over when it arrived. After a ``Reconnect`` nothing counts any more.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        venue: Venue,
        markets: Sequence[Market] | None,
        options: Options,
        identify: Identify | None,
    ) -> None:
        self._pipeline = pipeline
        self._store = pipeline.store
        self._following = pipeline.following
        self._venue = venue
        self._keys = Keys.of(venue.layout)
        self._protocol = venue.make(markets, options)
        self._identify = identify
        self._depth = options.depth
        self._any = markets is None
        self._proved = False
        self._over = False
        self._clock = ConnectionClock() if options.depth in venue.clocked else None
        self._clock_due, self._clock_heard = 0, False
        self._asked_at = 0
        self._fast = self._make_fast(venue)
        self.books: dict[str, int] = {}
        self.counts: dict[str, Counts] = {}
        self._watches: dict[str, Watch] = {}
        for market in markets or ():
            self._add(market.id, market)
        self._quiet = self._make_quiet(venue, options.rest)

    def start(self, at: int) -> list[Action]:
        """Before the connection: what leads to it. Every book of the lane starts empty."""
        self._following.settle(at)
        self._drop_all("a new connection starts", at, BookState.EMPTY)
        self._store.as_of(list(self.books.values()), UNTOLD if self._clock else 0)
        return self._run(self._protocol.start, at)

    def opened(self, at: int) -> list[Action]:
        """The socket is open: subscribe."""
        self._following.settle(at)
        # When a recorded connection was asked for its books is not always known.
        self._asked_at = 0 if self._any else at
        self._clock_due = at + CLOCK_WITHIN if self._clock else 0
        for market, book in self.books.items():
            self._store.set_state(book, BookState.SYNCING)
            self._watches[market].asked(at)
        return self._run(self._protocol.opened, at)

    def received(self, raw: bytes, at: int) -> list[Action]:
        """One message from the socket."""
        if self._asked_at and (late := self._first_is_late(at)):
            return late
        if at >= self._following.due:
            self._following.settle(at)
        if self._fast is not None and not self._over:
            code = self._fast.take_one(raw, at)
            if code != F.DECLINED:
                return self._taken(self._fast, code, at)
        return self._run(lambda at: self._protocol.received(raw, at), at)

    def received_many(
        self, buffer: int, starts: int, ends: int, count: int, at: int
    ) -> list[Action]:
        """``count`` messages that lie in memory (``scanner.feeds.shell.Lane``), in order, up to the
        first that leads to a ``Reconnect``."""
        if at >= self._following.due:
            self._following.settle(at)
        if self._asked_at and (late := self._first_is_late(at)):
            return late
        actions: list[Action] = []
        first = 0
        while first < count and not self._over:
            code = F.DECLINED
            if self._fast is not None:
                code = self._fast.take(buffer, starts, ends, first, count, at)
                if code == F.TAKEN:
                    break
                first = self._fast.message
            if code == F.DECLINED:
                raw = message(buffer, starts, ends, first)
                came = self._run(lambda at, raw=raw: self._protocol.received(raw, at), at)  # type: ignore[misc]
            else:
                assert self._fast is not None
                came = self._taken(self._fast, code, at, more_to_come=True)
            first += 1
            actions += came
        self._pipeline.engine.follow_open(at)
        return actions

    def fetched(self, tag: str, status: int, body: bytes, at: int) -> list[Action]:
        """The answer to a ``Fetch``; status 0: there was none."""
        self._following.settle(at)
        if tag.startswith(TAG):
            return self._shown(tag, status, body, at)
        return self._run(lambda at: self._protocol.fetched(tag, status, body, at), at)

    def idle(self, at: int) -> list[Action]:
        """A few times a second: heartbeats, deadlines, books that need a fresh start."""
        self._following.settle(at)
        actions = self._run(self._protocol.idle, at)
        if self._over:
            return actions
        if self._clock_due and at > self._clock_due:
            actions += self._unclocked(at)
            if self._over:
                return actions
        for market, watch in self._watches.items():
            book = self.books[market]
            state = self._store.state(book)
            reason = watch.complaint(state, self._store.meta(book, L.DEPTH_AT), at)
            if reason:
                actions.append(Notice(f"{market}: {reason}, asking anew"))
                if state is BookState.CROSSED:
                    self._pipeline.drop(book, BookState.UNSYNCHRONISED, reason, at)
                actions += self._resync(market, reason, at)
        if self._quiet is not None and self._pipeline.probing is not None:
            actions += self._quiet.look(self._pipeline.probing, at)
        return actions

    def closed(self, reason: str, at: int) -> None:
        """The connection is gone: every book of it leaves the game in this call."""
        self._following.settle(at)
        self._drop_all(reason, at)

    def proven(self) -> dict[str, int]:
        """When each book that is live, or was until it became too old, was proven last: ns."""
        known = (BookState.LIVE, BookState.STALE)
        return {
            market: self._store.meta(book, L.DEPTH_AT)
            for market, book in self.books.items()
            if self._store.state(book) in known
        }

    def live(self) -> int:
        """How many of the lane's books are live."""
        return sum(self._store.state(book) is BookState.LIVE for book in self.books.values())

    @property
    def proved(self) -> bool:
        """Some book of this connection has been live."""
        if not self._proved:
            self._proved = any(counts.cells[EVER_PROVEN] for counts in self.counts.values())
        return self._proved

    def _make_fast(self, venue: Venue) -> FastLane | None:
        if venue.wire is None:
            return None
        shared = self._protocol.shared
        return FastLane(self._store, shared, venue.wire, venue.layout, venue.checksum)

    def _make_quiet(self, venue: Venue, rest: str) -> Quiet | None:
        if venue.rest_book is None or self._any:
            return None
        turns = self._pipeline.turns[venue.id]
        return Quiet(self._store, turns, venue.rest_book, rest, self.books, self.counts)

    def _shown(self, tag: str, status: int, body: bytes, at: int) -> list[Action]:
        """What the venue shows over REST of a market of which nothing was heard."""
        if self._quiet is None or self._over:
            return []
        found = self._quiet.answered(tag, status, body, at)
        if found.dead:
            self.counts[found.market].gaps += 1
            return self._broken(found.market, found.dead, at)
        if found.quiet:
            self._pipeline.engine.updated(self.books[found.market], at)
        return [found.notice] if found.notice else []

    def _taken(
        self, fast: FastLane, code: int, at: int, *, more_to_come: bool = False
    ) -> list[Action]:
        """What is left to do for a message that the fast lane has taken."""
        if code == F.TAKEN:
            return []
        if code == F.ROUTES_FOUND:
            self._pipeline.engine.follow(fast.routes, at, more_to_come=more_to_come)
        elif code == F.BOOK_CROSSED:
            self._crossed(fast.market, at)
        elif code == F.SUM_WRONG:
            self.counts[fast.market].checksums_bad += 1
            return self._broken(fast.market, "the checksum does not match", at)
        return []

    def _crossed(self, market: str, at: int) -> None:
        self._watches[market].crossed(at)
        self._pipeline.dropped(self.books[market], "the book is crossed", at)

    def _add(self, market_id: str, market: Market | None) -> int:
        book = self.books[market_id] = self._pipeline.book(
            self._venue, market_id, market, self._depth
        )
        counts = self.counts[market_id] = Counts()
        self._watches[market_id] = Watch(self._pipeline.patience, counts.take_proven)
        if self._fast is not None:
            self._fast.add(market_id, book, counts.cells)
        return book

    def _book_of(self, market_id: str) -> int | None:
        """The book of a market; where any is taken, a new one for one that was not named before."""
        book = self.books.get(market_id)
        if book is None and self._any:
            book = self._add(market_id, self._identify(market_id) if self._identify else None)
        return book

    def _run(self, ask: Callable[[int], Sequence[Step]], at: int) -> list[Action]:
        if self._over:
            return []
        try:
            steps = ask(at)
        except (ValueError, RecursionError) as error:
            reason = f"a message could not be read ({error})"
            self._over = True
            self._reset_all(reason, at)
            return [Reset(None, reason), Reconnect(reason)]
        actions: list[Action] = []
        changed: dict[str, None] = {}
        for step in steps:
            kind = type(step)
            if kind is Delta or kind is Snapshot or kind is Best:
                actions += self._book_step(step, changed, at)  # type: ignore[arg-type]
            elif kind is DerivativeTicker:
                actions += self._ticker(step, at)  # type: ignore[arg-type]
            elif kind is Clock:
                self._hear(step.sent_at, at)  # type: ignore[union-attr]
            else:
                self._note(step, at)  # type: ignore[arg-type]
                actions.append(step)  # type: ignore[arg-type]
                if self._over:
                    return actions
        for market in changed:
            self._scan(market, at)
        return actions

    def _note(self, action: Action, at: int) -> None:
        if isinstance(action, Reset):
            if action.market is None:
                self._reset_all(action.reason, at)
            else:
                self._reset(action.market, action.reason, at)
        elif isinstance(action, Ack) and action.market in self._watches:
            self._watches[action.market].acknowledged()
        elif isinstance(action, Reconnect):
            self._over = True
            self._drop_all(action.reason, at)

    def _book_step(
        self, step: Snapshot | Delta | Best, changed: dict[str, None], at: int
    ) -> Sequence[Action]:
        book = self._book_of(step.market)
        if book is None:
            return [Notice(f"data of {step.market!r}, which was not subscribed")]
        self.counts[step.market].messages += 1
        try:
            taken = self._apply(book, step, at)
        except BadLevels as error:
            self.counts[step.market].gaps += 1
            return self._broken(step.market, str(error), at)
        if not taken:
            return ()
        if not self._verified(book, step):
            return self._broken(step.market, "the checksum does not match", at)
        changed[step.market] = None
        return ()

    def _scan(self, market: str, at: int) -> None:
        """The book of ``market`` has changed: what follows from how it is now."""
        book = self.books[market]
        state = self._store.state(book)
        if state is BookState.LIVE:
            self._proved = True
            self._watches[market].proven(at)
            self._pipeline.engine.updated(book, at)
        elif state is BookState.CROSSED:
            self._crossed(market, at)

    def _first_is_late(self, at: int) -> list[Action]:
        """The first message of a connection that was made behind others that wait: there is nothing
        yet to tell by how late it is, except that it was sent after the connection was made."""
        waited, self._asked_at = at - self._asked_at, 0
        if waited <= self._pipeline.bounds.max_age:
            return []
        text = f"its first word took {waited / 1e9:.1f} s: nobody knows how old it is"
        return self._run(lambda at: [Reconnect(text)], at)

    def _hear(self, sent_at: int, at: int) -> None:
        if self._clock is not None:
            self._clock_due, self._clock_heard = at + CLOCK_WITHIN, True
            self._store.as_of(list(self.books.values()), self._clock.told(sent_at, at))

    def _unclocked(self, at: int) -> list[Action]:
        """Its time has not come for long: it never does here, or the connection has lost it."""
        self._clock_due = 0
        if self._clock_heard:
            return self._run(lambda at: [Reconnect("the venue tells its time no more")], at)
        self._store.as_of(list(self.books.values()), 0)
        return [Notice("the venue does not tell its time: how late its books come is not known")]

    def _ticker(self, ticker: DerivativeTicker, at: int) -> Sequence[Action]:
        book = self._book_of(ticker.market)
        market = self._pipeline.contracts.get(book) if book is not None else None
        if book is None or market is None:
            return ()
        self.counts[ticker.market].tickers += 1
        wrong = self._pipeline.derivatives.update(book, market, ticker, at)
        return [Notice(f"{ticker.market}: makes no sense: {wrong}")] if wrong else ()

    def _apply(self, book: int, step: Snapshot | Delta | Best, at: int) -> bool:
        """Put the step into the book; False when there is no book that it could change."""
        counts = self.counts[step.market]
        if isinstance(step, Snapshot):
            self._store.snapshot(book, step, self._keys, step.received_at or at)
            counts.snapshots += 1
            return True
        if self._store.meta(book, L.SEQUENCE) < 0:
            return False
        if isinstance(step, Delta):
            self._store.delta(book, step, self._keys, step.received_at or at)
            counts.deltas += 1
            return True
        counts.bests += 1
        return self._store.best(book, step, at)

    def _verified(self, book: int, step: Snapshot | Delta | Best) -> bool:
        """False only where a checksum stands and does not fit."""
        rule = self._venue.checksum
        if isinstance(step, Best) or step.checksum is None or rule is ChecksumRule.NONE:
            return True
        good = self._store.checksum(book, rule) == step.checksum & 0xFFFFFFFF
        counts = self.counts[step.market]
        if good:
            counts.checksums_ok += 1
        else:
            counts.checksums_bad += 1
        return good

    def _broken(self, market: str, reason: str, at: int) -> list[Action]:
        self._pipeline.breaks[self._venue.id] += 1
        self._pipeline.drop(self.books[market], BookState.UNSYNCHRONISED, reason, at)
        return [Reset(market, reason), *self._resync(market, reason, at)]

    def _resync(self, market: str, reason: str, at: int) -> list[Action]:
        if not self._watches[market].may_resync(at):
            return []
        return self._run(lambda at: self._protocol.resync(market, reason, at), at)

    def _reset(self, market: str, reason: str, at: int) -> None:
        book = self.books.get(market)
        if book is not None:
            self.counts[market].gaps += 1
            self._pipeline.breaks[self._venue.id] += 1
            self._pipeline.drop(book, BookState.UNSYNCHRONISED, reason, at)

    def _reset_all(self, reason: str, at: int) -> None:
        for market in self.books:
            self._reset(market, reason, at)

    def _drop_all(self, reason: str, at: int, state: BookState = BookState.UNSYNCHRONISED) -> None:
        for book in self.books.values():
            self._pipeline.drop(book, state, reason, at)
            if self._venue.tickers is None:  # else a connection beside this one has said it
                self._pipeline.derivatives.forget(book)
