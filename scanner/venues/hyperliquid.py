"""Hyperliquid: perpetuals, in coins, paid for in USDC.

https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/websocket/subscriptions

``top``: ``l2Book`` with ``fast``, five whole levels about twice a second; ``full``: ``l2Book``,
twenty of them, since June 2026 about every five seconds. The two cannot be told apart on the wire,
so a connection has one of them. Both with ``bbo``, of every block in which the best prices changed,
ordered by the same ``time`` of the block. ``activeAssetCtx`` tells of marks and rates.

Every book replaces the one before; only an older one does not. Funding is paid at every full hour,
of every perpetual (https://hyperliquid.gitbook.io/hyperliquid-docs/trading/funding), and
``funding`` is the rate for one hour. The stream names neither, so both are taken from there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct

from scanner.steps import (
    Ack,
    Best,
    Connect,
    DerivativeTicker,
    Notice,
    Reconnect,
    Refused,
    Send,
    Snapshot,
    Step,
)
from scanner.types import Depth, LevelLayout, Market, Proof
from scanner.venues.cells import Shared
from scanner.venues.funding_history import FundingHistory, Pages
from scanner.venues.parts import (
    MILLISECOND,
    SECOND,
    Known,
    Millis,
    Pulse,
    Resubscriptions,
    decode,
    encoded,
)
from scanner.venues.protocol import Limits, Options, Steps, Venue
from scanner.venues.sequence import Newest, Verdict

HOUR = 3600 * SECOND
BOOK, BEST, CONTEXT = "l2Book", "bbo", "activeAssetCtx"
PING = Send('{"method":"ping"}', heartbeat=True)


class _Message(Struct):
    channel: str = ""
    data: Raw = Raw(b"null")


class _Book(Struct):
    coin: str
    time: Millis
    levels: tuple[Raw, Raw]


class _Level(Struct):
    px: str
    sz: str


class _Best(Struct):
    coin: str
    time: Millis
    bbo: tuple[_Level | None, _Level | None]


class _Context(Struct):
    markPx: str = ""
    oraclePx: str = ""
    funding: str = ""
    openInterest: str = ""


class _OfCoin(Struct):
    coin: str
    ctx: _Context


class _Subscription(Struct, frozen=True):
    type: str = ""
    coin: str = ""


class _Answer(Struct):
    method: str = ""
    subscription: _Subscription = _Subscription()


_message = msgspec.json.Decoder(_Message)
_book = msgspec.json.Decoder(_Book)
_best = msgspec.json.Decoder(_Best)
_context = msgspec.json.Decoder(_OfCoin)
_answer = msgspec.json.Decoder(_Answer)
_text = msgspec.json.Decoder(str)


class Hyperliquid:
    """One connection."""

    def __init__(self, markets: Sequence[Market] | None, options: Options) -> None:
        self.shared = Shared()
        self._known = Known(markets)
        self._options = options
        self._fast = options.depth is Depth.TOP
        self._newest: defaultdict[str, Newest] = defaultdict(Newest)
        self._renewals = Resubscriptions()
        self._pulse = Pulse(every=30, quiet=10, dead=25)

    def start(self, at: int) -> Steps:
        return [Connect(f"{self._options.ws}/ws")]

    def opened(self, at: int) -> Steps:
        self._pulse.started(at)
        kinds = (BOOK, BEST, CONTEXT)
        return [self._request("subscribe", kind, m) for m in self._known.ids for kind in kinds]

    def received(self, raw: bytes, at: int) -> Steps:
        self._pulse.heard(at)
        message = decode(_message, raw)
        match message.channel:
            case "bbo":
                return self._touch(message.data)
            case "l2Book":
                return self._whole(message.data, at)
            case "activeAssetCtx":
                return self._told(message.data, at)
            case "subscriptionResponse":
                return self._answered(decode(_answer, message.data))
            case "pong" | "trades" | "allMids" | "allDexsAssetCtxs":
                return ()
            case "error":
                return [Refused(None, decode(_text, message.data)[:200])]
        return [Notice(f"unexpected message on channel {message.channel!r:.40}")]

    def fetched(self, tag: str, status: int, body: bytes, at: int) -> Steps:
        return ()

    def resync(self, market: str, reason: str, at: int) -> Steps:
        self._newest.pop(market, None)
        if not self._renewals.start(market, at):
            return ()
        return [self._request("unsubscribe", BOOK, market)]

    def idle(self, at: int) -> Steps:
        if self._pulse.lost(at):
            return [Reconnect("the venue has fallen silent and answers no ping")]
        steps: list[Step] = [PING] if self._pulse.due(at) else []
        leave, join = self._renewals.due(at)
        steps += [self._request("unsubscribe", BOOK, market) for market in leave]
        return steps + [self._request("subscribe", BOOK, market) for market in join]

    def _answered(self, answer: _Answer) -> Steps:
        market = answer.subscription.coin
        if answer.subscription.type != BOOK or market not in self._known:
            return ()
        if answer.method == "subscribe":
            return [Ack(market)]
        joins = answer.method == "unsubscribe" and self._renewals.left(market)
        return [self._request("subscribe", BOOK, market)] if joins else ()

    def _whole(self, data: Raw, at: int) -> Steps:
        book = decode(_book, data)
        if book.coin not in self._known:
            return [Notice(f"book of {book.coin!r:.40}, which was not subscribed")]
        if self._newest[book.coin].snapshot(book.time, at) is Verdict.SKIP:
            return ()
        self._renewals.done(book.coin)
        bids, asks = book.levels
        return [
            Snapshot(
                market=book.coin,
                bids=bytes(bids),
                asks=bytes(asks),
                sequence=book.time,
                sent_at=book.time * MILLISECOND,
            )
        ]

    def _touch(self, data: Raw) -> Steps:
        best = decode(_best, data)
        if best.coin not in self._known:
            return [Notice(f"best bid and offer of {best.coin!r:.40}, which was not subscribed")]
        bid, ask = (level or _Level("", "") for level in best.bbo)
        return [
            Best(
                market=best.coin,
                bid_price=bid.px,
                bid_size=bid.sz,
                ask_price=ask.px,
                ask_size=ask.sz,
                order=best.time,
                sent_at=best.time * MILLISECOND,
            )
        ]

    def _told(self, data: Raw, at: int) -> Steps:
        told = decode(_context, data)
        if told.coin not in self._known:
            return [Notice(f"context of {told.coin!r:.40}, which was not subscribed")]
        return [
            DerivativeTicker(
                market=told.coin,
                mark=told.ctx.markPx,
                index=told.ctx.oraclePx,
                funding_rate=told.ctx.funding,
                next_funding_at=at - at % HOUR + HOUR,
                interval=HOUR,
                open_interest=told.ctx.openInterest,
            )
        ]

    def _request(self, method: str, kind: str, market: str) -> Send:
        subscription: dict[str, object] = {"type": kind, "coin": market}
        if kind == BOOK and self._fast:
            subscription["fast"] = True
        return Send(encoded({"method": method, "subscription": subscription}))


def _stream_id(market: Mapping[str, Any]) -> str:
    """ccxt's id is a number; the stream knows the coin."""
    return str(market.get("baseName") or market["id"])


VENUE = Venue(
    id="hyperliquid",
    name="Hyperliquid",
    rest="https://api.hyperliquid.xyz",
    ws="wss://api.hyperliquid.xyz",
    make=Hyperliquid,
    stream_id=_stream_id,
    contracts=True,
    limits=Limits(markets=100, sends=20, connects=20),
    proof={Depth.TOP: Proof.SNAPSHOTS, Depth.FULL: Proof.SNAPSHOTS},
    channels={
        Depth.TOP: "l2Book fast + bbo + activeAssetCtx",
        Depth.FULL: "l2Book + bbo + activeAssetCtx",
    },
    layout=LevelLayout(price_key="px", size_key="sz"),
    recorded_as=("hyperliquid",),
    funding_history=FundingHistory(
        path="/info",
        body='{"type":"fundingHistory","coin":"[id]","startTime":[since]}',
        pages=Pages.FORWARD,
        at="time",
        rate="fundingRate",
        market="coin",
        limit=500,
        interval=HOUR,
        per_second=0.4,
        limits="weight 20, and 1 for each 20 rows, of 1,200 a minute",
    ),
    notes=(
        "An unknown coin closes the whole connection; only what the venue lists is subscribed.",
        "Twenty levels (full) come every five seconds only: older than most bounds on age allow.",
        "Funding is paid every hour; the rate is for one hour.",
    ),
)
