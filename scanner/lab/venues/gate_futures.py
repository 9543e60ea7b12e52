"""What the simulated Gate says of its USDT futures: contracts, tickers, and levels in contracts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from scanner.lab.past import number, page
from scanner.lab.seam import LabContract, Row
from scanner.lab.units import SECOND
from scanner.lab.wire import plain

TICKER_PERIOD = SECOND
MOST_SETTLED = 1000


def contracts_of(size: str) -> int:
    """Sizes are whole numbers of contracts."""
    return int(size)


def pairs(rows: Iterable[Row]) -> list[list[Any]]:
    """Levels as ``futures.obu`` has them."""
    return [[plain(price), contracts_of(size)] for price, size in rows]


def objects(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Levels as REST and ``futures.order_book_update`` have them."""
    return [{"p": plain(price), "s": contracts_of(size)} for price, size in rows]


def listed_contract(contract: LabContract) -> dict[str, Any]:
    """One entry of ``/futures/usdt/contracts``; times and lengths in seconds."""
    market, said = contract.market, contract.said
    return {
        "name": market.id,
        "type": "direct",
        "quanto_multiplier": market.contract_size,
        "order_price_round": market.tick,
        "mark_price_round": market.tick,
        "order_price_deviate": "0.2",
        "order_size_min": 1,
        "order_size_max": 1_000_000,
        "leverage_min": "1",
        "leverage_max": "100",
        "maintenance_rate": "0.005",
        "maker_fee_rate": market.maker,
        "taker_fee_rate": market.taker,
        "mark_type": "index",
        "mark_price": said.mark,
        "index_price": said.index,
        "last_price": said.mark,
        "funding_rate": said.rate,
        "funding_rate_indicative": said.predicted,
        "funding_interval": said.interval // SECOND,
        "funding_next_apply": said.next_at // SECOND,
        "funding_offset": 0,
        "interest_rate": "0.0003",
        "position_size": contracts_of(said.open_interest),
        "in_delisting": False,
        "enable_decimal": False,
        "status": "trading",
        "create_time": 1_546_905_600,
    }


def settled(contract: LabContract, query: dict[str, str]) -> list[dict[str, Any]]:
    """The rows of ``/futures/usdt/funding_rate``, the newest first; times in seconds."""
    since, until = (number(query.get(key), 0) * SECOND for key in ("from", "to"))
    limit = min(number(query.get("limit"), 100), MOST_SETTLED)
    found = page(contract.settled, limit, since=since, until=until, newest=True)
    return [{"r": plain(f"{one.rate:.8f}"), "t": one.at // SECOND} for one in found]


def ticker(contract: LabContract) -> dict[str, str]:
    """One entry of ``futures.tickers``, which does not say when funding is due."""
    market, said = contract.market, contract.said
    bid, ask = (row or ("", "0") for row in contract.book.best())
    return {
        "contract": market.id,
        "last": said.mark,
        "change_percentage": "0",
        "total_size": said.open_interest,
        "mark_price": said.mark,
        "index_price": said.index,
        "funding_rate": said.rate,
        "funding_rate_indicative": said.predicted,
        "quanto_base_rate": "",
        "highest_bid": bid[0],
        "lowest_ask": ask[0],
    }


class Ticker:
    """``futures.tickers``: once a second."""

    def __init__(self, contract: LabContract) -> None:
        self._contract = contract
        self._next = 0

    def due(self, at: int) -> object | None:
        """What the channel says now, None for nothing."""
        if at < self._next:
            return None
        self._next = at + TICKER_PERIOD
        return [ticker(self._contract)]
