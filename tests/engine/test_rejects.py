"""What stopped that which is no route between two books, by the symbols that take part in it."""

from __future__ import annotations

import pytest

from scanner.books.store import BookStore
from scanner.engine.gates import Gate, Rejection
from scanner.engine.groups import Groups
from scanner.engine.rejects import Beside, Rejects
from scanner.events import RejectMinute
from scanner.view.order_rows import beside

MULTI = ("multi", "BTC/USDT", "several", "several")
LOOP = ("loop", "USDT/BTC/ETH/USDT", "okx", "okx")
CARRY = ("spot-perp", "BTC/USDT>BTC/USDT:USDT", "okx", "bybit")
PERPS = ("perp-perp", "BTC/USDT:USDT", "okx", "bybit")
PARITY = ("parity", "USDC/USDT", "okx", "okx")
ALL = (MULTI, LOOP, CARRY, PERPS, PARITY)


@pytest.fixture
def rejects() -> Rejects:
    store = BookStore()
    made = Rejects(store, Groups(store))
    for kind in ALL:
        made.count(*kind, Rejection(Gate.FEES, 3.0))
        made.count(*kind, Rejection(Gate.FEES, 2.0))
        made.count(*kind, Rejection(Gate.SKEW, 5.0))
    return made


@pytest.mark.parametrize(
    ("symbol", "kinds"),
    [
        ("BTC/USDT", ["multi", "loop", "spot-perp", "perp-perp"]),
        ("ETH/USDT", ["loop"]),
        ("ETH/BTC", ["loop"]),
        ("USDC/USDT", ["parity"]),
        ("BTC/USDC", []),
        ("SOL/USDT", []),
    ],
)
def test_by_the_symbols_that_take_part(rejects: Rejects, symbol: str, kinds: list[str]) -> None:
    found = list(rejects.beside(symbol))
    assert [one.kind for one in found if one.gate is Gate.SKEW] == kinds
    assert [one.kind for one in found if one.gate is Gate.FEES] == kinds
    assert {(one.count, one.shortfall_bps) for one in found if one.gate is Gate.FEES} <= {(2, 2.0)}


def test_what_is_taken_is_gone_and_bears_no_kind(rejects: Rejects) -> None:
    taken = list(rejects.take({}, 7))
    assert len(taken) == 2 * len(ALL)
    assert taken[0] == RejectMinute(
        at=7,
        symbol="BTC/USDT",
        buy="several",
        sell="several",
        gate="fees",
        count=2,
        best_shortfall_bps=2.0,
    )
    assert list(rejects.beside("BTC/USDT")) == list(rejects.take({}, 8)) == []


@pytest.mark.parametrize(
    ("stopped", "told"),
    [
        (MULTI, "multi"),
        (LOOP, "loop USDT/BTC/ETH/USDT"),
        (CARRY, "spot-perp okx BTC/USDT, bybit BTC/USDT:USDT"),
        (PERPS, "perp-perp okx BTC/USDT:USDT, bybit BTC/USDT:USDT"),
        (PARITY, "parity okx"),
    ],
)
def test_in_words(stopped: tuple[str, str, str, str], told: str) -> None:
    assert beside(Beside(*stopped, Gate.FEES, 1, 0.0)) == told
