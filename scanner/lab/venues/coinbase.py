"""Coinbase Advanced Trade as a simulated venue.

https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis

Channels: ``level2`` (delivered as ``l2_data``) and ``heartbeats``; the other public channels are
acknowledged and stay silent. ``sequence_num`` counts every message of a connection but errors. A
request with one unknown product is refused as a whole. The snapshots of a subscription come before
its acknowledgement, as they do there.
"""

from __future__ import annotations

from typing import Any

import msgspec

from scanner.lab.seam import (
    ASK,
    BID,
    Close,
    Connection,
    LabBook,
    Out,
    Reply,
    Request,
    Row,
    VenueWorld,
    merged,
)
from scanner.lab.units import MILLISECOND, SECOND
from scanner.lab.venues.coinbase_metadata import (
    Catalogue,
    price_book,
    product_id,
    rates,
    rfc3339,
)
from scanner.lab.wire import decoded, encoded, plain

FIRST_REQUEST_WITHIN = 5 * SECOND
QUIET = 75 * SECOND
HEARTBEAT = SECOND
MESSAGES_A_SECOND = 8
BURST = 20
CONNECTIONS_A_SECOND = 8
MOST_PRODUCTS = 1000
CHANNELS = (
    "level2",
    "heartbeats",
    "ticker",
    "ticker_batch",
    "market_trades",
    "candles",
    "status",
)
PRIVATE = ("user", "futures_balance_summary")
PUBLIC = "/api/v3/brokerage/"


def market_id(base: str, quote: str) -> str:
    """``BTC-USD``"""
    return product_id(base, quote)


class _Allowance:
    """So many a second on average, and ``burst`` at once."""

    def __init__(self, a_second: int, burst: int, at: int) -> None:
        self._interval = SECOND // a_second
        self._slack = burst * self._interval
        self._used_until = at - self._slack

    def take(self, at: int) -> bool:
        """True if one more is allowed now."""
        used_until = max(self._used_until, at - self._slack)
        if used_until >= at:
            return False
        self._used_until = used_until + self._interval
        return True


class CoinbaseLab:
    """The venue: its REST interface, and connections to its market data."""

    id = "coinbase"

    def __init__(self, world: VenueWorld) -> None:
        self._world = world
        self._catalogue = Catalogue(book.market for book in world.books.values())
        self._connections = _Allowance(CONNECTIONS_A_SECOND, CONNECTIONS_A_SECOND, 0)

    def rest(self, request: Request, at: int) -> Reply:
        if request.method != "GET":
            return _refusal(405, "METHOD_NOT_ALLOWED", "method not allowed")
        match request.path:
            case "/v2/currencies":
                return _json({"data": self._catalogue.fiat()})
            case "/v2/currencies/crypto":
                return _json({"data": self._catalogue.crypto()})
            case "/v2/exchange-rates":
                return _json(
                    {"data": {"currency": "USD", "rates": rates(self._world.books.values())}}
                )
            case "/v2/time":
                return _json({"data": {"iso": rfc3339(at, 0), "epoch": at // SECOND}})
        if not request.path.startswith(PUBLIC):
            return Reply(404, "404 page not found\n", {"Content-Type": "text/plain"})
        return self._brokerage(request.path.removeprefix(PUBLIC), request.query, at)

    def connect(self, path: str, query: dict[str, str], at: int) -> Connection | Reply:
        if path.strip("/"):
            return Reply(404, "")
        if not self._connections.take(at):
            return Reply(429, "")
        return _Stream(self._world.books, self._catalogue, at)

    def _brokerage(self, path: str, query: dict[str, str], at: int) -> Reply:
        if path == "time":
            millis = str(at // MILLISECOND)
            return _json(
                {"iso": rfc3339(at, 0), "epochSeconds": millis[:-3], "epochMillis": millis}
            )
        if path == "market/products":
            kind = query.get("product_type", "SPOT")
            products = self._catalogue.products() if kind == "SPOT" else []
            return _json({"products": products, "num_products": len(products)})
        if path == "market/product_book":
            return self._book(query.get("product_id", ""), query.get("limit", ""), at)
        listed = self._catalogue.product(path.removeprefix("market/products/"))
        if path.startswith("market/products/") and listed:
            return _json(listed)
        return _refusal(404, "NOT_FOUND", "valid product_id is required")

    def _book(self, product: str, limit: str, at: int) -> Reply:
        original = self._catalogue.original(product)
        if original is None:
            return _refusal(400, "INVALID_ARGUMENT", "valid product_id is required")
        levels = int(limit) if limit.isascii() and limit.isdigit() and len(limit) < 9 else 0
        return _json(price_book(self._world.books[original], levels or None))


class _Feed:
    """The book of one product as one client has been shown it."""

    def __init__(self, book: LabBook) -> None:
        self.book = book
        self._sequence = book.sequence

    def snapshot(self) -> dict[str, Any]:
        """The whole book; changes count from here."""
        self._sequence = self.book.sequence
        return self._event("snapshot", self.book.levels(BID), self.book.levels(ASK))

    def update(self) -> dict[str, Any] | None:
        """What changed since; None when more than is remembered, so that it cannot be told."""
        changes = self.book.changes_since(self._sequence)
        self._sequence = self.book.sequence
        return None if changes is None else self._event("update", *merged(changes))

    @property
    def is_behind(self) -> bool:
        return self._sequence != self.book.sequence

    def _event(self, kind: str, bids: list[Row], asks: list[Row]) -> dict[str, Any]:
        when = rfc3339(self.book.changed_at, 6)
        updates = [
            {
                "side": side,
                "event_time": when,
                "price_level": plain(price),
                "new_quantity": plain(size),
            }
            for side, rows in (("bid", bids), ("offer", asks))
            for price, size in rows
        ]
        return {"type": kind, "product_id": self.book.market.id, "updates": updates}


class _Stream:
    """One connection."""

    def __init__(self, books: dict[str, LabBook], catalogue: Catalogue, at: int) -> None:
        self._books = books
        self._catalogue = catalogue
        self._feeds: dict[str, _Feed] = {}
        self._others: dict[str, list[str]] = {}
        self._beats = False
        self._allowance = _Allowance(MESSAGES_A_SECOND, BURST, at)
        self._sequence = 0
        self._began = self._spoke = at
        self._asked = False
        self._next_beat = at

    def opened(self, at: int) -> list[Out]:
        return []

    def received(self, text: str, at: int) -> list[Out]:
        if not self._allowance.take(at):
            return [_error("rate limit exceeded")]
        try:
            request = decoded(text)
        except msgspec.DecodeError:
            return [_error("message is not valid JSON")]
        if not isinstance(request, dict):
            return [_error("message is not an object")]
        verb, channel = request.get("type"), request.get("channel")
        if verb not in ("subscribe", "unsubscribe"):
            return [_error("type must be subscribe or unsubscribe")]
        if channel in PRIVATE:
            return [_error("authentication failure")]
        if channel not in CHANNELS:
            return [_error(f"channel {channel!r:.40} is not known")]
        products = self._products(request.get("product_ids") or [])
        if isinstance(products, str):
            return [_error(products)]
        self._asked = True
        change = self._subscribe if verb == "subscribe" else self._unsubscribe
        return [*change(channel, products, at), self._subscriptions(at)]

    def due(self, at: int) -> list[Out]:
        if not self._asked and at - self._began > FIRST_REQUEST_WITHIN:
            return [Close(1008, "no subscription within 5 seconds")]
        outs: list[Out] = []
        if self._beats and at >= self._next_beat:
            self._next_beat = at + HEARTBEAT
            outs.append(self._message("heartbeats", self._beat(at), at))
        for feed in self._feeds.values():
            if not feed.is_behind:
                continue
            event = feed.update()
            if event is None:
                # Lost for this client, and the count is to show it.
                self._sequence += 1
            else:
                outs.append(self._message("l2_data", event, at))
        if at - self._spoke > QUIET:
            outs.append(Close(1001, "idle"))
        return outs

    def _products(self, named: object) -> list[str] | str:
        """The products that are meant, by the names of their books, or what is wrong with them."""
        if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
            return "product_ids must be a list of strings"
        if len(named) > MOST_PRODUCTS:
            return "too many product_ids"
        products = {name: self._catalogue.original(name) for name in named}
        unknown = [name for name, original in products.items() if original is None]
        if unknown:
            return f"{unknown[0][:40]} is not a valid product"
        return list(dict.fromkeys(original for original in products.values() if original))

    def _subscribe(self, channel: str, products: list[str], at: int) -> list[Out]:
        if channel == "heartbeats":
            self._beats = True
            return []
        if channel != "level2":
            known = self._others.setdefault(channel, [])
            known += [product for product in products if product not in known]
            return []
        fresh = [product for product in products if product not in self._feeds]
        outs: list[Out] = []
        for product in fresh:
            feed = self._feeds[product] = _Feed(self._books[product])
            outs.append(self._message("l2_data", feed.snapshot(), at))
        return outs

    def _unsubscribe(self, channel: str, products: list[str], at: int) -> list[Out]:
        """Without products, the whole channel."""
        if channel == "heartbeats":
            self._beats = False
        elif channel == "level2":
            for product in products or list(self._feeds):
                self._feeds.pop(product, None)
        else:
            left = [p for p in self._others.pop(channel, []) if products and p not in products]
            self._others |= {channel: left} if left else {}
        return []

    def _subscriptions(self, at: int) -> str:
        """All that is subscribed by now."""
        subscribed = dict(self._others)
        if self._feeds:
            subscribed["level2"] = list(self._feeds)
        if self._beats:
            subscribed["heartbeats"] = ["heartbeats"]
        return self._message("subscriptions", {"subscriptions": subscribed}, at)

    def _beat(self, at: int) -> dict[str, Any]:
        up = at - self._began
        day, _, time = rfc3339(at).rstrip("Z").partition("T")
        running = f"m=+{up // SECOND}.{up % SECOND:09d}"
        return {
            "current_time": f"{day} {time} +0000 UTC {running}",
            "heartbeat_counter": up // SECOND,
        }

    def _message(self, channel: str, event: dict[str, Any], at: int) -> str:
        number, self._sequence = self._sequence, self._sequence + 1
        self._spoke = at
        body = {
            "channel": channel,
            "timestamp": rfc3339(at),
            "sequence_num": number,
            "events": [event],
        }
        return encoded(body)


LAB = CoinbaseLab


def _json(body: object) -> Reply:
    return Reply(200, encoded(body))


def _refusal(status: int, error: str, text: str) -> Reply:
    body = {"error": error, "error_details": text, "message": text}
    return Reply(status, encoded(body))


def _error(text: str) -> str:
    return encoded({"type": "error", "message": text})
