"""KuCoin futures, classic, as a simulated venue.

https://www.kucoin.com/docs-new

Token, welcome and requests as in spot. Topics: ``/contractMarket/level2`` (one change a message),
``/contractMarket/level2Depth5`` and ``Depth50``, ``/contractMarket/tickerV2`` and
``/contract/instrument``. Sizes are whole lots, prices mostly numbers.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from scanner.lab.past import number, page
from scanner.lab.seam import (
    ASK,
    BID,
    Change,
    Connection,
    LabBook,
    LabContract,
    Reply,
    Request,
    Row,
    VenueWorld,
)
from scanner.lab.units import MILLISECOND, SECOND
from scanner.lab.venues.kucoin import Channel, KuCoinLab, Stream, failed
from scanner.lab.venues.kucoin_metadata import currency
from scanner.lab.wire import plain

MINUTE_MS = 60_000
MOST_SETTLED = 100
MARKS_EVERY = SECOND
# Rates come faster than there (a minute), to be seen to move.
RATES_EVERY = 2 * SECOND
WHOLE_EVERY = 100 * MILLISECOND
SIDES = {BID: "buy", ASK: "sell"}


class KuCoinFuturesLab:
    """The venue: its REST interface, and connections to its stream."""

    id = "kucoinfutures"

    def __init__(self, world: VenueWorld) -> None:
        self._contracts = world.contracts
        self._classic = KuCoinLab(world)

    def rest(self, request: Request, at: int) -> Reply:
        path = request.path
        if path in ("/api/v1/bullet-public", "/api/v1/timestamp", "/api/v1/status"):
            return self._classic.rest(request, at)
        if path == "/api/v3/currencies":
            names = {coin for c in self._contracts.values() for coin in (c.market.base, "USDT")}
            return self._classic.weighed(3, at, [currency(name) for name in sorted(names)])
        if path == "/api/v1/contracts/active":
            listed = [_listed(contract, at) for contract in self._contracts.values()]
            return self._classic.weighed(3, at, listed)
        for head, answer in (("/api/v1/contracts/", _listed), ("/api/v1/funding-rate/", _rate)):
            name = path.removeprefix(head).removesuffix("/current")
            if path.startswith(head) and name in self._contracts:
                return self._classic.weighed(3, at, answer(self._contracts[name], at))
        if path == "/api/v1/contract/funding-rates":
            return self._settled(request.query, at)
        levels = {"snapshot": 10_000, "depth20": 20, "depth100": 100}
        wanted = levels.get(path.removeprefix("/api/v1/level2/"))
        contract = self._contracts.get(request.query.get("symbol", ""))
        if wanted and contract:
            weight = 3 if wanted > 100 else wanted // 10
            return self._classic.weighed(weight, at, _whole(contract.book, wanted, at))
        code = "100001" if wanted or "/contracts/" in path else "404"
        return failed(200 if code != "404" else 404, code, "symbol not exists")

    def _settled(self, query: dict[str, str], at: int) -> Reply:
        """The newest first, as many as a page holds."""
        contract = self._contracts.get(query.get("symbol", ""))
        if contract is None:
            return failed(200, "100001", "symbol not exists")
        if "from" not in query or "to" not in query:
            return failed(200, "400100", "from and to are required")
        since, until = (number(query[key], 0) * MILLISECOND for key in ("from", "to"))
        rows = [
            {
                "symbol": contract.market.id,
                "fundingRate": one.rate,
                "timepoint": one.at // MILLISECOND,
            }
            for one in page(contract.settled, MOST_SETTLED, since=since, until=until, newest=True)
        ]
        return self._classic.weighed(5, at, rows)

    def connect(self, path: str, query: dict[str, str], at: int) -> Connection | Reply:
        if path not in ("/", "/endpoint"):
            return failed(404, "404", "Not Found")
        trouble = self._classic.trouble_with(query.get("token", ""), at)
        return Stream(TOPICS, self._channel, query.get("connectId", ""), trouble, at)

    def _channel(self, topic: str, symbol: str) -> Channel | None:
        contract = self._contracts.get(symbol)
        if contract is None:
            return None
        match topic:
            case "/contractMarket/level2":
                return _Changes(contract.book)
            case "/contractMarket/tickerV2":
                return _Touch(contract.book)
            case "/contract/instrument":
                return _Instrument(contract)
        return _Whole(contract.book, 5 if topic.endswith("Depth5") else 50)


TOPICS = (
    "/contractMarket/level2",
    "/contractMarket/level2Depth5",
    "/contractMarket/level2Depth50",
    "/contractMarket/tickerV2",
    "/contract/instrument",
)
LAB = KuCoinFuturesLab


class _Whole:
    """The best levels, at most every 100 ms."""

    subject = "level2"

    def __init__(self, book: LabBook, levels: int) -> None:
        self._book = book
        self._levels = levels
        self._sequence = -1
        self._next = 0

    def due(self, at: int) -> object | None:
        if at < self._next or self._book.sequence == self._sequence:
            return None
        self._next, self._sequence = at + WHOLE_EVERY, self._book.sequence
        stamp = at // MILLISECOND
        return _whole(self._book, self._levels, at) | {"timestamp": stamp, "ts": stamp}


class _Touch:
    """The best bid and offer as they change, its time in nanoseconds."""

    subject = "tickerV2"

    def __init__(self, book: LabBook) -> None:
        self._book = book
        self._best: tuple[Row | None, Row | None] | None = None

    def due(self, at: int) -> object | None:
        best = self._book.best()
        if best == self._best:
            return None
        self._best = best
        bid, ask = (row or ("0", "0") for row in best)
        return {
            "symbol": self._book.market.id,
            "sequence": self._book.sequence,
            "bestBidSize": int(bid[1]),
            "bestBidPrice": plain(bid[0]),
            "bestAskPrice": plain(ask[0]),
            "bestAskSize": int(ask[1]),
            "ts": at,
        }


class _Changes:
    """Every change, one a message."""

    subject = "level2"

    def __init__(self, book: LabBook) -> None:
        self._book = book
        self._sequence = book.sequence
        self._waiting: deque[Change] = deque()

    def due(self, at: int) -> object | None:
        if not self._waiting and self._book.sequence != self._sequence:
            self._waiting.extend(self._book.changes_since(self._sequence) or ())
            self._sequence = self._book.sequence
        if not self._waiting:
            return None
        change = self._waiting.popleft()
        text = f"{plain(change.price)},{SIDES[change.side]},{change.size}"
        stamp = change.at // MILLISECOND
        return {"sequence": change.sequence, "change": text, "timestamp": stamp}


class _Instrument:
    """Marks every second, and both rates: the forecast has the granularity of a minute."""

    def __init__(self, contract: LabContract) -> None:
        self._contract = contract
        self._marks_at = self._rates_at = 0
        self._rates: deque[dict[str, Any]] = deque()
        self.subject = ""

    def due(self, at: int) -> object | None:
        said = self._contract.said
        if self._rates:
            self.subject = "funding.rate"
            return self._rates.popleft()
        if said.interval and at >= self._rates_at:
            self._rates_at = at + RATES_EVERY
            began = (said.next_at - said.interval) // MILLISECOND
            length, minute = said.interval // MILLISECOND, at // MILLISECOND // MINUTE_MS
            self._rates.append(_granular(length, said.rate, began))
            self._rates.append(_granular(MINUTE_MS, said.predicted, minute * MINUTE_MS))
            return self.due(at)
        if at < self._marks_at:
            return None
        self._marks_at = at + MARKS_EVERY
        self.subject = "mark.index.price"
        return {
            "markPrice": float(said.mark),
            "indexPrice": float(said.index),
            "granularity": 1000,
            "timestamp": at // MILLISECOND,
        }


def _granular(length: int, rate: str, began: int) -> dict[str, Any]:
    return {"granularity": length, "fundingRate": float(rate), "timestamp": began}


def _whole(book: LabBook, levels: int, at: int) -> dict[str, Any]:
    sides = ([[plain(p), int(s)] for p, s in book.levels(side, levels)] for side in (BID, ASK))
    bids, asks = sides
    head = {"symbol": book.market.id, "sequence": book.sequence}
    return head | {"bids": bids, "asks": asks, "ts": at}


def _rate(contract: LabContract, at: int) -> dict[str, Any]:
    said = contract.said
    length = said.interval // MILLISECOND
    return {
        "symbol": f".{contract.market.id}FPI8H",
        "granularity": length,
        "timePoint": said.next_at // MILLISECOND - length,
        "value": float(said.rate),
        "fundingRateCap": 0.003,
        "fundingRateFloor": -0.003,
        "period": 0,
        "fundingTime": said.next_at // MILLISECOND,
    }


def _listed(contract: LabContract, at: int) -> dict[str, Any]:
    market, said = contract.market, contract.said
    return {
        "symbol": market.id,
        "rootSymbol": market.settle,
        "type": "FFWCSX",
        "firstOpenDate": 1585555200000,
        "expireDate": None,
        "settleDate": None,
        "baseCurrency": "XBT" if market.base == "BTC" else market.base,
        "quoteCurrency": market.quote,
        "settleCurrency": market.settle,
        "maxOrderQty": 1_000_000,
        "maxPrice": 1_000_000.0,
        "lotSize": 1,
        "tickSize": float(market.tick),
        "indexPriceTickSize": 0.01,
        "multiplier": float(market.contract_size),
        "makerFeeRate": float(market.maker),
        "takerFeeRate": float(market.taker),
        "isInverse": market.inverse,
        "status": "Open",
        "fundingFeeRate": float(said.rate),
        "predictedFundingFeeRate": float(said.predicted),
        "fundingRateGranularity": said.interval // MILLISECOND,
        "nextFundingRateTime": max(said.next_at - at, 0) // MILLISECOND,
        "openInterest": said.open_interest,
        "markPrice": float(said.mark),
        "indexPrice": float(said.index),
        "lastTradePrice": float(said.mark),
        "maxLeverage": 100,
    }
