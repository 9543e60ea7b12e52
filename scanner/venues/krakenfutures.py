"""Kraken Futures: perpetuals and dated contracts, linear (``PF_``, ``FF_``: sizes in coins) and
inverse (``PI_``, ``FI_``: one dollar a contract).

https://docs.kraken.com/api/docs/futures-api/websocket/book

``book`` for either depth: the whole book on the stream, then one level a message, each with the
product's next ``seq``. ``ticker`` tells of marks and rates once a second: ``relative_funding_rate``
is a fraction (``funding_rate`` is money per contract), of one hour, which is how long it is from
one payment to the next (https://support.kraken.com/articles/9618146737172); the stream does not say
so. Of the history, ``relativeFundingRate`` is that fraction and ``timestamp`` the period to which
it applies (https://support.kraken.com/hc/en-us/articles/360061979852): known when that begins, paid
when it ends. While a product is suspended its book cannot be traded on, and counts for nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec
from msgspec import Raw, Struct

from scanner.steps import (
    Ack,
    Connect,
    Delta,
    DerivativeTicker,
    Notice,
    Refused,
    Reset,
    Send,
    Snapshot,
)
from scanner.types import Depth, LevelLayout, Market, Proof
from scanner.venues.cells import Shared
from scanner.venues.funding_history import FundingHistory, Pages
from scanner.venues.parts import (
    MILLISECOND,
    SECOND,
    Known,
    Millis,
    Resubscriptions,
    UpdateId,
    decode,
    encoded,
    number_text,
)
from scanner.venues.protocol import Limits, Options, Steps, Venue
from scanner.venues.rest_book import RestBook
from scanner.venues.sequence import Contiguous, Verdict

HOUR = 3600 * SECOND
BOOK, TICKER = "book", "ticker"
NONE = Raw(b"null")


class _Message(Struct):
    event: str = ""
    feed: str = ""
    product_id: str = ""
    product_ids: list[str] = []
    message: str = ""


class _Whole(Struct):
    seq: UpdateId
    bids: Raw
    asks: Raw
    timestamp: Millis = 0


class _Level(Struct):
    side: str
    seq: UpdateId
    price: Raw
    qty: Raw
    timestamp: Millis = 0


class _Ticker(Struct):
    time: Millis = 0
    markPrice: Raw = NONE
    index: Raw = NONE
    relative_funding_rate: Raw = NONE
    relative_funding_rate_prediction: Raw = NONE
    next_funding_rate_time: Millis = 0
    openInterest: Raw = NONE
    suspended: bool = False


_message = msgspec.json.Decoder(_Message)
_whole = msgspec.json.Decoder(_Whole)
_level = msgspec.json.Decoder(_Level)
_ticker = msgspec.json.Decoder(_Ticker)


class KrakenFutures:
    """One connection."""

    def __init__(self, markets: Sequence[Market] | None, options: Options) -> None:
        self.shared = Shared()
        self._known = Known(markets)
        self._options = options
        self._ids: defaultdict[str, Contiguous] = defaultdict(Contiguous)
        self._suspended: set[str] = set()
        self._renewals = Resubscriptions()

    def start(self, at: int) -> Steps:
        return [Connect(f"{self._options.ws}/ws/v1")]

    def opened(self, at: int) -> Steps:
        """One product a request: a refusal does not say which one it is for."""
        feeds = (BOOK, TICKER)
        return [_request("subscribe", feed, market) for market in self._known.ids for feed in feeds]

    def received(self, raw: bytes, at: int) -> Steps:
        message = decode(_message, raw)
        if message.event:
            return self._event(message)
        if message.feed not in ("book_snapshot", BOOK, TICKER):
            return ()
        market = message.product_id
        if market not in self._known:
            return [Notice(f"{message.feed} of {market!r:.40}, which was not subscribed")]
        if message.feed == TICKER:
            return self._told(market, decode(_ticker, raw), at)
        if market in self._suspended:
            return ()
        if message.feed == BOOK:
            return self._changed(market, decode(_level, raw), at)
        return self._opened_with(market, decode(_whole, raw))

    def fetched(self, tag: str, status: int, body: bytes, at: int) -> Steps:
        return ()

    def resync(self, market: str, reason: str, at: int) -> Steps:
        if market in self._suspended:
            return ()
        self._ids[market] = Contiguous()
        return self._renew(market, at)

    def idle(self, at: int) -> Steps:
        leave, join = self._renewals.due(at)
        steps = [_request("unsubscribe", BOOK, market) for market in leave]
        return steps + [_request("subscribe", BOOK, market) for market in join]

    def _event(self, message: _Message) -> Steps:
        match message.event:
            case "info":
                return ()
            case "subscribed" if message.feed == BOOK:
                return [Ack(market) for market in message.product_ids if market in self._known]
            case "unsubscribed" if message.feed == BOOK:
                left = [m for m in message.product_ids if self._renewals.left(m)]
                return [_request("subscribe", BOOK, market) for market in left]
            case "subscribed" | "unsubscribed":
                return ()
            case "error" | "alert":
                return [Refused(None, message.message[:200])]
        return [Notice(f"unexpected event {message.event!r:.40}: {message.message!r:.200}")]

    def _opened_with(self, market: str, book: _Whole) -> Steps:
        self._ids[market].snapshot(book.seq)
        self._renewals.done(market)
        return [
            Snapshot(
                market=market,
                bids=bytes(book.bids),
                asks=bytes(book.asks),
                sequence=book.seq,
                sent_at=book.timestamp * MILLISECOND,
            )
        ]

    def _changed(self, market: str, level: _Level, at: int) -> Steps:
        ids = self._ids[market]
        last = ids.last
        verdict = ids.delta(level.seq, level.seq, at)
        if verdict is Verdict.SKIP:
            return ()
        if verdict is Verdict.GAP:
            steps = self._renew(market, at)
            reason = f"seq {level.seq} does not follow {last}"
            return steps if last is None else [Reset(market, reason), *steps]
        row = b'[{"price":%b,"qty":%b}]' % (bytes(level.price), bytes(level.qty))
        if level.side not in ("buy", "sell"):
            raise msgspec.ValidationError(f"a level on the side {level.side!r:.20}")
        return [
            Delta(
                market=market,
                bids=row if level.side == "buy" else b"[]",
                asks=row if level.side == "sell" else b"[]",
                sequence=level.seq,
                sent_at=level.timestamp * MILLISECOND,
            )
        ]

    def _told(self, market: str, ticker: _Ticker, at: int) -> Steps:
        due = ticker.next_funding_rate_time * MILLISECOND
        said = DerivativeTicker(
            market=market,
            mark=number_text(ticker.markPrice),
            index=number_text(ticker.index),
            funding_rate=number_text(ticker.relative_funding_rate) if due else "",
            predicted=number_text(ticker.relative_funding_rate_prediction) if due else "",
            next_funding_at=due,
            interval=HOUR if due else 0,
            open_interest=number_text(ticker.openInterest),
            sent_at=ticker.time * MILLISECOND,
        )
        if ticker.suspended == (market in self._suspended):
            return [said]
        if ticker.suspended:
            self._suspended.add(market)
            return [said, Reset(market, "trading is suspended")]
        self._suspended.remove(market)
        self._ids[market] = Contiguous()
        return [said, *self._renew(market, at)]

    def _renew(self, market: str, at: int) -> list[Send]:
        """The way to a fresh book: it comes first on a new subscription."""
        if not self._renewals.start(market, at):
            return []
        return [_request("unsubscribe", BOOK, market)]


def _request(event: str, feed: str, market: str) -> Send:
    return Send(encoded({"event": event, "feed": feed, "product_ids": [market]}))


VENUE = Venue(
    id="krakenfutures",
    name="Kraken Futures",
    rest="https://futures.kraken.com",
    ws="wss://futures.kraken.com",
    make=KrakenFutures,
    contracts=True,
    limits=Limits(markets=100, sends=20, connects=30),
    proof={Depth.TOP: Proof.CHAINED, Depth.FULL: Proof.CHAINED},
    channels={Depth.TOP: "book + ticker", Depth.FULL: "book + ticker"},
    layout=LevelLayout(price_key="price", size_key="qty"),
    recorded_as=("kraken-futures",),
    rest_book=RestBook(
        path="/derivatives/api/v3/orderbook?symbol={id}",
        within=("orderBook",),
        made=("serverTime",),
        levels=0,
    ),
    funding_history=FundingHistory(
        path="/derivatives/api/v3/historical-funding-rates?symbol=[id]",
        pages=Pages.WHOLE,
        within=("rates",),
        code=("result", "success"),
        at="timestamp",
        dated=True,
        begins=HOUR,
        rate="relativeFundingRate",
        interval=HOUR,
        limits="none is documented",
    ),
    notes=(
        "There is one book channel, of all the depth, for either setting of depth.",
        "funding_rate is money per contract; relative_funding_rate is the fraction that counts.",
        "Funding is paid every hour; a change of several levels comes as several messages.",
    ),
)
