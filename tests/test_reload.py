"""A configuration that changes while it is in use."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from scanner import reload
from scanner.config import Config, VenueConfig, validated
from scanner.configuration.alerts import AlertSettings
from scanner.configuration.located import parse
from scanner.errors import ConfigError, CrossbookError
from scanner.reload import ConfigFile, Live, follow
from scanner.types import Market, Wallet
from tests.feeds.tiny import until

GOOD = "venues: {okx: , gate: }\n"


def config(text: str = GOOD) -> Config:
    return validated(parse(text, "c.yaml"))


def write(path: Path, text: str) -> None:
    """As an editor does that puts a new file in the place of the old one."""
    path.with_suffix(".new").write_text(text)
    os.replace(path.with_suffix(".new"), path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "c.yaml"
    path.write_text(GOOD)
    return path


def test_a_file_that_stays_as_it_is_is_not_read_again(path: Path) -> None:
    file = ConfigFile(path)
    assert [file.look() for _ in range(3)] == [None] * 3


def test_a_change_is_read_once_it_has_settled(path: Path) -> None:
    file = ConfigFile(path)
    write(path, GOOD + "max_symbols: 7\n")
    assert file.look() is None
    read = file.look()
    assert read is not None and read.max_symbols == 7
    assert [file.look() for _ in range(3)] == [None] * 3


def test_what_is_written_in_place_and_in_pieces_is_read_whole(path: Path) -> None:
    file = ConfigFile(path)
    path.write_text("")
    assert file.look() is None
    path.write_text(GOOD + "max_sym")
    assert file.look() is None
    path.write_text(GOOD + "max_symbols: 8")
    assert file.look() is None
    read = file.look()
    assert read is not None and read.max_symbols == 8


def test_what_is_wrong_is_said_once_for_each_change(path: Path) -> None:
    file = ConfigFile(path)
    for text, said in (("venues:", "is missing"), ("- 1", "must be a mapping")):
        write(path, text)
        assert file.look() is None
        with pytest.raises(ConfigError, match=said):
            file.look()
        assert file.look() is None


def test_a_file_that_is_gone_is_said_once_and_awaited(path: Path) -> None:
    file = ConfigFile(path)
    path.unlink()
    assert file.look() is None
    with pytest.raises(ConfigError, match="there is no such file"):
        file.look()
    assert file.look() is None
    path.write_text(GOOD)
    assert file.look() is None
    assert file.look() is not None


async def test_it_is_followed(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    applied: list[int] = []
    file = ConfigFile(path)

    async def apply(new: Config) -> None:
        applied.append(new.max_symbols)

    async def until(condition: Any) -> None:
        async with asyncio.timeout(5):
            while not condition():
                await asyncio.sleep(0.001)

    following = asyncio.create_task(follow(file, apply, pause=0.001))
    write(path, GOOD + "max_symbols: 1\n")
    await until(lambda: applied == [1])
    write(path, GOOD + "max_symbols: one\n")
    await until(lambda: file.problem)
    said = f"{path}:2: max_symbols: must be a whole number, not 'one'"
    assert file.problem == said
    write(path, GOOD + "max_symbols: 2\n")
    await until(lambda: applied == [1, 2])
    assert file.problem == ""
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following
    assert caplog.messages == [f"the configuration stays as it was: {said}"]


def market(venue: str, name: str = "X", fee: float = 0.001) -> Market:
    return Market(venue=venue, id=name, symbol=f"{name}/Q", base=name, quote="Q", taker_fee=fee)


class Bench:
    """A crew that notes what it is to carry; ``listed`` is what the venues list."""

    def __init__(self) -> None:
        self.listed: list[Market] | CrossbookError = [market("okx"), market("gate")]
        self.loads = 0
        self.watched: list[list[Market]] = []
        self.alerts: list[AlertSettings] = []
        self.carried: list[tuple[Config, list[Market]]] = []

    def reload(self, settings: AlertSettings) -> None:
        self.alerts.append(settings)

    def carry(self, config: Config, markets: Sequence[Market]) -> None:
        self.carried.append((config, list(markets)))

    async def load(self, new: Config) -> Sequence[Market]:
        self.loads += 1
        if isinstance(self.listed, CrossbookError):
            raise self.listed
        return self.listed

    def start(self, first: Config, **settings: Any) -> Live:
        assert not isinstance(self.listed, CrossbookError)
        return Live(
            first,
            crew=self,
            markets=self.listed,
            watched=lambda markets: self.watched.append(list(markets)),
            alerts=self,
            **settings,
        )


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr("scanner.logs._redact", reload.logs.Redactor())
    level = logging.getLogger().level
    made = Bench()
    monkeypatch.setattr(reload, "load_markets", made.load)
    yield made
    logging.getLogger().setLevel(level)


async def test_thresholds_limits_and_alerts_change_at_once(bench: Bench) -> None:
    live = bench.start(config())
    new = config(
        GOOD + "thresholds: {min_net_bps: 9}\nlimits: {max_age_ms: 70}\n"
        "alerts: {rules: {a: {min_net_bps: 1}}}"
    )
    await live.apply(new)
    assert bench.carried == [(new, bench.listed)]
    assert bench.alerts == [new.alerts]
    assert bench.loads == 0
    await live.apply(new)
    assert len(bench.alerts) == 1


async def test_the_log_level_changes_unless_the_command_line_has_set_it(bench: Bench) -> None:
    live = bench.start(config())
    root = logging.getLogger()
    for before, asked, after in (("INFO", "error", "ERROR"), ("DEBUG", "warning", "DEBUG")):
        root.setLevel(before)
        await live.apply(config(GOOD + f"log_level: {asked}"))
        assert logging.getLevelName(root.level) == after


async def test_symbols_and_venues_change(bench: Bench) -> None:
    live = bench.start(config())
    bench.listed = [market("okx", "Y"), market("gate"), market("bybit")]
    new = config("venues: {okx: , gate: , bybit: }\n")
    await live.apply(new)
    assert bench.carried == [(new, bench.listed)]
    assert bench.watched == [bench.listed]


BOOK = "hedge_book: {holdings: [{venue: okx, coin: BTC, amount: 1}]}\n"


async def test_another_hedge_book_is_known_before_its_markets_are_asked_for(bench: Bench) -> None:
    known: list[Config] = []
    asked: list[Config] = []

    def scoped(new: Config) -> Config:
        asked.append(new)
        assert known == [new]
        return new

    live = bench.start(config(), applied=known.append, scoped=scoped)
    bench.listed = [market("okx"), market("gate"), market("okx", "Z")]
    new = config(GOOD + BOOK)
    await live.apply(new)
    assert (asked, bench.carried) == ([new], [(new, bench.listed)])


async def test_where_its_markets_cannot_be_had_another_hedge_book_is_in_effect(
    bench: Bench,
) -> None:
    live = bench.start(config())
    before, bench.listed = bench.listed, CrossbookError("no lists")
    new = config(GOOD + BOOK)
    await live.apply(new)
    [(used, markets)] = bench.carried
    assert (used.hedge_book, markets) == (new.hedge_book, before)


async def test_what_the_file_of_the_hedge_book_names_is_asked_for(bench: Bench) -> None:
    live = bench.start(config())
    before, bench.listed = bench.listed, [market("okx", "Z")]
    keeping = asyncio.create_task(live.keep_scoped())
    live.again()
    assert [markets for _, markets in bench.carried] == [before]
    await until(lambda: len(bench.carried) == 2)
    keeping.cancel()
    assert (bench.carried[1][1], bench.watched, bench.loads) == (bench.listed, [bench.listed], 1)


async def test_lists_are_renewed_while_the_scan_runs(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = bench.start(config())
    before = bench.listed
    fresh = [market("okx", fee=0.5), market("gate")]

    async def renewed(config: Config, markets: Sequence[Market]) -> list[Market]:
        assert markets in (before, fresh)
        return fresh

    monkeypatch.setattr(reload, "renewed", renewed)
    for _ in range(2):
        await live.renew(after=0)
        assert bench.watched == [fresh]
        assert [markets for _, markets in bench.carried] == [fresh]


async def test_lists_are_renewed_again_and_again_and_new_times_are_no_news(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    live = bench.start(config())
    over, times = asyncio.Event(), count(1)

    async def renewed(config: Config, markets: Sequence[Market]) -> list[Market]:
        at = next(times)
        if at == 3:
            over.set()
        return [replace(market, wallet=Wallet(listed_at=at)) for market in markets]

    monkeypatch.setattr(reload, "renewed", renewed)
    keeping = asyncio.create_task(live.keep_renewed(at_once=False, every=0))
    await over.wait()
    keeping.cancel()
    assert [one.wallet.listed_at for one in bench.carried[1][1]] == [2, 2]
    assert "have changed" not in caplog.text


async def test_where_markets_cannot_be_had_the_scope_stays_and_the_rest_changes(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    live = bench.start(config())
    before = bench.listed
    bench.listed = CrossbookError("no lists")
    new = config("venues: {okx: , gate: }\nmax_symbols: 3\nthresholds: {min_net_bps: 9}")
    await live.apply(new)
    assert "venues and symbols stay as they were: no lists" in caplog.text
    [(used, markets)] = bench.carried
    assert (used.thresholds.min_net_bps, used.max_symbols, markets) == (9, 50, before)
    bench.listed = [market("okx"), market("gate")]
    await live.apply(new)
    assert bench.loads == 2


async def test_what_needs_a_new_start_is_said(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    live = bench.start(config())
    await live.apply(config(GOOD + "database: {retention_days: 3}\ncache_dir: /x\nworkers: 2"))
    for name in ("database", "cache_dir", "workers"):
        assert f"{name}: what has changed there takes effect with the next start" in caplog.text


async def test_new_secrets_are_hidden_and_venues_stay_where_they_are(bench: Bench) -> None:
    def pointed(new: Config) -> Config:
        return new.model_copy(update={"venues": {"okx": VenueConfig(), "gate": VenueConfig()}})

    live = bench.start(pointed(config()), pointed=pointed)
    secret = "json://127.0.0.1:9000/w3bhook-path"
    await live.apply(config(f"venues: {{bybit: }}\nalerts: {{channels: {{a: '{secret}'}}}}"))
    assert "w3bhook" not in reload.logs.clean(f"lost {secret} w3bhook-path")
    assert bench.loads == 0
