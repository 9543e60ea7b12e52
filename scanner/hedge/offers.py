"""What a short costs on each venue now, and what it costs to leave for a stablecoin. Pure.

Everything is at executable prices: books are walked for the whole size, and where one ends before
that, it is said and nothing is reckoned.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from msgspec import Struct

from scanner.carry import formulas
from scanner.derivatives import Derivative
from scanner.engine.terms import Level, value
from scanner.hedge.contract import Contract, Short, TooSmall, short_of
from scanner.hedge.plan import Hedge
from scanner.types import Market, MarketKind

DAY = 24 * formulas.HOUR


class Seen(Struct, frozen=True, kw_only=True):
    """A live book as a taker meets it (quote for one of base, base), and what its venue says beside
    it."""

    market: Market
    asks: Sequence[Level]
    bids: Sequence[Level]
    said: Derivative = Derivative()

    @property
    def mid(self) -> float:
        """The middle between best bid and best ask."""
        return (self.asks[0][0] + self.bids[0][0]) / 2


class Offer(Struct, frozen=True, kw_only=True):
    """One short and what it costs, in quote. ``spot``: the middle of what the coin costs in the
    same quote. ``entry_cost`` and ``exit_cost``: the fee and the spread, which is what the book
    takes from its middle.
    ``funding_day`` and ``funding``: what it receives a day, and over the horizon in ``payments`` at
    the rate as it stands (None: the venue does not say); a dated contract pays none."""

    market: Market
    short: Short
    spot: float
    entry_cost: float
    exit_cost: float
    entry_spread: float
    exit_spread: float
    rate: float | None
    interval_h: float | None
    payments: int
    funding_day: float | None
    funding: float | None

    @property
    def cost(self) -> float | None:
        """Entry and exit less the funding over the horizon; None: not known."""
        return None if self.funding is None else self.entry_cost + self.exit_cost - self.funding

    def bps(self, amount: float) -> float:
        """An amount as a part of the coin that it is for."""
        return amount / (self.short.quantity * self.spot) * 1e4

    def plan(self, held: float, earned: float) -> Hedge:
        """This short against what is ``held``, which brings ``earned`` (quote) meanwhile."""
        return Hedge(
            quantity=held,
            spot_price=self.spot,
            short=self.short,
            fee_rate=self.market.fee_rate,
            entry_spread=self.entry_spread,
            exit_spread=self.exit_spread,
            funding_rate=self.rate or 0.0 if self.funding is not None else 0.0,
            intervals=self.payments,
            earned=earned,
        )


class Refusal(Struct, frozen=True):
    """Why there is no short there, or no way out."""

    market: Market
    reason: str


class Exit(Struct, frozen=True, kw_only=True):
    """Leaving for a currency on one venue and coming back later at the books as they stand, in that
    currency: ``out`` and ``back``, each the fee and what the book takes from its middle."""

    market: Market
    worth: float
    out: float
    back: float

    @property
    def bps(self) -> float:
        """Both, of what is sold."""
        return (self.out + self.back) / self.worth * 1e4


def offers(
    books: Sequence[Seen], held: float, at: int, horizon: int
) -> tuple[list[Offer], list[Refusal]]:
    """The shorts, cheapest first over the ``horizon`` (ns), those of unknown cost last; and where
    there is none."""
    found: list[Offer] = []
    refused: list[Refusal] = []
    for seen in books:
        if seen.market.is_contract:
            one = _offer(seen, books, held, at, horizon)
            (found if isinstance(one, Offer) else refused).append(one)  # type: ignore[arg-type]
    return sorted(found, key=_rank), refused


def exits(books: Sequence[Seen], held: float, into: str) -> tuple[list[Exit], list[Refusal]]:
    """The ways into a currency, the cheapest first; and where the books do not reach."""
    found: list[Exit] = []
    refused: list[Refusal] = []
    for seen in books:
        if seen.market.is_contract or seen.market.quote != into:
            continue
        reason = _too_thin(seen, held)
        if reason:
            refused.append(Refusal(seen.market, reason))
            continue
        got, paid = value(seen.bids, held), value(seen.asks, held)
        worth, fee = held * seen.mid, seen.market.fee_rate
        out, back = worth - got * (1 - fee), paid * (1 + fee) - worth
        found.append(Exit(market=seen.market, worth=worth, out=out, back=back))
    return sorted(found, key=lambda one: one.bps), refused


def _offer(
    seen: Seen, books: Sequence[Seen], held: float, at: int, horizon: int
) -> Offer | Refusal:
    market = seen.market
    spot = _spot(market, books, seen.said)
    if spot is None:
        return Refusal(market, f"nothing says what the coin costs in {market.quote}")
    if market.expiry and market.expiry <= at:
        return Refusal(market, "it has expired")
    try:
        size = short_of(held, seen.mid, contract_of(market)).quantity
        reason = _too_thin(seen, size)
        if reason:
            return Refusal(market, reason)
        short = short_of(held, value(seen.bids, size) / size, contract_of(market))
    except TooSmall as error:
        return Refusal(market, f"{held:g} is less than its smallest order, {error.least:.10g}")
    entry, back = short.entry, value(seen.asks, size) / size
    size, fee = short.quantity, market.fee_rate
    entry_spread, exit_spread = size * (seen.mid - entry), size * (back - seen.mid)
    each, payments, day = _funding(seen, short, at, horizon)
    return Offer(
        market=market,
        short=short,
        spot=spot,
        entry_cost=entry_spread + size * entry * fee,
        exit_cost=exit_spread + size * back * fee,
        entry_spread=entry_spread,
        exit_spread=exit_spread,
        rate=seen.said.funding_rate if market.kind is MarketKind.PERPETUAL else None,
        interval_h=seen.said.interval / formulas.HOUR if seen.said.interval else None,
        payments=payments,
        funding_day=day,
        funding=None if each is None else each * payments,
    )


def _funding(
    seen: Seen, short: Short, at: int, horizon: int
) -> tuple[float | None, int, float | None]:
    """What one payment brings, how many there are, and what a day brings."""
    said = seen.said
    if seen.market.kind is not MarketKind.PERPETUAL:
        return 0.0, 0, 0.0
    if None in (said.funding_rate, said.mark, said.interval, said.next_funding_at):
        return None, 0, None
    assert said.funding_rate is not None and said.mark is not None
    assert said.interval is not None and said.next_funding_at is not None
    each = said.funding_rate * short.notional(said.mark / seen.market.multiplier)
    count = formulas.payments(at, horizon, said.next_funding_at, said.interval)
    return each, count, each * DAY / said.interval


def _spot(market: Market, books: Sequence[Seen], said: Derivative) -> float | None:
    """On the same venue, else the middle one of all, else the index that the venue names."""
    same = [
        seen for seen in books if not seen.market.is_contract and seen.market.quote == market.quote
    ]
    here = [seen.mid for seen in same if seen.market.venue == market.venue]
    if here or same:
        return median(here or [seen.mid for seen in same])
    return said.index / market.multiplier if said.index else None


def contract_of(market: Market) -> Contract:
    """In contracts of a fixed amount of coins, whatever the venue's unit stands for."""
    multiplier = 1.0 if market.inverse else market.multiplier
    return Contract(
        contract_size=market.contract_size * multiplier,
        inverse=market.inverse,
        lot=market.lot,
        minimum=market.min_amount,
    )


def _too_thin(seen: Seen, size: float) -> str:
    for name, levels in (("bids", seen.bids), ("asks", seen.asks)):
        there = sum(offered for _, offered in levels)
        if there < size:
            return f"its {name} that are streamed hold only {there:.8g}"
    return ""


def _rank(offer: Offer) -> tuple[bool, float]:
    cost = offer.cost
    return cost is None, offer.bps(offer.entry_cost + offer.exit_cost if cost is None else cost)
