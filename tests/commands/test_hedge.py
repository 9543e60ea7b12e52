"""``crossbook hedge`` as it is typed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from scanner.cli import cli

ONE = ["hedge", "BTC", "1", "--spot-price", "100000"]


def said(*arguments: str) -> str:
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def objects(*arguments: str) -> dict[str, Any]:
    return json.loads(said(*arguments, "--json"))  # type: ignore[no-any-return]


def test_rows_have_the_promised_names() -> None:
    found = objects(*ONE, "--short-price", "100000", "--at", "95000,105000")
    assert found["rows"] == [
        {
            "price": price,
            "spot_pnl": spot,
            "short_pnl": -spot,
            "funding": 0.0,
            "costs": 0.0,
            "yield": 0.0,
            "net": 0.0,
        }
        for price, spot in ((95_000.0, -5_000.0), (105_000.0, 5_000.0))
    ]


def test_the_holding_in_either_order() -> None:
    one = objects("hedge", "3", "bnb", "--spot-price", "600", "--yield", "150", "--at", "590")
    other = objects("hedge", "BNB", "3", "--spot-price", "600", "--yield", "150", "--at", "590")
    assert one == other
    assert (one["coin"], one["quantity"], one["rows"][0]["net"]) == ("BNB", 3.0, 150.0)


def test_fees_and_funding() -> None:
    found = objects(*ONE, "--fee-bps", "5", "--funding-rate", "0.0001", "--at", "100000")
    assert found["rows"][0]["costs"] == pytest.approx(100.0)
    assert found["rows"][0]["funding"] == pytest.approx(10.0)
    assert found["break_even_intervals"] == 10


def test_whole_contracts_leave_a_residual_delta() -> None:
    found = objects("hedge", "BTC", "0.0123", "--spot-price", "100000", "--contract-size", "0.001")
    assert (found["contracts"], found["hedged"]) == (12.0, 0.012)
    assert found["residual_delta"] == pytest.approx(0.0003)


def test_the_text_and_the_plot() -> None:
    text = said(*ONE, "--short-price", "100200", "--at", "95000,105000", "--plot")
    assert "hold    1 BTC at 100,000 = 100,000 USDT" in text
    assert "basis   +20 bps: the short stands +200 USDT over what it hedges" in text
    assert "  95,000  -5,000.00  +5,200.00" in text
    assert "o spot   x short   # both, net" in text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "name a coin and how much of it"),
        (["--book", "BTC"], "--book takes no coin"),
        (["--book"], "there is no hedge book: 'hedge_book' of the configuration names it"),
        (["BTC", "1", "--short-price", "1"], "need --spot-price as well"),
        (["BTC", "1", "--horizon", "0"], "--horizon must be a positive number"),
        (["BTC", "1", "--horizon", "soon"], "'soon' is no duration; they look like 250ms, 2s"),
        (["BTC", "1", "--payments", "3"], "need --spot-price as well"),
        (["BTC", "1", "--spot-price", "1", "--horizon", "7d"], "--payments says over how many"),
        (
            ["BTC", "1", "--into", "DOGE"],
            "--into DOGE: no stablecoin known here. The configuration's",
        ),
        (["BTC", "1", "--spot-price", "1", "--into", "USDT"], "--into needs live books"),
        (["BTC", "ETH", "--spot-price", "1"], "name a coin and how much of it"),
        (["1", "2", "--spot-price", "1"], "name a coin and how much of it"),
        (["--spot-price", "1", "--", "BTC", "-1"], "the quantity must be a positive number"),
        (["BTC", "1", "--spot-price", "0"], "--spot-price must be a positive number"),
        (["BTC", "nan", "--spot-price", "1"], "the quantity must be a positive number"),
        (["BTC", "1", "--spot-price", "1", "--at", "5,x"], "'x' is no price"),
        (["BTC", "1", "--spot-price", "1", "--leverage", "0"], "--leverage must be"),
        (["BTC", "1", "--spot-price", "1", "--maintenance", "1"], "--maintenance must be"),
        (
            ["BTC", "0.0001", "--spot-price", "100000", "--contract-size", "0.01"],
            "0.0001 BTC is less than one contract: the smallest short is 0.01 BTC",
        ),
    ],
)
def test_what_cannot_be_is_said(arguments: list[str], told: str) -> None:
    result = CliRunner().invoke(cli, ["hedge", *arguments])
    assert result.exit_code == 2
    assert told in result.stderr
    assert "Traceback" not in result.output
