"""Settlements as ccxt tells them are read with care, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ccxt
import pytest

from scanner.funding import by_ccxt
from scanner.funding.by_ccxt import LIMIT, Answer, Asked, Order, answers, settled
from scanner.venues.funding_history import Settled

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
SINCE = 1_789_948_800 * SECOND
SYMBOL = "BTC/USDT:USDT"


def row(hour: int, rate: Any = 0.0001, symbol: str = SYMBOL) -> dict[str, Any]:
    return {"symbol": symbol, "fundingRate": rate, "timestamp": (SINCE + hour * HOUR) // 10**6 + 31}


def test_a_row_is_a_settlement_at_a_full_minute() -> None:
    told = list(settled([row(0), row(8, -0.0003)], SYMBOL))
    assert told == [Settled(SINCE, 0.0001), Settled(SINCE + 8 * HOUR, -0.0003)]


@pytest.mark.parametrize(
    "bad",
    [
        row(0, None),
        row(0, float("nan")),
        row(0, 1.0),
        row(0, "0.0001"),
        row(0, symbol="ETH/USDT:USDT"),
        row(0) | {"timestamp": None},
        row(0) | {"timestamp": -1},
        row(0) | {"timestamp": 10**20},
        {},
    ],
)
def test_one_row_that_makes_no_sense_spoils_the_answer(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no settlement"):
        list(settled([row(8), bad], SYMBOL))


class Exchange:
    """ccxt's client of one that has settled each hour and gives ``LIMIT`` rows at most."""

    def __init__(self, config: object, hours: int = 2 * LIMIT + 5) -> None:
        self.urls = {"api": "https://x.test/api"}
        self.options: dict[str, Any] = {}
        self.has = {"fetchFundingRateHistory": True}
        self.markets_by_id = {
            "BTC": [{"symbol": "BTC/USDT", "swap": False}, {"symbol": SYMBOL, "swap": True}]
        }
        self.rows = [row(hour) for hour in range(hours)]
        self.asked: list[int] = []
        made.append(self)

    def load_markets(self) -> None:
        pass

    def fetch_funding_rate_history(self, symbol: str, since: int, limit: int) -> list[Any]:
        self.asked.append(since)
        return [one for one in self.rows if one["timestamp"] >= since][:limit]


made: list[Exchange] = []


@pytest.fixture(autouse=True)
def exchange(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    made.clear()
    monkeypatch.setattr(by_ccxt, "BETWEEN", 0.0)
    monkeypatch.setattr(ccxt, "someexchange", Exchange, raising=False)
    yield


def asked(*markets: str, rest: str = "") -> list[Answer]:
    until = SINCE + 1000 * HOUR
    wanted = [Asked(name, SINCE) for name in markets]
    return list(answers(Order("someexchange", rest, wanted, until)))


def test_it_is_asked_page_by_page() -> None:
    (found,) = asked("BTC", rest="http://127.0.0.1:1/x")
    assert [one.at for one in found.settled] == [SINCE + n * HOUR for n in range(2 * LIMIT + 5)]
    assert len(made[0].asked) == 3
    assert made[0].urls == {"api": "http://127.0.0.1:1/x/api"}


def test_what_goes_wrong_with_one_leaves_the_others() -> None:
    gone, good = asked("NONE", "BTC")
    assert gone.error == "ValueError: no perpetual is called 'NONE'"
    assert not gone.settled and good.settled and not good.error


def test_one_that_has_no_history_is_told_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(Exchange):
        def __init__(self, config: object) -> None:
            super().__init__(config)
            self.has = {"fetchFundingRateHistory": "emulated"}

    monkeypatch.setattr(ccxt, "someexchange", Silent, raising=False)
    assert [one.error for one in asked("BTC", "ETH")] == [
        "ccxt knows no history of its funding"
    ] * 2
    assert made[0].asked == []


def test_an_exchange_that_cannot_be_reached_is_told_of_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Gone(Exchange):
        def load_markets(self) -> None:
            raise ccxt.NetworkError("no way")

    monkeypatch.setattr(ccxt, "someexchange", Gone, raising=False)
    assert [one.error for one in asked("BTC", "ETH")] == ["NetworkError: no way"] * 2
