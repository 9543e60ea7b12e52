"""How six venues tell of a book and, faster, of its best bid and offer: real payload shapes.

A ``Teller`` says what its venue would: a book of one level a side, its changes, its best bid and
offer. Prices are text; an id is whatever orders the two channels of the venue against each other;
``time`` is ms since the epoch.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from itertools import count

from scanner.lane import Action, Lane
from scanner.steps import Fetch
from scanner.types import Depth
from scanner.venues import binance, bitget, bybit, gate, kucoin, okx
from scanner.venues.protocol import Venue
from tests.venues.harness import text

Touch = tuple[str, str]
SIZE = "2.5"
GONE = "0"
MILLISECOND = 1_000_000


class Teller:
    """One market of one venue. ``lane`` is the scanner's side of the connection."""

    venue: Venue
    depth = Depth.TOP
    market = "BTCUSDT"
    huge = 2**62
    says_so = True
    """Whether the venue's messages show at once that ids have begun anew."""

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self.last = 0
        self.shown: Touch | None = None
        self.answers = True
        """Whether REST answers at once."""

    def begin(self, number: int, touch: Touch, time: int) -> None:
        """What leads to a book that stands at the id ``number``."""
        self.book(number, touch, time)

    def book(self, number: int, touch: Touch, time: int) -> None:
        """The depth channel tells of the book at the id ``number``."""
        actions = self._say(self._book(number, touch, time), time)
        self.last, self.shown = number, touch
        if self.answers and any(isinstance(action, Fetch) for action in actions):
            self.answer(number, touch, time)

    def answer(self, number: int, touch: Touch, time: int) -> None:
        """REST tells of the book at the id ``number``, where the venue has such a thing."""

    def restart(self, number: int, touch: Touch, time: int) -> None:
        """The depth channel tells of the book at an id that begins anew."""
        self.shown = None
        self.book(number, touch, time)

    def renewed(self, number: int, touch: Touch, time: int) -> None:
        """The whole book that the scanner has asked for, at an id that begins anew."""
        self.last = 0
        self.restart(number, touch, time)
        self.answer(number, touch, time)

    def best(self, number: int, touch: Touch, time: int) -> None:
        """The other channel tells of the best bid and offer at the id ``number``."""
        self._say(self._best(number, touch, time), time)

    @abstractmethod
    def _book(self, number: int, touch: Touch, time: int) -> object: ...

    @abstractmethod
    def _best(self, number: int, touch: Touch, time: int) -> object: ...

    def _say(self, message: object, time: int) -> list[Action]:
        return self.lane.received(text(message), time * MILLISECOND)

    def _rows(self, side: int, price: str) -> list[list[str]]:
        """The change from what was shown last."""
        rows = [[price, SIZE]]
        if self.shown is not None and self.shown[side] != price:
            rows.append([self.shown[side], GONE])
        return rows


class BinanceTop(Teller):
    """Its books bear no time: a trade on the same connection tells it before each of them."""

    venue = binance.VENUE
    says_so = False

    def _say(self, message: object, time: int) -> list[Action]:
        if self.depth is Depth.TOP:
            super()._say({"stream": "btcusdt@aggTrade", "data": {"E": time}}, time)
        return super()._say(message, time)

    def _book(self, number: int, touch: Touch, time: int) -> object:
        data = {"lastUpdateId": number, "bids": [[touch[0], SIZE]], "asks": [[touch[1], SIZE]]}
        return {"stream": "btcusdt@depth20@100ms", "data": data}

    def _best(self, number: int, touch: Touch, time: int) -> object:
        data = {"u": number, "s": "BTCUSDT", "b": touch[0], "B": SIZE, "a": touch[1], "A": SIZE}
        return {"stream": "btcusdt@bookTicker", "data": data}


class BinanceFull(BinanceTop):
    depth = Depth.FULL

    def begin(self, number: int, touch: Touch, time: int) -> None:
        self.last = number - 2
        self.book(number - 1, touch, time)
        self.book(number, touch, time)

    def answer(self, number: int, touch: Touch, time: int) -> None:
        sides = {"bids": [[touch[0], SIZE]], "asks": [[touch[1], SIZE]]}
        body = text({"lastUpdateId": number, **sides})
        self.lane.fetched("depth:BTCUSDT", 200, body, time * MILLISECOND)

    def restart(self, number: int, touch: Touch, time: int) -> None:
        self.last, self.shown = number - 1, None
        self.book(number, touch, time)

    def _book(self, number: int, touch: Touch, time: int) -> object:
        data = {"e": "depthUpdate", "E": time, "s": "BTCUSDT", "U": self.last + 1, "u": number}
        sides = {"b": self._rows(0, touch[0]), "a": self._rows(1, touch[1])}
        return {"stream": "btcusdt@depth@100ms", "data": {**data, **sides}}


class OkxTop(Teller):
    venue = okx.VENUE
    market = "BTC-USDT"
    channel, action = "books5", ""

    def _book(self, number: int, touch: Touch, time: int) -> object:
        return self._message(self.channel, number, [[touch[0], SIZE]], [[touch[1], SIZE]], time)

    def _best(self, number: int, touch: Touch, time: int) -> object:
        return self._message("bbo-tbt", number, [[touch[0], SIZE]], [[touch[1], SIZE]], time)

    def _message(self, channel: str, number: int, bids: object, asks: object, time: int) -> object:
        data = {"asks": asks, "bids": bids, "ts": str(time), "seqId": number}
        return {"arg": {"channel": channel, "instId": self.market}, "data": [data]}


class OkxFull(OkxTop):
    depth = Depth.FULL

    def _book(self, number: int, touch: Touch, time: int) -> object:
        first = self.shown is None and not self.last
        sides = {"asks": self._rows(1, touch[1]), "bids": self._rows(0, touch[0])}
        data = {**sides, "ts": str(time), "checksum": 0, "seqId": number}
        data["prevSeqId"] = -1 if first else self.last
        arg = {"channel": "books", "instId": self.market}
        return {"arg": arg, "action": "snapshot" if first else "update", "data": [data]}

    def restart(self, number: int, touch: Touch, time: int) -> None:
        self.shown = self.shown if self.last else None
        self.book(number, touch, time)


class BitgetTop(Teller):
    venue = bitget.VENUE
    topic = "books50"

    def _book(self, number: int, touch: Touch, time: int) -> object:
        return self._message(self.topic, number, touch, time)

    def _best(self, number: int, touch: Touch, time: int) -> object:
        return self._message("books1", number, touch, time)

    def _message(self, topic: str, number: int, touch: Touch, time: int) -> object:
        data = {"a": [[touch[1], SIZE]], "b": [[touch[0], SIZE]], "ts": str(time), "seq": number}
        arg = {"instType": "spot", "topic": topic, "symbol": "BTCUSDT"}
        return {"action": "snapshot", "arg": arg, "data": [data], "ts": time + 4}


class BitgetFull(BitgetTop):
    depth = Depth.FULL

    def _book(self, number: int, touch: Touch, time: int) -> object:
        if self.shown is None:
            return self._message("books", number, touch, time)
        sides = {"a": self._rows(1, touch[1]), "b": self._rows(0, touch[0])}
        data = {**sides, "ts": str(time), "pseq": self.last, "seq": number}
        arg = {"instType": "spot", "topic": "books", "symbol": "BTCUSDT"}
        return {"action": "update", "arg": arg, "data": [data], "ts": time + 4}


class Bybit(Teller):
    """``u`` counts the messages of a topic, ``seq`` is the id; 1 says that ``u`` begins anew."""

    venue = bybit.VENUE

    def __init__(self, lane: Lane) -> None:
        super().__init__(lane)
        self.messages: Iterator[int] = count(501)

    def restart(self, number: int, touch: Touch, time: int) -> None:
        self.messages = count(1)
        super().restart(number, touch, time)

    def _book(self, number: int, touch: Touch, time: int) -> object:
        kind = "snapshot" if self.shown is None else "delta"
        sides = {"b": self._rows(0, touch[0]), "a": self._rows(1, touch[1])}
        return self._message(50, kind, sides, next(self.messages), number, time)

    def _best(self, number: int, touch: Touch, time: int) -> object:
        sides = {"b": [[touch[0], SIZE]], "a": [[touch[1], SIZE]]}
        return self._message(1, "snapshot", sides, number % 1000, number, time)

    def _message(
        self, levels: int, kind: str, sides: dict[str, list[list[str]]], u: int, seq: int, time: int
    ) -> object:
        data = {"s": "BTCUSDT", **sides, "u": u, "seq": seq}
        topic = f"orderbook.{levels}.BTCUSDT"
        return {"topic": topic, "ts": time, "type": kind, "data": data, "cts": time - 6}


class KucoinTop(Teller):
    """The id of a message is its time."""

    venue = kucoin.VENUE
    market = "BTC-USDT"
    huge = 9 * 10**12
    says_so = False

    def _book(self, number: int, touch: Touch, time: int) -> object:
        sides = {"asks": [[touch[1], SIZE]], "bids": [[touch[0], SIZE]], "timestamp": number}
        return self._message("/spotMarket/level2Depth50", "level2", sides)

    def _best(self, number: int, touch: Touch, time: int) -> object:
        sides = {"asks": [touch[1], SIZE], "bids": [touch[0], SIZE], "timestamp": number}
        return self._message("/spotMarket/level1", "level1", sides)

    def _message(self, topic: str, subject: str, data: object) -> object:
        topic = f"{topic}:{self.market}"
        return {"type": "message", "topic": topic, "subject": subject, "data": data}


class KucoinFull(KucoinTop):
    """Changes are chained by a sequence; their time orders them against the best bid and offer."""

    depth = Depth.FULL
    says_so = True

    def __init__(self, lane: Lane) -> None:
        super().__init__(lane)
        self.sequence = 9_000
        self.sequences: dict[int, int] = {}

    def begin(self, number: int, touch: Touch, time: int) -> None:
        self.book(number - 1, touch, time)
        self.book(number, touch, time)

    def answer(self, number: int, touch: Touch, time: int) -> None:
        side = {"bids": [[touch[0], SIZE]], "asks": [[touch[1], SIZE]]}
        data = {"time": number, "sequence": str(self.sequences[number]), **side}
        body = text({"code": "200000", "data": data})
        self.lane.fetched(f"depth:{self.market}", 200, body, time * MILLISECOND)

    def restart(self, number: int, touch: Touch, time: int) -> None:
        self.book(number, touch, time)

    def _book(self, number: int, touch: Touch, time: int) -> object:
        self.sequence += 1
        self.sequences[number] = self.sequence
        bids = [[*row, str(self.sequence)] for row in self._rows(0, touch[0])]
        asks = [[*row, str(self.sequence)] for row in self._rows(1, touch[1])]
        data = {
            "changes": {"asks": asks, "bids": bids},
            "sequenceEnd": self.sequence,
            "sequenceStart": self.sequence,
            "symbol": self.market,
            "time": number,
        }
        return self._message("/market/level2", "trade.l2update", data)


class Gate(Teller):
    venue = gate.VENUE
    market = "BTC_USDT"

    def _book(self, number: int, touch: Touch, time: int) -> object:
        sides = {"b": self._rows(0, touch[0]), "a": self._rows(1, touch[1])}
        result = {"t": time, "s": "ob.BTC_USDT.50", "u": number, **sides}
        result |= {"full": True} if self.shown is None else {"U": self.last + 1}
        return self._message("spot.obu", result, time)

    def _best(self, number: int, touch: Touch, time: int) -> object:
        result = {"t": time, "u": number, "s": "BTC_USDT"}
        sides = {"b": touch[0], "B": SIZE, "a": touch[1], "A": SIZE}
        return self._message("spot.book_ticker", {**result, **sides}, time)

    def _message(self, channel: str, result: object, time: int) -> object:
        return {"channel": channel, "result": result, "time_ms": time + 1, "event": "update"}


TELLERS = (
    BinanceTop,
    BinanceFull,
    OkxTop,
    OkxFull,
    BitgetTop,
    BitgetFull,
    Bybit,
    KucoinTop,
    KucoinFull,
    Gate,
)
