"""What an alert says, to the letter."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from scanner.events import Leg, Opportunity
from scanner.sinks.alerts.gate import Bundle
from scanner.sinks.alerts.rules import Hit
from scanner.sinks.alerts.text import LONGEST_TEXT, name, of_bundle, of_hit, title
from tests.sinks.alerts.samples import FOUND, SECOND, START, found

TEXT = """\
BTC/USDT +9.75 bps = +99.9000 USDT: buy kucoin 100,000, sell okx 100,200
buy 1 BTC at kucoin 100,000 to 100,001 (book 12 ms old)
sell at okx 100,200 to 100,199 (book 12 ms old)
net +9.75 bps = +99.9000 USDT, gross +20.00 bps, spot-spot
open for 2.5 s, at best +11.00 bps = +120.0000 USDT
seen 2023-11-14T22:13:22.500Z, rule big, id 01934b0e-0000-7000-8000-000000000001"""


def test_a_trader_finds_everything_in_it() -> None:
    at = START + 5 * SECOND // 2
    assert of_hit(Hit("big", FOUND, at)) == TEXT


def test_the_title_is_the_first_line_without_the_venues() -> None:
    assert title(TEXT) == "BTC/USDT +9.75 bps = +99.9000 USDT"
    assert title("3 more opportunities within 60 s, rule big\n...") == (
        "3 more opportunities within 60 s, rule big"
    )


def test_a_single_level_has_a_single_price() -> None:
    small = replace(FOUND, size=0.3)
    assert "buy 0.3 BTC at kucoin 100,000 (book" in of_hit(Hit("big", small, START))


@pytest.mark.parametrize(
    ("outside", "inside"),
    [
        ("BTC/USDT:USDT", "BTC/USDT:USDT"),
        ("1000PEPE/USDT", "1000PEPE/USDT"),
        ("币安/USDT", "币安/USDT"),
        ("a\x1b[2Jb", "a\\x1b\\x5b2Jb"),
        ("a\r\nb\tc", "a\\x0d\\x0ab\\x09c"),
        ("@everyone", "\\x40everyone"),
        ("<b>&`_*~|", "\\x3cb\\x3e\\x26\\x60\\x5f\\x2a\\x7e\\x7c"),
        ("a\u202eb\u200b", "a\\u202eb\\u200b"),
        ("\ud800", "\\ud800"),
        ("x" * 50, "x" * 39 + "…"),
    ],
)
def test_names_from_outside_are_escaped(outside: str, inside: str) -> None:
    assert name(outside) == inside


def test_every_name_in_the_text_is_escaped() -> None:
    evil = "\x1b]0;<i>@all"
    hostile = replace(
        FOUND,
        id=evil,
        symbol=f"{evil}/{evil}",
        currency=evil,
        kind=evil,
        buy=replace(FOUND.buy, venue=evil),
        sell=replace(FOUND.sell, venue=evil),
    )
    text = of_hit(Hit("big", hostile, START)) + of_bundle("big", Bundle("d", 60, 1, (hostile,)), 0)
    assert not {"\x1b", "<", "@", "]"} & set(text)
    assert text.replace("\n", "").isprintable()


def test_a_digest_names_the_best() -> None:
    text = of_bundle("big", Bundle("d", 60.0, 3, (found(1), found(2))), START)
    assert text.splitlines() == [
        "3 more opportunities within 60 s, rule big",
        "BTC/USDT +9.75 bps = +99.9000 USDT: buy kucoin 100,000, sell okx 100,200, 1 BTC at"
        " 2023-11-14T22:13:20.000Z, id id-1",
        "BTC/USDT +9.75 bps = +99.9000 USDT: buy kucoin 100,000, sell okx 100,200, 1 BTC at"
        " 2023-11-14T22:13:20.000Z, id id-2",
        "and 1 more",
        "told 2023-11-14T22:13:20.000Z",
    ]


def test_a_digest_of_one() -> None:
    text = of_bundle("big", Bundle("d", 60.0, 1, (found(1),)), START)
    assert text.startswith("1 more opportunity within 60 s")
    assert "and " not in text


def test_a_digest_is_never_too_long() -> None:
    long = found(1, "\x01" * 100 + "/" + "\x01" * 100)
    text = of_bundle("big", Bundle("d", 60.0, 500, (long,) * 10), START)
    assert len(text) <= LONGEST_TEXT
    assert "and 49" in text


def test_an_alert_names_every_gate_and_the_conversion() -> None:
    def trusted(leg: Leg, **more: object) -> Leg:
        return replace(leg, state="live", proof="checksum", fee_rate=0.001, **more)  # type: ignore[arg-type]

    def told(one: Opportunity) -> list[str]:
        return of_hit(Hit("big", one, START)).splitlines()

    buy, sell = trusted(FOUND.buy, book_at=5_000_000), trusted(FOUND.sell, book_at=9_000_000)
    flagged = replace(FOUND, buy=buy, sell=sell, bound="edge")
    (passed,) = (line for line in told(flagged) if line.startswith("passed"))
    assert passed.startswith("passed trust and unverified (checksum, checksum), staleness (oldest ")
    assert "skew (4 ms), identity, quarantine, fees (0.1 % + 0.1 %), threshold, profit" in passed
    assert passed.endswith("capital, lot, size (bound by edge)")
    convert = trusted(
        replace(buy, venue="ok\x1bx", symbol="USDC/USDT", levels=((0.9995, 9e6),)),
        side="sell",
        size=100.0,
        book_at=1_000_000,
    )
    lines = told(replace(flagged, conversion=convert, sell=replace(sell, symbol="BTC/USDC")))
    assert lines[0].endswith("sell okx 100,200 USDC")
    assert "convert: sell USDC/USDT at ok\\x1bx 0.9995 (book " in "\n".join(lines)
    (passed,) = (line for line in lines if line.startswith("passed"))
    assert "skew (8 ms), identity, quarantine, conversion, fees (0.1 % + 0.1 % + 0.1 %)" in passed
    stated = replace(convert, assumed=True, venue="")
    assert any("0.9995, ASSUMED" in line for line in told(replace(flagged, conversion=stated)))
