"""What questions are answered with."""

from __future__ import annotations

from msgspec import Struct

from scanner.events import Alert, FeedEvent, Leg
from storage.evidence import Basis
from storage.queries.survival import Moment

OPENED, PEAK, LAST = "opened", "peak", "last"


class State(Basis, frozen=True, kw_only=True):
    """One whole state of an opportunity, as in ``scanner.events.Opportunity``. ``moment``: opened,
    peak (of its net bps) or last."""

    moment: str
    at: int
    size: float
    gross_bps: float
    net_bps: float
    net_profit: float
    buy: Leg
    sell: Leg


class Stored(Struct, frozen=True, kw_only=True):
    """An opportunity as it is stored; the figures are of its newest event, as in
    ``scanner.events.Opportunity``.

    ``buy`` and ``sell`` are None where the levels could not be kept; ``basis`` is what else the
    newest state rests on. ``closed_at`` and ``duration``
    (ns) are None while it is open. ``survival``: what became of it, the soonest first.
    """

    id: str
    run_id: str
    kind: str
    symbol: str
    buy_venue: str
    sell_venue: str
    buy: Leg | None
    sell: Leg | None
    basis: Basis = Basis()
    opened_at: int
    at: int
    closed_at: int | None
    duration: int | None
    reason: str
    updates: int
    size: float
    gross_bps: float
    net_bps: float
    net_profit: float
    currency: str
    peak_net_bps: float
    peak_net_profit: float
    survival: tuple[Moment, ...] = ()

    @property
    def event(self) -> str:
        """Its newest event."""
        if self.closed_at is not None:
            return "closed"
        return "updated" if self.updates else "opened"


class Sample(Struct, frozen=True):
    """The figures of an opportunity at one moment."""

    at: int
    size: float
    gross_bps: float
    net_bps: float
    net_profit: float


class Detail(Struct, frozen=True, kw_only=True):
    """All that is stored of one opportunity. ``states`` in the order opened, peak, last; what is
    missing did not differ from the one before. ``feeds``: what happened to the feeds of its venues
    from a minute before it to a minute after, oldest first; ``feeds_left_out`` is how many more
    there are. ``before``: the newest event of each venue from before that. ``version``: the
    scanner's."""

    opportunity: Stored
    states: list[State]
    samples: list[Sample]
    feeds: list[FeedEvent]
    feeds_left_out: int
    before: list[FeedEvent]
    alerts: list[Alert]
    version: str


class RouteFigures(Struct, frozen=True, kw_only=True):
    """The net edges at the touch of a route (bps) over a time, as in
    ``scanner.events.RouteMinute``; ``at`` is when the newest was taken,
    ``minutes`` how many summaries it is made of."""

    symbol: str
    buy: str
    sell: str
    at: int
    minutes: int
    samples: int
    positive: int
    low_bps: float
    high_bps: float
    mean_bps: float
    last_bps: float


class SpreadPoint(Struct, frozen=True):
    """The best of all routes of a symbol within a slice of time that begins at ``at``: the highest
    edge seen and the highest mean of a route, bps."""

    at: int
    high_bps: float
    mean_bps: float


class Info(Struct, frozen=True, kw_only=True):
    """What is in a database. Times in ns, None where nothing is. ``size`` in bytes, and
    ``wal``, what the write-ahead log next to a file takes; None of a server."""

    place: str
    schema: str
    size: int
    wal: int | None
    runs: int
    opportunities: int
    open: int
    first: int | None
    last: int | None
