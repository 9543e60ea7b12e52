"""What exchanges once sent, through the scanner's path, held against the oracle after each message.

``CROSSBOOK_WIRE`` names the folder of the recordings.
"""

from __future__ import annotations

import os
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from scanner.counts import Counts
from scanner.engine.bounds import Bounds
from scanner.engine.ids import Ids
from scanner.engine.tracker import Thresholds
from scanner.events import Opportunity
from scanner.lane import Lane
from scanner.pipeline import Pipeline
from scanner.replay.recordings import find, frames
from scanner.replay.replay import cast, replay
from scanner.types import BookState, Side
from tests.oracle.book import Levels, Seen, Top
from tests.oracle.recording import Recording, recordings
from tests.oracle.venues import DECODERS
from tests.repeats import repeats

WIRE = os.environ.get("CROSSBOOK_WIRE", "")
EVERYTHING = 1 << 20
MOST = repeats(12_000, EVERYTHING)  # messages of a recording
EACH_TIME = 50  # levels compared after each message; all of them after every 50th and at the end
STANDING = (BookState.LIVE, BookState.SYNCING)
RECORDINGS = [
    pytest.param(recording, id=recording.name)
    for venue in DECODERS
    for recording in (recordings(Path(WIRE), venue) if WIRE else ())
]

pytestmark = pytest.mark.skipif(not WIRE, reason="CROSSBOOK_WIRE names no folder of recordings")

Ladder = list[tuple[float, float]]


class Mirror:
    """The oracle's book as sorted floats, kept up with what each message touched.

    ``places``: the prices of a side in the order of its levels, bids with their sign turned.
    """

    def __init__(self) -> None:
        self.sides: tuple[Ladder, Ladder] = ([], [])
        self.places: tuple[list[float], list[float]] = ([], [])

    def follow(self, seen: Seen) -> None:
        books = (seen.bids, seen.asks)
        for side in Side:
            if seen.touched is None:
                self._all(side, books[side])
                continue
            for price in seen.touched[side]:
                self._put(side, price, books[side].get(price))

    def _all(self, side: Side, levels: Levels) -> None:
        ladder = [(float(price), float(size)) for price, size in levels.items()]
        self.sides[side][:] = sorted(ladder, reverse=side is Side.BID)
        self.places[side][:] = [_SIGN[side] * price for price, _ in self.sides[side]]

    def _put(self, side: Side, price: Decimal, size: Decimal | None) -> None:
        places, value = self.places[side], float(price)
        place = bisect_left(places, _SIGN[side] * value)
        there = place < len(places) and places[place] == _SIGN[side] * value
        old = slice(place, place + there)
        places[old] = [] if size is None else [_SIGN[side] * value]
        self.sides[side][old] = [] if size is None else [(value, float(size))]


_SIGN = (-1, 1)


def _pipeline(emit: Callable[[Opportunity], None] = lambda event: None) -> Pipeline:
    ids = Ids(lambda bits: 0)
    return Pipeline(thresholds=Thresholds(), bounds=Bounds(), ids=ids, emit=emit)


@dataclass
class Walk:
    """One recording, taken through the scanner and the oracle side by side.

    ``tops``: for each message of a market whose book stands, the newest update id told by then, and
    what the scanner took for the top.
    """

    mirrors: dict[str, Mirror] = field(default_factory=lambda: defaultdict(Mirror))
    checked: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    tickers: dict[str, list[Top]] = field(default_factory=lambda: defaultdict(list))
    tops: list[tuple[str, int, tuple[Ladder, Ladder]]] = field(default_factory=list)
    counts: dict[str, Counts] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    whole: bool = True


@cache
def walked(recording: Recording) -> Walk:
    """The walk, books compared after each message; ``MOST`` of them."""
    walk, pipeline = Walk(), _pipeline()
    known, newest = recording.frames()[:MOST], dict[str, int]()
    walk.whole = len(recording.frames()) <= MOST
    (play,) = cast(recording.stream, pipeline, walk.said.append)
    following = play.step()
    oracle = DECODERS[recording.venue](known)
    seen = next(oracle, None)
    for frame in known:
        assert following is not None
        following = play.step()
        while seen is not None and seen.index == frame.index:
            market = seen.market
            if isinstance(seen, Seen):
                walk.mirrors[market].follow(seen)
                walk.checked[market] += seen.checked
                levels = EVERYTHING if seen.index % 50 == 0 else EACH_TIME
                _assert_equal(pipeline, play.lane, market, walk.mirrors[market], levels)
            else:
                walk.tickers[market].append(seen)
            if market in walk.mirrors and recording.venue == "binance":
                newest[market] = max(newest.get(market, 0), seen.sequence)
                bid, ask = (_top(pipeline, play.lane, market, side) for side in Side)
                walk.tops.append((market, newest[market], (bid, ask)))
            seen = next(oracle, None)
        if len(play.lane.books) > len(walk.mirrors):
            _assert_nothing_stands(pipeline, play.lane, set(play.lane.books) - set(walk.mirrors))
    assert (following is None, seen) == (walk.whole, None)
    for market, mirror in walk.mirrors.items():
        _assert_equal(pipeline, play.lane, market, mirror, EVERYTHING)
    walk.counts = play.lane.counts
    return walk


@pytest.mark.parametrize("recording", RECORDINGS)
def test_every_book_equals_the_oracles_after_every_message(recording: Recording) -> None:
    walk = walked(recording)
    assert {market: walk.counts[market].checksums_ok for market in walk.mirrors} == walk.checked
    assert all(counts.gaps == 0 for counts in walk.counts.values())
    assert all(counts.checksums_bad == 0 for counts in walk.counts.values())
    assert walk.said == []


def _top(pipeline: Pipeline, lane: Lane, market: str, side: Side) -> Ladder:
    return pipeline.store.ladder(lane.books[market], side, 1)


def _level(level: tuple[Decimal, Decimal]) -> Ladder:
    return [(float(level[0]), float(level[1]))] if level[1] else []


def _assert_equal(pipeline: Pipeline, lane: Lane, market: str, mirror: Mirror, levels: int) -> None:
    book = lane.books[market]
    for side in Side:
        assert pipeline.store.depth(book, side, levels) == mirror.sides[side][:levels], market
    assert pipeline.store.state(book) in STANDING
    bids, asks = mirror.sides
    assert not bids or not asks or bids[0][0] < asks[0][0]


def _assert_nothing_stands(pipeline: Pipeline, lane: Lane, markets: set[str]) -> None:
    """A best bid and offer alone makes no book."""
    for market in markets:
        assert pipeline.store.state(lane.books[market]) not in STANDING


@pytest.mark.parametrize("recording", [r for r in RECORDINGS if r.values[0].venue == "binance"])
def test_the_best_bid_and_offer_equal_the_book_ticker_stream(recording: Recording) -> None:
    """Wherever both stand: whichever of the two told the newest update id, what the scanner takes
    for the top is what the ticker stream says of that id (its last ticker that is not newer)."""
    walk = walked(recording)
    ids = {market: [top.sequence for top in tops] for market, tops in walk.tickers.items()}
    compared = 0
    for market, newest, top in walk.tops:
        place = bisect_right(ids.get(market, []), newest)
        if place:
            ticker = walk.tickers[market][place - 1]
            assert top == (_level(ticker.bid), _level(ticker.ask)), f"{market} at {newest}"
            compared += 1
    assert compared or not walk.mirrors


@pytest.mark.parametrize("recording", RECORDINGS)
def test_frames_are_put_in_the_order_in_which_they_came(recording: Recording) -> None:
    (connection,) = find(recording.stream).connections
    merged = frames(connection, recording.rest)
    assert [(frame.raw, frame.answer) for frame in merged] == [
        (frame.raw.encode(), frame.rest) for frame in recording.frames()
    ]
    times = [frame.at for frame in merged]
    assert times == sorted(times)


def test_all_of_it_at_once_ends_with_the_same_books() -> None:
    said: list[str] = []
    flagged: list[Opportunity] = []
    known = [parameter.values[0] for parameter in RECORDINGS]
    ends = {
        (f"{recording.venue}/{recording.market}.{recording.date}", market): mirror.sides
        for recording in known
        for market, mirror in walked(recording).mirrors.items()
        if walked(recording).whole
    }
    cut = {path for recording in known if not walked(recording).whole for path in recording.stream}
    assert len(cut) < len(known)
    paths = [path for path in sorted(Path(WIRE).rglob("*.jsonl*")) if path not in cut]
    outcomes = replay(paths if cut else [Path(WIRE)], emit=flagged.append, say=said.append)
    books = [outcome for outcome in outcomes if outcome.messages]
    assert {(outcome.recording, outcome.market) for outcome in books} == set(ends)
    marks = {outcome.recording: outcome.tickers for outcome in outcomes if not outcome.messages}
    assert marks == {"binance/usdm.2023-04-05.BTCUSDT": 415}
    for outcome in books:
        bids, asks = ends[outcome.recording, outcome.market]
        assert (outcome.bids, outcome.asks) == (bids[:10], asks[:10])
        assert (outcome.gaps, outcome.checksums_bad) == (0, 0)
    bybit = {o.market: o.tickers for o in books if o.recording == "bybit/linear.2026-08-09"}
    assert sum(bybit.values()) == 401
    assert flagged == []
    assert all("left out" in line or "no order book in it" in line for line in said)
