"""One order of an opportunity, written down with all that it rests on."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from msgspec import Struct

from scanner.books import layout as L
from scanner.books.store import BookStore
from scanner.engine.terms import Level, Terms, value
from scanner.events import Leg
from scanner.types import FeeIn, Proof, Side


class Traded(Struct, frozen=True):
    """A book that takes part: on what terms, and what shows that it is the venue's."""

    terms: Terms
    proof: Proof | None


class Stamp(Struct, frozen=True):
    """How a book stood at a moment; fields as of ``scanner.events.Leg``."""

    state: str
    sequence: int
    book_at: int
    sent_at: int

    @classmethod
    def of(cls, store: BookStore, book: int) -> Stamp:
        return cls(
            store.state(book).name.lower(),
            store.meta(book, L.SEQUENCE),
            store.proven_at(book),
            store.meta(book, L.SENT_AT),
        )


def leg(
    stamp: Stamp,
    traded: Traded,
    side: Side,
    levels: tuple[Level, ...],
    size: float,
    at: int,
) -> Leg:
    """The order for ``size`` (base) that takes these ``levels`` of one side of the book."""
    terms, market, proof = traded.terms, traded.terms.market, traded.proof
    buys = side is Side.ASK
    fee_in = market.buy_fee_in if buys else market.sell_fee_in
    fee = market.fee_rate * (size if fee_in is FeeIn.BASE else value(levels, size))
    return Leg(
        venue=market.venue,
        symbol=market.symbol,
        levels=levels,
        fee_rate=market.fee_rate,
        age_ms=(at - stamp.book_at) / 1e6,
        side="buy" if buys else "sell",
        size=size,
        fee_in=fee_in.value,
        fee=fee,
        fee_currency=market.base if fee_in is FeeIn.BASE else market.quote,
        fee_source=market.fee_source,
        order=market.order.value,
        lot=float(terms.step),
        limit=_limit(levels[-1][0] / terms.price_scale, market.price_tick, buys),
        multiplier=market.multiplier,
        contract_size=market.contract_size,
        inverse=market.inverse,
        state=stamp.state,
        proof=proof.value if proof else "",
        sequence=stamp.sequence,
        book_at=stamp.book_at,
        sent_at=stamp.sent_at,
    )


def _limit(price: float, tick: float, buys: bool) -> float:
    """The price of an order that takes this level too: up to the tick for a purchase, else down."""
    if tick <= 0:
        return price
    rounding = ROUND_CEILING if buys else ROUND_FLOOR
    step = Decimal(repr(tick))
    return float((Decimal(f"{price:.15g}") / step).to_integral_value(rounding) * step)
