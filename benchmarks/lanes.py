"""CPU per message, raw bytes -> book -> scan: reference lane, fast lane, fast lane by reads.

    python benchmarks/lanes.py [--seconds 6] [--books 5] [--venue binance ...]

Each venue's session comes from the lab or, with CROSSBOOK_WIRE, from the recordings of formats that
are still spoken. It is told to --books connections of as many venues, which all trade the same
symbols; when the books stand, one of them alone goes on: message by message through the reference
lane, so through the fast lane, and in reads of --read messages. Each time the book that comes out
must be the same. The figures are medians of CPU time in one process, side by side.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import msgspec
import numpy as np

from scanner.engine.engine import Bounds
from scanner.engine.ids import Ids
from scanner.engine.tracker import Thresholds
from scanner.lab.offline import Offline, Remembered
from scanner.lab.venues import lab_venue
from scanner.lab.world import World
from scanner.pipeline import Lane, Pipeline
from scanner.recordings import find, frames
from scanner.types import Depth, Market, Side
from scanner.venues.protocol import Options, Venue
from scanner.venues.registry import VENUES, native

Call = tuple[str, tuple[Any, ...]]
BEGIN, STEP, SECOND = 1_760_000_000_000_000_000, 10_000_000, 1_000_000_000
AGES = Bounds(max_age=1 << 60, max_skew=1 << 60)
NEVER = Thresholds(min_net_bps=1e9, min_profit=1e18)
RECORDED = (
    ("binance", "binance/spot*2024-08-08*"),
    ("okx", "okx/spot*2022-05-13*"),
    ("kucoin", "kucoin/spot*"),
    ("bybit", "bybit/spot*"),
    ("kraken", "kraken-v2/*"),
    ("coinbase", "coinbase/*"),
    ("bitget", "bitget/spot*"),
)


class Session(msgspec.Struct):
    """What one connection was told; ``markets`` None: any that it names."""

    venue: Venue
    depth: Depth
    calls: list[Call]
    markets: list[Market] | None


class Ways(msgspec.Struct):
    """us of CPU a message, and the share of the fast lane."""

    reference: float
    one: float
    read: float
    share: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=6.0, help="of the lab's time")
    parser.add_argument("--books", type=int, default=5, help="venues of each symbol")
    parser.add_argument("--read", type=int, default=32, help="messages in one read")
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--venue", nargs="*", default=list(VENUES))
    options = parser.parse_args()
    print("venue    depth  messages bytes  reference   one by one    by reads   fast  ref/reads")
    for session in sessions(options.venue, options.seconds):
        ways, raws = measured(session, options.books, options.read, options.times)
        size = sum(map(len, raws)) / len(raws)
        print(
            f"{session.venue.id:<9}{session.depth:<6}{len(raws):>8}{size:>7.0f}"
            f"{ways.reference:>9.2f} us{ways.one:>10.2f} us{ways.read:>9.2f} us"
            f"{100 * ways.share:>6.1f} %{ways.reference / ways.read:>8.1f}x",
            flush=True,
        )


def sessions(names: Sequence[str], seconds: float) -> list[Session]:
    """Recorded ones where there are any, else the lab's."""
    folder = os.environ.get("CROSSBOOK_WIRE")
    made = []
    for name in names:
        venue = native(name)
        if venue is None:
            raise SystemExit(f"{name}: not a venue that is spoken natively")
        patterns = [pattern for known, pattern in RECORDED if known == name]
        if folder and patterns:
            made.append(recorded(venue, sorted(Path(folder).glob(patterns[0]))))
        else:
            made += [simulated(venue, depth, seconds) for depth in Depth]
    return made


def recorded(venue: Venue, paths: list[Path]) -> Session:
    found = find(paths)
    (connection,) = found.connections
    answers = [a.path for a in connection.answers_nearby() if connection.joins(a, {venue.id})]
    calls: list[Call] = [("start", (BEGIN,)), ("opened", (BEGIN,))]
    for number, frame in enumerate(frames(connection, answers)):
        at = BEGIN + number * 1_000_000
        if frame.answer:
            market = frame.url.partition("symbol=")[2].partition("&")[0]
            calls.append(("fetched", (f"depth:{market}", 200, frame.raw, at)))
        else:
            calls.append(("received", (frame.raw, at)))
    return Session(venue, Depth.FULL, calls, None)


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
    return Session(venue, depth, told.calls, markets)


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
    """A market of a recording; that its id is its symbol makes all venues' books comparable."""
    return Market(venue=venue, id=name, symbol=name, base="", quote="", taker_fee=0.001)


def measured(session: Session, books: int, read: int, times: int) -> tuple[Ways, list[bytes]]:
    """Medians over fresh books each time, the three ways in turn."""
    begun = len(session.calls) // 4
    raws = [a[0] for method, a in session.calls[begun:] if method == "received"]
    memory = np.frombuffer(b"".join(raws), np.uint8)
    ends = np.cumsum([len(raw) for raw in raws], dtype=np.int64)
    starts = ends - np.array([len(raw) for raw in raws], np.int64)
    spent: dict[str, list[float]] = {"reference": [], "one": [], "read": []}
    share = 0.0
    for _ in range(times):
        ended = []
        for way, costs in spent.items():
            venue = session.venue
            if way == "reference":
                venue = msgspec.structs.replace(venue, wire=None)
            through = pipeline()
            lane = begin(session, venue, through, books, begun)
            at = BEGIN + 3600 * SECOND
            before = [(c.messages, c.fast) for c in lane.counts.values()]
            since = time.process_time()
            if way == "read":
                where = (memory.ctypes.data, starts.ctypes.data, ends.ctypes.data)
                for first in range(0, len(raws), read):
                    count = min(read, len(raws) - first)
                    offset = 8 * first
                    lane.received_many(where[0], where[1] + offset, where[2] + offset, count, at)
            else:
                for raw in raws:
                    lane.received(raw, at)
            costs.append((time.process_time() - since) / len(raws) * 1e6)
            if way == "read":
                after = [(c.messages, c.fast) for c in lane.counts.values()]
                came = sum(a[0] for a in after) - sum(b[0] for b in before)
                share = (sum(a[1] for a in after) - sum(b[1] for b in before)) / max(came, 1)
            ended.append(outcome(through, lane))
        if ended[0] != ended[1] or ended[0] != ended[2]:
            raise SystemExit(f"{session.venue.id}: the lanes do not end with the same books")
    medians = (statistics.median(costs) for costs in spent.values())
    return Ways(*medians, share), raws


def begin(session: Session, venue: Venue, through: Pipeline, books: int, begun: int) -> Lane:
    """Connections of ``books`` venues, told the first part of the session; the last of them."""
    for number in range(books):
        lane = connected(through, venue, session.markets, session.depth, number)
        for method, arguments in session.calls[:begun]:
            getattr(lane, method)(*arguments)
    return lane


def outcome(through: Pipeline, lane: Lane) -> dict[str, Any]:
    return {
        name: [through.store.ladder(book, side, 1 << 17) for side in Side]
        for name, book in lane.books.items()
    }


if __name__ == "__main__":
    main()
