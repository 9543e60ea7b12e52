"""Recordings through the path that live data takes: the same protocols, books and engine.

Every recorded connection becomes one lane, at its recorded times, all of them in one pipeline. What
a protocol asks for (snapshots, tokens, a fresh start) is never asked of anyone: only the answers
that were recorded arrive, when they did. Deadlines that live data is held to end in a question to
the venue, so here they are not kept (``Lane.idle``); how old a book may be to be used, is.

**What is scanned.** A recording does not say which coin an id means, nor what its venue charges. A
spot market takes part in the scan where its id spells out both currencies (``BTC-USD``,
``BTC_USDT``, ``BTC/EUR``), at one fee for all; ids without a separator are replayed, not scanned.
Of one venue's connections that run at the same time, the first to name a market has it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heapreplace
from pathlib import Path
from random import Random
from typing import TypeAlias
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import asdict

from scanner.engine.bounds import Bounds
from scanner.engine.engine import Emit
from scanner.engine.ids import Ids
from scanner.engine.tracker import Thresholds
from scanner.errors import RecordingError, UserError
from scanner.pipeline import Pipeline
from scanner.replay.recordings import Connection, find, first_line
from scanner.replay.stage import Outcome, Play, Say, Stage
from scanner.steps import Connect
from scanner.text import printable
from scanner.types import Depth
from scanner.venues.protocol import Options, Venue
from scanner.venues.registry import CONTRACTS, VENUES, native

FEE = 0.001
TICK = 250_000_000
TICKS_IN_SILENCE = 40

Fail: TypeAlias = Callable[[RecordingError], None]


def _raise(error: RecordingError) -> None:
    raise error


def replay(
    paths: Sequence[Path],
    *,
    emit: Emit,
    say: Say,
    thresholds: Thresholds | None = None,
    bounds: Bounds | None = None,
    fee: float = FEE,
    fail: Fail = _raise,
) -> list[Outcome]:
    """Replay all recordings in ``paths``, in the order of their times.

    ``emit`` gets what the engine flags, ``say`` a line for each file that is left out and for what
    goes wrong in a recording. ``fee`` is the taker fee (a fraction) that is taken for every market.
    A recording that cannot be read is left out as a whole and handed to ``fail``; where that is not
    given, the error is raised. Raises ``UserError`` if there is nothing to replay.
    """
    pipeline = Pipeline(
        thresholds=thresholds or Thresholds(),
        bounds=bounds or Bounds(),
        ids=Ids(Random(0).getrandbits),
        emit=emit,
    )
    outcomes: list[Outcome] = []
    queue = [
        (play.begins, number, play)
        for number, play in enumerate(cast(paths, pipeline, say, fee, fail))
    ]
    heapify(queue)
    last = 0
    while queue:
        at, number, play = queue[0]
        _tick(pipeline, last, at)
        last = at
        try:
            following = play.step()
        except RecordingError as error:
            heappop(queue)
            fail(error)
            continue
        if following is None:
            heappop(queue)
            outcomes += play.finish(at)
        else:
            heapreplace(queue, (following, number, play))
    return outcomes


def cast(
    paths: Sequence[Path], pipeline: Pipeline, say: Say, fee: float = FEE, fail: Fail = _raise
) -> list[Play]:
    """The connections in ``paths`` that can be replayed, ready to start; the rest is said.

    ``fail`` and what is raised as in ``replay``.
    """
    found, stage = find(paths), Stage(pipeline, fee)
    plays: list[Play] = []
    failed = False
    used: set[Path] = set()
    for path in found.unused:
        say(f"{path}: left out: answers without an order book")
    for connection in found.connections:
        venue = _venue_of(connection, say)
        if venue is None:
            continue
        folders = {connection.folder.name, venue.id, *venue.recorded_as}
        near = [*found.answers, *connection.answers_nearby()]
        joined = [answers.path for answers in near if connection.joins(answers, folders)]
        used.update(joined)
        try:
            plays.append(Play(stage, venue, connection, list(dict.fromkeys(joined)), say))
        except RecordingError as error:
            failed = True
            fail(error)
    for answers in found.answers:
        if answers.path not in used:
            say(f"{answers.path}: left out: no stream of the same venue, market and date beside it")
    if not plays and not failed:
        raise UserError("none of these files holds a recording of a venue that is spoken natively")
    return plays


def json_line(outcome: Outcome) -> str:
    """The outcome as one JSON object: of the market, not of the recording (README names its
    fields)."""
    told = {name: value for name, value in asdict(outcome).items() if name != "recording"}
    return msgspec.json.encode(told).decode()


def text_line(outcome: Outcome) -> str:
    """The outcome as one line to read."""
    checked = outcome.checksums_ok + outcome.checksums_bad
    marks = f"  {outcome.tickers} marks and rates" if outcome.tickers else ""
    sums = f"checksums {outcome.checksums_ok}/{checked}" if checked else "no checksums"
    return printable(
        f"{outcome.venue:<9} {outcome.market:<16} {outcome.messages:>7} messages"
        f" {outcome.snapshots:>3} snapshots {outcome.deltas:>6} deltas {outcome.gaps:>3} gaps"
        f"  {sums:<21} bid {_best(outcome.bids):<28} ask {_best(outcome.asks):<28}"
        f" {outcome.recording}{marks}"
    )


def _best(levels: list[tuple[float, float]]) -> str:
    return f"{levels[0][0]:.12g} x {levels[0][1]:.12g}" if levels else "-"


def _venue_of(connection: Connection, say: Say) -> Venue | None:
    """The venue by the names of the folder and the market, else by the address that was connected
    to. What trades contracts is named by both, or by its address, before what trades coins is."""
    contracts = [v for name in CONTRACTS if (v := native(name, contracts=True)) is not None]
    coins = [venue for name in VENUES if (venue := native(name)) is not None]
    folder = connection.folder.name
    for venue in contracts:
        if {folder, f"{folder}/{connection.market}"} & set(venue.recorded_as):
            return venue
    for venue in coins:
        if folder == venue.id or folder in venue.recorded_as:
            return venue
    try:
        address = urlsplit(first_line(connection)[1])
    except RecordingError as error:
        say(f"{connection.name}: left out: {error}")
        return None
    host = address.hostname
    near = [v for v in (*coins, *contracts) if host and host == urlsplit(v.ws).hostname]
    for venue in near:
        if address.path.rstrip("/") == urlsplit(_address(venue)).path.rstrip("/"):
            return venue
    if near:
        spoken = " or ".join(dict.fromkeys(map(_address, near)))
        say(f"{connection.name}: left out: of {near[0].name}, only {spoken} is spoken")
        return None
    where = f" ({host})" if host else ""
    say(f"{connection.name}: left out: no venue that is spoken natively{where}")
    return None


def _address(venue: Venue) -> str:
    """Where a connection to the venue is made."""
    options = Options(depth=Depth.FULL, rest=venue.rest, ws=venue.ws)
    steps = venue.make(None, options).start(0)
    return next((step.url for step in steps if isinstance(step, Connect)), venue.ws)


def _tick(pipeline: Pipeline, last: int, at: int) -> None:
    """Let the recorded time pass: what ages in it is closed when it does, not when data comes."""
    if last == 0:
        return
    first = last - last % TICK + TICK
    for moment in range(first, min(at, first + TICKS_IN_SILENCE * TICK), TICK):
        pipeline.tick(moment)
