"""Coinbase Advanced Trade: public order books.

https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-channels

``level2`` in both depths: one snapshot of the whole book, then every change. There is no faster
channel for the best bid and offer (``ticker`` speaks only when something trades). ``sequence_num``
counts every message of the connection, whatever its channel, so one gap loses all books of it.
``heartbeats`` comes once a second and keeps quiet subscriptions from being closed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct

from scanner.steps import (
    Ack,
    Connect,
    Delta,
    Notice,
    Reconnect,
    Refused,
    Reset,
    Send,
    Snapshot,
    Step,
)
from scanner.types import Depth, FeeSide, LevelLayout, Market, Proof
from scanner.venues.cells import HEARD, NEVER, READY, Shared
from scanner.venues.parts import (
    SECOND,
    Fetches,
    Known,
    Moment,
    UpdateId,
    decode,
    encoded,
    levels,
    nanoseconds,
)
from scanner.venues.protocol import Limits, Options, Steps, Venue
from scanner.venues.rest_book import RestBook
from scanner.venues.sequence import Counter, Verdict
from scanner.venues.wire import Kind, Shape, What, Wire

NOTHING = Raw(b"null")
ANSWER = 10 * SECOND
SILENCE = 5 * SECOND
SILENCE_WHILE_LOADING = 30 * SECOND


class _Envelope(Struct):
    channel: str = ""
    sequence_num: UpdateId | None = None
    timestamp: str = ""
    events: Raw = NOTHING
    type: str = ""
    message: str = ""
    reason: str = ""


class _Change(Struct):
    type: str
    product_id: str
    updates: Raw = NOTHING


class _Subscriptions(Struct):
    level2: list[str] | None = None


class _Acknowledged(Struct):
    subscriptions: _Subscriptions


_envelope = msgspec.json.Decoder(_Envelope)
_changes = msgspec.json.Decoder(list[_Change] | None)
_acknowledged = msgspec.json.Decoder(list[_Acknowledged] | None)


class Coinbase:
    """One connection to the market data stream."""

    def __init__(self, markets: Sequence[Market] | None, options: Options) -> None:
        self.shared = Shared()
        self._known = Known(markets)
        self._options = options
        self._counter = Counter(self.shared.connection)
        self._wanted = Fetches()
        # Errors do not say which request they are for: it is told from what is still unanswered.
        self._unanswered: dict[str, int] = {}
        self._subscribed: set[str] = set()
        self._one_by_one: deque[str] = deque()
        self._broken = False

    def start(self, at: int) -> Steps:
        return [Connect(self._options.ws)]

    def opened(self, at: int) -> Steps:
        self.shared.connection[HEARD] = at
        steps: list[Step] = [_request("subscribe", "heartbeats")]
        if self._known.ids:
            steps += self._subscribe(self._known.ids, at)
        return steps

    def received(self, raw: bytes, at: int) -> Steps:
        envelope = decode(_envelope, raw)
        self.shared.connection[HEARD] = at
        if envelope.sequence_num is not None:
            last = self._counter.last
            verdict = self._counter.next(envelope.sequence_num)
            if verdict is Verdict.GAP:
                return self._gap(f"message {envelope.sequence_num} came after {last}")
            if verdict is Verdict.SKIP:
                return ()
        elif envelope.channel:
            raise msgspec.ValidationError(f"{envelope.channel!r} without sequence_num")
        if envelope.channel == "l2_data":
            return self._book(envelope, at)
        if envelope.channel == "subscriptions":
            return self._answered(envelope.events, at)
        if envelope.type == "error":
            return self._refused(f"{envelope.message} {envelope.reason}".strip(), at)
        if envelope.channel:
            return ()
        return [Notice(f"unexpected message of type {envelope.type or 'unknown'!r}")]

    def fetched(self, tag: str, status: int, body: bytes, at: int) -> Steps:
        return [Notice(f"an answer to {tag!r}, which was not asked")]

    def resync(self, market: str, reason: str, at: int) -> Steps:
        self.shared[market][READY] = 0
        return self._renew(market, at) if self._wanted.start(market, at) else ()

    def idle(self, at: int) -> Steps:
        patience = SILENCE_WHILE_LOADING if self._unloaded() else SILENCE
        heard = self.shared.connection[HEARD]
        if heard != NEVER and at - heard > patience:
            # Counted anew, so that the demand is not repeated with every call.
            self.shared.connection[HEARD] = at
            return [Reconnect(f"no heartbeat for {patience // SECOND} s")]
        for product, since in list(self._unanswered.items()):
            if at - since > ANSWER:
                del self._unanswered[product]
        steps = self._next(at)
        for market in self._wanted.due(at):
            steps += self._renew(market, at)
        return steps

    def _unloaded(self) -> bool:
        """Some snapshot is to come: a frame of megabytes holds up the heartbeats behind it."""
        loaded = (self.shared[market][READY] for market in self._subscribed)
        return not self._subscribed or not all(loaded)

    def _book(self, envelope: _Envelope, at: int) -> Steps:
        sent_at = nanoseconds(msgspec.convert(envelope.timestamp, Moment))
        assert envelope.sequence_num is not None
        steps: list[Step] = []
        for change in decode(_changes, envelope.events) or ():
            if change.product_id not in self._known:
                steps.append(Notice(f"book of {change.product_id!r}, which was not subscribed"))
            else:
                steps += self._change(change, envelope.sequence_num, sent_at, at)
        return steps

    def _change(self, change: _Change, sequence: int, sent_at: int, at: int) -> Steps:
        market, rows = change.product_id, levels(change.updates)
        if change.type == "snapshot":
            self.shared[market][READY] = 1
            self._wanted.done(market)
            self._broken = False
            return [Snapshot(market=market, mixed=rows, sequence=sequence, sent_at=sent_at)]
        if change.type == "update" and self.shared[market][READY]:
            return [Delta(market=market, mixed=rows, sequence=sequence, sent_at=sent_at)]
        # After a gap only a snapshot is worth something, and the old changes go on until the venue
        # has seen that a book is asked for anew.
        renewal = () if self._broken else self.resync(market, "", at)
        reason = f"an event {change.type!r} where a snapshot was expected"
        return [Reset(market, reason), *renewal] if renewal else ()

    def _gap(self, reason: str) -> Steps:
        self.shared.close()
        if self._broken:
            return ()
        self._broken = True
        return [Reset(None, reason), Reconnect(reason)]

    def _answered(self, events: Raw, at: int) -> Steps:
        """Every answer lists all that is subscribed by now, not what was asked."""
        products: list[str] = []
        for event in decode(_acknowledged, events) or ():
            products += event.subscriptions.level2 or ()
        acks = [Ack(p) for p in products if p not in self._subscribed and p in self._known]
        self._subscribed = set(products)
        for product in products:
            self._unanswered.pop(product, None)
        return [*acks, *self._next(at)]

    def _refused(self, reason: str, at: int) -> Steps:
        products = list(self._unanswered)
        self._unanswered.clear()
        if len(products) > 1:
            self._one_by_one.extend(products)
            return [Notice(f"{reason}: asking for each product alone"), *self._next(at)]
        return [Refused(products[0] if products else None, reason), *self._next(at)]

    def _next(self, at: int) -> list[Send]:
        while self._one_by_one and not self._unanswered:
            product = self._one_by_one.popleft()
            if product not in self._subscribed:
                return self._subscribe([product], at)
        return []

    def _renew(self, market: str, at: int) -> list[Send]:
        if market in self._one_by_one:
            return []
        leave = [_request("unsubscribe", "level2", [market])] if market in self._subscribed else []
        self._subscribed.discard(market)
        return [*leave, *self._subscribe([market], at)]

    def _subscribe(self, products: Sequence[str], at: int) -> list[Send]:
        self._unanswered.update(dict.fromkeys(products, at))
        return [_request("subscribe", "level2", products)]


def _request(verb: str, channel: str, products: Sequence[str] = ()) -> Send:
    body: dict[str, object] = {"type": verb, "channel": channel}
    if products:
        body["product_ids"] = list(products)
    return Send(encoded(body))


def _stream_id(market: Mapping[str, Any]) -> str:
    """The product whose book it is: a USDC product that is an alias is answered as its original."""
    return str((market.get("info") or {}).get("alias") or market["id"])


WIRE = Wire(
    shapes=(
        Shape(
            kind=Kind.DELTA,
            names={"{id}": 1},
            tags={"channel": ("l2_data",), "events[].type": ("update",)},
            keys={
                "client_id": What.SKIP,
                "timestamp": What.TIME_TEXT,
                "sequence_num": What.COUNT,
                "events[].product_id": What.NAME,
                "events[].updates": What.MIXED,
            },
            counted=True,
        ),
    ),
    refused=("type", "message", "reason"),
)

VENUE = Venue(
    id="coinbase",
    name="Coinbase Advanced",
    rest="https://api.coinbase.com",
    ws="wss://advanced-trade-ws.coinbase.com",
    make=Coinbase,
    limits=Limits(markets=20, sends=4, connects=60, message_bytes=32 << 20),
    proof={Depth.TOP: Proof.CHAINED, Depth.FULL: Proof.CHAINED},
    channels={Depth.TOP: "level2 + heartbeats", Depth.FULL: "level2 + heartbeats"},
    stream_id=_stream_id,
    layout=LevelLayout(
        price_key="price_level",
        size_key="new_quantity",
        side_key="side",
        bid_value="bid",
        ask_value="offer",
    ),
    wire=WIRE,
    fee_side=FeeSide.QUOTE,
    rest_book=RestBook(
        path="/api/v3/brokerage/market/product_book?product_id={id}&limit=100",
        within=("pricebook",),
        layout=LevelLayout(price_key="price", size_key="size"),
        cached=1_000_000_000,
    ),
    notes=(
        "The channel is subscribed as level2 and delivers as l2_data; its snapshot is the whole "
        "book, about 5 MB for BTC-USD.",
        "sequence_num counts all messages of a connection: a gap loses every book on it.",
        "Most USDC products are aliases: BTC-USDC is the book of BTC-USD under another name. It "
        "takes part once: as BTC/USD, or as BTC/USDC where that is asked for or others list only "
        "that.",
    ),
)
