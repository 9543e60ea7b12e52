"""``crossbook parity`` over what is stored: rows, forms, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scanner.errors import UserError
from scanner.history.options import Form, Show
from scanner.history.parity import live_lines, live_rows, run_parity, verdicts
from scanner.history.wishes import Wishes
from scanner.parity.figures import Standing, direct
from tests.storage.events import SECOND, START, parity
from tests.storage.test_readings import store

HOUR = 3600 * SECOND
NOW = START + HOUR


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = str(tmp_path / "found.db")
    store(
        url,
        [
            parity(START, low_bps=-9.0, high_bps=-1.0, mean_bps=-4.0),
            parity(START + 60 * SECOND, low_bps=-3.0, high_bps=2.0, mean_bps=-1.0),
            parity(START, via="BTC"),
        ],
    )
    return url


def rows(url: str, capsys: pytest.CaptureFixture[str], via: str | None = None) -> list[dict]:
    show = Show(form=Form.JSON)
    assert run_parity(url, Wishes(), via=via, show=show, now=NOW) == 0
    found: list[dict] = json.loads(capsys.readouterr().out)
    return found


def test_a_row_for_each_pair_venue_and_way(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    direct_, implied = rows(url, capsys)
    assert (direct_["symbol"], direct_["venue"], direct_["via"]) == ("USDC/USDT", "alpha", "")
    assert (direct_["low_bps"], direct_["high_bps"], direct_["minutes"]) == (-9.0, 2.0, 2)
    assert implied["via"] == "BTC"


def test_via_chooses_the_way(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert [row["via"] for row in rows(url, capsys, "btc")] == ["BTC"]
    assert [row["via"] for row in rows(url, capsys, "none")] == [""]


def test_the_table_and_the_plot(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_parity(url, Wishes(), via=None, show=Show(), now=NOW) == 0
    table = capsys.readouterr().out
    assert "USDC/USDT" in table and "-9.00" in table
    assert run_parity(url, Wishes(), via="none", show=Show(plot=True), now=NOW) == 0
    assert "USDC/USDT on alpha: bps from par" in capsys.readouterr().out
    with pytest.raises(UserError, match="--plot draws one line"):
        run_parity(url, Wishes(), via=None, show=Show(plot=True), now=NOW)


def standing(venue: str, bid: float, ask: float, back: float, reason: str = "") -> Standing:
    price = None if reason else direct([(bid, 1e6)], [(ask, 1e6)], 10_000)
    return Standing(
        venue=venue,
        symbol="USDC/USDT",
        via="",
        price=price,
        reason=reason,
        fee_bps=10.0,
        there_and_back_bps=back,
    )


def test_live_rows_and_the_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    seen = [
        standing("one", 0.9998, 0.9999, 20.99),
        standing("two", 0.9999, 1.0, 2.0),
        standing("three", 0, 0, 0, "the book is stale"),
    ]
    first, _, stale = live_rows(seen)
    assert first["bid_bps"] == pytest.approx(-2.0002, abs=1e-4)
    assert first["there_and_back_bps"] == 20.99 and first["size"] == 10_000
    assert stale["bid_bps"] is None and stale["size"] is None
    assert stale["reason"] == "the book is stale"
    table = "\n".join(live_lines(seen))
    assert "the book is stale" in table and "10,000" in table
    assert list(verdicts(seen)) == [
        "USDC/USDT: -1.0 bps from par (-1.5 to -0.5); over and back costs least on two: 2.00 bps"
    ]
