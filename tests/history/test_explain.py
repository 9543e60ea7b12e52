"""``crossbook explain``: the arithmetic can be followed by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from scanner.engine import costs
from scanner.engine.terms import Terms
from scanner.events import Alert, FeedEvent, Leg, Opportunity
from scanner.history.arithmetic import account
from scanner.types import Market
from storage.queries import State
from tests.history_commands import call, printed, refusal, store
from tests.storage.events import ID, START, closed, opened, updated

SECOND = 1_000_000_000
ASKS = ((100.0, 1.0), (100.5, 2.0))
BIDS = ((101.5, 2.5), (101.2, 4.0))
BUY_FEE, SELL_FEE = 0.001, 0.002


def found(at: int = START, asks: tuple[tuple[float, float], ...] = ASKS) -> Opportunity:
    """As the engine finds it."""
    buy, sell = (
        Terms.of(Market(venue="", id="", symbol="", base="", quote="", taker_fee=fee, lot=0.001))
        for fee in (BUY_FEE, SELL_FEE)
    )
    result = costs.evaluate(asks, BIDS, buy, sell)
    assert isinstance(result, costs.Result)
    return replace(
        opened(1, at),
        buy=Leg(venue="alpha", symbol="BTC/USDT", levels=result.buy, fee_rate=BUY_FEE, age_ms=12.5),
        sell=Leg(
            venue="beta", symbol="BTC/USDT", levels=result.sell, fee_rate=SELL_FEE, age_ms=3.25
        ),
        size=result.size,
        gross_bps=result.gross_bps,
        net_bps=result.net_bps,
        net_profit=result.net_profit,
        peak_net_bps=result.net_bps,
        peak_net_profit=result.net_profit,
    )


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """One whole life: better after a second, then worse, then over."""
    first = found()
    better = found(START + SECOND, ((99.9, 1.0), (100.4, 2.0)))
    better = replace(better, event="updated", opened_at=START)
    worse = replace(updated(better, START + 3 * SECOND, 0.0), **figures(first))
    end = closed(worse, START + 4 * SECOND, "the book on beta is stale")
    feeds = [
        FeedEvent(at=START - 90 * SECOND, venue="alpha", connection=0, kind="connected"),
        FeedEvent(
            at=START + 4 * SECOND,
            venue="beta",
            connection=2,
            kind="reset",
            market="BTC/USDT",
            reason="gap: 5 after 3",
        ),
    ]
    alert = Alert(
        id=ID.format(9),
        rule="big",
        channel="phone",
        opportunity_id=first.id,
        at=START,
        state="sent",
        sent_at=START + SECOND,
    )
    store(tmp_path / "db", [first, better, worse, end, *feeds, alert])
    return tmp_path / "db"


def figures(one: Opportunity) -> dict[str, object]:
    names = ("size", "gross_bps", "net_bps", "net_profit", "buy", "sell")
    return {name: getattr(one, name) for name in names}


def test_line_by_line(database: Path) -> None:
    assert printed(database, "explain", ID.format(1), "--moment", "opened", columns=100) == [
        "BTC/USDT  buy on alpha, sell on beta  (spot-spot)",
        "id      01a0c2de-1800-7000-8000-000000000001",
        "opened  2026-09-21T14:13:20.000000Z",
        "closed  2026-09-21T14:13:24.000000Z after 4.0 s, 2 updates",
        "        because: the book on beta is stale",
        "",
        "        at               size BTC  gross bps  net bps  net USDT",
        "opened  14:13:20.000000         3   +111.296  +80.992   +2.4403",
        "peak    14:13:21.000000         3   +121.383  +91.050   +2.7406",
        "last    14:13:24.000000         3   +111.296  +80.992   +2.4403",
        "highest +91.050 net bps, +2.7406 USDT",
        "net bps ▁█▁",
        "",
        "opened, 2026-09-21T14:13:20.000000Z: 3 BTC",
        "  buy on alpha (BTC/USDT, taker fee 0.1 %, book 12.5 ms old)",
        "    1 x   100            =     100   of 1 offered",
        "    2 x 100.5            =     201   of 2 offered",
        "    paid                 =     301",
        "    plus fee 301 x 0.001 =   0.301",
        "    cost                 = 301.301",
        "  sell on beta (BTC/USDT, taker fee 0.2 %, book 3.2 ms old)",
        "    2.5 x 101.5             =   253.75   of 2.5 offered",
        "    0.5 x 101.2             =     50.6   of 4 offered",
        "    received                =   304.35",
        "    less fee 304.35 x 0.002 =   0.6087",
        "    proceeds                = 303.7413",
        "  gross 304.35 - 301              = +3.35 USDT",
        "        3.35 / 301 x 10,000       = +111.2956811 bps",
        "  net   303.7413 - 301.301        = +2.4403 USDT",
        "        2.4403 / 301.301 x 10,000 = +80.9920976 bps",
        "  agrees with what was stored",
        "",
        "after   not known: it was not followed",
        "",
        "before  2026-09-21T14:11:50.000000Z  alpha #0 connected",
        "feed    2026-09-21T14:13:24.000000Z  beta #2 reset BTC/USDT: gap: 5 after 3",
        "alert   2026-09-21T14:13:21.000000Z  big through phone: sent",
    ]


def test_the_peak_unless_asked(database: Path) -> None:
    text = "\n".join(printed(database, "explain", ID.format(1)))
    assert "peak, 2026-09-21T14:13:21.000000Z: 3 BTC" in text
    assert "opened, " not in text
    every = "\n".join(printed(database, "explain", ID.format(1), "--moment", "all"))
    assert every.count("agrees with what was stored") == 3


def test_as_json(database: Path) -> None:
    [line] = printed(database, "explain", ID.format(1), "--format", "json", "--moment", "all")
    told = json.loads(line)
    assert [state["moment"] for state in told["states"]] == ["opened", "peak", "last"]
    for state in told["states"]:
        assert state["agrees"] is True
        assert state["computed"]["net_profit"] == pytest.approx(state["net_profit"], abs=1e-9)
        assert state["computed"]["net_bps"] == pytest.approx(state["net_bps"], abs=1e-9)
    assert told["peak_net_bps"] == told["states"][1]["net_bps"]
    assert told["version"] == "1.2.3"
    assert len(told["samples"]) == 3
    assert [event["kind"] for event in told["feed_events"]] == ["connected", "reset"]
    assert told["alerts"][0]["rule"] == "big"


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ({"net_profit": 2.5}, ["net profit"]),
        ({"net_bps": 80.993}, ["net bps"]),
        ({"gross_bps": 0.0}, ["gross bps"]),
        ({"size": 2.9}, ["gross bps", "net bps", "net profit"]),
        ({"size": 30.0}, ["gross bps", "net bps", "net profit", "size"]),
    ],
)
def test_what_does_not_agree_is_told(
    tmp_path: Path, changed: dict[str, float], names: list[str]
) -> None:
    store(tmp_path / "db", [replace(found(), **changed)])
    text = "\n".join(printed(tmp_path / "db", "explain", ID.format(1)))
    assert "DOES NOT AGREE with what was stored" in text
    assert text.count(f": {', '.join(names)}\n") == 1


def test_the_arithmetic_is_the_engines() -> None:
    one = found()
    state = State(
        moment="opened",
        at=one.at,
        size=one.size,
        gross_bps=one.gross_bps,
        net_bps=one.net_bps,
        net_profit=one.net_profit,
        buy=one.buy,
        sell=one.sell,
    )
    a = account(state)
    assert a.disagrees == []
    assert a.buy.value == costs.value(one.buy.levels, one.size)
    assert a.fees == pytest.approx(a.buy.value * BUY_FEE + a.sell.value * SELL_FEE)
    assert a.gross - a.fees == pytest.approx(a.net)


def test_one_that_is_still_open_with_quiet_feeds(tmp_path: Path) -> None:
    store(tmp_path / "db", [found()])
    lines = printed(tmp_path / "db", "explain", ID.format(1))
    assert "open    as of 2026-09-21T14:13:20.000000Z, 0 updates" in lines
    assert lines[-1].startswith("feeds   nothing happened to the feeds of either venue")


@pytest.mark.parametrize("key", [ID.format(1), ID.format(1).upper(), ID.format(1).replace("-", "")])
def test_any_way_to_write_the_id(database: Path, key: str) -> None:
    assert printed(database, "explain", key)[1] == f"id      {ID.format(1)}"
    assert printed(database, "explain", key[:9])[1] == f"id      {ID.format(1)}"


@pytest.mark.parametrize("key", ["", "x", "01a0c2de18%", "'; DROP TABLE run", "0" * 50, "01a0--"])
def test_what_is_no_id(database: Path, key: str) -> None:
    code, told = refusal(database, "explain", key)
    assert code == 2
    assert "is no id; they look like 019abcde-f012-7..." in told


def test_an_id_that_is_not_there(database: Path) -> None:
    code, told = refusal(database, "explain", "ffff")
    assert code == 1
    assert told.endswith("no opportunity ffff is stored; 'crossbook history' lists them")


def test_an_id_that_may_be_several(tmp_path: Path) -> None:
    store(tmp_path / "db", [opened(number) for number in range(7)])
    code, told = refusal(tmp_path / "db", "explain", "01a0c2de")
    assert code == 2
    assert told.startswith(f"crossbook: 01a0c2de could be {ID.format(0)}, {ID.format(1)}, ")
    assert told.endswith(", ...: give more of it")


def test_to_a_file(database: Path, tmp_path: Path) -> None:
    out = tmp_path / "why.txt"
    assert call(database, "explain", ID.format(1), "--out", str(out)).stdout == ""
    assert "agrees with what was stored" in out.read_text()
