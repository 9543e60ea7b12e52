"""``crossbook hedge`` with live books, as it is typed: what it prints, and what cannot be had."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from scanner import logs
from scanner.cli import cli
from scanner.commands import hedge as hedge_cli
from scanner.lab.server import Clock, LabServer
from scanner.lab.world import World

VENUES = ("binanceusdm", "okx", "kraken", "krakenfutures")
ROW = ["price", "spot_pnl", "short_pnl", "funding", "costs", "yield", "net"]


@pytest.fixture
async def lab() -> AsyncIterator[LabServer]:
    clock = Clock()
    async with LabServer(World(7, clock(), VENUES, contracts=True), clock=clock) as server:
        yield server


@pytest.fixture(autouse=True)
def level() -> Iterator[None]:
    """The command lowers the level of the log for itself; other tests go on with theirs."""
    before = logs.level()
    yield
    logs.set_level(before)


async def typed(
    lab: LabServer, folder: Path, *arguments: str, venues: tuple[str, ...] = VENUES
) -> Result:
    """The command in a thread, beside the lab that it connects to."""
    rows = [f"cache_dir: {folder}", "venues:"]
    for name in venues:
        rows.append(f"  {name}: {{endpoints: {{rest: '{lab.url(name)}', ws: '{lab.ws(name)}'}}}}")
    path = folder / "crossbook.yaml"
    path.write_text("\n".join([*rows, ""]), encoding="utf-8")
    words = ["hedge", *arguments, "--config", str(path)]
    return await asyncio.to_thread(CliRunner().invoke, cli, words)


async def test_live_rows_have_the_promised_names_and_add_up(lab: LabServer, tmp_path: Path) -> None:
    arguments = ("BTC", "0.1", "--json", "--at", "95000,105000", "--yield", "3", "--into", "USDC")
    result = await typed(lab, tmp_path, *arguments)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert [list(row) for row in found["rows"]] == [ROW, ROW]
    assert [row["price"] for row in found["rows"]] == [95_000.0, 105_000.0]
    for row in found["rows"]:
        parts = row["spot_pnl"] + row["short_pnl"] + row["funding"] - row["costs"] + row["yield"]
        assert row["net"] == pytest.approx(parts, abs=1e-6)
        move = row["price"] - found["spot_price"]
        assert row["spot_pnl"] == pytest.approx(0.1 * move)
        left = found["basis_value"] + row["funding"] - row["costs"] + row["yield"]
        assert row["net"] == pytest.approx(left + found["residual_delta"] * move, abs=0.005)
    best = found["shorts"][0]
    assert found["short_price"] == best["price"] and found["contracts"] == best["contracts"]
    assert found["entry_cost"] == pytest.approx(best["entry_cost"])
    costs = [one["cost_bps"] for one in found["shorts"]]
    assert costs == sorted(costs)
    assert {one["venue"] for one in found["into"]} == {"okx", "kraken"}
    assert {one["symbol"] for one in found["into"]} == {"BTC/USDC"}


async def test_live_text_is_a_table_a_comparison_and_a_plot(lab: LabServer, tmp_path: Path) -> None:
    result = await typed(lab, tmp_path, "0.1", "BTC", "--plot", "--into", "USDT", "--horizon", "48")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert "cost of 48 h" in lines[0] and lines[0].startswith("short on")
    assert any(line.startswith("over 48 h the short on ") for line in lines)
    assert any(line.startswith("the cheapest: ") and line.endswith(", for 48 h") for line in lines)
    assert "o spot   x short   # both, net" in lines
    drawn = "".join(line.partition("|")[2] for line in lines[lines.index("") :] if "|" in line)
    assert {"o", "x", "#"} <= set(drawn)


async def test_what_cannot_be_had_is_said_and_nothing_made_up(
    lab: LabServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*arguments: str, venues: tuple[str, ...] = VENUES) -> str:
        result = await typed(lab, tmp_path, *arguments, "--json", venues=venues)
        assert (result.exit_code, result.stdout) == (1, ""), result.output
        assert "Traceback" not in result.output
        return result.stderr

    assert "no configured venue lists NOPE" in await refused("NOPE", "1")
    told = await refused("BTC", "0.1", venues=("kraken",))
    assert "no configured venue lists a contract on BTC: nothing to short" in told
    told = await refused("BTC", "0.0000001")
    assert "no short of 1e-07 BTC can be had now" in told
    assert "binanceusdm BTC/USDT:USDT: 1e-07 is less than its smallest order, 0.001" in told
    monkeypatch.setattr(hedge_cli, "PATIENCE", 1.0)
    for venue in VENUES:
        lab.silence(venue)
    told = await refused("BTC", "0.1")
    assert "no book of a contract on it could be trusted within 1 s" in told
