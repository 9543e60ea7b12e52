"""What verify computes again of a conversion is what the engine came to, whatever the lots are."""

from __future__ import annotations

from random import Random

import pytest

from scanner.engine.conversion import Converted, Exchange
from scanner.engine.costs import reached
from scanner.engine.terms import Terms
from scanner.events import Leg
from scanner.history.moving import _converted
from scanner.types import Market, Side


def market(lot: float, fee: float) -> Market:
    return Market(
        venue="v",
        id="USDC/USDT",
        symbol="USDC/USDT",
        base="USDC",
        quote="USDT",
        lot=lot,
        taker_fee=fee,
    )


def stored(done: Converted, lot: float, fee: float) -> Leg:
    """The order as it is kept."""
    return Leg(
        venue="v",
        symbol="USDC/USDT",
        levels=reached(done.exchange.levels, done.size),
        fee_rate=fee,
        age_ms=0.0,
        side="buy" if done.exchange.side is Side.ASK else "sell",
        size=done.size,
        fee_in="quote",
        lot=lot,
    )


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("lot", [1e-8, 1e-6, 1e-4, 0.01, 1.0])
def test_lots_are_counted_as_the_engine_counts_them(lot: float, side: Side) -> None:
    """A sale may bring so much that a part in 10^12 of it is a lot of what converts it."""
    random = Random(f"{lot}:{side}")
    for _ in range(300):
        fee, price = random.choice((0.0, 0.001, 0.0026)), random.choice((0.9997, 1.0, 1.0003))
        behind = price * (1.0001 if side is Side.ASK else 0.9999)
        exchange = Exchange(
            book=0,
            terms=Terms.of(market(lot, fee)),
            side=side,
            levels=((price, 5e5), (behind, 9e6)),
        )
        amount = 10 ** random.uniform(2, 6.5)
        done = exchange.convert(amount)
        assert isinstance(done, Converted)
        got = _converted(stored(done, lot, fee), amount)
        assert got == pytest.approx(done.got, rel=1e-15, abs=0)
