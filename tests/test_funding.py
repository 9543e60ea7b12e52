"""``crossbook funding``: what is stored of funding, as a table and as rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanner.events import FundingSample
from scanner.history.funding import run_funding
from scanner.history.options import Form, Show
from scanner.history.wishes import Wishes
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


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "funding.db"
    store(
        str(path),
        [
            sample("alpha", START - 2 * DAY, 0.0009, 8),
            sample("alpha", START - HOUR, 0.0003, 8, settled=-0.0005, settled_at=START - DAY),
            sample("alpha", START, 0.0001, 8, predicted=0.0002),
            sample("beta", START - HOUR, 0.0001, 8),  # the venue has changed its interval since
            sample("beta", START, 0.0001, 1),
            sample("gamma", START, 0.0001, 0),
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
    assert list(found) == ["beta", "alpha", "gamma"]
    alpha, beta, gamma = found["alpha"], found["beta"], found["gamma"]
    assert (float(alpha["apr"]), float(beta["apr"])) == pytest.approx((0.1095, 0.876))
    assert float(alpha["mean_24h"]) == pytest.approx(0.0002)
    assert float(alpha["mean_7d"]) == pytest.approx(0.0013 / 3)
    assert float(beta["mean_24h"]) == pytest.approx((0.0001 / 8 + 0.0001) / 2)
    assert (alpha["predicted"], alpha["interval_h"], beta["interval_h"]) == ("0.0002", "8.0", "1.0")
    assert (float(alpha["lowest_7d"]), alpha["payments_7d"]) == (-0.0005, "1")
    assert (gamma["apr"], gamma["interval_h"], gamma["mean_24h"]) == ("", "", "")


def test_the_command_filters_and_prints(database: Path) -> None:
    (only,) = objects(database, "funding", "--venue", "beta", "--json")
    assert (only["venue"], only["current"], only["next_at"][:10]) == ("beta", 0.0001, "2026-09-21")
    lines = printed(database, "funding", columns=160)
    assert len(lines) == 4 and "every" in lines[0]
    assert [line.split()[1] for line in lines[1:]] == ["beta", "alpha", "gamma"]
    assert " 1 h " in lines[1] and "+87.60" in lines[1]


def test_nothing_is_said_to_be_nothing(database: Path) -> None:
    assert printed(database, "funding", "--venue", "delta") == []
