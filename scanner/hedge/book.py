"""The hedge book: what is held and what is sold short, by live books. Pure.

What no live book says is unknown (None) and told with its reason; a total of which a part is
unknown is unknown too. Amounts are in coins where they are called so, else in the quote currency.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from msgspec import Struct

from scanner.carry import formulas
from scanner.configuration.hedge import HedgeBook, Holding, Position
from scanner.hedge.contract import Short
from scanner.hedge.offers import Seen, contract_of
from scanner.hedge.received import Paid, Received, received
from scanner.types import Market, MarketKind

UNLISTED = "no list of its venue has such a contract"


class Held(Struct, frozen=True, kw_only=True):
    """A holding. ``price``: the middle of the coin's live book (on the same venue, else the middle
    one of all) in ``quote``; ``elsewhere``: no book of its own venue says it. ``profit``: against
    what it cost."""

    of: Holding
    quote: str
    price: float | None = None
    elsewhere: bool = False

    @property
    def value(self) -> float | None:
        """What it is worth."""
        return None if self.price is None else self.of.amount * self.price

    @property
    def profit(self) -> float | None:
        """What it has gained since it was bought."""
        if self.price is None or self.of.price is None:
            return None
        return self.of.amount * (self.price - self.of.price)


class Open(Struct, frozen=True, kw_only=True):
    """A short that is open. ``short`` is None where its size is unknown. ``price``: its mark, else
    the middle of its live book (``marked`` says which). ``rate``: of funding, as its venue puts it
    now; negative: the short pays. ``spot``: what the coin costs in the same quote. ``reason``: why
    something is unknown (empty: nothing is)."""

    of: Position
    quote: str = ""
    short: Short | None = None
    price: float | None = None
    marked: bool = False
    spot: float | None = None
    rate: float | None = None
    funding: Received = Received()
    liquidation_price: float | None = None
    reason: str = ""

    @property
    def value(self) -> float | None:
        """What it stands for at ``price``."""
        if self.short is None or self.price is None:
            return None
        return self.short.notional(self.price)

    @property
    def profit(self) -> float | None:
        """Unrealised: what closing it at ``price`` would leave, without fees."""
        if self.short is None or self.price is None:
            return None
        return self.short.profit(self.price)

    @property
    def profit_in_base(self) -> float | None:
        """The same in coins, in which an inverse contract pays; None of a linear one."""
        if self.short is None or self.price is None or not self.short.contract.inverse:
            return None
        return self.short.profit_in_base(self.price)

    @property
    def margin(self) -> float | None:
        """What was put up for it."""
        if self.short is None or self.of.leverage is None:
            return None
        return self.short.margin(self.of.leverage)

    @property
    def distance_pct(self) -> float | None:
        """How far the price may rise until it is liquidated, per cent; negative: it is past that.
        None also where no price does that."""
        if self.liquidation_price is None or self.price is None:
            return None
        return (self.liquidation_price / self.price - 1) * 100

    @property
    def basis(self) -> float | None:
        """``F/S - 1``, a fraction."""
        if self.price is None or self.spot is None:
            return None
        return formulas.basis(self.price, self.spot)

    @property
    def against(self) -> bool | None:
        """Whether funding goes against the hedge: the short pays. None: not known."""
        return None if self.rate is None else self.rate < 0


class Balance(Struct, frozen=True, kw_only=True):
    """One coin: what is held of it and what is sold short against it."""

    coin: str
    held: tuple[Held, ...]
    opened: tuple[Open, ...]

    @property
    def amount(self) -> float:
        """Coins that are held."""
        return sum(one.of.amount for one in self.held)

    @property
    def hedged(self) -> float | None:
        """Coins that are sold short."""
        return _sum(None if one.short is None else one.short.quantity for one in self.opened)

    @property
    def delta(self) -> float | None:
        """Coins that are left open to the price; negative: more is sold than held."""
        return None if self.hedged is None else self.amount - self.hedged

    @property
    def drift_pct(self) -> float | None:
        """That, per cent of what is held; None also where nothing is."""
        return None if self.delta is None or not self.amount else self.delta / self.amount * 100

    @property
    def quote(self) -> str:
        """The currency of its totals; empty where they would mix several."""
        quotes = {one.quote for one in self.held} | {one.quote for one in self.opened}
        return quotes.pop() if len(quotes) == 1 else ""

    @property
    def spot_value(self) -> float | None:
        """What the coins are worth."""
        return _sum(one.value for one in self.held) if self.quote else None

    @property
    def contracts_value(self) -> float | None:
        """What the contracts stand for."""
        return _sum(one.value for one in self.opened) if self.quote else None

    @property
    def unrealised(self) -> float | None:
        """Of all shorts."""
        return _sum(one.profit for one in self.opened) if self.quote else None

    @property
    def funding(self) -> float | None:
        """That all shorts have received since they were opened."""
        return _sum(one.funding.amount for one in self.opened) if self.quote else None

    @property
    def at_entry(self) -> int:
        """How many of its payments are valued at the entry price."""
        return sum(one.funding.at_entry for one in self.opened)


def balances(
    book: HedgeBook,
    markets: Iterable[Market],
    seen: Sequence[Seen],
    paid: Sequence[Sequence[Paid] | None],
    at: int,
    *,
    maintenance: float,
    currency: str,
) -> list[Balance]:
    """One for each coin, in the order of the book. ``seen``: live books; ``paid``: for each short,
    in order, the payments that are stored of its contract since it was opened (None: not known).
    ``currency``: of holdings without a contract against them."""
    listed = {(one.venue, one.symbol): one for one in markets}
    live = {(one.market.venue, one.market.symbol): one for one in seen}
    opened = [
        _open(one, listed, live, seen, payments, at, maintenance)
        for one, payments in zip(book.shorts, paid, strict=True)
    ]
    coins = dict.fromkeys(
        [*(one.coin for one in book.holdings), *(one.coin for one in book.shorts)]
    )
    found = []
    for coin in coins:
        shorts = tuple(one for one in opened if one.of.coin == coin)
        quote = next((one.quote for one in shorts if one.quote), currency)
        held = tuple(_held(one, quote, seen) for one in book.holdings if one.coin == coin)
        found.append(Balance(coin=coin, held=held, opened=shorts))
    return found


def _held(holding: Holding, quote: str, seen: Sequence[Seen]) -> Held:
    here = _spot(holding.coin, quote, seen, holding.venue)
    price = here if here is not None else _spot(holding.coin, quote, seen)
    return Held(of=holding, quote=quote, price=price, elsewhere=here is None)


def _spot(coin: str, quote: str, seen: Sequence[Seen], venue: str = "") -> float | None:
    """What a coin costs by live books: on the venue, or (none named) the middle one of all."""
    mids = [
        one.mid
        for one in seen
        if not one.market.is_contract
        and (one.market.base, one.market.quote) == (coin, quote)
        and venue in ("", one.market.venue)
    ]
    return median(mids) if mids else None


def _open(
    position: Position,
    listed: dict[tuple[str, str], Market],
    live: dict[tuple[str, str], Seen],
    seen: Sequence[Seen],
    paid: Sequence[Paid] | None,
    at: int,
    maintenance: float,
) -> Open:
    market = listed.get((position.venue, position.symbol))
    if market is None or not market.is_contract:
        quote = position.symbol.partition("/")[2].partition(":")[0]
        return Open(of=position, quote=quote, reason=UNLISTED)
    short = _short(position, market)
    here = live.get((position.venue, position.symbol))
    price, marked = (None, False) if here is None else _price(here)
    perpetual = market.kind is MarketKind.PERPETUAL
    spot = _spot(position.coin, market.quote, seen, market.venue)
    leverage = position.leverage
    return Open(
        of=position,
        quote=market.quote,
        short=short,
        price=price,
        marked=marked,
        spot=spot if spot is not None else _spot(position.coin, market.quote, seen),
        rate=here.said.funding_rate if here is not None and perpetual else None,
        funding=received(short, paid, position.opened, at) if perpetual else Received(amount=0.0),
        liquidation_price=short.liquidation_price(leverage, maintenance) if leverage else None,
        reason="" if here is not None else "its book is not live",
    )


def _short(position: Position, market: Market) -> Short:
    """As it was opened; ``amount`` is in coins at the entry price."""
    contract, entry = contract_of(market), position.entry_price
    contracts = position.contracts
    if contracts is None:
        assert position.amount is not None
        units = position.amount * entry if contract.inverse else position.amount
        contracts = units / contract.contract_size
    return Short(contract=contract, contracts=contracts, entry=entry)


def _price(seen: Seen) -> tuple[float, bool]:
    """For one coin, and whether it is the mark."""
    mark = seen.said.mark
    return (seen.mid, False) if mark is None else (mark / seen.market.multiplier, True)


def _sum(values: Iterable[float | None]) -> float | None:
    """Unknown, if one of them is."""
    found = list(values)
    known = [value for value in found if value is not None]
    return sum(known) if len(known) == len(found) else None
