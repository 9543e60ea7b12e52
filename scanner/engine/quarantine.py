"""Whether two books of one name are of one thing, told from their prices.

Looked at about once a second. Two live books of one coin in one currency whose mids differ by more
than a limit are of two coins, of two units of one (1000 of it under the same name), or of one that
cannot be moved between them (a closed wallet): nothing of that can be earned, so both routes are
barred. A route that has been worth it after fees for hours is barred too: what nobody takes for so
long is there for a reason (*structural*).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from scanner.books import layout as L
from scanner.books.store import BookStore
from scanner.engine.apart import AGAIN, Apart
from scanner.engine.gates import Gate
from scanner.engine.groups import Groups
from scanner.engine.moves import Moves
from scanner.engine.rules import Rules
from scanner.events import Suspect
from scanner.types import BookState, Market

SECOND = 1_000_000_000
PERIOD = SECOND
# What has been well for this long is let go: a price that flickers about the limit is not.
RELEASE = 60 * SECOND
# How far a ratio may be from a power of ten to be taken for one.
NEAR = math.log10(1.1)
STRUCTURAL = "structural premium"
OTHER = "another coin, or a closed wallet"

Route = tuple[int, int]
Bar = Callable[[int, int, Gate | None], None]
Tell = Callable[[Suspect], None]


class Seen(Struct, frozen=True):
    """A live book: its mid, and what one of base costs and brings at its touch after fees."""

    book: int
    mid: float
    ask: float
    bid: float


class Held(Struct):
    """Something that is wrong since a time (ns), and well again since another (0: it is not)."""

    since: int
    well_since: int = 0
    reason: str = ""

    def is_over(self, wrong: bool, at: int) -> bool:
        """Whether it has been well for long enough."""
        if wrong:
            self.well_since = 0
            return False
        self.well_since = self.well_since or at
        return at - self.well_since >= RELEASE


class Doubt(Held):
    """Two books further apart than the limit, and how their prices have moved since."""

    moves: Moves = field(default_factory=Moves)


class Barred(Struct, frozen=True):
    """Why a route is barred, and what that rests on."""

    reason: str
    held: Held

    @property
    def structural(self) -> bool:
        """It is for how long it has been worth it, not for how far apart the two are."""
        return self.reason == STRUCTURAL


class Quarantine:
    """What is barred now, and why. ``bar`` as in ``Engine``; ``tell`` gets a ``Suspect`` when a bar
    begins and ends, when its reason is another than before, and each minute in between."""

    def __init__(
        self,
        store: BookStore,
        groups: Groups,
        markets: Mapping[int, Market],
        apart: Apart,
        bar: Bar,
        tell: Tell,
    ) -> None:
        self._store = store
        self._groups = groups
        self._markets = markets
        self._apart = apart
        self._bar = bar
        self._tell = tell
        self._doubts: dict[Route, Doubt] = {}
        self._premiums: dict[Route, Held] = {}
        self._barred: dict[Route, Barred] = {}
        self._told_at: dict[Route, int] = {}
        self._looked: int | None = None

    def why(self, buy: int, sell: int) -> str:
        """Why the route is barred; empty if it is not, or not from here."""
        barred = self._barred.get((buy, sell))
        return barred.reason if barred else ""

    def look(self, rules: Rules, at: int) -> None:
        """Look at all books again, unless that was less than a second ago."""
        if self._looked is not None and 0 <= at - self._looked < PERIOD:
            return
        self._looked = at
        asked = math.isfinite(rules.suspect_bps) or rules.structural
        self._release_apart(at)
        due = self._apart.due(at)
        if not asked and not self._doubts and not self._premiums and not due:
            return
        live: dict[int, Seen] = {}
        beyond: set[Route] = set()
        paying: set[Route] = set()
        factor = 1 + rules.suspect_bps / 10_000
        for group in self._groups.numbers.values():
            for books in self._live(group):
                live.update((one.book, one) for one in books)
                if max(one.mid for one in books) > factor * min(one.mid for one in books):
                    beyond |= _beyond(books, factor)
                if max(one.bid for one in books) > min(one.ask for one in books):
                    paying |= _paying(books)
        self._doubt(beyond, live, at)
        self._wait(paying if rules.structural else set(), live, at)
        self._apply(rules.structural, live, at)
        for route, why, told in due:
            if route[0] in live and route[1] in live:
                self._say_apart(route, why, told, live, at)

    def _live(self, group: int) -> list[list[Seen]]:
        """The live books of a group that have both sides, by their quote."""
        found: defaultdict[str, list[Seen]] = defaultdict(list)
        for book, touch in zip(self._groups.books(group), self._groups.touches(group), strict=True):
            ask, bid = touch[L.PLAIN_ASK], touch[L.PLAIN_BID]
            if self._store.state(book) is BookState.LIVE and bid > 0 and ask < math.inf:
                seen = Seen(book, (ask + bid) / 2, touch[L.NET_ASK], touch[L.NET_BID])
                found[self._markets[book].quote].append(seen)
        return list(found.values())

    def _doubt(self, beyond: set[Route], live: Mapping[int, Seen], at: int) -> None:
        for pair in beyond - self._doubts.keys():
            self._doubts[pair] = Doubt(at)
        for pair, doubt in list(self._doubts.items()):
            if not self._comparable(pair):
                del self._doubts[pair]
            elif pair[0] in live and pair[1] in live:
                one, other = live[pair[0]], live[pair[1]]
                doubt.moves.sample(one.mid, other.mid, at)
                if doubt.is_over(pair in beyond, at):
                    del self._doubts[pair]
                if pair in beyond:  # what is back within bounds says nothing of what was wrong
                    doubt.reason = _reason(one, other, doubt.moves)

    def _wait(self, paying: set[Route], live: Mapping[int, Seen], at: int) -> None:
        for route in paying - self._premiums.keys():
            self._premiums[route] = Held(at, reason=STRUCTURAL)
        for route, premium in list(self._premiums.items()):
            known = route[0] in live and route[1] in live
            over = known and premium.is_over(route in paying, at)
            if over or not self._comparable(route):
                del self._premiums[route]

    def _apply(self, structural: int, live: Mapping[int, Seen], at: int) -> None:
        """Bar what is to be barred (again too: a book that came back is as if it were new), and let
        go of the rest."""
        barred = {
            route: Barred(premium.reason, premium)
            for route, premium in self._premiums.items()
            if structural and at - premium.since >= structural
        }
        for (one, other), doubt in self._doubts.items():
            barred[one, other] = barred[other, one] = Barred(doubt.reason, doubt)
        before, self._barred = self._barred, barred
        for route in barred:
            self._bar(*route, Gate.QUARANTINE)
        for route in before.keys() - barred.keys():
            if self._comparable(route):
                self._bar(*route, None)
        for route in sorted(before.keys() | barred.keys()):
            self._say(route, before.get(route), barred.get(route), live, at)

    def _say(
        self,
        route: Route,
        before: Barred | None,
        now: Barred | None,
        live: Mapping[int, Seen],
        at: int,
    ) -> None:
        """What has become of the route, if anything is to be told of it."""
        if before and now and before.structural != now.structural:
            self._tell_of(route, before, "released", live, at)
            before = None
        if now is None:
            self._told_at.pop(route, None)
            if before is not None:
                self._tell_of(route, before, "released", live, at)
        elif before is None:
            self._tell_of(route, now, "barred", live, at)
        elif before.reason != now.reason:
            self._tell_of(route, now, "changed", live, at)
        elif at - self._told_at.get(route, 0) >= AGAIN:
            self._tell_of(route, now, "held", live, at)

    def _tell_of(
        self, route: Route, it: Barred, state: str, live: Mapping[int, Seen], at: int
    ) -> None:
        """One line for both ways of a pair: that from the cheaper to the dearer."""
        if state != "released":
            self._told_at[route] = at
        if not self._comparable(route) or not (route[0] in live and route[1] in live):
            return
        buy, sell = live[route[0]], live[route[1]]
        if not it.structural and (buy.mid, buy.book) > (sell.mid, sell.book):
            return
        moves = it.held.moves if isinstance(it.held, Doubt) else None
        told = self._suspect(buy, sell, it.reason, it.held.since, state, at, moves)
        self._tell(replace(told, structural=it.structural))

    def _say_apart(
        self, route: Route, why: str, last: Suspect | None, live: Mapping[int, Seen], at: int
    ) -> None:
        """One line for a pair whose contracts say that they are of two coins."""
        cheap, dear = sorted((live[route[0]], live[route[1]]), key=lambda seen: seen.mid)
        state = "barred" if last is None else "held" if last.reason == why else "changed"
        since = at if last is None else last.since
        told = self._suspect(cheap, dear, why, since, state, at)
        self._tell(told)
        self._apart.tell(route, told)

    def _release_apart(self, at: int) -> None:
        """Contracts that do not differ any more. What prices say of the same pair is told anew."""
        for (one, other), told in self._apart.released().items():
            self._tell(replace(told, state="released", at=at))
            for route in ((one, other), (other, one)):
                self._told_at.pop(route, None)

    def _suspect(
        self,
        buy: Seen,
        sell: Seen,
        reason: str,
        since: int,
        state: str,
        at: int,
        moves: Moves | None = None,
    ) -> Suspect:
        market = self._markets[buy.book]
        return Suspect(
            at=at,
            symbol=market.symbol,
            buy=market.venue,
            sell=self._markets[sell.book].venue,
            ratio=sell.mid / buy.mid,
            buy_mid=buy.mid,
            sell_mid=sell.mid,
            power=_power(sell.mid / buy.mid),
            moves=moves.count if moves else 0,
            correlation=moves.correlation if moves else 0.0,
            agreement=moves.agreement if moves else 0.0,
            reason=reason,
            since=since,
            state=state,
        )

    def _comparable(self, route: Route) -> bool:
        """Whether both books still take part, as the same coin in the same currency."""
        one, other = self._markets.get(route[0]), self._markets.get(route[1])
        if one is None or other is None:
            return False
        return (one.base, one.quote) == (other.base, other.quote)


def _beyond(books: list[Seen], factor: float) -> set[Route]:
    return {
        (min(one.book, other.book), max(one.book, other.book))
        for one in books
        for other in books
        if other.mid > factor * one.mid
    }


def _paying(books: list[Seen]) -> set[Route]:
    return {(buy.book, sell.book) for buy in books for sell in books if sell.bid > buy.ask}


def _power(ratio: float) -> int:
    """Which power of ten it is near to; 0: to none, or to 1."""
    exponent = math.log10(ratio)
    return round(exponent) if abs(exponent - round(exponent)) <= NEAR else 0


def _reason(one: Seen, other: Seen, moves: Moves) -> str:
    power = abs(_power(other.mid / one.mid))
    if moves.together is False:
        return "another coin"
    if power:
        return f"{'a' if moves.together else 'suspected'} multiplier of 10^{power}"
    return "a closed wallet" if moves.together else OTHER
