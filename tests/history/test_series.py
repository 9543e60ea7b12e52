"""What was read of contracts, by time: ``history --kind basis`` and ``--kind funding``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.history_commands import objects, printed, refusal
from tests.storage.events import SECOND, START, funding
from tests.storage.test_readings import store

MINUTE = 60 * SECOND


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "series.db"
    store(
        str(path),
        [
            funding(START, mark=100.5, index=100.0, current=0.0001),
            funding(START + MINUTE, mark=99.0, index=100.0, current=-0.0002),
            funding(START + 2 * MINUTE, index=None, current=None),
            funding(START + MINUTE, venue="beta", mark=101.0, index=100.0, interval=0),
        ],
    )
    return path


def test_the_basis_is_the_mark_over_the_index_newest_first(database: Path) -> None:
    rows = objects(database, "history", "--kind", "basis", "--venue", "alpha", "--format", "json")
    assert [(row["at"], row["basis_bps"]) for row in rows] == [
        ("2026-09-21T14:14:20.000000Z", pytest.approx(-100.0)),
        ("2026-09-21T14:13:20.000000Z", pytest.approx(50.0)),
    ]
    assert (rows[0]["mark"], rows[0]["index"]) == (99.0, 100.0)


def test_as_a_table(database: Path) -> None:
    head, *rows = printed(database, "history", "--kind", "basis", columns=120)
    assert head.split() == ["at", "(UTC)", "symbol", "venue", "basis", "bps", "mark", "index"]
    assert sorted(row.split()[-4:] for row in rows) == [
        ["alpha", "+50.00", "100.5", "100"],
        ["alpha", "-100.00", "99", "100"],
        ["beta", "+100.00", "101", "100"],
    ]


def test_funding_as_it_stood_with_a_year_of_it_at_the_interval_of_its_venue(
    database: Path,
) -> None:
    rows = objects(database, "history", "--kind", "funding", "--format", "json")
    told = [(row["venue"], row["current"], row["interval_h"], row["apr"]) for row in rows]
    assert ("alpha", -0.0002, 8.0, pytest.approx(-0.219)) in told
    assert ("beta", 0.0001, None, None) in told
    assert len(rows) == 3
    head, *lines = printed(database, "history", "--kind", "funding", columns=120)
    assert head.split()[-8:] == ["now", "%", "then", "%", "a", "year", "%", "every"]
    assert any(line.split()[-5:] == ["-0.0200", "-0.0250", "-21.90", "8", "h"] for line in lines)


def test_times_and_limits(database: Path) -> None:
    asked = ("history", "--kind", "basis", "--venue", "alpha", "--format", "json")
    (one,) = objects(database, *asked, "--until", "2026-09-21T14:14:00Z")
    assert one["basis_bps"] == pytest.approx(50.0)
    (one,) = objects(database, *asked, "--limit", "1")
    assert one["basis_bps"] == pytest.approx(-100.0)
    first, _ = objects(database, *asked, "--reverse")
    assert first["basis_bps"] == pytest.approx(50.0)


def test_a_plot_is_of_one_contract_on_one_venue(database: Path) -> None:
    lines = printed(database, "history", "--kind", "basis", "--venue", "alpha", "--plot")
    assert "BTC/USDT:USDT on alpha: bps of the mark over the index (UTC)" in lines[0]
    code, told = refusal(database, "history", "--kind", "basis", "--plot")
    assert code == 2 and "name one contract and venue" in told


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--kind", "spot-perp"), "it goes with no other --kind"),
        (("--by", "route"), "leave out --by and --sort"),
        (("--buy", "okx"), "takes --symbol, --venue, --since and --until only"),
        (("--min-profit", "1"), "takes --symbol, --venue, --since and --until only"),
    ],
)
def test_what_makes_no_sense_is_refused(
    database: Path, options: tuple[str, ...], told: str
) -> None:
    code, line = refusal(database, "history", "--kind", "basis", *options)
    assert code == 2 and told in line


def test_nothing_stored_is_said(tmp_path: Path) -> None:
    store(str(tmp_path / "db"), [])
    assert printed(tmp_path / "db", "history", "--kind", "basis") == []
