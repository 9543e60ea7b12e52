"""What a configuration would subscribe to, and whether it can be reached."""

from __future__ import annotations

import json
import random
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from scanner import clock
from scanner.commands.check import Report, examine
from scanner.commands.check_text import to_json, to_lines
from scanner.config import Config, Endpoints, VenueConfig
from scanner.config import Feed as Way
from scanner.errors import ConfigError
from scanner.feeds.shell import Shell, Timing
from scanner.lab.server import Clock, LabServer
from scanner.lab.world import World
from scanner.probe import probe
from scanner.types import Market

NAMES = ("kraken", "kucoin", "okx")
SHELL = Shell(now=clock.now, rng=random.Random(1), timing=Timing(retry_first=0.01))


@pytest.fixture
async def lab() -> AsyncIterator[LabServer]:
    async with LabServer(World(7, time.time_ns(), NAMES), clock=Clock()) as server:
        yield server


@pytest.fixture
def deaf() -> Iterator[int]:
    """A port that lets connect and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def config(lab: LabServer, folder: Path, **changes: Any) -> Config:
    venues = {name: at(lab.url(name), lab.ws(name)) for name in NAMES}
    return Config(**({"venues": venues, "cache_dir": folder} | changes))


def at(rest: str, ws: str, **settings: Any) -> VenueConfig:
    return VenueConfig(feed=Way.NATIVE, endpoints=Endpoints(rest=rest, ws=ws), **settings)


def market(lab: LabServer, name: str) -> Market:
    """One that the simulated venue lists."""
    assert lab.world is not None
    base, quote = "BTC", "USDT"
    found = lab.world.book(name, f"{base}/{quote}").market
    stream_id = f"{base}/{quote}" if name == "kraken" else found.id
    return Market(
        venue=name, id=stream_id, symbol="BTC/USDT", base=base, quote=quote, taker_fee=0.0
    )


@pytest.mark.parametrize("name", NAMES)
async def test_a_venue_that_speaks_is_heard_to_the_first_of_its_book(
    lab: LabServer, name: str
) -> None:
    reach = await probe(name, at(lab.url(name), lab.ws(name)), market(lab, name), SHELL)
    assert reach.good and reach.error == ""
    assert reach.connect_ms is not None and reach.data_ms is not None
    assert 0 < reach.connect_ms <= reach.data_ms < 5000


@pytest.mark.parametrize("name", NAMES)
async def test_without_a_market_the_connection_is_tried(lab: LabServer, name: str) -> None:
    reach = await probe(name, at(lab.url(name), lab.ws(name)), None, SHELL)
    assert reach.good
    assert (reach.data_ms, reach.market, reach.error) == (None, "", "")


async def test_a_market_that_is_refused_is_a_connection_without_data(lab: LabServer) -> None:
    wrong = Market(venue="okx", id="NO-SUCH", symbol="NO/SUCH", base="", quote="", taker_fee=0)
    reach = await probe("okx", at(lab.url("okx"), lab.ws("okx")), wrong, SHELL, 0.5)
    assert reach.connect_ms is not None
    assert not reach.good
    assert "NO-SUCH" in reach.error


async def test_a_venue_that_refuses_is_given_up_after_a_few_tries() -> None:
    began = time.monotonic()
    reach = await probe("okx", at("http://127.0.0.1:1", "ws://127.0.0.1:1"), None, SHELL)
    assert time.monotonic() - began < 5
    assert reach.connect_ms is None
    assert "refused" in reach.error or "Connect call failed" in reach.error


async def test_a_venue_that_says_nothing_is_given_up_in_time(deaf: int) -> None:
    began = time.monotonic()
    silent = at(f"http://127.0.0.1:{deaf}", f"ws://127.0.0.1:{deaf}")
    reach = await probe("okx", silent, None, SHELL, 0.3)
    assert time.monotonic() - began < 2
    assert (reach.connect_ms, reach.error) == (None, "no connection within 0.3 s")


async def test_ccxt_without_a_market_is_not_tried() -> None:
    reach = await probe("okx", VenueConfig(feed=Way.CCXT), None, SHELL)
    assert not reach.good
    assert reach.error == "none of its markets is known, and ccxt connects for markets only"


async def test_a_whole_configuration_is_examined(
    lab: LabServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    venues = {name: at(lab.url(name), lab.ws(name)) for name in NAMES[:2]}
    venues["okx"] = at("http://127.0.0.1:1", "ws://127.0.0.1:1")
    venues["gate"] = at(lab.url("okx"), lab.ws("okx"), enabled=False)
    venues["kraken"] = venues["kraken"].model_copy(update={"markets_per_connection": 1})
    short = {"venue": "kucoin", "symbol": "BTC/USDT:USDT", "amount": 1.0, "entry_price": 1.0}
    settings = config(
        lab,
        tmp_path,
        venues=venues,
        symbols=("BTC/USDT", "ETH/USDT"),
        kinds=("spot-spot",),
        hedge_book={"shorts": (short,)},
    )
    report = await examine(settings, offline=False, shell=SHELL)
    assert report.symbols == ("BTC/USDT", "ETH/USDT")
    assert [(v.id, v.symbols, v.connections, v.reachable) for v in report.venues] == [
        ("kraken", ("BTC/USDT", "ETH/USDT"), (1, 1), True),
        ("kucoin", ("BTC/USDT", "ETH/USDT"), (2,), True),
        ("okx", (), (), False),
    ]
    assert (report.reachable, report.exit_code) == (2, 0)
    assert (report.shorts, report.unscanned) == (1, ("BTC/USDT:USDT on kucoin",))

    again = await examine(settings, offline=True)
    assert [v.symbols for v in again.venues] == [v.symbols for v in report.venues]
    assert (again.exit_code, {v.stream for v in again.venues}) == (0, {None})
    kept = list(to_lines(again, settings, "c.yaml", "a.db"))
    assert "not tried (--offline)" in kept[1]
    assert "kept 0 s ago" in kept[4]

    told = "\n".join(to_lines(report, settings, "c.yaml", "a.db"))
    assert told.startswith(
        "c.yaml is valid.\n2 symbols in 4 markets of 3 exchanges; 2 of 3 can be reached.\n"
    )
    assert "\nokx       native  top    0        0            FAILED  FAILED\n" in told
    assert "\nokx: lists: NetworkError: okx GET http://127.0.0.1:1/" in told
    assert "\nsymbols   BTC/USDT (2), ETH/USDT (2)\n" in told
    found = json.loads(to_json(report, settings, "c.yaml", "a.db"))
    assert (found["reachable"], found["symbols"]) == (2, ["BTC/USDT", "ETH/USDT"])
    assert [venue["reachable"] for venue in found["venues"]] == [True, True, False]
    assert found["venues"][0]["connections"] == [1, 1]


def unreached(**changes: Any) -> Report:
    return Report(**({"symbols": (), "venues": ()} | changes))


@pytest.mark.parametrize(
    ("report", "code"),
    [
        (unreached(), 1),
        (unreached(offline=True), 0),
        (unreached(problem="no lists", problem_code=1), 1),
        (unreached(problem="no lists", problem_code=1, offline=True), 0),
        (unreached(problem="no such symbol", problem_code=2), 2),
        (unreached(problem="no such symbol", problem_code=2, offline=True), 2),
    ],
)
def test_the_exit_code_says_who_can_mend_it(report: Report, code: int) -> None:
    assert report.exit_code == code


def test_alerts_are_told_by_name_and_a_password_is_not() -> None:
    settings = Config(
        venues={"okx": VenueConfig()},
        alerts={"rules": {"big": {}}, "channels": {"phone": "tgram://123:abc/42"}},
    )
    url = "postgresql://me:secret@host/name"
    for told in (
        "\n".join(to_lines(unreached(), settings, "c.yaml", url)),
        to_json(unreached(), settings, "c.yaml", url),
    ):
        assert "big" in told and "phone" in told
        assert "tgram" not in told and "secret" not in told


async def test_the_file_of_the_hedge_book_is_read(tmp_path: Path) -> None:
    file = tmp_path / "positions.csv"
    file.write_text(
        "kind,venue,coin,symbol,amount,entry_price\n"
        "holding,kraken,BTC,,1,\n"
        "short,okx,,BTC/USDT:USDT,1,100000\n"
    )
    of = {"venues": {"okx": VenueConfig()}, "cache_dir": tmp_path}
    settings = Config(**of, hedge_book={"csv": str(file)})
    report = await examine(settings, offline=True)
    assert (report.holdings, report.shorts) == (1, 1)
    assert report.unscanned == ()  # no list is there that it could be on
    report = replace(report, unscanned=("BTC/USDT:USDT on okx",))
    lines = "\n".join(to_lines(report, settings, "c.yaml", "a.db"))
    assert "\nhedge     holdings: 1; shorts: 1; NOT scanned" in lines
    told = json.loads(to_json(report, settings, "c.yaml", "a.db"))
    assert told["hedge_book"]["unscanned"] == ["BTC/USDT:USDT on okx"]
    file.write_text("kind,price\nholding,x\n")
    with pytest.raises(ConfigError, match=r"positions\.csv:2"):
        await examine(settings, offline=True)
