"""``hedge_book:`` and its CSV file: what is right, and how what is wrong is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanner.config import Config, validated
from scanner.configuration.hedge import HedgeBook, Holding, Position
from scanner.configuration.located import parse as located
from scanner.errors import ConfigError
from scanner.hedging.csv_file import parse, whole

HEAD = "kind,venue,coin,symbol,amount,contracts,price,entry_price,opened_at,leverage\n"
SHORT = Position(
    venue="okx",
    symbol="BTC/USDT:USDT",
    contracts=100.0,
    entry_price=100_000.0,
    opened_at="2026-11-22T10:00:00Z",
    leverage=2.0,
)


def config(book: str) -> Config:
    return validated(located(f"venues: {{okx: }}\nhedge_book:\n{book}", "test.yaml"))


def test_a_book_in_the_configuration() -> None:
    found = config(
        "  holdings: [{venue: my wallet, coin: BTC, amount: 1}]\n"
        "  shorts:\n"
        "  - {venue: okx, symbol: 'BTC/USDT:USDT', contracts: 100, entry_price: 100000,"
        " opened_at: 2026-11-22T10:00:00Z, leverage: 2}\n"
    ).hedge_book
    assert found.holdings == (Holding(venue="my wallet", coin="BTC", amount=1.0),)
    assert found.shorts == (SHORT,)
    assert (SHORT.opened, SHORT.coin) == (1_795_341_600_000_000_000, "BTC")


@pytest.mark.parametrize(
    ("book", "told"),
    [
        ("  holdings: [{venue: a, coin: BTC}]", "holdings.0.amount: is missing"),
        ("  holdings: [{venue: a, coin: BTC, amount: 0}]", "holdings.0.amount: "),
        (
            "  shorts:\n  - {venue: a, symbol: b, entry_price: 1}",
            "test.yaml:4: hedge_book.shorts.0.amount: one of 'contracts' and 'amount'",
        ),
        (
            "  shorts: [{venue: a, symbol: b, entry_price: 1, amount: 1, contracts: 1}]",
            "shorts.0.amount: one of 'contracts' and 'amount'",
        ),
        (
            "  shorts: [{venue: a, symbol: b, entry_price: 1, amount: 1, opened_at: now}]",
            "shorts.0.opened_at: 'now' is no time",
        ),
        ("  short: []", "hedge_book.short: unknown key; did you mean 'shorts'?"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(book: str, told: str) -> None:
    with pytest.raises(ConfigError) as error:
        config(book)
    assert told in str(error.value)


def test_a_file_adds_to_what_the_configuration_says(tmp_path: Path) -> None:
    file = tmp_path / "positions.csv"
    rows = (
        "holding,kraken,BTC,,1.5,,95000,,,\n"
        "\n"
        "short,okx,,BTC/USDT:USDT,,100,,100000,2026-11-22T10:00:00Z,2\n"
    )
    file.write_text("\ufeff" + HEAD + rows)
    first = Holding(venue="a", coin="BTC", amount=1.0)
    found = whole(HedgeBook(holdings=(first,), csv=str(file)))
    second = Holding(venue="kraken", coin="BTC", amount=1.5, price=95_000.0)
    assert found.holdings == (first, second)
    assert found.shorts == (SHORT,)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "p.csv: is empty; name the columns: kind,venue,coin"),
        ("kind;venue\n", "p.csv:1: its columns are not separated by commas; save it with commas"),
        ("kind,vanue\n", "p.csv:1: there is no column 'vanue'; did you mean 'venue'?"),
        ("kind,kind\n", "p.csv:1: the column 'kind' stands here twice"),
        ("venue\n", "p.csv:1: the column 'kind' is missing"),
        ("kind,venue\nholding\n", "p.csv:2: has 1 cells, and there are 2 columns"),
        ("kind,venue\nlong,a\n", "p.csv:2: kind: must be holding or short, not 'long'"),
        ("kind,venue\nholding,a\n", "p.csv:2: coin: is missing"),
        (
            "kind,venue,coin,amount\n\nholding,a,BTC,1\nholding,a,BTC,much\n",
            "p.csv:4: amount: must be a number, not 'much'",
        ),
        ("kind,venue,coin,amount\nholding,a,BTC,nan\n", "p.csv:2: amount: must be "),
        ("kind,venue,coin,amount\nholding,a,BTC,1_0\n", "p.csv:2: amount: must be a number"),
        ("kind,venue,coin,amount\nholding,a,BTC,-1\n", "p.csv:2: amount: "),
        (
            "kind,venue,coin,amount,leverage\nholding,a,BTC,1,2\n",
            "p.csv:2: leverage: unknown key",
        ),
        (
            HEAD + "short,a,,b,1,1,,1,,\n",
            "p.csv:2: amount: one of 'contracts' and 'amount' says the size",
        ),
        ('kind,venue\nholding,"a\n', "p.csv:2: cannot be read as CSV"),
    ],
)
def test_what_is_wrong_in_a_file_names_line_and_column(text: str, told: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(text, "p.csv")
    assert str(error.value).startswith(told)


def test_a_file_that_is_not_there_is_said() -> None:
    with pytest.raises(ConfigError, match=r"gone\.csv: cannot be read \(No such file"):
        whole(HedgeBook(csv="/nowhere/gone.csv"))
