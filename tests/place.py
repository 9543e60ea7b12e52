"""A venue beside another one whose book stands still, on virtual time, through the whole path."""

from __future__ import annotations

from msgspec.structs import replace

from scanner.engine.bounds import Bounds
from scanner.engine.ids import Ids
from scanner.engine.tracker import Thresholds
from scanner.events import Opportunity
from scanner.lane import Action, Lane
from scanner.pipeline import Pipeline
from scanner.types import BookState, Depth, Market, Proof
from scanner.venues import ccxt_book
from scanner.venues.protocol import Options, Venue
from tests.touches import MILLISECOND, Teller, Touch
from tests.venues.harness import text

START = 1_786_310_816_000
STEP = 100
AGE = 3_000
TRUE, HIGH = ("100", "101"), ("110", "111")


class Place:
    """A venue and another one, whose book always stands at ``TRUE``: it pays to sell at ``HIGH``.

    ``now`` in ms; ids are those of the venue at that time.
    """

    def __init__(self, kind: type[Teller]) -> None:
        self.said: list[Opportunity] = []
        self.pipeline = Pipeline(
            thresholds=Thresholds(min_net_bps=1, update_interval=0),
            bounds=Bounds(max_age=AGE * MILLISECOND, max_skew=AGE * MILLISECOND),
            ids=Ids(lambda n: 0),
            emit=self.said.append,
        )
        self.now = START
        self._first = START if kind.venue.id == "kucoin" else 1_000_000
        self.teller = kind(self.lane(kind.venue, kind.market, kind.depth))
        whole = dict.fromkeys(Depth, Proof.SNAPSHOTS)
        other = replace(ccxt_book.venue("other"), proof=whole)
        self.other = self.lane(other, "BTC/USDT", Depth.TOP)
        self.teller.begin(self.number, TRUE, self.now)
        self.wait(1000)
        assert (self.state, self.said) == (BookState.LIVE, [])

    def lane(self, venue: Venue, name: str, depth: Depth) -> Lane:
        market = Market(
            venue=venue.id, id=name, symbol="BTC/USDT", base="BTC", quote="USDT", taker_fee=0.0
        )
        options = Options(depth=depth, rest=venue.rest, ws=venue.ws)
        lane = self.pipeline.lane(venue, [market], options)
        lane.start(self.now * MILLISECOND)
        lane.opened(self.now * MILLISECOND)
        return lane

    def reconnect(self) -> None:
        """The connection to the venue is lost; a new one stands."""
        kind = type(self.teller)
        self.teller.lane.closed("cut", self.now * MILLISECOND)
        self.teller = kind(self.lane(kind.venue, kind.market, kind.depth))

    @property
    def number(self) -> int:
        return self._first + self.now - START

    @property
    def state(self) -> BookState:
        return self.pipeline.store.state(self.sold)

    @property
    def open(self) -> bool:
        return self.pipeline.engine.open_count > 0

    @property
    def sold(self) -> int:
        return self.teller.lane.books[self.teller.market]

    @property
    def bought(self) -> int:
        return self.other.books["BTC/USDT"]

    def best(self, touch: Touch, ahead: int = 1, number: int | None = None) -> None:
        """The faster channel speaks, with an id ``ahead`` of the depth or with this one."""
        self.teller.best(self.number + ahead if number is None else number, touch, self.now)

    def step(self, *, depth: bool = True) -> None:
        """A tenth of a second passes; both venues tell of their books at its end."""
        self.now += STEP
        if depth:
            self.teller.book(self.number, TRUE, self.now)
        sides = {"bids": [[TRUE[0], "3"]], "asks": [[TRUE[1], "3"]]}
        self.other.received(text({"market": "BTC/USDT", **sides}), self.now * MILLISECOND)
        self.pipeline.tick(self.now * MILLISECOND)

    def idle(self) -> list[Action]:
        """A step in which the faster channel alone speaks; what the connection is to do."""
        self.step(depth=False)
        self.best(HIGH)
        return self.teller.lane.idle(self.now * MILLISECOND)

    def wait(self, time: int) -> None:
        for _ in range(time // STEP):
            self.step()

    def restart(self, *, asked: bool = False) -> None:
        """The venue begins its ids anew."""
        self.now += 1
        self._first -= self.number - (START // 2 if self._first >= START else 5)
        begin = self.teller.renewed if asked else self.teller.restart
        begin(self.number, TRUE, self.now)

    def open_for(self, time: int, *, depth: bool = True) -> int:
        """How long, in ms, anything stays open, watched for ``time``; it must not open again."""
        assert self.open
        begin, opened = self.now, len(self.said)
        while self.now - begin < time:
            self.step(depth=depth)
        closed = [event for event in self.said[opened:] if event.event == "closed"]
        assert not self.open
        assert [event.event for event in self.said].count("opened") == len(closed) == 1
        return closed[0].at // MILLISECOND - begin

    def takes_a_best_again(self) -> bool:
        """Whether the faster channel, as it is when it is healthy, opens and closes at once."""
        assert self.state is BookState.LIVE
        self.now += 1
        self.best(HIGH)
        opened = self.open
        self.now += 1
        self.best(TRUE)
        return opened and not self.open
