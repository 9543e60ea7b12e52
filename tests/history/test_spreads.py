"""``crossbook spreads``: what routes showed, flagged or not."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from msgspec.structs import replace

from scanner.events import RouteMinute
from tests.history_commands import call, objects, printed, refusal, store
from tests.storage.events import START, minute

MINUTE = 60_000_000_000
WHEN = ("--since", "2026-09-21", "--until", "2026-09-21")


def minutes() -> list[RouteMinute]:
    """An hour of three routes that come and go."""
    return [
        replace(
            minute(START + i * MINUTE, buy=buy),
            samples=100,
            positive=i if buy == "alpha" else 0,
            low_bps=mean - 4.0,
            mean_bps=mean,
            high_bps=mean + (20.0 if i == 30 else 2.0),
            last_bps=mean + 1.0,
        )
        for i in range(60)
        for buy, mean in (("alpha", -3.0), ("gamma", -9.0), ("delta", -5.5))
    ]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    store(tmp_path / "db", minutes())
    return tmp_path / "db"


def test_the_table(database: Path) -> None:
    assert printed(database, "spreads", "btc/usdt", *WHEN) == [
        "BTC/USDT: net bps at the touch; times UTC of 2026-09-21",
        "buy    sell    high   mean     low   last  above 0  samples  last taken",
        "alpha  beta  +17.00  -3.00   -7.00  -2.00   29.5 %    6,000  15:12:20",
        "delta  beta  +14.50  -5.50   -9.50  -4.50    0.0 %    6,000  15:12:20",
        "gamma  beta  +11.00  -9.00  -13.00  -8.00    0.0 %    6,000  15:12:20",
    ]


@pytest.mark.parametrize("width", [50, 80, 200])
def test_it_fits(database: Path, width: int) -> None:
    for options in ((), ("--by", "minute"), ("--plot",)):
        lines = printed(database, "spreads", "BTC/USDT", *WHEN, *options, columns=width)
        assert max(map(len, lines[1:])) <= width


def test_as_json(database: Path) -> None:
    [best, *others] = objects(database, "spreads", "BTC/USDT", *WHEN, "--format", "json")
    assert best == {
        "symbol": "BTC/USDT",
        "buy": "alpha",
        "sell": "beta",
        "at": "2026-09-21T15:12:20.000000Z",
        "minutes": 60,
        "samples": 6000,
        "positive": 1770,
        "low_bps": -7.0,
        "mean_bps": -3.0,
        "high_bps": 17.0,
        "last_bps": -2.0,
    }
    assert len(others) == 2


@pytest.mark.parametrize(
    ("options", "buys"),
    [
        (("--sort", "mean", "--reverse"), ["gamma", "delta", "alpha"]),
        (("--sort", "positive", "--limit", "1"), ["alpha"]),
        (("--sort", "name"), ["alpha", "delta", "gamma"]),
        (("--sort", "name", "--reverse"), ["gamma", "delta", "alpha"]),
        (("--sort", "low"), ["alpha", "delta", "gamma"]),
        (("--sort", "last"), ["alpha", "delta", "gamma"]),
        (("--buy", "delta"), ["delta"]),
        (("--sell", "beta", "--limit", "2"), ["alpha", "delta"]),
    ],
)
def test_order_and_choice(database: Path, options: tuple[str, ...], buys: list[str]) -> None:
    found = objects(database, "spreads", "BTC/USDT", *WHEN, "--format", "json", *options)
    assert [row["buy"] for row in found] == buys


def test_every_minute(database: Path) -> None:
    options = ("spreads", "BTC/USDT", *WHEN, "--by", "minute")
    rows = list(csv.DictReader(printed(database, *options, "--format", "csv")))
    assert len(rows) == 180
    assert [row["at"] for row in rows] == sorted((row["at"] for row in rows), reverse=True)
    assert rows[0]["samples"] == "100" and rows[0]["minutes"] == "1"
    assert len(printed(database, *options)) == 52
    first = objects(database, *options, "--format", "json", "--limit", "2", "--reverse")
    assert [row["buy"] for row in first] == ["delta", "alpha"]


def test_the_plot(database: Path) -> None:
    lines = printed(database, "spreads", "BTC/USDT", *WHEN, "--plot")
    assert lines[0] == "BTC/USDT, the best route: highest net bps at the touch (UTC)"
    assert lines[1].startswith("+17 │")
    assert len(lines) == 18
    one = printed(database, "spreads", "BTC/USDT", *WHEN, "--plot", "--buy", "gamma")
    assert one[0].startswith("BTC/USDT, buy gamma, the best route")
    assert one[1].startswith("+11 │")


def test_the_last_day_unless_asked(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanner.clock.now", lambda: START + 24 * 60 * MINUTE + 30 * MINUTE)
    [row, *_] = objects(database, "spreads", "BTC/USDT", "--format", "json")
    assert row["minutes"] == 30


def test_nothing_found(database: Path) -> None:
    result = call(database, "spreads", "BTC/USTD", *WHEN)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "did you mean BTC/USDT?" in result.stderr
    result = call(database, "spreads", "BTC/USDT", *WHEN, "--sell", "beat")
    assert "nothing of beat is stored; did you mean beta?" in result.stderr
    assert objects(database, "spreads", "X/Y", *WHEN, "--format", "json") == []
    assert call(database, "spreads", "X/Y", *WHEN, "--plot").exit_code == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("BTC",), "'BTC' is no symbol; they look like BTC/USDT"),
        (("BTC/USDT", "--since", "soon"), "'soon' is no time"),
        (("BTC/USDT", "--by", "minute", "--sort", "high"), "--sort is for routes"),
        (("BTC/USDT", "--by", "minute", "--plot"), "--plot and --by minute exclude each other"),
        (("BTC/USDT", "--plot", "--format", "csv"), "--plot and --format csv exclude each other"),
        (("BTC/USDT", "--buy", "a\x1bb"), "--buy: 'a\\x1bb' is no name"),
    ],
)
def test_what_cannot_be_asked(database: Path, options: tuple[str, ...], told: str) -> None:
    code, line = refusal(database, "spreads", *options)
    assert code == 2
    assert line.startswith(f"crossbook: {told}")
