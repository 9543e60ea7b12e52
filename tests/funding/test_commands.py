"""As it is typed: a scan learns what was settled, natively and through ccxt, and commands rest on
that."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scanner.lab.premium import HOUR
from storage.errors import DatabaseError
from storage.queries import open_reader
from storage.queries.readings import Payment
from tests.test_end_to_end import run, running

SHORT = ("gate", "BTC/USDT:USDT")
LEARNED = {SHORT, ("bitget", "BTC/USDT:USDT"), ("hyperliquid", "BTC/USDC:USDC")}
ENTRY = 76_000.0
PATIENCE = 60.0
DAYS = 9


def configured(text: str, folder: Path, opened: str) -> str:
    """A configuration of the lab with few venues, one of them through ccxt, and a short."""
    kept = {venue for venue, _ in LEARNED}
    rows, keep = [], True
    for line in text.splitlines():
        if line.startswith("  ") and not line.startswith("   "):
            keep = line.strip(" :") in kept
            venue = line.strip(" :")
        if keep or not line.startswith(" "):
            rows.append(line)
        if keep and line.startswith("    endpoints") and venue == "bitget":
            rows.append("    feed: ccxt")
    rows = [row for row in rows if not row.startswith("symbols")]
    rows += [
        "symbols: [BTC/USDT]",
        "workers: 1",
        f"cache_dir: {folder}",
        "hedge_book:",
        "  shorts:",
    ]
    rows.append(
        f"  - {{venue: {SHORT[0]}, symbol: '{SHORT[1]}', amount: 2, entry_price: {ENTRY},"
        f" opened_at: '{opened}'}}"
    )
    return "\n".join([*rows, ""])


def settled(database: Path) -> list[Payment]:
    try:
        reader = open_reader(str(database))
    except DatabaseError:
        return []
    try:
        return reader.readings.payments(0, 1 << 62, 100_000, near=600 * 10**9)
    finally:
        reader.close()


def learned(database: Path) -> list[Payment]:
    """What is stored, once it is of all contracts."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        found = settled(database)
        if {(one.venue, one.symbol) for one in found} >= LEARNED:
            return found
        time.sleep(0.5)
    pytest.fail(f"of some contract nothing was learned within {PATIENCE:.0f} s")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[list[Payment], Path, Path]]:
    """What was stored, the database, and the configuration, of a lab that still runs."""
    folder = tmp_path_factory.mktemp("funding")
    config, database = folder / "config.yaml", folder / "db"
    opened = (datetime.now(UTC) - timedelta(days=DAYS)).isoformat(timespec="seconds")
    with running("lab", "--seed", 7, "--write-config", config) as lab:
        assert lab.stdout is not None
        assert lab.stdout.readline().startswith("ready")
        config.write_text(configured(config.read_text(), folder, opened))
        with (folder / "log").open("w") as log:
            watch = ("watch", "--config", config, "--plain", "--db", database)
            with running(*watch, stderr=log):
                found = learned(database)
        yield found, database, config


def test_every_contract_has_its_days(told: tuple[list[Payment], Path, Path]) -> None:
    found, *_ = told
    by_contract: dict[tuple[str, str], list[int]] = {}
    for one in found:
        by_contract.setdefault((one.venue, one.symbol), []).append(one.at)
    hours = {"gate": 4, "bitget": 8, "hyperliquid": 1}
    for key in LEARNED:
        assert len(by_contract[key]) >= 7 * 24 // hours[key[0]]
        assert len(set(by_contract[key])) == len(by_contract[key])
    assert {one.interval // HOUR for one in found if one.venue == "hyperliquid"} == {1}


def test_the_hedge_book_knows_its_funding_by_them(
    told: tuple[list[Payment], Path, Path],
) -> None:
    _, database, config = told
    printed = run("hedge", "--book", "--json", "--config", config, "--db", database)
    assert printed.returncode == 0, printed.stderr
    (coin,) = json.loads(printed.stdout)["coins"]
    (short,) = coin["shorts"]
    since = time.time_ns() - DAYS * 24 * HOUR
    paid = [one for one in settled(database) if (one.venue, one.symbol) == SHORT and one.at > since]
    assert short["payments"] == len(paid) >= DAYS * 6
    expected = sum(2 * (one.mark or ENTRY) * one.rate for one in paid)
    assert short["funding"] == pytest.approx(expected)
    assert short["payments_at_entry_price"] == sum(one.mark is None for one in paid) > 0


def test_funding_averages_what_was_settled(told: tuple[list[Payment], Path, Path]) -> None:
    found, database, config = told
    printed = run(
        "funding", "--json", "--venue", "hyperliquid", "--config", config, "--db", database
    )
    assert printed.returncode == 0, printed.stderr
    (row,) = [one for one in json.loads(printed.stdout) if one["symbol"] == "BTC/USDC:USDC"]
    now = time.time_ns()
    for days, name in ((1, "24h"), (7, "7d")):
        rates = [
            one.rate
            for one in found
            if one.venue == row["venue"] and one.at > now - days * 24 * HOUR
        ]
        assert row[f"payments_{name}"] == len(rates) in (days * 24, days * 24 - 1)
        assert row[f"mean_{name}"] == pytest.approx(sum(rates) / len(rates))
