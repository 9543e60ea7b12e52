"""Metrics: what stands in them, and who is given them."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from scanner import __version__
from scanner.engine.bounds import Bounds
from scanner.engine.ids import Ids
from scanner.engine.overview import Overview
from scanner.engine.tracker import Thresholds
from scanner.errors import CrossbookError
from scanner.events import Leg, Opportunity
from scanner.feeds.health import ConnectionState, Health
from scanner.metrics import Metrics, Sources
from scanner.metrics_server import serving
from scanner.pipeline import Pipeline
from scanner.sinks.alerts.channel import ChannelState
from scanner.sinks.alerts.delivery import AlertsState
from scanner.steps import Snapshot
from scanner.types import Depth, Market
from scanner.venues.ccxt_book import venue
from scanner.venues.protocol import Options
from scanner.view.scan_state import ScanState, WorkersState, full, together
from storage.records import WriterState

AT = 1_790_000_000_000_000_000
HEALTH = Health(
    venue="okx",
    connection=1,
    markets=3,
    state=ConnectionState.OPEN,
    since=AT,
    messages=500,
    bytes=70_000,
    heard_at=AT,
    reconnects=2,
    last_error="",
    silent_since=AT,
)
LEG = Leg(venue="okx", symbol="X/Q", levels=((1.0, 1.0),), fee_rate=0.0, age_ms=1.0)
OPENED = Opportunity(
    event="opened",
    id="1",
    kind="spot-spot",
    symbol="X/Q",
    at=AT,
    buy=LEG,
    sell=LEG,
    size=1.0,
    gross_bps=1.0,
    net_bps=1.0,
    net_profit=1.0,
    currency="Q",
    opened_at=AT,
    peak_net_bps=1.0,
    peak_net_profit=1.0,
)


class Feed:
    def health(self) -> tuple[Health, ...]:
        waiting = replace(HEALTH, connection=2, state=ConnectionState.WAITING, heard_at=0)
        return HEALTH, waiting


class Lines:
    waiting = 4
    dropped = 1


def writer_state() -> WriterState:
    return WriterState(
        persisting=False,
        error="x",
        remedy="y",
        waiting=7,
        written=100,
        dropped=3,
        losses={},
        lag_ms=2500.0,
    )


def alerts_state() -> AlertsState:
    phone = ChannelState(name="phone", failing=True, error="x", waiting=2, sent=5, failed=1)
    bell = ChannelState(name="bell", failing=False, error="", waiting=1, sent=9, failed=0)
    return AlertsState(channels=(phone, bell), dropped=6)


def pipeline() -> Pipeline:
    made = Pipeline(
        thresholds=Thresholds(), bounds=Bounds(), ids=Ids(lambda n: 0), emit=lambda event: None
    )
    for name in ("okx", "gate"):
        market = Market(venue=name, id="X", symbol="X/Q", base="X", quote="Q", taker_fee=0.0)
        made.book(venue(name), "X", market)
    made.breaks["okx"] = 8
    options = Options(depth=Depth.TOP, rest="", ws="")
    lane = made.lane(venue("okx"), list(made.engine.markets.values())[:1], options)
    step = Snapshot(market="X", bids=b'[["1","1"]]', asks=b'[["2","1"]]', sent_at=AT - 250_000_000)
    lane._book_step(step, {}, AT)
    return made


def scan() -> ScanState:
    made = pipeline()
    return full(made, Overview(made.store, made.engine), [Feed()])


def values(text: bytes) -> dict[str, float]:
    """``name{label,...}`` without the names of the labels, which are sorted."""
    return {
        sample.name + "{" + ",".join(v for _, v in sorted(sample.labels.items())) + "}": (
            sample.value
        )
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_everything_is_told() -> None:
    metrics = Metrics(
        Sources(
            scan=scan,
            workers=lambda: WorkersState(running=2, restarts=3, frames_dropped=4),
            lines=Lines(),
            writer=writer_state,
            alerts=alerts_state,
        )
    )
    for event in ("opened", "updated", "updated", "closed"):
        metrics(replace(OPENED, event=event))
    metrics(HEALTH)
    found = values(metrics.text())
    states = {name: value for name, value in found.items() if name.startswith("crossbook_books{")}
    assert {name: value for name, value in states.items() if value} == {
        "crossbook_books{live,okx}": 1,
        "crossbook_books{empty,gate}": 1,
    }
    assert len(states) == 12
    for name in states:
        del found[name]
    assert found == {
        f"crossbook_info{{{__version__}}}": 1,
        "crossbook_connection_open{1,okx}": 1,
        "crossbook_connection_open{2,okx}": 0,
        "crossbook_connection_silent{1,okx}": 1,
        "crossbook_connection_silent{2,okx}": 1,
        "crossbook_messages_total{1,okx}": 500,
        "crossbook_messages_total{2,okx}": 500,
        "crossbook_received_bytes_total{1,okx}": 70_000,
        "crossbook_received_bytes_total{2,okx}": 70_000,
        "crossbook_reconnects_total{1,okx}": 2,
        "crossbook_reconnects_total{2,okx}": 2,
        "crossbook_last_message_timestamp_seconds{1,okx}": AT / 1e9,
        "crossbook_gaps_total{okx}": 8,
        "crossbook_gaps_total{gate}": 0,
        "crossbook_lag_seconds{okx}": 0.25,
        "crossbook_opportunities_total{opened}": 1,
        "crossbook_opportunities_total{updated}": 2,
        "crossbook_opportunities_total{closed}": 1,
        "crossbook_opportunities_open{}": 0,
        "crossbook_queue_length{lines}": 4,
        "crossbook_queue_length{database}": 7,
        "crossbook_queue_length{alerts}": 3,
        "crossbook_queue_dropped_total{lines}": 1,
        "crossbook_queue_dropped_total{database}": 3,
        "crossbook_queue_dropped_total{alerts}": 6,
        "crossbook_workers{}": 2,
        "crossbook_worker_restarts_total{}": 3,
        "crossbook_frames_dropped_total{}": 4,
        "crossbook_database_persisting{}": 0,
        "crossbook_database_lag_seconds{}": 2.5,
        "crossbook_database_rows_total{}": 100,
        "crossbook_alerts_failing{phone}": 1,
        "crossbook_alerts_failing{bell}": 0,
        "crossbook_alerts_total{phone,sent}": 5,
        "crossbook_alerts_total{phone,failed}": 1,
        "crossbook_alerts_total{bell,sent}": 9,
        "crossbook_alerts_total{bell,failed}": 0,
    }


def test_what_a_run_does_not_have_is_not_told() -> None:
    found = values(Metrics(Sources(scan=ScanState)).text())
    assert not any(
        any(part in name for part in ("database", "alerts", "queue", "workers")) for name in found
    )


def test_what_several_processes_tell_is_summed() -> None:
    one = scan()
    other = ScanState(
        connections=(replace(HEALTH, connection=3),),
        books={"okx": {"live": 4}, "kraken": {"stale": 1}},
        gaps={"okx": 2},
        lags={"okx": 750.0, "kraken": 5.0},
        open=6,
    )
    found = together([one, other, ScanState()])
    assert [health.connection for health in found.connections] == [1, 2, 3]
    assert (found.books["okx"]["live"], found.books["kraken"]) == (5, {"stale": 1})
    assert (found.gaps, found.open) == ({"okx": 10, "gate": 0}, 6)
    assert found.lags == {"okx": 500.0, "kraken": 5.0}


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with serving(lambda: b"crossbook_up 1\n", 0) as port:
        yield port


async def ask(port: int, path: str = "/metrics", method: str = "GET", **headers: str) -> int:
    url = f"http://127.0.0.1:{port}{path}"
    async with ClientSession() as client, client.request(method, url, headers=headers) as answer:
        if answer.status == 200:
            assert await answer.read() == b"crossbook_up 1\n"
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return answer.status


@pytest.mark.parametrize("host", ["127.0.0.1:9", "127.0.0.1", "localhost:1", "localhost"])
async def test_programs_on_this_machine_are_answered(port: int, host: str) -> None:
    assert await ask(port, Host=host) == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example:9464"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "[::1]:1"},
        {"Host": ":1"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
    ],
)
async def test_pages_in_a_browser_are_refused(port: int, headers: dict[str, str]) -> None:
    assert await ask(port, **headers) == 403


async def test_there_is_nothing_else(port: int) -> None:
    assert await ask(port, "/") == 404
    assert await ask(port, "/metrics/../etc") == 404
    assert await ask(port, method="POST") == 405


async def test_it_listens_on_the_loopback_interface_only(port: int) -> None:
    host = socket.gethostbyname(socket.gethostname())
    if host.startswith("127."):
        host = "127.0.0.2"
    with socket.socket() as other, pytest.raises(OSError):
        other.settimeout(1)
        other.connect((host, port))


async def test_a_port_that_is_taken_is_said(port: int) -> None:
    told = rf"--metrics: port {port} of 127.0.0.1 cannot be had \(.*\); 0 takes any"
    with pytest.raises(CrossbookError, match=told):
        async with serving(lambda: b"", port):
            pass
