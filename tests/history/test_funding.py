"""``crossbook funding``: what is stored of funding, as a table and as rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanner.events import FundingSample
from scanner.history.funding import run_funding
from scanner.history.options import Form, Show
from scanner.history.wishes import Wishes
from scanner.sinks.formats import rfc3339
from tests.history_commands import objects, printed
from tests.storage.events import START
from tests.storage.test_readings import store

HOUR = 3_600_000_000_000
DAY = 24 * HOUR


def sample(venue: str, at: int, rate: float, hours: int, **more: float) -> FundingSample:
    due = START + 2 * HOUR
    return FundingSample(
        at=at,
        venue=venue,
        market="BTCUSDT",
        symbol="BTC/USDT:USDT",
        current=rate,
        due=due,
        interval=hours * HOUR,
        **more,  # type: ignore[arg-type]
    )


def paid(venue: str, hours: int, rate: float, length: int) -> FundingSample:
    at = START + hours * HOUR
    return FundingSample(
        at=at,
        venue=venue,
        market="BTCUSDT",
        symbol="BTC/USDT:USDT",
        interval=length * HOUR,
        settled=rate,
        settled_at=at,
    )


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "funding.db"
    store(
        str(path),
        [
            sample("alpha", START, 0.0001, 8, predicted=0.0002),
            sample("beta", START - HOUR, 0.0009, 8),  # what was announced is no part of a mean
            sample("beta", START, 0.0001, 1),
            sample("gamma", START, 0.0001, 0),
            sample("delta", START, 0.0, 8),
            paid("alpha", -49, 0.0009, 8),
            paid("alpha", -17, -0.0005, 8),
            paid("alpha", -1, 0.0002, 8),
            paid("alpha", -200, 0.7, 8),  # longer than seven days ago
            paid("beta", -24, 0.5, 8),  # a day ago to the second
            paid("beta", -2, 0.0008, 8),
            paid("beta", -1, 0.0001, 1),  # the venue has changed its interval
            paid("gamma", -1, 0.0001, 8),
        ],
    )
    return path


def test_rates_are_told_at_the_interval_of_each_venue(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_funding(str(database), Wishes(), show=Show(form=Form.CSV), now=START) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    found = {
        cells[1]: dict(zip(head.split(","), cells, strict=True))
        for cells in (row.split(",") for row in rows)
    }
    assert list(found) == ["beta", "alpha", "delta", "gamma"]
    alpha, beta, gamma = found["alpha"], found["beta"], found["gamma"]
    assert (float(alpha["apr"]), float(beta["apr"])) == pytest.approx((0.1095, 0.876))
    # All rates over the time that they were for, at the interval of now.
    assert float(alpha["mean_24h"]) == pytest.approx(-0.0003 / 16 * 8)
    assert float(alpha["mean_7d"]) == pytest.approx(0.0006 / 24 * 8)
    assert float(beta["mean_24h"]) == pytest.approx(0.0009 / 9)
    assert float(beta["mean_7d"]) == pytest.approx(0.5009 / 17)
    assert found["delta"]["mean_24h"] == found["delta"]["mean_7d"] == ""
    assert (alpha["predicted"], alpha["interval_h"], beta["interval_h"]) == ("0.0002", "8.0", "1.0")
    assert (float(alpha["lowest_7d"]), alpha["payments_7d"]) == (-0.0005, "3")
    assert (alpha["payments_24h"], beta["payments_24h"], beta["payments_7d"]) == ("2", "2", "3")
    assert alpha["paid_since"] == rfc3339(START - 49 * HOUR)
    delta = found["delta"]
    assert (delta["payments_24h"], delta["payments_7d"], delta["paid_since"]) == ("0", "0", "")
    assert (gamma["apr"], gamma["interval_h"], gamma["mean_24h"]) == ("", "", "")


def test_the_command_filters_and_prints(database: Path) -> None:
    (only,) = objects(database, "funding", "--venue", "beta", "--json")
    assert (only["venue"], only["current"], only["next_at"][:10]) == ("beta", 0.0001, "2026-09-21")
    lines = printed(database, "funding", columns=180)
    assert len(lines) == 5 and "every" in lines[0]
    assert [line.split()[1] for line in lines[1:]] == ["beta", "alpha", "delta", "gamma"]
    assert "by payments" in lines[0] and "since" not in lines[1], "none in the last seven days"
    assert " 1 h " in lines[1] and "+87.60" in lines[1]


def test_nothing_is_said_to_be_nothing(database: Path) -> None:
    assert printed(database, "funding", "--venue", "omega") == []


def test_the_table_says_what_the_averages_are_based_on(
    database: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "180")
    assert run_funding(str(database), Wishes(), show=Show(form=Form.TABLE), now=START) == 0
    _, beta, alpha, delta, _ = capsys.readouterr().out.splitlines()
    since = rfc3339(START - 24 * HOUR)[5:16].replace("T", " ")
    assert f" 3 since {since} " in beta
    assert " -0.0150  +0.0200 " in alpha and " since " not in delta
