"""The hedge book of a running scan: the newest prices that workers tell, put together. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from scanner.configuration.hedge import HedgeBook, Position
from scanner.derivatives import Derivative
from scanner.hedge.book import UNLISTED, Balance, Open, balances
from scanner.hedge.offers import Seen
from scanner.hedge.received import Paid
from scanner.hedge_events import HedgedCoin, HedgedShort, HedgePrice, HedgeState
from scanner.types import Market

# A price that has not been told again for so long is unknown: whoever told it is gone.
UNHEARD = 15_000_000_000
UNSCANNED = "it is not among the markets that are scanned"


class HedgeDesk:
    """A sink for ``HedgePrice``; ``state`` says how the book stands."""

    def __init__(self, markets: Sequence[Market] = ()) -> None:
        self._heard: dict[tuple[str, str], HedgePrice] = {}
        self._paid: dict[Position, Sequence[Paid] | None] = {}
        self.watch(markets)
        self.use(HedgeBook(), 0.0, "")

    def watch(self, markets: Sequence[Market]) -> None:
        """These markets are scanned from now on."""
        self._markets = {(one.venue, one.symbol): one for one in markets}

    def use(self, book: HedgeBook, maintenance: float, currency: str) -> None:
        """This is the book from now on, with what its file holds; the rest as in ``balances``."""
        self.book, self._maintenance, self._currency = book, maintenance, currency

    def pay(self, short: Position, payments: Sequence[Paid] | None) -> None:
        """What is stored of the funding of the short; None: not known."""
        self._paid[short] = payments

    def __call__(self, event: object) -> None:
        """Take note of a price; all else is left out."""
        if isinstance(event, HedgePrice):
            self._heard[event.venue, event.symbol] = event

    def state(self, at: int) -> HedgeState:
        """As of now; without coins where there is no hedge book."""
        found = balances(
            self.book,
            self._markets.values(),
            self._seen(at),
            [self._paid.get(one) for one in self.book.shorts],
            at,
            maintenance=self._maintenance,
            currency=self._currency,
        )
        return HedgeState(at=at, coins=tuple(self._coin(one, at) for one in found))

    def _seen(self, at: int) -> list[Seen]:
        seen = []
        for key, price in self._heard.items():
            market = self._markets.get(key)
            if market is None or price.reason or at - price.at > UNHEARD:
                continue
            said = Derivative(mark=price.mark, funding_rate=price.funding_rate)
            asks, bids = ((price.ask, 0.0),), ((price.bid, 0.0),)
            seen.append(Seen(market=market, asks=asks, bids=bids, said=said))
        return seen

    def _coin(self, one: Balance, at: int) -> HedgedCoin:
        return HedgedCoin(
            coin=one.coin,
            quote=one.quote,
            amount=one.amount,
            hedged=one.hedged,
            delta=one.delta,
            drift_pct=one.drift_pct,
            spot_value=one.spot_value,
            contracts_value=one.contracts_value,
            unrealised=one.unrealised,
            funding=one.funding,
            shorts=tuple(self._short(each, at) for each in one.opened),
        )

    def _short(self, one: Open, at: int) -> HedgedShort:
        return HedgedShort(
            venue=one.of.venue,
            symbol=one.of.symbol,
            quote=one.quote,
            entry=one.of.entry_price,
            coins=None if one.short is None else one.short.quantity,
            price=one.price,
            value=one.value,
            basis_bps=None if one.basis is None else one.basis * 1e4,
            profit=one.profit,
            funding=one.funding.amount,
            earned=one.funding.earned,
            given=one.funding.given,
            payments=one.funding.payments,
            at_entry=one.funding.at_entry,
            rate=one.rate,
            liquidation_price=one.liquidation_price,
            distance_pct=one.distance_pct,
            reason=self._reason(one, at),
        )

    def _reason(self, one: Open, at: int) -> str:
        """In a scan, a contract that is on no list may only not be asked for."""
        if one.reason == UNLISTED:
            return UNSCANNED
        heard = self._heard.get((one.of.venue, one.of.symbol))
        if one.reason and heard is not None and heard.reason and at - heard.at <= UNHEARD:
            return heard.reason
        return one.reason
