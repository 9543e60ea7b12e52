"""Kraken Futures as a simulated venue.

https://docs.kraken.com/api/docs/futures-api/websocket/book

Feeds: ``book`` (all of it, then one level a message, each with the product's next ``seq``),
``ticker`` (once a second) and ``heartbeat``. Numbers are JSON numbers. ``funding_rate`` is money
per contract, ``relative_funding_rate`` the fraction.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from msgspec import Raw

from scanner.lab.seam import (
    ASK,
    BID,
    Change,
    Close,
    Connection,
    LabContract,
    Out,
    Reply,
    Request,
    VenueWorld,
)
from scanner.lab.units import MILLISECOND, SECOND
from scanner.lab.wire import decoded_object, encoded, plain

API = "/derivatives/api/v3/"
API_4_PATHS = {"/derivatives/api/v4/historicalfundingrates": "historical-funding-rates"}
IDLE = 60 * SECOND
FEEDS = ("book", "ticker", "heartbeat")
SIDES = {BID: "buy", ASK: "sell"}


class KrakenFuturesLab:
    """The venue: its REST interface, and connections to its stream."""

    id = "krakenfutures"

    def __init__(self, world: VenueWorld) -> None:
        self._contracts = world.contracts

    def rest(self, request: Request, at: int) -> Reply:
        path = request.path.removeprefix(API)
        match API_4_PATHS.get(request.path, path):
            case "instruments":
                listed = [_listed(contract) for contract in self._contracts.values()]
                return _good({"instruments": listed}, at)
            case "tickers":
                return _good({"tickers": [_rest_ticker(c) for c in self._contracts.values()]}, at)
            case "historical-funding-rates":
                contract = self._contracts.get(request.query.get("symbol", "").upper())
                if contract is None or contract.market.expiry:
                    return Reply(400, encoded({"result": "error", "error": "contractNotFound"}))
                return _good({"rates": _settled(contract)}, at)
            case "orderbook":
                contract = self._contracts.get(request.query.get("symbol", "").upper())
                if contract is None:
                    return Reply(400, encoded({"result": "error", "error": "contractNotFound"}))
                book = contract.book
                sides = {
                    name: [[_number(p), _number(s)] for p, s in book.levels(side)]
                    for name, side in (("bids", BID), ("asks", ASK))
                }
                return _good({"orderBook": sides}, at)
        return Reply(404, encoded({"result": "error", "error": "apiNotFound"}))

    def connect(self, path: str, query: dict[str, str], at: int) -> Connection | Reply:
        return _Stream(self._contracts, at) if path == "/ws/v1" else Reply(404, "")


class _Book:
    """``book`` of one product for one client."""

    def __init__(self, contract: LabContract) -> None:
        self._book = contract.book
        self._sequence = -1

    def due(self, at: int) -> list[object]:
        book = self._book
        if self._sequence < 0:
            self._sequence = book.sequence
            return [self._snapshot()]
        if book.sequence == self._sequence:
            return []
        changes = book.changes_since(self._sequence) or []
        self._sequence = book.sequence
        return [_change(book.market.id, change) for change in changes]

    def _snapshot(self) -> object:
        book = self._book
        rows = {
            name: [{"price": _number(p), "qty": _number(s)} for p, s in book.levels(side)]
            for name, side in (("bids", BID), ("asks", ASK))
        }
        head = {"feed": "book_snapshot", "product_id": book.market.id, "seq": book.sequence}
        return head | {"timestamp": book.changed_at // MILLISECOND, "tickSize": None} | rows


class _Ticker:
    """``ticker`` of one product."""

    def __init__(self, contract: LabContract) -> None:
        self._contract = contract
        self._next = 0

    def due(self, at: int) -> list[object]:
        if at < self._next:
            return []
        self._next = at + SECOND
        return [_ticker(self._contract, at)]


class _Stream:
    """One connection."""

    def __init__(self, contracts: dict[str, LabContract], at: int) -> None:
        self._contracts = contracts
        self._feeds: dict[tuple[str, str], _Book | _Ticker] = {}
        self._beats_at: int | None = None
        self._heard = at

    def opened(self, at: int) -> list[Out]:
        return [encoded({"event": "info", "version": 1})]

    def ponged(self, payload: bytes, at: int) -> list[Out]:
        self._heard = at
        return []

    def received(self, text: str, at: int) -> list[Out]:
        self._heard = at
        request = decoded_object(text)
        event = request.get("event") if request else None
        feed = request.get("feed") if request else None
        if request is None or event not in ("subscribe", "unsubscribe") or feed not in FEEDS:
            return [encoded({"event": "alert", "message": "Bad request"})]
        if feed == "heartbeat":
            self._beats_at = at if event == "subscribe" else None
            return [encoded({"event": f"{event}d", "feed": feed})]
        names = request.get("product_ids")
        if not isinstance(names, list) or not names:
            return [encoded({"event": "error", "message": "Invalid product id"})]
        found = [str(name).upper() for name in names]
        if not all(name in self._contracts for name in found):
            return [encoded({"event": "error", "message": "Invalid product id"})]
        for name in found:
            if event == "unsubscribe":
                self._feeds.pop((feed, name), None)
            elif (feed, name) not in self._feeds:
                contract = self._contracts[name]
                self._feeds[feed, name] = _Book(contract) if feed == "book" else _Ticker(contract)
        said = {"event": f"{event}d", "feed": feed}
        return [encoded(said | {"product_ids": [name]}) for name in found]

    def due(self, at: int) -> list[Out]:
        outs = [encoded(message) for feed in self._feeds.values() for message in feed.due(at)]
        if self._beats_at is not None and at >= self._beats_at:
            self._beats_at = at + SECOND
            outs.append(encoded({"feed": "heartbeat", "time": at // MILLISECOND}))
        if not self._feeds and at - self._heard > IDLE:
            return [Close(1000, "")]
        return [*outs]


LAB = KrakenFuturesLab


def _number(text: str) -> Raw:
    """As a JSON number, its digits kept."""
    return Raw(plain(text).encode())


def _good(body: dict[str, Any], at: int) -> Reply:
    return Reply(200, encoded({"result": "success", **body, "serverTime": _moment(at)}))


def _moment(at: int) -> str:
    moment = datetime.fromtimestamp(at / SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    return f"{moment}Z"


def _settled(contract: LabContract) -> list[dict[str, Any]]:
    """All that it has settled, by the moments at which the periods began, the oldest first."""
    return [
        {
            "timestamp": _moment(one.at - contract.market.interval),
            "fundingRate": one.rate * one.mark,
            "relativeFundingRate": one.rate,
        }
        for one in contract.settled
    ]


def _change(name: str, change: Change) -> object:
    return {
        "feed": "book",
        "product_id": name,
        "side": SIDES[change.side],
        "seq": change.sequence,
        "price": _number(change.price),
        "qty": _number(change.size),
        "timestamp": change.at // MILLISECOND,
    }


def _money(rate: str, mark: str) -> float:
    """A rate as money per contract."""
    return float(rate) * float(mark)


def _ticker(contract: LabContract, at: int) -> dict[str, Any]:
    said = contract.said
    bid, ask = (row or ("0", "0") for row in contract.book.best())
    return {
        "time": at // MILLISECOND,
        "product_id": contract.market.id,
        "funding_rate": _money(said.rate, said.mark),
        "funding_rate_prediction": _money(said.predicted, said.mark),
        "relative_funding_rate": float(said.rate),
        "relative_funding_rate_prediction": float(said.predicted),
        "next_funding_rate_time": said.next_at // MILLISECOND,
        "feed": "ticker",
        "bid": _number(bid[0]),
        "ask": _number(ask[0]),
        "bid_size": _number(bid[1]),
        "ask_size": _number(ask[1]),
        "leverage": "50x",
        "index": _number(said.index),
        "last": _number(said.mark),
        "suspended": False,
        "tag": "perpetual",
        "pair": f"{contract.market.base}:{contract.market.quote}",
        "openInterest": _number(said.open_interest),
        "markPrice": _number(said.mark),
        "maturityTime": 0,
        "post_only": False,
    }


def _rest_ticker(contract: LabContract) -> dict[str, Any]:
    said = contract.said
    return {
        "symbol": contract.market.id,
        "tag": "perpetual",
        "pair": f"{contract.market.base}:{contract.market.quote}",
        "markPrice": _number(said.mark),
        "indexPrice": _number(said.index),
        "openInterest": _number(said.open_interest),
        "fundingRate": _money(said.rate, said.mark),
        "fundingRatePrediction": _money(said.predicted, said.mark),
        "suspended": False,
        "postOnly": False,
    }


def _listed(contract: LabContract) -> dict[str, Any]:
    market = contract.market
    return {
        "symbol": market.id,
        "type": "flexible_futures",
        "tickSize": _number(market.tick),
        "contractSize": _number(market.contract_size),
        "tradeable": True,
        "impactMidSize": 1,
        "maxPositionSize": 1_000_000,
        "openingDate": "2022-01-01T00:00:00.000Z",
        "marginLevels": [{"numNonContractUnits": 0, "initialMargin": 0.02}],
        "fundingRateCoefficient": 1,
        "maxRelativeFundingRate": 0.01,
        "contractValueTradePrecision": market.size_decimals,
        "postOnly": False,
        "feeScheduleUid": "",
        "category": "Layer 1",
        "tags": [],
    }
