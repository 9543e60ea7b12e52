"""Gate spot: public order books.

https://www.gate.com/docs/developers/apiv4/ws/en/

``top``: ``spot.obu`` with 50 levels, ``full``: with 400; both begin with the whole book in the
stream itself (``full``) and go on with changes. Both with ``spot.book_ticker`` for the best bid and
offer, ordered by the same update id ``u``. The older ``order_book_update``, joined to a REST
snapshot, is understood where it arrives (recordings), and so are the futures channels of all three
(``gate_futures``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import quote

import msgspec
from msgspec import Raw, Struct

from scanner.steps import (
    Ack,
    Best,
    Connect,
    Delta,
    Fetch,
    Notice,
    Reconnect,
    Refused,
    Reset,
    Send,
    Snapshot,
)
from scanner.types import Depth, LevelLayout, Market, Proof
from scanner.venues import gate_wire as wire
from scanner.venues.bridged import BridgedBooks, market_of
from scanner.venues.cells import READY, Cells, Shared
from scanner.venues.parts import (
    MILLISECOND,
    SECOND,
    Fetches,
    Known,
    Pulse,
    Requests,
    Resubscriptions,
    batched,
    decode,
    encoded,
    levels,
)
from scanner.venues.protocol import Limits, Options, Steps, Venue
from scanner.venues.rest_book import RestBook
from scanner.venues.sequence import Bridge, Contiguous, Ranks, Verdict
from scanner.venues.wire import Chain, Kind, Order, Shape, What, Wire

STREAMS_PER_REQUEST = 50
BOOK, BEST = "spot.obu", "spot.book_ticker"
SNAPSHOTS = {
    "spot": "/api/v4/spot/order_book?currency_pair=",
    "futures": "/api/v4/futures/usdt/order_book?contract=",
}


class _Stream:
    """One market: how far its book has come, and how that ranks against best bids and offers."""

    __slots__ = ("ids", "ranks")

    def __init__(self, cells: Cells) -> None:
        self.ids = Contiguous(cells)
        self.ranks = Ranks(cells)


class Line(Struct, frozen=True):
    """Where something is traded: what its channels begin with and where they are; ``told`` is given
    what comes on the channel ``beside`` the books."""

    prefix: str = "spot"
    path: str = "/ws/v4/"
    beside: str = ""
    told: Callable[[Raw], Steps] | None = None


class Gate:
    """One connection to the stream of one line."""

    def __init__(
        self, markets: Sequence[Market] | None, options: Options, line: Line | None = None
    ) -> None:
        self.shared = Shared()
        self._line = line or Line()
        self._book, self._best = f"{self._line.prefix}.obu", f"{self._line.prefix}.book_ticker"
        self._known = Known(markets)
        self._options = options
        self._levels = 400 if options.depth is Depth.FULL else 50
        self._requests = Requests()
        self._wanted = Fetches()
        self._again = Resubscriptions()
        self._pulse = Pulse(every=10, quiet=5, dead=10, connection=self.shared.connection)
        self._streams: dict[str, _Stream] = {}
        many = len(self._known.ids)
        self._bridged = BridgedBooks(Bridge, self._snapshot_url, self._wanted, many)
        self._snapshots: dict[str, str] = {}

    def start(self, at: int) -> Steps:
        return [Connect(f"{self._options.ws}{self._line.path}")]

    def opened(self, at: int) -> Steps:
        self._pulse.started(at)
        channels = [self._book, self._best, *filter(None, [self._line.beside])]
        return [
            self._request("subscribe", channel, batch, at)
            for batch in batched(self._known.ids, STREAMS_PER_REQUEST)
            for channel in channels
        ]

    def received(self, raw: bytes, at: int) -> Steps:
        envelope = decode(wire.envelopes, raw)
        self._pulse.heard(at)
        kind, _, name = envelope.channel.partition(".")
        if envelope.event in ("subscribe", "unsubscribe"):
            return self._answered(envelope, at)
        if envelope.event == "update":
            return self._updated(kind, name, envelope.result, at)
        if envelope.error is not None:
            return [Refused(None, _reason(envelope.error))]
        if name == "pong":
            return ()
        return [Notice(f"unexpected message on channel {envelope.channel!r:.40}")]

    def fetched(self, tag: str, status: int, body: bytes, at: int) -> Steps:
        market = market_of(tag)
        if status != 200:
            return self._bridged.failed(market, f"HTTP {status}", at)
        book = decode(wire.snapshots, body)
        snapshot = Snapshot(
            market=market,
            bids=levels(book.bids),
            asks=levels(book.asks),
            sequence=book.id,
            live=False,
        )
        return self._bridged.joined(snapshot, at)

    def resync(self, market: str, reason: str, at: int) -> Steps:
        if market in self._bridged:
            self._bridged[market].restart()
            return self._bridged.fetch(market, at)
        stream = self._stream(market)
        stream.ids.last = None
        stream.ranks.forget()
        return self._leave(market, at)

    def idle(self, at: int) -> Steps:
        if self._pulse.lost(at):
            return [Reconnect("the venue is silent and does not answer a ping")]
        steps: list[Send | Fetch] = []
        if self._pulse.due(at):
            ping = encoded({"time": at // SECOND, "channel": f"{self._line.prefix}.ping"})
            steps.append(Send(ping, heartbeat=True))
        leave, join = self._again.due(at)
        steps += [self._request("unsubscribe", self._book, [market], at) for market in leave]
        steps += [self._request("subscribe", self._book, [market], at) for market in join]
        return steps + [self._bridged.request(market) for market in self._wanted.due(at)]

    def _updated(self, kind: str, name: str, result: Raw, at: int) -> Steps:
        match name:
            case "obu":
                return self._obu(result, at)
            case "book_ticker":
                return self._book_ticker(result, at)
            case "order_book_update":
                return self._update(result, kind, at)
            case "system":
                return self._announced(result)
        beside = f"{kind}.{name}" == self._line.beside and self._line.told
        return beside(result) if beside else ()

    def _obu(self, result: Raw, at: int) -> Steps:
        book = decode(wire.books, result)
        market, _, depth = book.s.removeprefix("ob.").rpartition(".")
        if market not in self._known:
            return [Notice(f"book of {market!r:.40}, which was not subscribed")]
        if book.full:
            return self._whole(market, int(depth), book, at)
        if book.U is None:
            raise msgspec.ValidationError("a change without its first update id")
        return self._change(market, book.U, book, at)

    def _whole(self, market: str, depth: int, book: wire.BookMessage, at: int) -> Steps:
        stream = self._stream(market)
        rank = stream.ranks.book(book.u, book.t, at)
        if rank is None:
            return ()
        stream.ids.snapshot(book.u)
        self._again.done(market)
        self.shared[market][READY] = market not in self._again
        return [
            Snapshot(
                market=market,
                bids=levels(book.b),
                asks=levels(book.a),
                sequence=book.u,
                order=rank,
                sent_at=book.t * MILLISECOND,
                depth=depth,
            )
        ]

    def _change(self, market: str, first: int, book: wire.BookMessage, at: int) -> Steps:
        stream = self._stream(market)
        had = stream.ids.last
        verdict = stream.ids.delta(first, book.u, at)
        if verdict is Verdict.SKIP:
            return ()
        if verdict is Verdict.GAP:
            steps = self._leave(market, at)
            reason = f"update ids {first}..{book.u} do not follow {had}"
            return steps if had is None else [Reset(market, reason), *steps]
        rank = stream.ranks.book(book.u, book.t, at, proven=True)
        assert rank is not None
        return [
            Delta(
                market=market,
                bids=levels(book.b),
                asks=levels(book.a),
                sequence=book.u,
                order=rank,
                sent_at=book.t * MILLISECOND,
            )
        ]

    def _book_ticker(self, result: Raw, at: int) -> Steps:
        best = decode(wire.bests, result)
        if best.s not in self._known:
            return [Notice(f"best bid and offer of {best.s!r:.40}, which was not subscribed")]
        rank = self._stream(best.s).ranks.best(best.u, best.t, at)
        if rank is None:
            return ()
        return [
            Best(
                market=best.s,
                bid_price=best.b,
                bid_size=_size(best.b, best.B),
                ask_price=best.a,
                ask_size=_size(best.a, best.A),
                order=rank,
                sent_at=best.t * MILLISECOND,
            )
        ]

    def _update(self, result: Raw, kind: str, at: int) -> Steps:
        changes = decode(wire.changes, result)
        market = changes.s
        if market not in self._known:
            return [Notice(f"changes of {market!r:.40}, which was not subscribed")]
        self._snapshots[market] = SNAPSHOTS.get(kind, SNAPSHOTS["spot"])
        delta = Delta(
            market=market,
            bids=levels(changes.b),
            asks=levels(changes.a),
            sequence=changes.u,
            sent_at=changes.t * MILLISECOND,
        )
        verdict = self._bridged[market].delta(changes.U, changes.u, delta, at)
        if verdict is Verdict.APPLY:
            return [delta]
        reason = f"update ids {changes.U}..{changes.u} do not follow the last one"
        return self._bridged.missed(market, verdict, reason, at)

    def _answered(self, envelope: wire.Envelope, at: int) -> Steps:
        markets = self._requests.answered(envelope.id)
        if envelope.event == "unsubscribe":
            left = [market for market in markets if self._again.left(market)]
            return [self._request("subscribe", self._book, [market], at) for market in left]
        if envelope.error is None:
            return [Ack(market) for market in markets] if envelope.channel == self._book else ()
        if len(markets) > 1:
            return [self._request("subscribe", envelope.channel, [m], at) for m in markets]
        if envelope.error.message.startswith("Alert sub"):
            # What the venue says to a second subscription of one stream: the first one stands.
            return [Ack(market) for market in markets]
        return self._refused(envelope.channel, markets, _reason(envelope.error))

    def _refused(self, channel: str, markets: Sequence[str], reason: str) -> Steps:
        if not markets:
            return [Refused(None, reason)]
        if channel != self._book:
            what = "best bid and offer" if channel == self._best else channel
            return [Notice(f"{markets[0]}: {what} refused: {reason}")]
        self._again.done(markets[0])
        return [Refused(markets[0], reason)]

    def _announced(self, result: Raw) -> Steps:
        system = decode(wire.systems, result)
        if system.type == "upgrade":
            return [Reconnect("the venue announced that it closes this connection")]
        return [Notice(f"the venue says {system.type!r:.40}: {system.msg!r:.200}")]

    def _stream(self, market: str) -> _Stream:
        stream = self._streams.get(market)
        if stream is None:
            stream = self._streams[market] = _Stream(self.shared[market])
        return stream

    def _leave(self, market: str, at: int) -> list[Send]:
        """The way to a fresh book: it comes first on a new subscription."""
        if not self._again.start(market, at):
            return []
        return [self._request("unsubscribe", self._book, [market], at)]

    def _snapshot_url(self, market: str) -> str:
        path = self._snapshots[market]
        return f"{self._options.rest}{path}{quote(market)}&limit=100&with_id=true"

    def _request(self, event: str, channel: str, markets: Sequence[str], at: int) -> Send:
        streams = [f"ob.{market}.{self._levels}" for market in markets]
        body = {
            "time": at // SECOND,
            "id": self._requests.new(markets),
            "channel": channel,
            "event": event,
            "payload": streams if channel == self._book else markets,
        }
        return Send(encoded(body))


def _size(price: str, raw: Raw) -> str:
    """Futures write sizes as numbers; an empty side has no price and a size of zero."""
    return bytes(raw).decode(errors="replace").strip('"') if price else ""


def _reason(error: wire.Error) -> str:
    return f"{error.message} (code {error.code})"[:200]


WIRE = Wire(
    shapes=(
        Shape(
            kind=Kind.DELTA,
            names={"ob.{id}.50": 1, "ob.{id}.400": 1},
            tags={"channel": (BOOK,), "event": ("update",)},
            keys={
                "time": What.SKIP,
                "time_ms": What.SKIP,
                "result.t": What.TIME,
                "result.full": What.FLAG,
                "result.s": What.NAME,
                "result.U": What.FIRST,
                "result.u": What.LAST,
                "result.b": What.BIDS,
                "result.a": What.ASKS,
            },
            may=(What.BIDS, What.ASKS),
            chain=Chain.NEXT,
            order=Order.RANK,
        ),
        Shape(
            kind=Kind.BEST,
            names={"{id}": 0},
            tags={"channel": (BEST,), "event": ("update",)},
            keys={
                "result.t": What.TIME,
                "result.u": What.LAST,
                "result.s": What.NAME,
                "result.b": What.BID,
                "result.B": What.BID_SIZE,
                "result.a": What.ASK,
                "result.A": What.ASK_SIZE,
            },
            order=Order.RANK,
        ),
    ),
    refused=("id", "error"),
)

VENUE = Venue(
    id="gate",
    name="Gate",
    rest="https://api.gateio.ws",
    ws="wss://api.gateio.ws",
    make=Gate,
    limits=Limits(markets=75, sends=5, connects=30, fetches=10),
    proof={Depth.TOP: Proof.CHAINED, Depth.FULL: Proof.CHAINED},
    channels={
        Depth.TOP: "spot.obu 50 + spot.book_ticker",
        Depth.FULL: "spot.obu 400 + spot.book_ticker",
    },
    layout=LevelLayout(price_key="p", size_key="s"),
    wire=WIRE,
    rest_book=RestBook(
        path="/api/v4/spot/order_book?currency_pair={id}&limit=100", made=("current",)
    ),
    notes=(
        "A subscription of an unknown pair's book is acknowledged and stays silent.",
        "The clock must be right within a minute: every request carries its time.",
        "The whole book may come again at any moment; it replaces what was there.",
    ),
)
