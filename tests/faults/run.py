"""One world: venues, wires, faults, the real pipeline, and the truth beside it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

from msgspec import Struct, field

from scanner.engine.bounds import Bounds, Probing
from scanner.engine.ids import Ids
from scanner.engine.tracker import Thresholds
from scanner.events import Opportunity
from scanner.lab.book import ASK, BID, LabBook
from scanner.lab.listings import LISTINGS
from scanner.lab.prices import Episode
from scanner.lab.world import World
from scanner.pipeline import Pipeline
from scanner.types import Depth, Market
from scanner.venues.registry import native
from tests.faults.faults import FAULTS, MILLISECOND, SECOND, Fault
from tests.faults.link import Link
from tests.faults.truth import FOREVER, Place, Rule, Shown, faults_of, net_bps, still_false

BEGIN = 1_760_000_000 * SECOND
STEP = 20 * MILLISECOND
BEAT = 250 * MILLISECOND
LENGTH = 16 * SECOND
WARM = 3 * SECOND
AT = (3.0, 9.0)
FEE = 0.0005
MIN_BPS = 5.0
CLEAR_BPS = 6.0
BACKLOG = 12
NAMES = tuple(LISTINGS)
COINS = ("BTC", "ETH", "SOL", "XRP")
RULE = Rule()

Route = tuple[Place, Place]


class Plan(Struct, frozen=True):
    """What happens in a world: which fault, at which venue, on which channels."""

    seed: int
    fault: type[Fault]
    venue: str
    depth: Depth

    @classmethod
    def of(cls, seed: int) -> Plan:
        """Seeds in a row go through every fault on every venue on both depths."""
        turn, fault = divmod(seed, len(FAULTS))
        depth, venue = divmod(turn, len(NAMES))
        chosen = tuple(Depth)[depth % 2]
        return cls(seed, FAULTS[fault], NAMES[venue], chosen)


class Outcome(Struct):
    """What came of a world. ``deltas``: rows of books that changed at the venues and were told of;
    ``expected`` true opportunities, of which ``missed`` were not flagged; ``false``: why flags
    are."""

    fault: str
    venue: str
    depth: str
    seed: int
    messages: int = 0
    applied: int = 0
    deltas: int = 0
    happened: int = 0
    flags: int = 0
    false: list[str] = field(default_factory=list)
    expected: int = 0
    missed: list[str] = field(default_factory=list)


class Run:
    """One world. ``change`` may alter the pipeline before it is used (the tests of the tests)."""

    def __init__(self, plan: Plan, change: Callable[[Pipeline], None] | None = None) -> None:
        self.random = Random(f"{plan.seed}:faults")
        self.outcome = Outcome(plan.fault.name, plan.venue, plan.depth.value, plan.seed)
        others = [name for name in NAMES if name != plan.venue]
        names = (plan.venue, *self.random.sample(others, 2))
        self._coin = self.random.choice(COINS)
        symbols = {f"{self._coin}/USDT", f"{self._coin}/USDC", "USDC/USDT"}
        if plan.depth is Depth.TOP and "binance" in names:
            symbols.add("BTC/USDT")  # by whose trades the time is told
        self.world = World(plan.seed, BEGIN, names, symbols=symbols)
        self.stalled_until = 0
        self.touched: set[Place] = set()
        self._now = BEGIN
        self._skew = self.random.randrange(-2000, 2000) * MILLISECOND
        self._pipeline = Pipeline(
            thresholds=Thresholds(min_net_bps=MIN_BPS),
            bounds=Bounds(),
            ids=Ids(self.random.getrandbits),
            emit=self._flag,
        )
        self._pipeline.probing = Probing()
        if change is not None:
            change(self._pipeline)
        self._shown: dict[Place, Shown] = {
            (venue, book.market.symbol): Shown(book, BEGIN) for venue, book in self.world.books()
        }
        self._books = {(venue, book.market.symbol): book for venue, book in self.world.books()}
        self.fault = plan.fault(Random(f"{plan.seed}:fault"), BEGIN, AT)
        self.links = {
            name: self._link(name, plan.depth, self.fault if name == plan.venue else None)
            for name in names
        }
        self._true_since: dict[Route, int] = {}
        self._open_since: dict[Route, int] = {}
        self._was_open: dict[Route, list[tuple[int, int]]] = {}
        self._open: dict[str, Opportunity] = {}
        self._next_episode = BEGIN + SECOND

    def play(self) -> Outcome:
        """From the beginning to the end."""
        beat = 0
        for now in range(BEGIN, BEGIN + LENGTH, STEP):
            self._now = now
            self._episodes(now)
            self.touched = {(venue, book.market.symbol) for venue, book in self.world.advance(now)}
            focus = next(iter(self.links.values()))
            self.fault.step(self, focus, now)
            for place in self.touched:
                self.outcome.deltas += self._shown[place].changed(now)
            self._look(now)
            stalled = now < self.stalled_until
            for link in self.links.values():
                link.produce(now, stalled)
                if not stalled:
                    link.deliver(now, BACKLOG)
            if not stalled and now - beat >= BEAT:
                beat = now
                self._pipeline.tick(now + self._skew)
                for link in self.links.values():
                    link.beat(now)
                self._look_at_open(now)
        for route in list(self._true_since):
            self._was_true(route, self._now)
        self.outcome.happened = self.fault.happened
        self.outcome.messages = sum(link.messages for link in self.links.values())
        return self.outcome

    def _link(self, name: str, depth: Depth, fault: Fault | None) -> Link:
        venue = native(name)
        assert venue is not None
        books = [book for of, book in self.world.books() if of == name]
        markets = [_market(name, venue.stream_id, book) for book in books]
        random = Random(f"{self.outcome.seed}:{name}")
        return Link(self.world, venue, markets, self._pipeline, depth, fault, random, self._skew)

    def _episodes(self, now: int) -> None:
        """Now and then a market leaves the others by more than the fees."""
        if now < self._next_episode:
            return
        self._next_episode = now + int(self.random.uniform(1.0, 3.0) * SECOND)
        venue, symbol = self.random.choice(sorted(self._books))
        amount = (2 * FEE + self.random.uniform(15, 70) * 1e-4) * self.random.choice((-1, 1))
        end = now + int(self.random.uniform(2.0, 7.0) * SECOND)
        self.world.push(venue, symbol, Episode(now, end, amount))

    def _flag(self, flag: Opportunity) -> None:
        at = flag.at - self._skew
        route = ((flag.buy.venue, flag.buy.symbol), (flag.sell.venue, flag.sell.symbol))
        if flag.event == "closed":
            del self._open[flag.id]
            if not flag.legs:
                since = self._open_since.pop(route)
                self._was_open.setdefault(route, []).append((since, at))
            return
        self._open[flag.id] = flag
        if not flag.legs:
            self._open_since.setdefault(route, at)
        self.outcome.flags += 1
        told = {
            (name, symbol): sent
            for name, link in self.links.items()
            for symbol, sent in link.told.items()
        }
        down = {name for name, link in self.links.items() if not link.connected}
        reasons = faults_of(flag, self._shown, told, down, at, RULE)
        self._note_false(reasons, flag.event, at)

    def _look_at_open(self, now: int) -> None:
        for flag in self._open.values():
            self._note_false(still_false(flag, self._shown, now, RULE), "open", now)

    def _note_false(self, reasons: list[str], event: str, at: int) -> None:
        after = (at - BEGIN) / SECOND
        self.outcome.false += [f"{event} at {after:.2f} s: {reason}" for reason in reasons]

    def _look(self, now: int) -> None:
        """Which routes of one symbol truly pay."""
        for place in self.touched:
            for other in self._books:
                if other[1] == place[1] and other != place:
                    self._judge((place, other), now)
                    self._judge((other, place), now)

    def _judge(self, route: Route, now: int) -> None:
        asks, bids = self._books[route[0]], self._books[route[1]]
        ask, bid = asks.best()[1], bids.best()[0]
        pays = (
            ask is not None
            and bid is not None
            and float(bid[0]) > float(ask[0])
            and net_bps(asks.levels(ASK, 60), bids.levels(BID, 60), FEE) >= CLEAR_BPS
        )
        if pays:
            self._true_since.setdefault(route, now)
        elif route in self._true_since:
            self._was_true(route, now)

    def _was_true(self, route: Route, now: int) -> None:
        since = self._true_since.pop(route)
        lasted = now - since > RULE.max_age and since > BEGIN + WARM
        healthy = all(self.links[venue].healthy(since, now) for venue, _ in route)
        if not lasted or not healthy:
            return
        self.outcome.expected += 1
        spans = [*self._was_open.get(route, ())]
        if route in self._open_since:
            spans.append((self._open_since[route], FOREVER))
        if not any(start <= now and end >= since for start, end in spans):
            text = " > ".join(f"{venue} {symbol}" for venue, symbol in route)
            times = f"{(since - BEGIN) / SECOND:.2f} to {(now - BEGIN) / SECOND:.2f} s"
            self.outcome.missed.append(f"{text}, {times}")


def _market(venue: str, stream_id: Callable[[Any], str], book: LabBook) -> Market:
    listed = book.market
    return Market(
        venue=venue,
        id=stream_id({"id": listed.id, "symbol": listed.symbol, "info": {}}),
        symbol=listed.symbol,
        base=listed.base,
        quote=listed.quote,
        price_tick=float(listed.tick),
        lot=float(listed.lot),
        taker_fee=FEE,
    )


def play(seed: int) -> Outcome:
    """The world of a seed."""
    outcome = Run(Plan.of(seed)).play()
    gc.collect()  # a world is a circle of a few objects with much memory: hundreds would wait
    return outcome


def summed(outcomes: Iterable[Outcome]) -> dict[str, list[Outcome]]:
    """By fault."""
    found: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        found.setdefault(outcome.fault, []).append(outcome)
    return found
