"""A carry in the table and in the pane below."""

from __future__ import annotations

from msgspec.structs import replace

from scanner.events import Carry, WorstFunding
from scanner.sinks.terminal import ladders, table
from scanner.sinks.terminal.ink import length
from scanner.sinks.terminal.palette import DARK
from scanner.sinks.terminal.wish import Wish
from scanner.view.frame import Detail, Order, Standing
from tests.sinks.terminal import frames

CARRY = Carry(
    basis_bps=-2.0,
    entry_cost_bps=10.0,
    exit_cost_bps=12.0,
    exit_basis_bps=0.0,
    funding_bps=209.98,
    sell_funding_bps=9.999,
    sell_interval_h=8.0,
    sell_payments=21,
    funding_apr=1.095,
    break_even_h=24.0,
    horizon_h=168.0,
    leverage=1.0,
    margin=499.95,
    capital=1000.25,
    net_apr=0.4848,
    liquidation_price=198.98507,
)
ROW = frames.row(
    "BTC/USDT:USDT",
    185.98,
    Standing.OPEN,
    quote="USDT",
    gross_bps=-2.0,
    profit=9.3,
    size=5.0,
    kind="spot-perp",
    apr=0.4848,
    trend=(),
)
DETAIL = Detail(
    symbol=ROW.symbol,
    bound="edge",
    carry=CARRY,
    orders=(
        Order(
            venue="okx",
            symbol="BTC/USDT",
            side="buy",
            size=5.0,
            price=100.01,
            fee_rate=0.0005,
            age_ms=12.0,
        ),
        Order(
            venue="gate",
            symbol="BTC/USDT:USDT-270611",
            side="sell",
            size=5.0,
            price=99.99,
            fee_rate=0.0005,
            age_ms=12.0,
        ),
    ),
)


def pane(carry: Carry = CARRY, worst: tuple[WorstFunding, ...] = ()) -> list[str]:
    detail = replace(DETAIL, carry=carry, worst=worst)
    drawn = ladders.pane(ROW, detail, at=frames.AT, palette=DARK, width=80, height=9)
    assert {length(line) for line in drawn} == {80}
    return frames.text(drawn).splitlines()


def test_the_pane_has_the_arithmetic_line_by_line() -> None:
    title, heading, *told = pane()
    assert "spot-perp +48.48 % a year" in title
    assert heading.split() == ["ORDER", "MARKET", "VENUE", "SIZE", "PRICE", "FEE", "AGE"]
    assert told[1].split()[:3] == ["sell", "BTC/USDT:USDT-270611", "gate"]
    assert told[2:] == [
        " basis -2.00  fees -10.00  exit -12.00  basis then +0.00  funding +209.98",
        " = net +185.98 bps = +9.30 USDT of 5 BTC, bound by edge",
        " +48.48 % a year of 1,000.25 USDT, held 168 h, even after 24 h",
        " next funding: sold +10.00 bps each 8 h x 21; +109.50 % a year",
        " margin 499.95 at 1x, liquidated near 198.98507",
    ]


def test_what_does_not_apply_is_left_out() -> None:
    dated = replace(CARRY, sell_interval_h=0.0, break_even_h=None, liquidation_price=None)
    told = pane(dated)
    assert told[-2:] == [
        " +48.48 % a year of 1,000.25 USDT, held 168 h, never even",
        " margin 499.95 at 1x",
    ]


def test_in_the_table_the_year_stands_where_others_have_their_course() -> None:
    columns = table.chosen_columns(200, 13)
    line = table.row_line(ROW, columns, here=False, at=frames.AT, palette=DARK, width=200)
    assert frames.text([line]).rstrip().endswith("spot-perp +48.48 % a year")
    narrow = table.chosen_columns(80, 13, Wish().sort)
    line = table.row_line(ROW, narrow, here=False, at=frames.AT, palette=DARK, width=80)
    assert length(line) == 80
