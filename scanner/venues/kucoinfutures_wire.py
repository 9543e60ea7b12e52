"""What KuCoin says of futures, as it stands on the wire: the stream, and answers of REST."""

from __future__ import annotations

import msgspec
from msgspec import Raw, Struct

from scanner.venues.parts import Millis, UpdateId

NONE = Raw(b"null")


class Envelope(Struct):
    type: str = ""
    id: str | int | None = None
    topic: str = ""
    subject: str = ""
    data: Raw = NONE
    code: int | str = 0


class WholeBook(Struct):
    asks: Raw
    bids: Raw
    sequence: UpdateId
    timestamp: Millis = 0


class Change(Struct):
    sequence: UpdateId
    change: str
    timestamp: Millis = 0


class BestPrices(Struct):
    sequence: UpdateId
    bestBidPrice: Raw = NONE
    bestBidSize: Raw = NONE
    bestAskPrice: Raw = NONE
    bestAskSize: Raw = NONE
    ts: UpdateId = 0


class Mark(Struct):
    markPrice: Raw = NONE
    indexPrice: Raw = NONE
    timestamp: Millis = 0


class Rate(Struct):
    granularity: Millis
    fundingRate: Raw
    timestamp: Millis = 0


class Snapshot(Struct):
    sequence: UpdateId
    asks: Raw = NONE
    bids: Raw = NONE
    ts: UpdateId = 0


class Contract(Struct):
    symbol: str
    fundingFeeRate: Raw = NONE
    predictedFundingFeeRate: Raw = NONE
    fundingRateGranularity: Millis | None = None
    nextFundingRateTime: Millis | None = None
    openInterest: Raw = NONE


class Answer(Struct):
    code: str = ""
    msg: str = ""
    data: Raw = NONE


envelopes = msgspec.json.Decoder(Envelope)
whole_books = msgspec.json.Decoder(WholeBook)
changes = msgspec.json.Decoder(Change)
best_prices = msgspec.json.Decoder(BestPrices)
marks = msgspec.json.Decoder(Mark)
rates = msgspec.json.Decoder(Rate)
answers = msgspec.json.Decoder(Answer)
snapshots = msgspec.json.Decoder(Snapshot)
contracts = msgspec.json.Decoder(Contract)
