"""A connection's way through the core: trust is lost at once and won back only by proof."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence

import msgspec
import pytest

from scanner.books import layout as L
from scanner.engine.bounds import Bounds
from scanner.engine.ids import Ids
from scanner.engine.rules import Rules
from scanner.engine.tracker import Thresholds
from scanner.events import Opportunity, Survival, Suspect
from scanner.lane import Lane
from scanner.pipeline import Pipeline
from scanner.steps import Ack, Connect, Delta, Notice, Reconnect, Reset, Send, Snapshot, Step
from scanner.types import BookState, ChecksumRule, Depth, Market, Proof
from scanner.venues.protocol import Limits, Options, Venue
from scanner.venues.sequence import Contiguous, Verdict

SECOND = 1_000_000_000


class Message(msgspec.Struct):
    """A tiny venue's whole language."""

    market: str
    bids: msgspec.Raw = msgspec.Raw(b"[]")
    asks: msgspec.Raw = msgspec.Raw(b"[]")
    first: int = 0
    last: int = 0
    crc: int | None = None
    ack: bool = False
    bye: bool = False


class Tiny:
    """Snapshots (``first`` 0) and deltas with a gap rule; resync says so."""

    def __init__(self, markets: Sequence[Market] | None, options: Options) -> None:
        self._rules: dict[str, Contiguous] = {}
        self._ids = [market.id for market in markets or ()]

    def start(self, at: int) -> list[Step]:
        return [Connect("ws://tiny")]

    def opened(self, at: int) -> list[Step]:
        return [Send(f"subscribe {market}") for market in self._ids]

    def received(self, raw: bytes, at: int) -> list[Step]:
        message = msgspec.json.decode(raw, type=Message)
        market, bids, asks = message.market, bytes(message.bids), bytes(message.asks)
        if message.ack:
            return [Ack(market)]
        if message.bye:
            return [Reconnect("the venue goes down for maintenance")]
        rule = self._rules.setdefault(market, Contiguous())
        common = {"market": market, "bids": bids, "asks": asks, "checksum": message.crc}
        if message.first == 0:
            rule.snapshot(message.last)
            return [Snapshot(sequence=message.last, **common)]
        if rule.delta(message.first, message.last, at) is Verdict.GAP:
            return [Reset(market, "gap"), Send(f"again {market}")]
        return [Delta(sequence=message.last, **common)]

    def fetched(self, tag: str, status: int, body: bytes, at: int) -> list[Step]:
        return []

    def resync(self, market: str, reason: str, at: int) -> list[Step]:
        return [Send(f"resync {market}: {reason}")]

    def idle(self, at: int) -> list[Step]:
        return []


def venue(name: str, rule: ChecksumRule = ChecksumRule.NONE) -> Venue:
    return Venue(
        id=name,
        name=name,
        rest="http://tiny",
        ws="ws://tiny",
        make=Tiny,
        limits=Limits(markets=10, sends=1, connects=1),
        proof={Depth.TOP: Proof.CHAINED},
        channels={Depth.TOP: "all"},
        checksum=rule,
    )


def market(name: str, symbol: str = "BTC/USDT") -> Market:
    base, quote = symbol.split("/")
    return Market(venue=name, id=symbol, symbol=symbol, base=base, quote=quote, taker_fee=0.0)


OPTIONS = Options(depth=Depth.TOP, rest="http://tiny", ws="ws://tiny")


class Desk:
    """Two venues that trade one symbol, both subscribed."""

    def __init__(self, rule: ChecksumRule = ChecksumRule.NONE, rules: Rules | None = None) -> None:
        self.said: list[Opportunity] = []
        self.survived: list[Survival] = []
        self.suspects: list[Suspect] = []
        self.pipeline = Pipeline(
            thresholds=Thresholds(min_net_bps=1, update_interval=0),
            bounds=Bounds(max_age=3 * SECOND, max_skew=SECOND),
            ids=Ids(lambda n: 0),
            emit=self.said.append,
            rules=rules,
            suspect=self.suspects.append,
            survived=self.survived.append,
        )
        self.a, self.b = (self._lane(name, rule) for name in ("a", "b"))

    def _lane(self, name: str, rule: ChecksumRule) -> Lane:
        lane = self.pipeline.lane(venue(name, rule), [market(name)], OPTIONS)
        assert lane.start(0) == [Connect("ws://tiny")]
        assert lane.opened(0) == [Send("subscribe BTC/USDT")]
        return lane

    def flag(self, at: int = SECOND) -> None:
        """An opportunity between the two, a buys."""
        say(self.a, [[100, 1]], [[101, 1]], at=at)
        say(self.b, [[110, 1]], [[111, 1]], at=at)
        assert self.said[-1].event in ("opened", "updated")

    def flag_within(self, bps: float, at: int = SECOND) -> None:
        """Likewise, no further apart than that."""
        say(self.a, [[100, 1]], [[101, 1]], at=at)
        bid = 101 * (1 + bps / 2e4)
        say(self.b, [[bid, 1]], [[bid + 1, 1]], at=at)
        assert self.said[-1].event == "opened"


def say(
    lane: Lane,
    bids: object = (),
    asks: object = (),
    first: int = 0,
    last: int = 1,
    at: int = SECOND,
    crc: int | None = None,
    market: str = "BTC/USDT",
) -> list[object]:
    message = {"market": market, "bids": bids, "asks": asks, "first": first, "last": last}
    return list(lane.received(json.dumps({**message, "crc": crc}).encode(), at))


def state(lane: Lane) -> BookState:
    return lane._store.state(lane.books["BTC/USDT"])


def test_flag_and_close_over_the_whole_path() -> None:
    desk = Desk()
    desk.flag()
    say(desk.b, [[110, 0], [100, 2]], first=2, last=2, at=SECOND + 5)
    assert [o.event for o in desk.said] == ["opened", "closed"]
    assert desk.said[1].reason == "no net edge left"


def test_what_comes_after_the_end_opens_nothing() -> None:
    desk = Desk()
    desk.flag()
    desk.pipeline.finish("the scanner stopped", 2 * SECOND)
    say(desk.a, [[100, 1]], [[101, 1]], last=2, at=3 * SECOND)
    say(desk.b, [[110, 1]], [[111, 1]], last=2, at=3 * SECOND)
    assert state(desk.a) is state(desk.b) is BookState.LIVE
    assert [(said.event, said.reason) for said in desk.said] == [
        ("opened", ""),
        ("closed", "the scanner stopped"),
    ]


def test_nothing_at_all_is_told_after_the_end() -> None:
    desk = Desk(rules=Rules(suspect_bps=500.0))
    desk.flag_within(500.0)
    desk.pipeline.finish("the scanner stopped", SECOND + 1)
    told = (len(desk.said), len(desk.survived), len(desk.suspects))
    assert told == (2, 5, 0)
    for second in range(2, 90):
        at = second * SECOND
        say(desk.a, [[100, 1]], [[101, 1]], last=second, at=at)
        say(desk.b, [[110, 1]], [[111, 1]], last=second, at=at)
        desk.pipeline.tick(at)
    desk.a.idle(90 * SECOND)
    desk.b.closed("gone", 90 * SECOND)
    desk.pipeline.finish("again", 91 * SECOND)
    assert told == (len(desk.said), len(desk.survived), len(desk.suspects))


def test_disconnection_closes_in_the_same_call() -> None:
    desk = Desk()
    desk.flag()
    desk.b.closed("connection reset by peer", 2 * SECOND)
    assert desk.said[-1].event == "closed"
    assert desk.said[-1].reason == "connection reset by peer"
    assert state(desk.b) is BookState.UNSYNCHRONISED


def test_a_connection_that_has_no_future_loses_its_books_in_the_same_call() -> None:
    desk = Desk()
    desk.flag()
    bye = json.dumps({"market": "BTC/USDT", "bye": True}).encode()
    reason = "the venue goes down for maintenance"
    assert desk.b.received(bye, 2 * SECOND) == [Reconnect(reason)]
    assert (desk.said[-1].event, desk.said[-1].reason) == ("closed", reason)
    assert state(desk.b) is BookState.UNSYNCHRONISED
    assert state(desk.a) is BookState.LIVE
    assert say(desk.b, [[110, 1]], [[111, 1]], last=2, at=2 * SECOND) == []
    assert desk.b.idle(60 * SECOND) == []
    assert state(desk.b) is BookState.UNSYNCHRONISED, "what comes after it changes nothing"


def test_a_new_connection_starts_with_empty_books() -> None:
    desk = Desk()
    desk.flag()
    desk.b.closed("cut", 2 * SECOND)
    again = desk.pipeline.lane(venue("b"), [market("b")], OPTIONS)
    again.start(2 * SECOND)
    assert state(again) is BookState.EMPTY
    again.opened(2 * SECOND)
    assert state(again) is BookState.SYNCING
    assert not again.proved
    assert say(again, [[120, 1]], first=2, last=2, at=2 * SECOND) == [
        Reset("BTC/USDT", "gap"),
        Send("again BTC/USDT"),
    ]
    assert len(desk.said) == 2
    say(again, [[110, 1]], [[111, 1]], at=2 * SECOND)
    assert again.proved
    assert desk.said[-1].event == "opened"
    assert desk.said[-1].id != desk.said[0].id


def test_gap_takes_the_book_out_until_the_next_snapshot() -> None:
    desk = Desk()
    desk.flag()
    assert say(desk.b, first=3, last=3) == [Reset("BTC/USDT", "gap"), Send("again BTC/USDT")]
    assert desk.said[-1].event == "closed"
    assert say(desk.b, [[110, 1]], first=4, last=4)[0] == Reset("BTC/USDT", "gap")
    assert state(desk.b) is BookState.UNSYNCHRONISED
    say(desk.b, [[110, 1]], [[111, 1]], last=9)
    assert state(desk.b) is BookState.LIVE
    assert desk.b.counts["BTC/USDT"].gaps == 2


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b"[1]", b'{"market":1}', b"null"])
def test_what_cannot_be_read_costs_the_whole_connection_its_trust(raw: bytes) -> None:
    desk = Desk()
    desk.flag()
    reset, reconnect = desk.b.received(raw, 2 * SECOND)
    assert isinstance(reset, Reset)
    assert reset.market is None
    assert isinstance(reconnect, Reconnect)
    assert desk.said[-1].event == "closed"
    assert state(desk.b) is BookState.UNSYNCHRONISED
    assert state(desk.a) is BookState.LIVE


@pytest.mark.parametrize("levels", [[["NaN", 1]], [[-1, 1]], [[1]], 7, [["1", "x"]]])
def test_malformed_levels_cost_one_market_its_trust(levels: object) -> None:
    desk = Desk()
    desk.flag()
    actions = say(desk.b, levels, first=2, last=2)
    assert isinstance(actions[0], Reset)
    assert isinstance(actions[1], Send)
    assert actions[1].text.startswith("resync BTC/USDT: ")
    assert desk.said[-1].event == "closed"
    assert say(desk.b, [[110, 1]], first=3, last=3) == []
    assert state(desk.b) is BookState.UNSYNCHRONISED


def test_checksum_is_verified_and_a_wrong_one_resyncs() -> None:
    desk = Desk(ChecksumRule.INTERLEAVED_25)
    good = zlib.crc32(b"110:1:111:1")
    assert say(desk.b, [["110", "1"]], [["111", "1"]], crc=good) == []
    assert state(desk.b) is BookState.LIVE
    signed = zlib.crc32(b"110:2:111:1") - (1 << 32)
    assert say(desk.b, [["110", "2"]], first=2, last=2, crc=signed) == []
    actions = say(desk.b, [["110", "3"]], first=3, last=3, crc=good)
    assert actions[0] == Reset("BTC/USDT", "the checksum does not match")
    assert state(desk.b) is BookState.UNSYNCHRONISED
    counts = desk.b.counts["BTC/USDT"]
    assert (counts.checksums_ok, counts.checksums_bad) == (2, 1)


def test_crossed_book_leaves_and_returns() -> None:
    desk = Desk()
    desk.flag()
    say(desk.b, [[112, 1]], first=2, last=2)
    assert state(desk.b) is BookState.CROSSED
    assert desk.said[-1].reason == "the book is crossed"
    say(desk.b, [[112, 0]], first=3, last=3)
    assert desk.said[-1].event == "opened"


def test_book_that_stays_crossed_is_asked_for_again() -> None:
    desk = Desk()
    desk.flag()
    say(desk.b, [[112, 1]], first=2, last=2, at=2 * SECOND)
    assert desk.b.idle(4 * SECOND) == []
    notice, send = desk.b.idle(4 * SECOND + 1)
    assert isinstance(notice, Notice)
    assert send == Send("resync BTC/USDT: the book stays crossed")
    assert state(desk.b) is BookState.UNSYNCHRONISED


def test_silent_market_is_stale_then_asked_for_again() -> None:
    desk = Desk()
    desk.flag()
    desk.pipeline.tick(4 * SECOND + 1)
    assert desk.said[-1].event == "closed"
    assert state(desk.b) is BookState.STALE
    assert desk.b.idle(31 * SECOND)[:1] == []
    assert Send("resync BTC/USDT: silent") in desk.b.idle(32 * SECOND)
    say(desk.b, [[110, 2]], first=2, last=2, at=33 * SECOND)
    assert state(desk.b) is BookState.LIVE


def test_a_book_counts_as_proven_then_until_it_is_lost() -> None:
    desk = Desk()
    assert desk.b.proven() == {}
    desk.flag()
    assert desk.b.proven() == {"BTC/USDT": SECOND}
    desk.pipeline.tick(4 * SECOND + 1)
    assert state(desk.b) is BookState.STALE
    assert desk.b.proven() == {"BTC/USDT": SECOND}
    desk.b.closed("gone", 5 * SECOND)
    assert desk.b.proven() == {}


def test_market_that_was_never_asked_for_is_only_noted() -> None:
    desk = Desk()
    (notice,) = say(desk.a, [[1, 1]], market="EVIL/USDT")
    assert isinstance(notice, Notice)
    assert list(desk.a.books) == ["BTC/USDT"]


def test_recordings_take_whatever_the_wire_names() -> None:
    desk = Desk()
    lane = desk.pipeline.lane(venue("c"), None, OPTIONS)
    lane.start(0)
    lane.opened(0)
    say(lane, [[100, 1]], [[101, 1]], market="ABC/USD")
    assert desk.pipeline.store.ladder(lane.books["ABC/USD"], 0, 5) == [(100.0, 1.0)]
    assert desk.pipeline.store.meta(lane.books["ABC/USD"], L.GROUP) == -1
