"""The bytes that are measured: one session with each venue, recorded or from the lab."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from scanner.engine.bounds import Bounds
from scanner.engine.ids import Ids
from scanner.engine.tracker import Thresholds
from scanner.lab.offline import Offline, Remembered
from scanner.lab.venues import lab_venue
from scanner.lab.world import World
from scanner.lane import Lane
from scanner.pipeline import Pipeline
from scanner.replay.recordings import find, frames
from scanner.steps import Best
from scanner.types import Depth, Market, Side
from scanner.venues.protocol import Options, Venue
from scanner.venues.registry import VENUES, native
from scanner.venues.wire import Kind

Call: TypeAlias = tuple[str, tuple[Any, ...]]
Outcome: TypeAlias = dict[str, list[list[tuple[float, float]]]]
BEGIN, STEP, SECOND = 1_760_000_000_000_000_000, 10_000_000, 1_000_000_000
AGES = Bounds(max_age=1 << 60, max_skew=1 << 60)
NEVER = Thresholds(min_net_bps=1e9, min_profit=1e18)


class Recording(msgspec.Struct, frozen=True):
    """A recording: its files, what a message of the book holds, and behind what the number of a
    message on its connection stands. ``past``: what of its format is not spoken any more; the
    lab's session is measured too then."""

    files: str
    book: bytes
    number: bytes = b""
    past: str = ""


RECORDED = {
    "binance": Recording("binance/spot*2024-08-08*", b'"depthUpdate"'),
    "okx": Recording(
        "okx/spot*2022-05-13*", b'"channel":"books"', past="with the checksums of 2022"
    ),
    "kucoin": Recording("kucoin/spot*", b"/market/level2:"),
    "bybit": Recording("bybit/spot*", b'"orderbook.'),
    "kraken": Recording("kraken-v2/*", b'"channel":"book"'),
    "coinbase": Recording("coinbase/*", b'"channel":"l2_data"', number=b'"sequence_num":'),
}


class Session(msgspec.Struct):
    """What one connection was told; ``markets`` None: any that it names. Measured is what came
    after the first ``begun`` calls; ``source``: where it is from."""

    venue: Venue
    depth: Depth
    calls: list[Call]
    markets: list[Market] | None
    source: str

    @property
    def begun(self) -> int:
        return len(self.calls) // 4

    @property
    def frames(self) -> list[bytes]:
        """The messages that are measured."""
        return [a[0] for method, a in self.calls[self.begun :] if method == "received"]


def sessions(names: Sequence[str], seconds: float, depths: Sequence[Depth]) -> list[Session]:
    """Recorded ones where there are any, else (or if they are of the past) the lab's, at each of
    ``depths``."""
    folder = os.environ.get("CROSSBOOK_WIRE")
    made = []
    for name in names or VENUES:
        venue = native(name)
        if venue is None:
            raise SystemExit(f"{name}: not a venue that is spoken natively")
        if folder and name in RECORDED:
            made.append(recorded(venue, Path(folder), RECORDED[name]))
        if not folder or name not in RECORDED or RECORDED[name].past:
            made += [simulated(venue, depth, seconds) for depth in depths]
    return made


def recorded(venue: Venue, folder: Path, recording: Recording) -> Session:
    """What a recorded connection said of the book. The recordings hold channels (trades, candles,
    tickers) that nobody asks for who only wants the book: they are left out, and where the
    messages of a connection are numbered, those that stay are numbered anew."""
    found = find(sorted(folder.glob(recording.files)))
    (connection,) = found.connections
    answers = [a.path for a in connection.answers_nearby() if connection.joins(a, {venue.id})]
    calls: list[Call] = [("start", (BEGIN,)), ("opened", (BEGIN,))]
    count = 0
    for number, frame in enumerate(frames(connection, answers)):
        at = BEGIN + number * 1_000_000
        if frame.answer:
            market = frame.url.partition("symbol=")[2].partition("&")[0]
            calls.append(("fetched", (f"depth:{market}", 200, frame.raw, at)))
        elif recording.book in frame.raw:
            raw = _numbered(frame.raw, recording.number, count) if recording.number else frame.raw
            calls.append(("received", (raw, at)))
            count += 1
    return Session(venue, Depth.FULL, calls, None, " ".join(["recorded", recording.past]).rstrip())


def _numbered(raw: bytes, key: bytes, number: int) -> bytes:
    """The message with ``number`` behind ``key``."""
    before, key, rest = raw.partition(key)
    return before + key + str(number).encode() + rest.lstrip(b"0123456789")


def simulated(venue: Venue, depth: Depth, seconds: float) -> Session:
    world = World(1, BEGIN, [venue.id])
    of = world.venues[venue.id]
    of.base_url, of.ws_url = venue.rest, venue.ws
    markets = [
        Market(
            venue=venue.id,
            id=venue.stream_id({"id": market.id, "symbol": market.symbol, "info": {}}),
            symbol=market.symbol,
            base=market.base,
            quote=market.quote,
            price_tick=float(market.tick),
            lot=float(market.lot),
            taker_fee=float(market.taker),
        )
        for market in of.markets
    ]
    told = Remembered(connected(pipeline(), venue, markets, depth, 0))
    offline = Offline(lab_venue(venue.id)(of), told)
    offline.start(BEGIN)
    for at in range(BEGIN + STEP, BEGIN + int(seconds * SECOND), STEP):
        world.advance(at)
        offline.step(at)
    return Session(venue, depth, told.calls, markets, "lab")


def books_only(session: Session) -> Session:
    """The session without best bids and offers of another channel, which not every peer takes."""
    assert session.venue.wire is not None
    templates = (n for s in session.venue.wire.shapes if s.kind is Kind.BEST for n in s.names)
    marks = [name.replace("{id}", "").replace("{lower}", "").encode() for name in templates]
    options = Options(depth=session.depth, rest=session.venue.rest, ws=session.venue.ws)
    protocol = session.venue.make(session.markets, options)
    kept = []
    for method, arguments in session.calls:
        steps = getattr(protocol, method)(*arguments)
        best = any(isinstance(step, Best) for step in steps)
        if method == "received" and not steps:
            best = any(mark and mark in arguments[0] for mark in marks)
        if not best:
            kept.append((method, arguments))
    return msgspec.structs.replace(session, calls=kept)


def pipeline() -> Pipeline:
    return Pipeline(thresholds=NEVER, bounds=AGES, ids=Ids(lambda bits: 0), emit=lambda told: None)


def connected(
    through: Pipeline, venue: Venue, markets: list[Market] | None, depth: Depth, number: int
) -> Lane:
    """A lane of the venue under a name of its own."""
    named = msgspec.structs.replace(venue, id=f"{venue.id}.{number}")
    own = markets and [msgspec.structs.replace(m, venue=named.id) for m in markets]
    options = Options(depth=depth, rest=venue.rest, ws=venue.ws)
    return through.lane(named, own, options, lambda name: market(named.id, name))


def market(venue: str, name: str) -> Market:
    """A market of a recording. Its id stands for its base too: what is compared is the same market
    of all venues, and no two markets of one."""
    return Market(venue=venue, id=name, symbol=name, base=name, quote="", taker_fee=0.001)


def outcome(through: Pipeline, lane: Lane, depth: int = 1 << 17) -> Outcome:
    """The books of a lane: bids and asks, the best first."""
    return {
        name: [through.store.ladder(book, side, depth) for side in Side]
        for name, book in lane.books.items()
    }
