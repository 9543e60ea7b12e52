"""Hyperliquid's perpetuals as a simulated venue.

https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api

Subscriptions ``bbo`` (on change), ``l2Book`` (20 levels every 5 s, with ``fast`` 5 levels every
0.54 s) and ``activeAssetCtx`` (every second). Everything over REST is a POST to ``/info``. An
unknown coin closes the whole connection, as there. It lists no spot.
"""

from __future__ import annotations

from typing import Any

import msgspec

from scanner.lab.limits import Budget
from scanner.lab.past import page
from scanner.lab.seam import (
    ASK,
    BID,
    Close,
    Connection,
    LabContract,
    Out,
    Reply,
    Request,
    Row,
    VenueWorld,
)
from scanner.lab.units import MILLISECOND, SECOND
from scanner.lab.wire import decoded, decoded_object, encoded, plain_row

WEIGHT_A_MINUTE = 1200
IDLE = 60 * SECOND
LEVELS, FAST_LEVELS = 20, 5
MOST_SETTLED = 500
LATE_MS = 31
PERIODS = {"bbo": 68 * MILLISECOND, "activeAssetCtx": SECOND, "l2Book": 5 * SECOND}
FAST = 540 * MILLISECOND
JSON_ERROR = "Failed to deserialize the JSON body into the target type"
UNREADABLE = "Error parsing JSON into valid websocket request"


class HyperliquidLab:
    """The venue: its REST interface, and connections to its stream."""

    id = "hyperliquid"

    def __init__(self, world: VenueWorld) -> None:
        self._coins = world.contracts
        self._budget = Budget(WEIGHT_A_MINUTE, 60 * SECOND)

    def rest(self, request: Request, at: int) -> Reply:
        if request.method != "POST" or request.path != "/info":
            return Reply(404, "", {"Content-Type": "text/plain"})
        asked = decoded_object(request.body.decode(errors="replace"))
        kind = asked.get("type") if asked else None
        weight = 2 if kind == "l2Book" else 20
        if not self._budget.spend(weight, at):
            return Reply(429, "null")
        match kind:
            case "meta":
                return Reply(200, encoded(self._meta()))
            case "metaAndAssetCtxs":
                contexts = [_context(contract) for contract in self._coins.values()]
                return Reply(200, encoded([self._meta(), contexts]))
            case "allMids":
                return Reply(200, encoded({n: c.said.mark for n, c in self._coins.items()}))
            case "spotMeta":
                return Reply(200, encoded({"tokens": [], "universe": []}))
            case "spotMetaAndAssetCtxs":
                return Reply(200, encoded([{"tokens": [], "universe": []}, []]))
            case "perpDexs":
                return Reply(200, "[null]")
            case "fundingHistory" if asked:
                return self._settled(asked)
            case "l2Book":
                contract = self._coins.get(str(asked.get("coin"))) if asked else None
                book = _book(contract, LEVELS, at) if contract else None
                return Reply(200, encoded(book)) if book else Reply(500, "null")
        return Reply(422, JSON_ERROR, {"Content-Type": "text/plain"})

    def connect(self, path: str, query: dict[str, str], at: int) -> Connection | Reply:
        return _Stream(self._coins, at) if path == "/ws" else Reply(404, "")

    def _settled(self, asked: dict[str, Any]) -> Reply:
        """From ``startTime`` on; each is named a moment after its boundary."""
        contract, since = self._coins.get(str(asked.get("coin"))), asked.get("startTime")
        until = asked.get("endTime")
        if contract is None or not isinstance(since, int):
            return Reply(500, "null")
        late = LATE_MS * MILLISECOND
        since = since * MILLISECOND - late
        until = until * MILLISECOND - late if isinstance(until, int) else 0
        rows = [
            {
                "coin": contract.market.id,
                "fundingRate": f"{one.rate:.8f}",
                "premium": f"{one.rate:.8f}",
                "time": (one.at + late) // MILLISECOND,
            }
            for one in page(contract.settled, MOST_SETTLED, since=since, until=until, newest=False)
        ]
        return Reply(200, encoded(rows))

    def _meta(self) -> dict[str, Any]:
        universe = [
            {"szDecimals": c.market.size_decimals, "name": name, "maxLeverage": 40}
            for name, c in self._coins.items()
        ]
        return {"universe": universe, "marginTables": [], "collateralToken": 0}


class _Subscription:
    """One of one client."""

    def __init__(self, kind: str, fast: bool, contract: LabContract) -> None:
        self._kind = kind
        self._contract = contract
        self._levels = FAST_LEVELS if fast else LEVELS
        self._period = FAST if fast else PERIODS[kind]
        self._next = 0
        self._best: tuple[Row | None, Row | None] | None = None

    def due(self, at: int) -> object | None:
        """What is to be said now, None for nothing."""
        if at < self._next:
            return None
        data = self._data(at)
        if data is not None:
            self._next = at + self._period
        return None if data is None else {"channel": self._kind, "data": data}

    def _data(self, at: int) -> object | None:
        name = self._contract.market.id
        if self._kind == "l2Book":
            return _book(self._contract, self._levels, at)
        if self._kind == "activeAssetCtx":
            return {"coin": name, "ctx": _context(self._contract)}
        best = self._contract.book.best()
        if best == self._best:
            return None
        self._best = best
        sides = [_level(row) if row else None for row in best]
        return {"coin": name, "time": at // MILLISECOND, "bbo": sides}


class _Stream:
    """One connection."""

    def __init__(self, coins: dict[str, LabContract], at: int) -> None:
        self._coins = coins
        self._subscriptions: dict[tuple[str, str], _Subscription] = {}
        self._spoke = at

    def opened(self, at: int) -> list[Out]:
        return []

    def received(self, text: str, at: int) -> list[Out]:
        try:
            request = decoded(text, dict[str, Any])
        except msgspec.DecodeError:
            return self._say(at, "error", f"{UNREADABLE}: {text}")
        method, wanted = request.get("method"), request.get("subscription")
        if method == "ping":
            self._spoke = at
            return [encoded({"channel": "pong"})]
        if method not in ("subscribe", "unsubscribe") or not isinstance(wanted, dict):
            return self._say(at, "error", f"{UNREADABLE}: {text}")
        kind, coin = wanted.get("type"), wanted.get("coin")
        if kind not in PERIODS or not isinstance(coin, str):
            return self._say(at, "error", f"Invalid subscription {encoded(wanted)}")
        contract = self._coins.get(coin)
        if contract is None:
            return [Close(1011, "")]
        if method == "unsubscribe":
            if self._subscriptions.pop((kind, coin), None) is None:
                return self._say(at, "error", f"Already unsubscribed: {encoded(wanted)}")
        elif (kind, coin) in self._subscriptions:
            return self._say(at, "error", f"Already subscribed: {encoded(wanted)}")
        else:
            fast = kind == "l2Book" and wanted.get("fast") is True
            self._subscriptions[kind, coin] = _Subscription(kind, fast, contract)
        return self._say(at, "subscriptionResponse", {"method": method, "subscription": wanted})

    def due(self, at: int) -> list[Out]:
        outs: list[Out] = []
        for subscription in self._subscriptions.values():
            if (message := subscription.due(at)) is not None:
                self._spoke = at
                outs.append(encoded(message))
        if at - self._spoke >= IDLE:
            return [Close(1000, "Inactive")]
        return outs

    def _say(self, at: int, channel: str, data: object) -> list[Out]:
        self._spoke = at
        return [encoded({"channel": channel, "data": data})]


LAB = HyperliquidLab


def _level(row: Row) -> dict[str, Any]:
    price, size = plain_row(row)
    return {"px": price, "sz": size, "n": 1}


def _book(contract: LabContract, levels: int, at: int) -> dict[str, Any]:
    sides = [[_level(row) for row in contract.book.levels(side, levels)] for side in (BID, ASK)]
    return {"coin": contract.market.id, "time": at // MILLISECOND, "levels": sides}


def _context(contract: LabContract) -> dict[str, Any]:
    said = contract.said
    return {
        "funding": said.rate,
        "openInterest": said.open_interest,
        "prevDayPx": said.index,
        "dayNtlVlm": "0.0",
        "premium": said.predicted,
        "oraclePx": said.index,
        "markPx": said.mark,
        "midPx": said.mark,
        "impactPxs": None,
        "dayBaseVlm": "0.0",
    }
