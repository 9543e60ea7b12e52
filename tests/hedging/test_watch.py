"""The hedge book beside a scan: its file, its payments, and what is told once a second."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from scanner.config import Config, validated
from scanner.configuration.hedge import Position
from scanner.configuration.located import parse
from scanner.errors import ConfigError
from scanner.hedge.received import Paid
from scanner.hedge_events import HedgeState
from scanner.hedging import watch as hedge_watch
from scanner.hedging.watch import HedgeWatch
from tests.feeds.tiny import until

HELD = "kind,venue,coin,amount\nholding,kraken,{coin},1\n"


def config(csv: Path | None = None, more: str = "") -> Config:
    book = f"hedge_book: {{csv: {csv}}}\n" if csv else ""
    return validated(parse(f"venues: {{okx: , gate: }}\n{book}{more}", "c.yaml"))


def held(watch: HedgeWatch) -> list[str]:
    return [one.coin for one in watch.book.holdings]


def test_a_file_that_is_wrong_at_the_start_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.csv: cannot be read"):
        HedgeWatch(config(tmp_path / "none.csv"))


def test_one_that_becomes_wrong_leaves_the_book_as_it_was(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "a.csv"
    file.write_text(HELD.format(coin="BTC"))
    watch = HedgeWatch(config(file))
    file.write_text("kind,price\nholding,x\n")
    watch.apply(config(file))
    assert held(watch) == ["BTC"]
    assert "the hedge book stays as it was" in caplog.text and "a.csv:2" in caplog.text


def test_another_configuration_brings_another_book(tmp_path: Path) -> None:
    watch = HedgeWatch(config())
    assert held(watch) == []
    file = tmp_path / "a.csv"
    file.write_text(HELD.format(coin="ETH"))
    watch.apply(config(file, "currency: USDC\n"))
    assert held(watch) == ["ETH"]
    assert [one.quote for one in watch.desk.state(1).coins] == ["USDC"]


async def test_its_file_is_followed_and_its_state_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hedge_watch, "EVERY", 0.0)
    file = tmp_path / "a.csv"
    file.write_text(HELD.format(coin="BTC"))
    watch, told, changed = HedgeWatch(config(file)), [], []
    keeping = asyncio.create_task(watch.keep("", told.append, lambda: changed.append(held(watch))))
    await until(lambda: bool(told))
    assert [one.coin for one in told[-1].coins] == ["BTC"]
    file.write_text(HELD.format(coin="ETH"))
    os.utime(file, ns=(1, 1))
    await until(lambda: bool(changed))
    assert changed == [["ETH"]]
    watch.apply(config())
    await until(lambda: told[-1].coins == ())
    seen = len(told)
    for _ in range(3):
        await asyncio.sleep(0)
    assert len(told) == seen
    keeping.cancel()
    assert all(isinstance(one, HedgeState) for one in told)


async def test_the_payments_of_each_short_come_from_the_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hedge_watch, "EVERY", 0.0)
    asked = []
    payments = [Paid(1, 0.001, 1, 100.0)]

    def stored(url: str, shorts: tuple[Position, ...], at: int) -> list[list[Paid] | None]:
        asked.append((url, len(shorts)))
        return [payments]

    monkeypatch.setattr(hedge_watch, "stored", stored)
    short = "{venue: okx, symbol: X/Q:Q, amount: 1, entry_price: 1}"
    watch = HedgeWatch(config(more=f"hedge_book: {{shorts: [{short}]}}\n"))
    keeping = asyncio.create_task(watch.keep("here.db", lambda state: None, lambda: None))
    await until(lambda: bool(watch.desk._paid))
    assert asked == [("here.db", 1)]
    assert watch.desk._paid == {watch.book.shorts[0]: payments}
    keeping.cancel()
