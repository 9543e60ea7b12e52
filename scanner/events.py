"""What the scanner finds and tells: frozen and flat, for every sink alike.

Prices, sizes and times as in ``scanner.types``.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from scanner.moving import Prefunded, Transfer

# How long after its flag an opportunity is looked at again, ms.
DELAYS_MS = (50, 100, 250, 500, 1000)


class Leg(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One order of an opportunity: where, how much, at which levels, what it costs, how far its
    book was to be trusted.

    ``levels`` are whole, best first, the last one perhaps not used up: (price in quote for one of
    base, size in base). The venue itself shows ``multiplier`` times that price, and sizes in units
    of ``multiplier x contract_size`` of base, or, if ``inverse``, of ``contract_size`` of quote.
    ``size`` in base (0: that of the opportunity). ``fee`` is the amount at ``fee_rate``, in
    ``fee_currency``, ``fee_in`` base, quote or token (then its worth in quote); ``order`` taker or
    maker. ``lot`` in base (0: unknown, or not a fixed amount of base); ``limit``: the price of the
    order that fills it, the last level's rounded outwards to the venue's tick (0: not known).

    ``age_ms`` since the last proof of the book, which came at ``book_at`` (ns); ``sequence`` is the
    venue's own id of it and ``sent_at`` the venue's time (-1, 0: it says none). ``assumed``: no
    order at all, but a rate that the configuration states.
    """

    venue: str
    symbol: str
    levels: tuple[tuple[float, float], ...]
    fee_rate: float
    age_ms: float
    side: str = ""
    size: float = 0.0
    fee_in: str = "quote"
    fee: float = 0.0
    fee_currency: str = ""
    fee_source: str = ""
    order: str = "taker"
    lot: float = 0.0
    limit: float = 0.0
    multiplier: float = 1.0
    contract_size: float = 1.0
    inverse: bool = False
    state: str = ""
    proof: str = ""
    sequence: int = -1
    book_at: int = 0
    sent_at: int = 0
    assumed: bool = False


class Carry(Struct, frozen=True, kw_only=True):
    """What a carry rests on besides its legs: one is bought, the other sold, both are held and then
    unwound. All bps are of what is paid for the purchase, and

    ``net profit = paid x (basis - entry cost - exit cost - exit basis + funding) / 1e4``.

    ``basis_bps``: what the sale brings over what the purchase takes, at this size: the spreads of
    entry are in it. ``entry_cost_bps``: the two fees. ``exit_cost_bps``: the two other fees, and
    both books taken at this size from their middles, as they stand now. ``exit_basis_bps``: the
    basis expected at the end. ``funding_bps``: expected of the payments that both legs cross until
    then, ``buy_payments`` and ``sell_payments`` of them; a leg's ``..._funding_bps`` is what the
    next payment would bring (below zero: cost) at the mark now, in ``..._interval_h`` hours (0: it
    pays none), ``..._later_bps`` what each one after it is expected to (None: of an older version).
    ``funding_apr``: both, a year, a fraction of the notional; of a dated contract its basis, a
    year.

    ``break_even_h``: hours until funding has paid for the rest (None: never; a dated contract: at
    its end). ``horizon_h``: how long it is held. ``margin``: for the contracts, at ``leverage``;
    ``capital``: that and what a coin costs, in quote. ``net_apr``: net profit a year, a fraction of
    the capital. ``liquidation_price``: of the contract that is sold (None: there is none).
    """

    basis_bps: float
    entry_cost_bps: float
    exit_cost_bps: float
    exit_basis_bps: float
    funding_bps: float
    buy_funding_bps: float = 0.0
    sell_funding_bps: float = 0.0
    buy_later_bps: float | None = None
    sell_later_bps: float | None = None
    buy_interval_h: float = 0.0
    sell_interval_h: float = 0.0
    buy_payments: int = 0
    sell_payments: int = 0
    funding_apr: float
    break_even_h: float | None
    horizon_h: float
    leverage: float
    margin: float
    capital: float
    net_apr: float
    liquidation_price: float | None


class WorstFunding(Struct, frozen=True, kw_only=True):
    """The worst that is stored of the funding of a carry's leg: the lowest rate that was ever
    settled for what is sold, the highest for what is bought, a fraction of the notional at one of
    ``payments`` from ``since`` (ns) on (None: none is stored, so it is not known)."""

    side: str
    venue: str
    symbol: str
    rate: float | None = None
    payments: int = 0
    since: int = 0


class Opportunity(Struct, frozen=True, kw_only=True):
    """What can be bought at ``buy`` and sold at ``sell`` at this moment, and what would be left.

    ``size`` is what is bought, in base; ``net_profit`` in ``currency``, the quote of the buy leg;
    ``gross_bps`` over the buy leg's notional, ``net_bps`` over what the buy leg costs with fees.
    ``conversion`` is the order that turns what the sale brings into that currency, where it brings
    another. ``event``: opened, updated or closed; ``reason`` only for closed. ``opened_at``/``at``
    ns. Peaks are over its life so far.

    ``bound`` says what ended the size: ``edge`` (the next unit would lose), ``depth of VENUE``,
    ``capital on VENUE``, ``max_trade``, ``lot`` (rounding took more than 1 % of it); ``unrounded``
    is the size before it was rounded to lots. ``accounting_profit`` is ``net_profit`` in the user's
    ``accounting`` currency, times ``accounting_rate`` as ``accounting_venue`` shows it; None: no
    real price of it is known. ``carry``: of the kinds that are held for a while; their net is what
    is expected at the end, unwinding included. ``transfer`` and ``prefunded``: what becomes of it
    if what is bought is moved in between, and if it is there beforehand (None: the kind is held).

    ``legs``: every order of the kinds that have more than these. Of ``multi`` all purchases and
    then all sales, the largest first: ``buy`` and ``sell`` are the first of each, ``size`` is all
    that is bought. Of ``loop`` in their order, each taking what the one before it brings: ``buy``
    and ``sell`` are the first and the last of them (``side`` says what they are), ``symbol`` the
    currencies that it goes through, the first of which is ``currency``, and ``size`` what of that
    is put in; ``net_bps`` is over that as well.
    """

    event: str
    id: str
    kind: str
    symbol: str
    at: int
    buy: Leg
    sell: Leg
    size: float
    gross_bps: float
    net_bps: float
    net_profit: float
    currency: str
    opened_at: int
    peak_net_bps: float
    peak_net_profit: float
    reason: str = ""
    conversion: Leg | None = None
    bound: str = ""
    unrounded: float = 0.0
    accounting: str = ""
    accounting_profit: float | None = None
    accounting_rate: float = 0.0
    accounting_venue: str = ""
    carry: Carry | None = None
    transfer: Transfer | None = None
    prefunded: Prefunded | None = None
    legs: tuple[Leg, ...] = ()


def aged(state: Opportunity, at: int) -> Opportunity:
    """The same, seen at a later time: its books have become older."""
    elapsed = (at - state.at) / 1e6

    def older(leg: Leg) -> Leg:
        return leg if leg.assumed else replace(leg, age_ms=leg.age_ms + elapsed)

    return replace(
        state,
        at=at,
        buy=older(state.buy),
        sell=older(state.sell),
        conversion=older(state.conversion) if state.conversion else None,
        legs=tuple(map(older, state.legs)),
    )


class Survival(Struct, frozen=True, kw_only=True):
    """What the orders of an opportunity would have left ``delay_ms`` after its flag, at the prices
    that then stood: its sizes, fees and conversion, filled on paper (``scanner.engine.following``).

    ``id`` and ``symbol`` are those of the opportunity, the rest as there; ``at`` is that moment,
    ns. Both figures are None where that is unknown: ``reason`` says why.
    """

    id: str
    symbol: str
    delay_ms: int
    at: int
    net_profit: float | None = None
    net_bps: float | None = None
    reason: str = ""


class RouteMinute(Struct, frozen=True, kw_only=True):
    """What one route (buy here, sell there) showed since the last summary, flagged or not.

    The figures are net edges at the touch in bps, observed each time either book changed while both
    could take part; ``positive`` of the ``samples`` were above zero. ``at``: when it was taken, ns.
    """

    at: int
    symbol: str
    buy: str
    sell: str
    samples: int
    positive: int
    low_bps: float
    high_bps: float
    mean_bps: float
    last_bps: float


class FundingSample(Struct, frozen=True, kw_only=True):
    """What a venue says of the funding of one perpetual contract, at one moment.

    ``market`` is the venue's own name of the contract, ``symbol`` the unified one. Rates are
    fractions of the notional for one interval of ``interval`` ns (0: not said); longs pay shorts
    where they are positive. ``current`` is what would be paid at ``due`` (ns, 0: not said),
    ``predicted`` what would be at the boundary after it, ``settled`` what was paid at
    ``settled_at`` (ns). ``mark`` and ``index`` in quote, ``open_interest`` in base. None: the venue
    does not say. ``at`` ns.
    """

    at: int
    venue: str
    market: str
    symbol: str
    current: float | None = None
    predicted: float | None = None
    due: int = 0
    interval: int = 0
    settled: float | None = None
    settled_at: int = 0
    mark: float | None = None
    index: float | None = None
    open_interest: float | None = None


class ParitySample(Struct, frozen=True, kw_only=True):
    """How far two currencies that should be worth the same were apart on one venue in a minute.

    ``symbol``: ``USDC/USDT`` is USDC in USDT. ``via``: the coin over which the price is implied,
    empty for the venue's own book of the pair. All bps are ``1e4 ln(price)``: 0 at parity.
    ``bid_bps`` and ``ask_bps`` are of what ``size`` (base) could be sold and bought for at last;
    low, high and mean are of the middle between both, over ``samples``. Depths are what stood
    within 10, 50 and 100 bps of the middle, in base, both sides added; of an implied price in the
    thinner of its two books. ``venue`` ``median``: the median over every two venues of what the
    middles of ``via`` imply, at no size. ``at``: when it was taken, ns.
    """

    at: int
    venue: str
    symbol: str
    via: str = ""
    samples: int
    low_bps: float
    high_bps: float
    mean_bps: float
    bid_bps: float
    ask_bps: float
    size: float
    depth_10: float
    depth_50: float
    depth_100: float


class Peg(Struct, frozen=True, kw_only=True):
    """How far two currencies that should be worth the same are apart on one venue now.

    ``symbol``, ``via``, ``size`` and bps as in ``ParitySample``; ``bps`` is the middle between bid
    and ask. ``reason``: why it cannot be said, and then the figures say nothing. ``at`` ns.
    """

    at: int
    venue: str
    symbol: str
    via: str = ""
    bps: float = 0.0
    bid_bps: float = 0.0
    ask_bps: float = 0.0
    size: float = 0.0
    reason: str = ""


class RejectMinute(Struct, frozen=True, kw_only=True):
    """How often one gate was what kept a route (buy here, sell there) from a flag since the last
    summary.

    ``symbol`` is the one that is bought; where another is sold, both: ``BTC/USDT>BTC/USDC``.
    ``gate``: the one that stopped it, as in ``fees`` or ``staleness`` (``scanner.engine.gates``);
    ``count``: spreads positive gross that it stopped; ``best_shortfall_bps``: by how little the
    best of them missed: net bps at the gates of fees and threshold, bps
    beyond the limit at that of quarantine, else the part of what is asked
    for that was missing (1 bps is 0.01 % of it; 0 where nothing can be measured). ``at``: when it
    was taken, ns.
    """

    at: int
    symbol: str
    buy: str
    sell: str
    gate: str
    count: int
    best_shortfall_bps: float


class Suspect(Struct, frozen=True, kw_only=True):
    """Two books of one name that are kept apart: bought at ``buy``, sold at ``sell``, it would be
    too good to be true.

    ``state``: barred, changed (the ``reason`` is another), held (told again, with the figures of
    ``at``) or released; ``since`` ns, the time from which that was wrong. ``structural``: it has
    been worth it after fees for hours; else the two are too far apart. ``ratio`` of the mids
    (``sell_mid`` by ``buy_mid``, in quote for one of base); ``power``: of ten, which it is near to
    (0: none). ``moves``: sampled returns of both so far, their ``correlation`` and ``agreement``
    (the part with the same sign). ``at`` ns.
    """

    at: int
    symbol: str
    buy: str
    sell: str
    ratio: float
    buy_mid: float
    sell_mid: float
    power: int
    moves: int
    correlation: float
    agreement: float
    reason: str
    since: int
    state: str
    structural: bool = False

    @property
    def key(self) -> tuple[str, str, str, bool]:
        """What it is about: its symbol, its venues (in alphabetical order, unless its direction
        matters), and whether that is a structural premium."""
        one, other = (self.buy, self.sell) if self.structural else sorted((self.buy, self.sell))
        return self.symbol, one, other, self.structural


class FeedEvent(Struct, frozen=True, kw_only=True):
    """What happened to a feed: connected, lost, reset, refused, silent or back.

    ``connection`` counts the venue's connections from 1; ``market`` is empty when all of the
    connection are meant. ``at`` ns.
    """

    at: int
    venue: str
    connection: int
    kind: str
    market: str = ""
    reason: str = ""


class Alert(Struct, frozen=True, kw_only=True):
    """What one alert rule has to tell through one channel; passed again when its state changes.

    ``channel`` is its name in the configuration, never its URL. ``state``: pending, sent, failed
    or suppressed; ``error`` says why of the last two, or what the last attempt met. ``at`` and
    ``sent_at`` (0: not yet) ns. ``digest``: the alert that this one is told in, when several go in
    one message; such a message is an alert of no opportunity. A pending one with ``attempts`` and
    no ``error`` is being sent: if its run ends here, it may have arrived.
    """

    id: str
    rule: str
    channel: str
    opportunity_id: str = ""
    symbol: str = ""
    buy: str = ""
    sell: str = ""
    at: int
    state: str = "pending"
    digest: str = ""
    attempts: int = 0
    sent_at: int = 0
    text: str = ""
    error: str = ""
