"""Binance USD-M futures as a simulated venue.

https://developers.binance.com/docs/derivatives/usds-margined-futures

Streams: ``@bookTicker`` and ``@depth[5|10|20][@100ms|@500ms]`` below ``/public``, and
``@markPrice[@1s]`` below ``/market``, each raw (``/ws``) and wrapped (``/stream``). A stream of the
other class is acknowledged and stays silent, like one that does not exist. A top of the book has
the shape of a change of it.
"""

from __future__ import annotations

import re
from typing import Any

from scanner.lab.limits import Budget
from scanner.lab.past import number, page
from scanner.lab.seam import (
    ASK,
    BID,
    Connection,
    LabBook,
    LabContract,
    Reply,
    Request,
    Row,
    VenueWorld,
    merged,
)
from scanner.lab.units import MILLISECOND, SECOND
from scanner.lab.venues.binance import Channel, Streams
from scanner.lab.wire import encoded

WEIGHT_A_MINUTE = 2400
MOST_MESSAGES_A_SECOND = 10
MOST_SETTLED = 1000
USUAL_INTERVAL = 8 * 3600 * SECOND
FOREVER = 4133404800000
LEVELS = (5, 10, 20, 50, 100, 500, 1000)
BOOK_STREAM = re.compile(r"([a-z0-9_]+)@(bookTicker|depth(5|10|20)?(@100ms|@500ms|@0ms)?)")
MARK_STREAM = re.compile(r"([a-z0-9_]+)@markPrice(@1s)?")
HTML = {"Content-Type": "text/html"}


class BinanceUsdmLab:
    """The venue: its REST interface, and connections to its streams."""

    id = "binanceusdm"

    def __init__(self, world: VenueWorld) -> None:
        self._world = world
        self._budget = Budget(WEIGHT_A_MINUTE, 60 * SECOND)

    def rest(self, request: Request, at: int) -> Reply:
        match request.path.removeprefix("/fapi/v1"):
            case "/ping":
                return self._weighed(1, at, {})
            case "/time":
                return self._weighed(1, at, {"serverTime": at // MILLISECOND})
            case "/exchangeInfo":
                listed = [_listed(contract) for contract in self._world.contracts.values()]
                body = {"timezone": "UTC", "serverTime": at // MILLISECOND, "symbols": listed}
                return self._weighed(1, at, body | {"rateLimits": [], "assets": []})
            case "/depth":
                return self._depth(request.query, at)
            case "/premiumIndex":
                return self._premium(request.query, at)
            case "/fundingInfo":
                return self._weighed(0, at, self._intervals())
            case "/fundingRate":
                return self._settled(request.query, at)
            case "/openInterest":
                return self._interest(request.query, at)
        return Reply(404, "<html><body><h2>404 Not found</h2></body></html>", HTML)

    def connect(self, path: str, query: dict[str, str], at: int) -> Connection | Reply:
        parts = path.strip("/").split("/")
        find = {"public": self._book, "market": self._mark}.get(parts[0])
        if find is None or len(parts) < 2 or parts[1] not in ("ws", "stream"):
            return Reply(404, "", HTML)
        wrapped = parts[1] == "stream"
        names = query.get("streams", "").split("/") if wrapped else parts[2:]
        named = [name for name in names if name]
        return Streams(find, named, wrapped, at, MOST_MESSAGES_A_SECOND)

    def _book(self, name: str, at: int) -> Channel | None:
        match = BOOK_STREAM.fullmatch(name)
        contract = self._world.contracts.get(match[1].upper()) if match else None
        return _Book(contract.book, match, at) if match and contract else None

    def _mark(self, name: str, at: int) -> Channel | None:
        match = MARK_STREAM.fullmatch(name)
        contract = self._world.contracts.get(match[1].upper()) if match else None
        return _Mark(contract, 1 if match[2] else 3, at) if match and contract else None

    def _depth(self, query: dict[str, str], at: int) -> Reply:
        limit = query.get("limit", "500")
        contract = self._world.contracts.get(query.get("symbol", ""))
        if contract is None:
            return _error(-1121, "Invalid symbol.")
        if not limit.isdecimal() or int(limit) not in LEVELS:
            return _error(-4021, f"Invalid depth limit: {limit}")
        levels, book = int(limit), contract.book
        body = {
            "lastUpdateId": book.sequence,
            "E": at // MILLISECOND,
            "T": book.changed_at // MILLISECOND,
            "bids": book.levels(BID, levels),
            "asks": book.levels(ASK, levels),
        }
        weight = 2 if levels <= 50 else 5 if levels == 100 else 10 if levels == 500 else 20
        return self._weighed(weight, at, body)

    def _premium(self, query: dict[str, str], at: int) -> Reply:
        rows = [_premium(contract, at) for contract in self._world.contracts.values()]
        if "symbol" not in query:
            return self._weighed(10, at, rows)
        found = [row for row in rows if row["symbol"] == query["symbol"]]
        return self._weighed(1, at, found[0]) if found else _error(-1121, "Invalid symbol.")

    def _settled(self, query: dict[str, str], at: int) -> Reply:
        """Ascending from ``startTime``; without any time, the newest."""
        contract = self._world.contracts.get(query.get("symbol", ""))
        if contract is None:
            return _error(-1121, "Invalid symbol.")
        since, until = (number(query.get(key), 0) for key in ("startTime", "endTime"))
        limit = min(number(query.get("limit"), 100), MOST_SETTLED)
        settled = contract.settled if since or until else contract.settled[-limit:]
        bounds = {"since": since * MILLISECOND, "until": until * MILLISECOND}
        rows = [
            {
                "symbol": contract.market.id,
                "fundingTime": one.at // MILLISECOND,
                "fundingRate": f"{one.rate:.8f}",
                "markPrice": f"{one.mark:.8f}",
            }
            for one in page(settled, limit, newest=False, **bounds)
        ]
        return self._weighed(0, at, rows)

    def _interest(self, query: dict[str, str], at: int) -> Reply:
        contract = self._world.contracts.get(query.get("symbol", ""))
        if contract is None:
            return _error(-1121, "Invalid symbol.")
        interest = contract.said.open_interest
        body = {"symbol": query["symbol"], "openInterest": interest, "time": at // MILLISECOND}
        return self._weighed(1, at, body)

    def _intervals(self) -> list[dict[str, Any]]:
        """Those that differ from the usual one, as there."""
        return [
            {
                "symbol": contract.market.id,
                "adjustedFundingRateCap": "0.02000000",
                "adjustedFundingRateFloor": "-0.02000000",
                "fundingIntervalHours": contract.market.interval // (3600 * SECOND),
                "disclaimer": False,
            }
            for contract in self._world.contracts.values()
            if contract.market.interval not in (0, USUAL_INTERVAL)
        ]

    def _weighed(self, weight: int, at: int, body: object) -> Reply:
        if not self._budget.spend(weight, at):
            left = str(60 - at // SECOND % 60)
            text = "Too many requests; current limit is 2400 request weight per 1 MINUTE."
            return Reply(429, encoded({"code": -1003, "msg": text}), {"Retry-After": left})
        return Reply(200, encoded(body), {"x-mbx-used-weight-1m": str(self._budget.spent)})


class _Book:
    """A stream of a book: its best prices, its top, or its changes."""

    def __init__(self, book: LabBook, match: re.Match[str], at: int) -> None:
        self._book = book
        self._best_only = match[2] == "bookTicker"
        self._levels = int(match[3] or 0)
        every = {"@100ms": 100, "@500ms": 500, "@0ms": 0}.get(match[4] or "", 250)
        self._period = 0 if self._best_only else every * MILLISECOND
        self._next = at + self._period
        differs = not self._best_only and not self._levels
        self._sequence = book.sequence if differs else -1
        self._best: tuple[Row | None, Row | None] = (None, None)

    def due(self, at: int) -> object | None:
        if at < self._next or self._sequence == self._book.sequence:
            return None
        self._next = at + self._period
        before, self._sequence = self._sequence, self._book.sequence
        if self._best_only:
            return self._touch(at)
        if self._levels:
            sides = (self._book.levels(BID, self._levels), self._book.levels(ASK, self._levels))
            return self._update(self._book.sequence - 3, max(before, 0), sides, at)
        first, changes = self._book.range_since(before)
        # The first id of an event says nothing about the one before; pu does.
        previous = before if changes else self._book.sequence - 1
        return self._update(max(first, previous), previous, merged(changes), at)

    def _touch(self, at: int) -> object | None:
        best = self._book.best()
        if best == self._best:
            return None
        self._best = best
        bid, ask = (row or ("0", "0") for row in best)
        prices = {"b": bid[0], "B": bid[1], "a": ask[0], "A": ask[1]}
        head = {"e": "bookTicker", "u": self._book.sequence, "s": self._book.market.id}
        return head | {"ps": self._book.market.id} | prices | self._times(at) | {"st": 1}

    def _update(
        self, first: int, previous: int, sides: tuple[list[Row], list[Row]], at: int
    ) -> object:
        name = self._book.market.id
        ids = {"s": name, "ps": name, "st": 1, "U": first, "u": self._book.sequence}
        rows = {"pu": previous, "b": sides[BID], "a": sides[ASK]}
        return {"e": "depthUpdate", **self._times(at), **ids, **rows}

    def _times(self, at: int) -> dict[str, int]:
        return {"E": at // MILLISECOND, "T": self._book.changed_at // MILLISECOND}


class _Mark:
    """A stream of marks, every so many seconds."""

    def __init__(self, contract: LabContract, seconds: int, at: int) -> None:
        self._contract = contract
        self._period = seconds * SECOND
        self._next = at

    def due(self, at: int) -> object | None:
        if at < self._next:
            return None
        self._next = at + self._period
        said, market = self._contract.said, self._contract.market
        return {
            "e": "markPriceUpdate",
            "E": at // MILLISECOND,
            "s": market.id,
            "ps": market.id,
            "p": said.mark,
            "ap": said.mark,
            "P": said.mark,
            "i": said.index,
            "r": said.rate or "0.00000000",
            "T": said.next_at // MILLISECOND,
            "st": 1,
        }


LAB = BinanceUsdmLab


def _error(code: int, text: str) -> Reply:
    return Reply(400, encoded({"code": code, "msg": text}))


def _premium(contract: LabContract, at: int) -> dict[str, Any]:
    said = contract.said
    return {
        "symbol": contract.market.id,
        "markPrice": said.mark,
        "indexPrice": said.index,
        "estimatedSettlePrice": said.mark,
        "lastFundingRate": said.rate,
        "interestRate": "0.00010000",
        "nextFundingTime": said.next_at // MILLISECOND,
        "time": at // MILLISECOND,
    }


def _listed(contract: LabContract) -> dict[str, Any]:
    market = contract.market
    return {
        "symbol": market.id,
        "pair": market.base + market.quote,
        "contractType": "CURRENT_QUARTER" if market.expiry else "PERPETUAL",
        "deliveryDate": market.expiry // MILLISECOND if market.expiry else FOREVER,
        "onboardDate": 1569398400000,
        "status": "TRADING",
        "baseAsset": market.base,
        "quoteAsset": market.quote,
        "marginAsset": market.settle,
        "pricePrecision": market.price_decimals,
        "quantityPrecision": market.size_decimals,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": ["PoW"],
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": market.tick,
                "maxPrice": "4529764",
                "tickSize": market.tick,
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": market.min_amount,
                "maxQty": "100000",
                "stepSize": market.lot,
            },
            {"filterType": "MIN_NOTIONAL", "notional": market.min_notional},
        ],
        "orderTypes": ["LIMIT", "MARKET"],
        "timeInForce": ["GTC", "IOC"],
    }
