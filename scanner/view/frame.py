"""What is to be seen at one moment, as plain frozen data.

Nothing in a frame leads back to the core: it can be kept, compared, and sent to another process.

Prices are in quote per base, sizes in base, ages and lags in ms, ``at`` and the like in ns.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from scanner.events import Carry, WorstFunding
from scanner.hedge_events import HedgedCoin
from scanner.moving import Prefunded, Transfer

Second = float | None
"""The best net spread of one second in bps; None where no two books could be compared."""


class Standing(StrEnum):
    """What the best route of a symbol is worth.

    ``OPEN``: flagged. ``PAYS``: positive after fees, under the thresholds. ``DUST``: positive, but
    less than the smallest order. ``NEAR``: it would lose. ``NONE``: no two books can be compared.
    """

    OPEN = "open"
    PAYS = "pays"
    DUST = "dust"
    NEAR = "near"
    NONE = "none"

    @property
    def positive(self) -> bool:
        """Whether an order would leave something."""
        return self in (Standing.OPEN, Standing.PAYS)


class Place(Struct, frozen=True, kw_only=True):
    """One leg at the touch. ``places``: decimals of the venue's price tick, -1 if unknown.
    ``quote``: the currency of its price, where that is not the row's."""

    venue: str
    price: float
    places: int
    age_ms: float
    quote: str = ""


class Row(Struct, frozen=True, kw_only=True):
    """The best route of one symbol.

    ``size``, ``profit`` and the bps are those of the best size; of a route that would lose, those
    of what stands at the touch. ``live`` of ``books`` can be trusted. ``trend``: the last seconds,
    oldest first. ``id``, ``opened_at`` and the peak are those of the open opportunity, if any.
    ``kind``: it is the row of one that takes more than two orders, and only there while it is open;
    or of a carry, the best that sells the contract ``symbol``: its net is what is expected of
    holding it, its gross the basis, ``apr`` the net a year, a fraction of the capital.
    """

    symbol: str
    base: str
    quote: str
    standing: Standing = Standing.NONE
    buy: Place | None = None
    sell: Place | None = None
    size: float = 0.0
    gross_bps: float = 0.0
    net_bps: float = 0.0
    profit: float = 0.0
    id: str = ""
    opened_at: int = 0
    peak_net_bps: float = 0.0
    live: int = 0
    books: int = 0
    trend: tuple[Second, ...] = ()
    kind: str = ""
    apr: float | None = None


class Level(Struct, frozen=True):
    """One level of a ladder and how much of it the size takes."""

    price: float
    size: float
    taken: float


class Sum(Struct, frozen=True, kw_only=True):
    """The arithmetic of a trade, each line in ``quote``; fee rates are fractions. ``received`` is
    what all that is bought would bring before costs. A fee taken in base counts as what it would
    have brought, and what lots leave over stands with the fee of the sale. ``converting``: what it
    costs to turn what the sale brings into ``quote``, at ``converted_at``; ``moving``: what the
    withdrawal takes off on the way, where the coin is moved."""

    size: float
    paid: float
    buy_rate: float
    buy_fee: float
    received: float
    sell_rate: float
    sell_fee: float
    converting: float = 0.0
    converted_at: str = ""
    moving: float = 0.0

    @property
    def net(self) -> float:
        """What is left."""
        costs = self.buy_fee + self.sell_fee + self.converting + self.moving
        return self.received - self.paid - costs


class Quoted(Struct, frozen=True, kw_only=True):
    """What one venue shows of the symbol; 0 on a side that is empty or not to be trusted."""

    venue: str
    state: str
    age_ms: float
    bid: float
    ask: float
    places: int
    fee_rate: float


class Stop(Struct, frozen=True):
    """How often a gate has stopped a route within this minute, and what was missing at least, as in
    ``scanner.events.RejectMinute``. ``beside``: it is no route of the row but this, which the
    symbol of the row takes part in."""

    gate: str
    count: int
    shortfall_bps: float
    beside: str = ""


class Order(Struct, frozen=True, kw_only=True):
    """One of the orders of a row that has more than two: ``size`` in base at ``price`` on the
    whole, in the units of its ``symbol``."""

    venue: str
    symbol: str
    side: str
    size: float
    price: float
    fee_rate: float
    age_ms: float


class Detail(Struct, frozen=True, kw_only=True):
    """All about the best route of one symbol: the asks that are bought, the bids that are sold to,
    best first, and every venue's touch. ``history`` goes further back than ``Row.trend``.
    ``stops``: why it was not flagged though it looked good, the most often first; then the same of
    other kinds that the symbol takes part in. ``transfer`` and
    ``prefunded``: how the coin comes to the sale, and what that leaves. ``orders``: of what takes
    more than two of them, or is held, which has no ladders here; ``bound``: what ended its size;
    ``carry``: what holding it rests on; ``worst``: the worst funding that is stored of its legs."""

    symbol: str
    asks: tuple[Level, ...] = ()
    bids: tuple[Level, ...] = ()
    sum: Sum | None = None
    quotes: tuple[Quoted, ...] = ()
    history: tuple[Second, ...] = ()
    stops: tuple[Stop, ...] = ()
    transfer: Transfer | None = None
    prefunded: Prefunded | None = None
    orders: tuple[Order, ...] = ()
    bound: str = ""
    carry: Carry | None = None
    worst: tuple[WorstFunding, ...] = ()


class Link(StrEnum):
    """How a venue is doing. ``LIVE``: all connections and books; ``PARTLY``: not all of them."""

    LIVE = "live"
    PARTLY = "partly"
    CONNECTING = "connecting"
    DOWN = "down"


class VenueLine(Struct, frozen=True, kw_only=True):
    """The health of one venue. ``rate``: messages/s; ``lag_ms``: from the venue's timestamp to ours
    (None: it has none); ``silent_ms``: since the last message (None: there was none)."""

    venue: str
    link: Link
    open: int
    connections: int
    rate: float
    lag_ms: float | None
    gaps: int
    reconnects: int
    live: int
    subscribed: int
    silent_ms: float | None
    last_error: str


class ServiceLine(Struct, frozen=True):
    """The health of something beside the venues, such as a receiver of alerts."""

    name: str
    good: bool
    text: str


class Kind(StrEnum):
    """What an event is about."""

    OPENED = "opened"
    CLOSED = "closed"
    ALERT = "alert"
    FEED = "feed"


class Event(Struct, frozen=True, kw_only=True):
    """Something that happened; ``subject`` is a symbol, or a venue."""

    at: int
    kind: Kind
    subject: str
    text: str


class Totals(Struct, frozen=True, kw_only=True):
    """Everything together, since ``since``. ``rate``: messages/s. ``best_bps`` was the best net
    spread that was flagged, of ``best_symbol`` (empty: there was none)."""

    since: int
    books: int
    live: int
    rate: float
    open: int
    opened: int
    best_bps: float
    best_symbol: str


class Query(Struct, frozen=True, kw_only=True):
    """What a frame is to show beside the rest: ``venue``: only routes with a leg there; the
    symbols to have a ``Detail`` of (None: all) and how many levels a side."""

    venue: str = ""
    details: tuple[str, ...] | None = ()
    levels: int = 32


class Frame(Struct, frozen=True, kw_only=True):
    """One moment. ``rows`` in the order of the symbols; ``events`` newest first; ``bells`` counts
    how often the bell was to ring; ``hedge``: the coins of the hedge book, if there is one."""

    at: int
    rows: tuple[Row, ...]
    details: tuple[Detail, ...]
    venues: tuple[VenueLine, ...]
    services: tuple[ServiceLine, ...]
    events: tuple[Event, ...]
    bells: int
    totals: Totals
    hedge: tuple[HedgedCoin, ...] = ()
