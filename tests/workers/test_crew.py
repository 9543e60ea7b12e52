"""Worker processes over the lab: what they find, and their ends, wanted or not."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace

from scanner.config import Config, validated
from scanner.configuration.located import parse
from scanner.events import FeedEvent, Opportunity
from scanner.feeds.health import ConnectionState
from scanner.lab.server import LabServer
from scanner.lab.world import World
from scanner.types import Market
from scanner.view.frame import Query, ServiceLine
from scanner.warm import warm
from scanner.workers.crew import Crew
from scanner.workers.hand import Patience
from tests.feeds.pipeline import market_of
from tests.feeds.tiny import until
from tests.processes import alive, children

VENUES = ("okx", "bybit")
SYMBOLS = ("ADA/USDT", "BNB/USDT", "BTC/USDT", "DOGE/USDT")
PATIENT = Patience(silence=2.0, retry_first=0.2, steady=0.5)
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    warm()


class Scanned:
    """A crew over a lab, and what it has told."""

    def __init__(self, crew: Crew, told: list[object]) -> None:
        self.crew = crew
        self.told = told

    def events(self, kind: str) -> list[Opportunity]:
        return [e for e in self.told if isinstance(e, Opportunity) and e.event == kind]

    def lost(self) -> list[FeedEvent]:
        return [e for e in self.told if isinstance(e, FeedEvent) and e.kind == "lost"]

    def open(self) -> set[str]:
        """Ids that are opened and not closed."""
        return {e.id for e in self.events("opened")} - {e.id for e in self.events("closed")}

    def told_of(self, ids: set[str], kind: str = "opened") -> list[Opportunity]:
        """The events of this kind of these opportunities."""
        return [event for event in self.events(kind) if event.id in ids]

    def flagged(self, since: int = 0) -> set[str]:
        """The symbols that were opened after so many events."""
        new = self.told[since:]
        return {e.symbol for e in new if isinstance(e, Opportunity) and e.event == "opened"}

    def natural(self) -> set[str]:
        """Reasons of ends that a market brings."""
        return {e.reason for e in self.events("closed") if "worker" not in e.reason}

    def connected(self) -> int:
        health = self.crew.state().connections
        return sum(each.state is ConnectionState.OPEN for each in health)


def config_of(lab: LabServer) -> Config:
    """Everything that leaves anything is told."""
    venues = ", ".join(
        f"{name}: {{endpoints: {{rest: '{lab.url(name)}', ws: '{lab.ws(name)}'}}}}"
        for name in VENUES
    )
    return validated(parse(f"venues: {{{venues}}}\nthresholds: {{min_net_bps: 0.01}}\n", "c.yaml"))


def markets_of(lab: LabServer) -> list[Market]:
    """With a rebate so high that they are always worth a trade."""
    return [
        replace(market_of(lab, venue, symbol), taker_fee=-0.01)
        for venue in VENUES
        for symbol in SYMBOLS
    ]


@asynccontextmanager
async def scanned(workers: int, patience: Patience = PATIENT) -> AsyncIterator[Scanned]:
    """``workers`` over four symbols of two venues, all of them flagged."""
    told: list[object] = []
    async with LabServer(World(7, time.time_ns(), VENUES, symbols=SYMBOLS)) as lab:
        crew = Crew(workers, tell=told.append, patience=patience, rng=Random(1))
        try:
            async with asyncio.TaskGroup() as group:
                crew.start(group)
                crew.carry(config_of(lab), markets_of(lab))
                scan = Scanned(crew, told)
                # A screen looks from the start, before there is anything to show.
                await until(lambda: bool(crew.look(Query())) and len(scan.flagged()) == 4, 30)
                yield scan
                await crew.stop("the scanner stopped")
        finally:
            assert not any(hand.pid for hand in crew.hands)


def test_as_long_as_nothing_is_scanned_it_says_so() -> None:
    assert Crew(1, tell=lambda event: None).banner().startswith("STARTING: ")


async def test_two_workers_scan_all_symbols_each_in_one_place() -> None:
    async with scanned(2) as scan:
        await until(lambda: scan.connected() == 4)
        numbers = {(h.venue, h.connection, h.markets) for h in scan.crew.state().connections}
        assert numbers == {(venue, number, 2) for venue in VENUES for number in (1, 2)}
        routes = [(e.symbol, e.buy.venue) for e in scan.told_of(scan.open())]
        assert len(routes) == len(set(routes)), "one route is open in two places"
        await until(lambda: sum(len(f.rows) for f in scan.crew.look(Query())) == 4)
        first, second = (f.totals.open for f in scan.crew.look(Query()))
        assert first > 0 and second > 0
        assert scan.crew.line() == ServiceLine("workers", True, "2 of 2 run")
        assert scan.crew.banner() == ""
    assert scan.open() == set()
    assert {e.reason for e in scan.events("closed")[-4:]} == {"the scanner stopped"}


async def test_a_killed_worker_closes_what_was_open_and_starts_again() -> None:
    async with scanned(2) as scan:
        await until(lambda: scan.connected() == 4)
        first, second = scan.crew.hands
        theirs = {id for id in scan.open() if id in first._open}
        others = scan.open() - theirs
        assert theirs and others
        pid = first.pid
        assert pid is not None
        before = len(scan.told)
        os.kill(pid, signal.SIGKILL)
        reason = "its worker is gone: it was killed by SIGKILL"
        await until(lambda: not theirs & scan.open())
        assert {e.reason for e in scan.told_of(theirs, "closed")} <= {reason, *scan.natural()}
        assert reason in {e.reason for e in scan.told_of(theirs, "closed")}
        line = scan.crew.line()
        assert not line.good
        assert "1 of 2 run" in line.text and "killed by SIGKILL" in line.text
        assert {(e.venue, e.connection) for e in scan.lost()} == {("okx", 1), ("bybit", 1)}
        assert {e.reason for e in scan.lost()} == {reason}
        symbols = {event.symbol for event in scan.told_of(theirs)}
        await until(lambda: symbols <= scan.flagged(before), 30)
        assert (first.restarts, second.restarts) == (1, 0)
        assert first.pid not in (None, pid)
        await until(lambda: scan.crew.line().good, 10)
        assert scan.crew.line().text == "2 of 2 run, 1 restarts"
    assert scan.open() == set()


async def test_a_stuck_worker_is_ended_and_starts_again() -> None:
    async with scanned(1) as scan:
        [hand] = scan.crew.hands
        await until(scan.connected)
        stuck, open_before = hand.pid, scan.open()
        assert stuck is not None
        os.kill(stuck, signal.SIGSTOP)
        began = time.monotonic()
        await until(lambda: not open_before & scan.open(), 10)
        assert time.monotonic() - began >= PATIENT.silence
        assert "no sign of life" in scan.events("closed")[-1].reason
        assert not Path(f"/proc/{stuck}").exists()
        before = len(scan.told)
        await until(lambda: scan.flagged(before), 30)


async def test_a_worker_that_is_asked_to_end_does_so_in_order_and_starts_again() -> None:
    """And before, a silent parent process does not take it for stuck: as after the sleep of a
    machine, what came meanwhile is read first."""
    async with scanned(1) as scan:
        [hand] = scan.crew.hands
        time.sleep(PATIENT.silence + 0.5)
        await asyncio.sleep(0.3)
        assert hand.restarts == 0
        assert hand.pid is not None
        os.kill(hand.pid, signal.SIGTERM)
        await until(lambda: hand.restarts == 1)
        assert scan.open() == set()
        assert scan.events("closed")[-1].reason == "its worker was ended"
        assert "ended with code 0" in hand.trouble
    opened = [event.id for event in scan.events("opened")]
    assert sorted(opened) == sorted({event.id for event in scan.events("closed")})


async def test_stopping_is_bounded_though_a_worker_is_stuck() -> None:
    async with scanned(1) as scan:
        pid = scan.crew.hands[0].pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        began = time.monotonic()
        await scan.crew.stop("the scanner stopped")
        assert time.monotonic() - began < PATIENT.stop + 1.5
        assert scan.open() == set()
        assert not Path(f"/proc/{pid}").exists()


def test_nothing_outlives_its_parent(tmp_path: Path) -> None:
    code = "from scanner.cli import main; main()"
    settings = tmp_path / "c.yaml"
    settings.write_text("venues: {okx: , bybit: }\nworkers: 1\n")
    arguments = ["demo", "--json", "--db", "", "--config", str(settings)]
    parent = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert parent.stdout is not None and parent.stderr is not None
    lines = iter(parent.stderr.readline, "")
    assert sum("connected" in line for line in islice(until_connected(lines, 2), 200)) == 2
    under = children(parent.pid)
    assert len(under) >= 2  # the lab, a worker
    began = time.monotonic()
    parent.kill()
    parent.communicate(timeout=8)
    while alive(under) and time.monotonic() - began < 5:
        time.sleep(0.05)
    assert alive(under) == set()
    assert time.monotonic() - began < 5


def until_connected(lines: Iterator[str], count: int) -> Iterator[str]:
    """The lines up to the one in which the last connection is told of."""
    for line in lines:
        yield line
        count -= "connected" in line
        if not count:
            return
