"""A quiet market told apart from a dead feed.

A book of which nothing has been heard for a while, on a connection that stands, is either still
true, or its feed has died in silence. The venue's public REST interface knows: what it shows is
held against the book, level by level.

1. All levels agree, and no message of the market has come meanwhile: it is quiet, and the book is
   as good as new at the moment *before* the request was made (less the time for which the venue
   gives everybody one answer). 2. They differ: what changed may
   still be on its way, or REST may lag, so it is asked again a while later. They differ again, and
   still nothing has come: the feed is dead. 3. A message that comes between a request and its
   answer makes the answer void, and so does an answer that the venue has made before (a cache).

Levels beyond those that were asked for are not confirmed by this, only believed.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from scanner.books.slow import BadLevels
from scanner.books.store import BookStore, Keys
from scanner.counts import Counts
from scanner.engine.bounds import Probing
from scanner.steps import Fetch, Notice
from scanner.types import BookState
from scanner.venues.rest_book import RestBook

SECOND = 1_000_000_000
TAG = "is it quiet: "
AGAIN = SECOND
"""From a difference to the next look; doubled with each death, up to ``LONGEST``."""
LONGEST = 900 * SECOND
FIRST_PAUSE = 5 * SECOND
LAST_PAUSE = 300 * SECOND
STOOD = (BookState.LIVE, BookState.STALE)


class Turns:
    """Whose turn it is to ask a venue: evenly spread, first come first served; after failures not
    for a while, that doubles."""

    WAITS = SECOND

    def __init__(self) -> None:
        self._waiting: dict[int, int] = {}
        self._next_at = 0
        self._failures = 0

    def take(self, who: int, gap: int, at: int) -> bool:
        """Whether ``who`` may ask now, ``gap`` ns after the one before; if not, it keeps its place
        in the line while it goes on to ask for it."""
        self._waiting[who] = at
        if at < self._next_at:
            return False
        first = next(one for one, since in self._waiting.items() if at - since <= self.WAITS)
        if first != who:
            return False
        self._waiting = {one: t for one, t in self._waiting.items() if at - t <= self.WAITS}
        del self._waiting[who]
        self._next_at = at + gap
        return True

    def leave(self, who: int) -> None:
        """``who`` has nothing to ask."""
        self._waiting.pop(who, None)

    def failed(self, at: int) -> int:
        """There was no answer that could be used: how long (ns) nobody asks now."""
        pause = min(FIRST_PAUSE << min(self._failures, 10), LAST_PAUSE)
        self._failures += 1
        self._next_at = max(self._next_at, at + pause)
        return pause

    def worked(self) -> None:
        """An answer could be used."""
        self._failures = 0


class Found(Struct, frozen=True):
    """What an answer means. ``quiet``: the book of ``market`` is confirmed; ``dead``: why it must
    not be believed; neither: nothing is known."""

    market: str
    quiet: bool = False
    dead: str = ""
    notice: Notice | None = None


class _Market:
    __slots__ = ("asked_at", "deaths", "differed", "made", "messages", "moved_at", "not_before")

    def __init__(self, at: int) -> None:
        self.messages = 0
        self.moved_at = at
        self.asked_at = 0
        self.not_before = 0
        self.differed = False
        self.deaths = 0
        self.made = b""


class Quiet:
    """The markets of one connection. ``books`` and ``counts`` are the lane's; ``rest``: the address
    of the venue's REST interface."""

    def __init__(
        self,
        store: BookStore,
        turns: Turns,
        request: RestBook,
        rest: str,
        books: Mapping[str, int],
        counts: Mapping[str, Counts],
    ) -> None:
        self._store = store
        self._turns = turns
        self._request = request
        self._keys = Keys.of(request.layout)
        self._rest = rest
        self._books = books
        self._counts = counts
        self._markets: dict[str, _Market] = {}

    def look(self, probing: Probing, at: int) -> list[Fetch]:
        """A few times a second: the request that is to be made now, if any."""
        if not probing.rate:
            return []
        due = [
            (not one.differed, self._store.proven_at(book), market)
            for market, book in self._books.items()
            if self._due(one := self._one(market, at), market, book, probing.quiet, at)
        ]
        if not due:
            self._turns.leave(id(self))
            return []
        gap = round(SECOND / min(probing.rate, self._request.per_second))
        if not self._turns.take(id(self), gap, at):
            return []
        market = min(due)[2]
        self._markets[market].asked_at = at
        return [Fetch(TAG + market, self._request.url(self._rest, market))]

    def answered(self, tag: str, status: int, body: bytes, at: int) -> Found:
        """The answer to such a request."""
        market = tag.removeprefix(TAG)
        one, book = self._markets[market], self._books[market]
        asked_at, one.asked_at = one.asked_at, 0
        one.not_before = at
        try:
            if status != 200:
                raise msgspec.DecodeError(f"HTTP {status}" if status else "no answer")
            shown = self._request.read(body)
            lists, request = (shown.bids, shown.asks), self._request
            same = self._store.shows(book, *lists, self._keys, request.levels, request.step)
        except (msgspec.DecodeError, BadLevels) as error:
            pause = self._turns.failed(at) // SECOND
            text = f"{market}: its book over REST: {error}; none is asked for in the next {pause} s"
            return Found(market, notice=Notice(text))
        self._turns.worked()
        again, one.made = bool(shown.made) and shown.made == one.made, shown.made
        if again or not self._stands(one, market, book):
            return Found(market)
        if same:
            one.differed, one.deaths = False, 0
            self._store.confirm(book, asked_at - self._request.cached, at)
            return Found(market, quiet=True)
        return self._differs(one, market, at)

    def _differs(self, one: _Market, market: str, at: int) -> Found:
        if not one.differed:
            one.differed = True
            one.not_before = at + min(AGAIN << min(one.deaths, 10), LONGEST)
            return Found(market)
        one.differed = False
        one.deaths += 1
        silent = (at - one.moved_at) / SECOND
        return Found(market, dead=f"silent for {silent:.1f} s while REST shows another book")

    def _one(self, market: str, at: int) -> _Market:
        one = self._markets.get(market)
        if one is None:
            one = self._markets[market] = _Market(at)
        return one

    def _due(self, one: _Market, market: str, book: int, quiet: int, at: int) -> bool:
        messages = self._counts[market].messages
        if messages != one.messages:
            one.messages, one.moved_at, one.differed = messages, at, False
            return False
        if one.asked_at or at - one.moved_at < quiet or at < one.not_before:
            return False
        if self._store.state(book) not in STOOD:
            return False
        return one.differed or at - self._store.proven_at(book) >= quiet

    def _stands(self, one: _Market, market: str, book: int) -> bool:
        """Whether the book is still the one of the moment at which the request was made."""
        return self._counts[market].messages == one.messages and self._store.state(book) in STOOD
