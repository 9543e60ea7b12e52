"""KuCoin futures, classic: perpetuals and dated contracts, linear and inverse, sizes in lots.

https://www.kucoin.com/docs-new/3470082w0 (instrument), 3470097w0 (increments)

The address comes with a token, as in spot. ``top``: ``level2Depth50``, whole snapshots; ``full``:
``level2``, one change a message (``"price,side,size"``), each with the next sequence, joined to a
REST snapshot of the whole book. Both with ``tickerV2`` for the best bid and offer, ordered by the
same sequence.

``instrument`` tells of marks every second. Its ``funding.rate`` is two things: with a granularity
of a minute the forecast of the rate after the next payment; with a longer one, which is the
interval itself, the rate of the interval that began at ``timestamp``. The rest (when it is paid
next, open interest) the contract's REST answer says.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

import msgspec
from msgspec import Raw

from scanner.steps import (
    Ack,
    Best,
    Connect,
    Delta,
    DerivativeTicker,
    Fetch,
    Notice,
    Reconnect,
    Refused,
    Send,
    Snapshot,
    Step,
)
from scanner.types import Depth, LevelLayout, Market, Proof
from scanner.venues import kucoinfutures_wire as wire
from scanner.venues.boundaries import PREFIX, Boundaries, Boundary
from scanner.venues.bridged import BridgedBooks, market_of
from scanner.venues.cells import Shared
from scanner.venues.funding_history import FundingHistory, Pages
from scanner.venues.kucoin_token import grant
from scanner.venues.parts import (
    MILLISECOND,
    SECOND,
    Fetches,
    Known,
    Pulse,
    Requests,
    batched,
    decode,
    encoded,
    levels,
    number_text,
)
from scanner.venues.protocol import Limits, Options, Steps, Venue
from scanner.venues.rest_book import RestBook
from scanner.venues.sequence import Bridge, Newest, Verdict

REST, WS = "https://api-futures.kucoin.com", "wss://ws-api-futures.kucoin.com"
SYMBOLS_PER_REQUEST = 100
QUIET_SECONDS = 5
MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
GOOD = "200000"
TOKEN = "token"
DEPTH_50, CHANGES = "/contractMarket/level2Depth50", "/contractMarket/level2"
BEST, INSTRUMENT = "/contractMarket/tickerV2", "/contract/instrument"
SIDES = ("buy", "sell")


class KuCoinFutures:
    """One connection to the classic public stream."""

    def __init__(self, markets: Sequence[Market] | None, options: Options) -> None:
        self.shared = Shared()
        self._known = Known(markets)
        self._options = options
        self._depth = CHANGES if options.depth is Depth.FULL else DEPTH_50
        self._requests = Requests()
        self._wanted = Fetches()
        self._pulse = Pulse(every=18, quiet=QUIET_SECONDS, dead=10)
        self._books = BridgedBooks(
            Bridge, self._snapshot_url, self._wanted, len(self._known.ids), self.shared
        )
        self._newest: dict[str, Newest] = {}
        self._boundaries = Boundaries(self._contract_url, every=5 * MINUTE)
        self._rates: dict[str, str] = {}

    def start(self, at: int) -> Steps:
        return [Fetch(TOKEN, f"{self._options.rest}/api/v1/bullet-public", "POST")]

    def opened(self, at: int) -> Steps:
        self._pulse.started(at)
        self._boundaries.start(self._known.ids, at)
        return ()

    def received(self, raw: bytes, at: int) -> Steps:
        envelope = decode(wire.envelopes, raw)
        self._pulse.heard(at)
        match envelope.type:
            case "message":
                return self._message(envelope, at)
            case "welcome":
                return self._subscriptions()
            case "ack":
                topic, markets = self._answered(envelope.id)
                return [Ack(market) for market in markets] if topic == self._depth else ()
            case "error":
                return self._error(envelope)
            case "pong":
                return ()
            case other:
                return [Notice(f"unexpected message of type {other!r:.40}")]

    def fetched(self, tag: str, status: int, body: bytes, at: int) -> Steps:
        if tag == TOKEN:
            return self._connect(status, body, at)
        market, of_contract = market_of(tag), tag.startswith(PREFIX)
        answer = decode(wire.answers, body) if status == 200 else wire.Answer()
        if answer.code != GOOD:
            reason = f"code {answer.code} {answer.msg}"[:200] if answer.code else f"HTTP {status}"
            if of_contract:
                self._boundaries.failed(market, at)
                return [Notice(f"{market}: no contract details ({reason}), asking again")]
            return self._books.failed(market, reason, at)
        if of_contract:
            return self._detailed(market, decode(wire.contracts, answer.data), at)
        book = decode(wire.snapshots, answer.data)
        snapshot = Snapshot(
            market=market,
            bids=levels(book.bids),
            asks=levels(book.asks),
            sequence=book.sequence,
            sent_at=book.ts,
            live=False,
        )
        return self._books.joined(snapshot, at)

    def resync(self, market: str, reason: str, at: int) -> Steps:
        if not self._wanted.start(market, at):
            return ()
        steps = self._resubscribed(market)
        if self._options.depth is Depth.FULL:
            self._books[market].restart()
            return [*steps, self._books.request(market)]
        self._newest.pop(market, None)
        return steps

    def idle(self, at: int) -> Steps:
        if self._pulse.lost(at):
            return [Reconnect("the venue is silent and does not answer a ping")]
        steps: list[Step] = [*self._boundaries.due(at)]
        if self._pulse.due(at):
            steps.append(Send(encoded({"id": str(at), "type": "ping"}), heartbeat=True))
        for market in self._wanted.due(at):
            if self._options.depth is Depth.FULL:
                steps.append(self._books.request(market))
            else:
                steps += self._resubscribed(market)
        return steps

    def _connect(self, status: int, body: bytes, at: int) -> Steps:
        granted = grant(status, body, self._options.ws, moved=self._options.ws != WS, name=at)
        if isinstance(granted, Reconnect):
            return [granted]
        timeout = max(granted.answers_within, 2 * QUIET_SECONDS)
        self._pulse = Pulse(granted.ping_every, QUIET_SECONDS, dead=timeout)
        return [Connect(granted.url)]

    def _subscriptions(self) -> list[Send]:
        batches = list(batched(self._known.ids, SYMBOLS_PER_REQUEST))
        topics = (self._depth, BEST, INSTRUMENT)
        return [self._request("subscribe", topic, batch) for batch in batches for topic in topics]

    def _resubscribed(self, market: str) -> list[Step]:
        verbs = ("unsubscribe", "subscribe")
        return [self._request(verb, self._depth, [market]) for verb in verbs]

    def _request(self, verb: str, topic: str, markets: Sequence[str]) -> Send:
        number = self._requests.new(markets if verb == "subscribe" else ())
        body = {
            # The id comes back with the answer, which says nothing else.
            "id": f"{topic}#{number}",
            "type": verb,
            "topic": f"{topic}:{','.join(markets)}",
            "privateChannel": False,
            "response": True,
        }
        return Send(encoded(body))

    def _answered(self, identity: str | int | None) -> tuple[str, tuple[str, ...]]:
        topic, _, number = str(identity).rpartition("#")
        return topic, self._requests.answered(number)

    def _error(self, envelope: wire.Envelope) -> Steps:
        reason = f"{bytes(envelope.data).decode(errors='replace')} (code {envelope.code})"[:200]
        if "token" in reason:
            return [Reconnect(f"the venue refuses this connection: {reason}")]
        topic, markets = self._answered(envelope.id)
        if len(markets) > 1:
            return [self._request("subscribe", topic, [market]) for market in markets]
        if markets and topic != self._depth:
            return [Notice(f"{markets[0]}: {topic} refused: {reason}")]
        return [Refused(markets[0] if markets else None, reason)]

    def _message(self, envelope: wire.Envelope, at: int) -> Steps:
        channel, _, market = envelope.topic.rpartition(":")
        if channel not in (DEPTH_50, CHANGES, BEST, INSTRUMENT):
            return ()
        if market not in self._known:
            return [Notice(f"data of {envelope.topic!r:.80}, which was not subscribed")]
        match channel:
            case "/contractMarket/tickerV2":
                return self._touch(market, envelope.data)
            case "/contractMarket/level2Depth50":
                return self._whole(market, envelope.data, at)
            case "/contractMarket/level2":
                return self._changed(market, envelope.data, at)
        if envelope.subject == "mark.index.price":
            return self._marked(market, envelope.data, at)
        return self._rated(market, envelope.data, at) if envelope.subject == "funding.rate" else ()

    def _touch(self, market: str, data: Raw) -> Steps:
        best = decode(wire.best_prices, data)
        bid, ask = number_text(best.bestBidPrice), number_text(best.bestAskPrice)
        bid_there, ask_there = bool(bid.strip("0.")), bool(ask.strip("0."))
        return [
            Best(
                market=market,
                bid_price=bid if bid_there else "",
                bid_size=number_text(best.bestBidSize) if bid_there else "",
                ask_price=ask if ask_there else "",
                ask_size=number_text(best.bestAskSize) if ask_there else "",
                order=best.sequence,
                sent_at=best.ts,
            )
        ]

    def _whole(self, market: str, data: Raw, at: int) -> Steps:
        book = decode(wire.whole_books, data)
        if self._newest.setdefault(market, Newest()).snapshot(book.sequence, at) is Verdict.SKIP:
            return ()
        self._wanted.done(market)
        return [
            Snapshot(
                market=market,
                bids=levels(book.bids),
                asks=levels(book.asks),
                sequence=book.sequence,
                sent_at=book.timestamp * MILLISECOND,
            )
        ]

    def _changed(self, market: str, data: Raw, at: int) -> Steps:
        change = decode(wire.changes, data)
        price, side, size = _parts(change.change)
        row, none = msgspec.json.encode([[price, size]]), b"[]"
        delta = Delta(
            market=market,
            bids=row if side == "buy" else none,
            asks=row if side == "sell" else none,
            sequence=change.sequence,
            sent_at=change.timestamp * MILLISECOND,
        )
        verdict = self._books[market].delta(change.sequence, change.sequence, delta, at)
        if verdict is Verdict.APPLY:
            return [delta]
        reason = f"sequence {change.sequence} does not follow the last one"
        return self._books.missed(market, verdict, reason, at)

    def _marked(self, market: str, data: Raw, at: int) -> Steps:
        mark = decode(wire.marks, data)
        # A rate stands for its interval, so it is as fresh as the boundary that it is for.
        boundary = self._boundaries.of(market, at)
        return [
            DerivativeTicker(
                market=market,
                mark=number_text(mark.markPrice),
                index=number_text(mark.indexPrice),
                funding_rate=self._rates.get(market, "") if boundary.at else "",
                next_funding_at=boundary.at,
                interval=boundary.interval,
                sent_at=mark.timestamp * MILLISECOND,
            )
        ]

    def _rated(self, market: str, data: Raw, at: int) -> Steps:
        rate = decode(wire.rates, data)
        text, length = number_text(rate.fundingRate), rate.granularity * MILLISECOND
        if length < HOUR:
            return [DerivativeTicker(market=market, predicted=text)]
        boundary = Boundary(rate.timestamp * MILLISECOND + length, length)
        if boundary.at <= at:
            return ()
        self._rates[market] = text
        self._boundaries.found(market, boundary, at)
        return [
            DerivativeTicker(
                market=market, funding_rate=text, next_funding_at=boundary.at, interval=length
            )
        ]

    def _detailed(self, market: str, contract: wire.Contract, at: int) -> Steps:
        if contract.symbol != market:
            raise msgspec.ValidationError(f"details of {contract.symbol!r:.40}, not of {market!r}")
        remaining = contract.nextFundingRateTime
        # The time that is left was measured at the venue: payments are at full minutes.
        due = 0 if remaining is None else at + remaining * MILLISECOND + MINUTE // 2
        interval = (contract.fundingRateGranularity or 0) * MILLISECOND
        boundary = Boundary(due - due % MINUTE, interval)
        self._boundaries.found(market, boundary, at)
        self._rates[market] = number_text(contract.fundingFeeRate)
        return [
            DerivativeTicker(
                market=market,
                funding_rate=self._rates[market] if boundary.at > at else "",
                predicted=number_text(contract.predictedFundingFeeRate),
                next_funding_at=boundary.at,
                interval=interval,
                open_interest=number_text(contract.openInterest),
            )
        ]

    def _snapshot_url(self, market: str) -> str:
        return f"{self._options.rest}/api/v1/level2/snapshot?symbol={quote(market, safe='')}"

    def _contract_url(self, market: str) -> str:
        return f"{self._options.rest}/api/v1/contracts/{quote(market, safe='')}"


def _parts(change: str) -> list[str]:
    """Price, side and size of ``5000.0,sell,83``."""
    parts = change.split(",")
    if len(parts) != 3 or parts[1] not in SIDES:
        raise msgspec.ValidationError(f"{change!r:.60} is no change of a book")
    return parts


VENUE = Venue(
    id="kucoinfutures",
    name="KuCoin futures",
    rest=REST,
    ws=WS,
    make=KuCoinFutures,
    contracts=True,
    limits=Limits(markets=90, sends=8, connects=25),
    proof={Depth.TOP: Proof.SNAPSHOTS, Depth.FULL: Proof.CHAINED},
    channels={
        Depth.TOP: "level2Depth50 + tickerV2 + instrument",
        Depth.FULL: "level2 + REST snapshot + tickerV2 + instrument",
    },
    layout=LevelLayout(zero_price_skips=True),
    rest_book=RestBook(
        path="/api/v1/level2/depth100?symbol={id}", within=("data",), made=("data", "ts")
    ),
    funding_history=FundingHistory(
        path="/api/v1/contract/funding-rates?symbol=[id]&from=[since]&to=[until]",
        pages=Pages.BACKWARD,
        within=("data",),
        code=("code", "200000"),
        at="timepoint",
        rate="fundingRate",
        market="symbol",
        limits="weight 5 of 2,000 in 30 s",
    ),
    notes=(
        "A funding.rate of a minute's granularity is a forecast; the interval is never that.",
        "Bitcoin is called XBT; sizes are lots of multiplier coins, of inverse ones one dollar.",
        "A subscription to an unknown symbol is acknowledged and stays silent.",
    ),
)
