"""Lines for programs and for people."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from scanner.events import Leg, Opportunity
from scanner.moving import Prefunded, Transfer
from scanner.sinks.formats import rfc3339, to_json, to_line


def leg(venue: str, *levels: tuple[float, float]) -> Leg:
    return Leg(venue=venue, symbol="BTC/USDT", levels=levels, fee_rate=0.0005, age_ms=12.5)


def opportunity(event: str = "opened", reason: str = "") -> Opportunity:
    return Opportunity(
        event=event,
        id="01934b0e-0000-7000-8000-000000000001",
        kind="spot-spot",
        symbol="BTC/USDT",
        at=1_700_000_002_500_000_999,
        buy=leg("kucoin", (100_000.0, 1.0)),
        sell=leg("okx", (100_200.0, 0.4), (100_199.0, 2.0)),
        size=1.0,
        gross_bps=20.0,
        net_bps=9.985,
        net_profit=99.9,
        currency="USDT",
        opened_at=1_700_000_000_000_000_000,
        peak_net_bps=11.0,
        peak_net_profit=120.0,
        reason=reason,
    )


def test_how_the_coin_is_moved_stands_in_the_line() -> None:
    transfer = Transfer(
        state="open", network="BTC", fee=0.01, listed_at=1_700_000_000_000_000_000, z=1.645
    )
    prefunded = Prefunded(trades=10, state="open", back_state="unknown", back_currency="USDT")
    line = json.loads(to_json(replace(opportunity(), transfer=transfer, prefunded=prefunded)))
    assert line["transfer"]["listed_at"] == "2023-11-14T22:13:20.000000Z"
    assert (line["transfer"]["fee"], line["transfer"]["minutes"]) == (0.01, None)
    assert set(line["transfer"]) == set(Transfer.__struct_fields__)
    assert (line["prefunded"]["back_state"], line["prefunded"]["cost"]) == ("unknown", None)
    assert set(line["prefunded"]) == set(Prefunded.__struct_fields__)
    stated = replace(opportunity(), transfer=replace(transfer, listed_at=0))
    assert json.loads(to_json(stated))["transfer"]["listed_at"] is None


def test_json_line() -> None:
    line = json.loads(to_json(opportunity()))
    for leg in (line["buy"], line["sell"]):
        for name in set(leg) - {"venue", "symbol", "levels", "fee_rate", "age_ms"}:
            del leg[name]
    more = {name: line.pop(name) for name in ("conversion", "bound", "unrounded", "accounting")}
    assert more == {
        "conversion": None,
        "bound": "",
        "unrounded": 0.0,
        "accounting": {"currency": "", "net_profit": None, "rate": 0.0, "venue": ""},
    }
    assert line == {
        "event": "opened",
        "id": "01934b0e-0000-7000-8000-000000000001",
        "kind": "spot-spot",
        "symbol": "BTC/USDT",
        "at": "2023-11-14T22:13:22.500000Z",
        "buy": {
            "venue": "kucoin",
            "symbol": "BTC/USDT",
            "levels": [[100000.0, 1.0]],
            "fee_rate": 0.0005,
            "age_ms": 12.5,
        },
        "sell": {
            "venue": "okx",
            "symbol": "BTC/USDT",
            "levels": [[100200.0, 0.4], [100199.0, 2.0]],
            "fee_rate": 0.0005,
            "age_ms": 12.5,
        },
        "size": 1.0,
        "gross_bps": 20.0,
        "net_bps": 9.985,
        "net_profit": 99.9,
        "currency": "USDT",
    }


def converted(assumed: bool = False) -> Opportunity:
    return replace(
        opportunity(),
        kind="cross-quote",
        sell=replace(leg("okx", (100_200.0, 1.0)), symbol="BTC/USDC", size=1.0),
        conversion=Leg(
            venue="" if assumed else "okx",
            symbol="USDC/USDT",
            levels=((0.9995, 200_000.0),),
            fee_rate=0.0,
            age_ms=1.0,
            side="sell",
            size=100_150.0,
            fee_in="quote",
            assumed=assumed,
        ),
        accounting="EUR",
        accounting_profit=85.5,
    )


def test_a_leg_says_all_that_it_rests_on() -> None:
    line = json.loads(to_json(converted()))
    assert set(line["sell"]) == set(Leg.__struct_fields__)
    assert (line["conversion"]["symbol"], line["conversion"]["size"]) == ("USDC/USDT", 100_150.0)
    assert line["accounting"]["net_profit"] == 85.5


def test_a_conversion_is_told_with_its_place_or_as_assumed() -> None:
    line = to_line(converted())
    assert "sell okx 100,200 USDC, USDC/USDT 0.9995 on okx  1 BTC" in line
    assert line.endswith("= +99.9000 USDT (+85.5000 EUR)")
    assert "USDC/USDT 0.9995 assumed  1 BTC" in to_line(converted(assumed=True))


def test_only_a_closed_one_has_a_reason() -> None:
    assert json.loads(to_json(opportunity("closed", "gone")))["reason"] == "gone"


def test_line_for_people() -> None:
    assert to_line(opportunity()) == (
        "22:13:22.500 + opened  BTC/USDT   buy kucoin 100,000 -> sell okx 100,200  1 BTC  "
        "gross +20.00  net +9.98 bps = +99.9000 USDT"
    )


def test_closing_line_says_how_long_and_why() -> None:
    line = to_line(opportunity("closed", "no net edge left"))
    assert line.endswith("after 2.50 s, peak +11.00 bps: no net edge left")


def test_text_from_outside_cannot_reach_the_terminal_raw() -> None:
    line = to_line(opportunity("closed", "bad\x1b[2J\r\nnews\u202e"))
    assert line.isprintable()
    assert "\\x1b[2J" in line


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1_786_310_816_516_123_456, "2026-08-09T21:26:56.516123Z"),
    ],
)
def test_times(at: int, text: str) -> None:
    assert rfc3339(at) == text
