"""The pane of the selected row: levels, bars, arithmetic."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from scanner.moving import Prefunded, Transfer
from scanner.sinks.terminal import ladders
from scanner.sinks.terminal.ink import length
from scanner.sinks.terminal.palette import DARK
from scanner.view.frame import Detail, Level, Row, Standing, Stop
from tests.sinks.terminal.frames import AT, best_row, detail, row, text


def pane(
    shown: Row | None = None, of: Detail | None = None, width: int = 120, height: int = 30
) -> str:
    shown = shown or best_row()
    lines = ladders.pane(
        shown, of or detail(shown), at=AT, palette=DARK, width=width, height=height
    )
    assert len(lines) <= height
    assert all(length(line) == width for line in lines)
    return text(lines)


def test_the_arithmetic_line_by_line() -> None:
    told = pane()
    for entry in (
        ("1 BTC",),
        ("buy", "-100,000.00"),
        ("fee 0.05%", "-50.00"),
        ("sell", "+100,200.00"),
        ("fee 0.05%", "-50.10"),
        ("net USDT", "+99.90", "▲"),
        ("gross +20.00", "net +9.98 bps"),
    ):
        assert any(all(part in line for part in entry) for line in told.splitlines()), entry


def test_the_lines_add_up_to_the_eye() -> None:
    amounts = []
    for line in pane(width=80, height=10).splitlines():
        if any(line[49:].startswith(name) for name in (" buy", " fee", " sell", " net")):
            amounts.append(float(line[49:].split()[-1 if "▲" not in line else -2].replace(",", "")))
    *parts, net = amounts
    assert len(parts) == 4
    assert sum(parts) == pytest.approx(net, abs=0.005)


@pytest.mark.parametrize(
    ("transfer", "prefunded", "told"),
    [
        (
            {"state": "closed", "reason": "deposits are closed"},
            {},
            ["wallets closed: deposits are closed", "by inventory: cost of refilling unknown"],
        ),
        ({"state": "open", "network": "BTC", "minutes": 45.0}, {}, ["by BTC, 45 min"]),
        (
            {
                **{"state": "open", "network": "TRC20", "net_bps": 8.25, "risk_bps": 31.77},
                **{"min_size": 0.1, "max_size": 1.8, "minutes": None},
            },
            {"net_bps": 9.5, "cost": 1.0},
            ["by TRC20: net +8.25 ± 31.8 bps", "pays from 0.1 to 1.8", "by inventory: net +9.50"],
        ),
        (
            {"state": "open", "network": "N", "net_bps": -1.0},
            {},
            ["by N: net -1.00 ± ? bps"],
        ),
    ],
)
def test_how_the_coin_comes_to_where_it_is_sold(
    transfer: dict[str, Any], prefunded: dict[str, Any], told: list[str]
) -> None:
    shown = replace(
        detail(),
        transfer=Transfer(**transfer),
        prefunded=Prefunded(
            trades=10, state="open", back_state="open", back_currency="USDT", **prefunded
        ),
    )
    text = pane(of=shown)
    assert [part for part in told if part not in text] == []


def test_what_a_withdrawal_takes_stands_in_the_arithmetic() -> None:
    shown = detail()
    assert shown.sum is not None
    shown = replace(shown, sum=replace(shown.sum, moving=12.5))
    assert any("withdrawal" in line and "-12.50" in line for line in pane(of=shown).splitlines())
    assert shown.sum is not None and shown.sum.net == pytest.approx(99.9 - 12.5)


def test_levels_that_would_be_taken_are_marked() -> None:
    told = pane()
    assert "▶ 100,000.0" in told and "▶ 100,010.5" in told
    assert "▷ 100,020.0" in told  # a part of it
    assert "  100,030.0" in told


def test_bars_are_as_long_as_the_levels_are_deep() -> None:
    bars = [line.count("█") for line in pane(width=200).splitlines() if "100,190.00 0" in line]
    deep = [line.count("█") for line in pane(width=200).splitlines() if "100,180.25 3" in line]
    assert deep[0] > bars[0] > 0


def test_the_title_says_what_it_is() -> None:
    assert "▲ open 12.0s, peak +10.98 bps" in pane()
    assert "0194a1b2-0000-7000-8000-000000000001" in pane()
    for standing, said in (
        (Standing.PAYS, "under the thresholds"),
        (Standing.DUST, "less than the smallest order"),
        (Standing.NEAR, "would lose"),
    ):
        assert said in pane(row("A/B", 1, standing))
    assert "at the touch" in pane(row("A/B", -1))


def test_a_row_that_is_not_flagged_says_what_stopped_it() -> None:
    stopped = replace(detail(), stops=(Stop("fees", 1200, 29.624), Stop("too old", 2, 0.0)))
    told = pane(row("BTC/USDT", -29.62), stopped)
    assert " stopped 1,200× by fees, 29.62 bps short" in told and " stopped 2× by too old\n" in told
    assert "stopped" not in pane(best_row(), stopped)


def test_what_stopped_the_other_kinds_of_a_symbol_stands_below() -> None:
    stops = (
        *(Stop(gate, 9, 0.0) for gate in ("fees", "lot", "size", "skew")),
        Stop("threshold", 600, 1.5, "loop USDT/BTC/ETH/USDT"),
        Stop("fees", 10, 0.0, "multi"),
        Stop("fees", 1, 0.0, "parity okx"),
    )
    told = pane(row("BTC/USDT", -29.62), replace(detail(), stops=stops))
    assert " stopped 9× by size\n" in told and "skew" not in told
    assert " loop USDT/BTC/ETH/USDT: threshold 600×, 1.50" in told
    assert " multi: fees 10×" in told and "parity" not in told
    told = pane(best_row(), replace(detail(), stops=stops))
    assert "by size" not in told and " multi: fees 10×" in told
    alone = Row(symbol="ETC/EUR", base="ETC", quote="EUR", live=1, books=3)
    told = pane(alone, replace(detail(alone), asks=(), bids=(), sum=None, stops=stops))
    assert " multi: fees 10×" in told


def test_every_venue_and_the_best_of_each_side() -> None:
    told = pane()
    assert "100,200.00*" in told and "100,000.0*" in told
    assert "unsynchronised" in told


def test_without_a_route_the_venues_say_why() -> None:
    alone = Row(symbol="ETC/EUR", base="ETC", quote="EUR", live=1, books=3)
    told = pane(alone, replace(detail(alone), asks=(), bids=(), sum=None))
    assert "no two books to compare: 1 of 3 live" in told
    assert "unsynchronised" in told
    narrow = pane(alone, replace(detail(alone), asks=(), bids=(), sum=None), width=80)
    first, second = (line[:34].split() for line in narrow.splitlines()[1:3])
    assert " ".join([*first, *second]) == "no two books to compare: 1 of 3 live"


@pytest.mark.parametrize("width", [1, 25, 52, 80, 110, 200])
@pytest.mark.parametrize("height", [1, 2, 5, 9, 40])
def test_any_size(width: int, height: int) -> None:
    pane(width=width, height=height)


def test_odd_books() -> None:
    empty = replace(detail(), asks=(), bids=(), history=())
    pane(of=empty)
    extreme = replace(detail(), asks=(Level(1e-12, 1e15, 1e-9), Level(1e15, 0.0, 0.0)))
    pane(of=extreme)
