"""Moves of many orders on their way out: kept, verified, explained, told, shown."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from msgspec.structs import replace

from scanner.events import Opportunity
from scanner.moving import Prefunded, Transfer
from scanner.sinks.alerts.rules import Hit
from scanner.sinks.alerts.text import of_hit
from scanner.sinks.formats import to_json
from scanner.sinks.terminal import ladders
from scanner.sinks.terminal.palette import DARK
from scanner.view.order_rows import detail, rows
from storage.queries import open_reader
from tests.history_commands import call, printed, store
from tests.sinks.terminal.frames import text
from tests.storage.events import ID, START
from tests.test_profit_docs import closed_loop, many, moved_loop, moved_many

MANY, LOOP = replace(moved_many(), id=ID.format(1)), replace(moved_loop(), id=ID.format(2))
UNKNOWN, NEEDLESS = replace(many(), id=ID.format(3)), replace(closed_loop(), id=ID.format(4))
ALL = [MANY, LOOP, UNKNOWN, NEEDLESS]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("moves") / "db"
    store(path, ALL)
    return path


def both(one: Opportunity) -> tuple[Transfer, Prefunded]:
    assert one.transfer is not None and one.prefunded is not None
    return one.transfer, one.prefunded


def test_what_is_stored_is_what_was_found(database: Path) -> None:
    reader = open_reader(str(database))
    states = reader.states([one.id for one in ALL])
    reader.close()
    for one in ALL:
        (state,) = states[one.id]
        assert (state.transfer, state.prefunded) == both(one)
    assert printed(database, "verify") == ["4 opportunities, 4 states computed again: all agree"]


TAMPERED = [
    ("transfer.moves[0].amount", "1.01 *", "move"),
    ("transfer.moves[0].fee", "2 *", "the transfer"),
    ("transfer.moves[1].minutes", "2 *", "minutes of the transfer"),
    ("transfer.moves[0].min_withdraw", "100 +", "moves of the transfer"),
    ("transfer.moves[0].state", "'closed' ||", "state of the transfer"),
    ("transfer.minutes", "2 *", "minutes of the transfer"),
    ("transfer.orders[1].minutes", "1 +", "minutes of the transfer"),
    ("transfer.orders[1].size", "1.001 *", "size ordered after the transfer"),
    ("transfer.orders[2].volatility_bps", "1.001 *", "risk of the transfer"),
    ("transfer.net_profit", "1.0001 *", "net after the transfer"),
    ("transfer.net_bps", "1.0001 *", "net bps after the transfer"),
    ("transfer.risk_bps", "1.0001 *", "risk of the transfer"),
    ("transfer.net_after_risk", "1.0001 *", "net after the risk of the transfer"),
    ("prefunded.moves[0].amount", "1.01 *", "move of BTC"),
    ("prefunded.moves[1].amount", "0.5 *", "move of "),
    ("prefunded.moves[0].rate", "1.01 *", "worth of BTC"),
    ("prefunded.moves[0].fee", "1.01 *", "cost of moving back"),
    ("prefunded.moves[1].state", "'un' ||", "state of moving back"),
    ("prefunded.moves[0].target", "'x' ||", "move"),
    ("prefunded.cost", "1.01 *", "cost of moving back"),
    ("prefunded.trades", "1 +", "cost of moving back"),
    ("prefunded.net_profit", "1.01 *", "net after moving back"),
    ("prefunded.net_bps", "1.01 *", "net bps after moving back"),
]


@pytest.mark.parametrize("one", [MANY, LOOP], ids=["multi", "loop"])
@pytest.mark.parametrize(("field", "change", "reason"), TAMPERED)
def test_a_move_that_was_tampered_with_is_found(
    database: Path, tmp_path: Path, one: Opportunity, field: str, change: str, reason: str
) -> None:
    key = f"$.basis.{field}"
    old = f"coalesce(json_extract(sell, '{key}'), 0)"
    set_ = f"sell = json_set(sell, '{key}', {change} {old})"
    result = call(tampered(database, tmp_path / "db", set_, one), "verify")
    assert result.exit_code == 1, result.stdout
    named, _ = result.stdout.splitlines()
    assert named.startswith(one.id) and reason in named
    told = call(tmp_path / "db", "explain", one.id).stdout
    assert "DOES NOT AGREE" in told


@pytest.mark.parametrize(
    ("one", "change", "reason"),
    [
        # A cost that is not known is no cost of nothing.
        (UNKNOWN, "'$.basis.prefunded.cost', 0.0", "cost of moving back"),
        (UNKNOWN, "'$.basis.prefunded.net_profit', 1.0", "cost of moving back"),
        (UNKNOWN, "'$.basis.transfer.net_profit', 1.0", "net after the transfer"),
        (UNKNOWN, "'$.basis.transfer.state', 'open'", "state of the transfer"),
        (NEEDLESS, "'$.basis.prefunded.cost', 1.0", "cost of moving back"),
        (NEEDLESS, "'$.basis.transfer.state', 'open'", "state of the transfer"),
        # A move that is left out costs nothing either.
        (LOOP, "'$.basis.transfer.moves', json('[]')", "moves of the transfer"),
        (LOOP, "'$.basis.prefunded.moves', json('[]')", "moves"),
        (MANY, "'$.basis.prefunded.moves', json('[]')", "move of BTC"),
    ],
)
def test_what_is_unknown_or_left_out_is_not_taken_for_nothing(
    database: Path, tmp_path: Path, one: Opportunity, change: str, reason: str
) -> None:
    copy = tampered(database, tmp_path / "db", f"sell = json_set(sell, {change})", one)
    result = call(copy, "verify")
    assert result.exit_code == 1, result.stdout
    assert reason in result.stdout.splitlines()[0]


def tampered(database: Path, copy: Path, change: str, one: Opportunity) -> Path:
    with sqlite3.connect(database) as source, sqlite3.connect(copy) as target:
        source.backup(target)
        target.execute(f"UPDATE evidence SET {change} WHERE opportunity_id = '{one.id}'")
    return copy


def test_explain_says_what_is_not_known_and_what_needs_no_move(database: Path) -> None:
    told = "\n".join(printed(database, "explain", UNKNOWN.id, columns=120))
    why = "nothing is known of the withdrawals"
    assert f"within the trade: unknown, BTC from kucoin to okx: {why}" in told
    assert "every 10 trades: cost unknown, BTC from kucoin to okx" in told
    assert "USDT, okx to kucoin: unknown, nothing is known" in told
    told = "\n".join(printed(database, "explain", NEEDLESS.id, columns=120))
    assert "within the trade: not needed, all of it is on one venue" in told
    assert "nothing has to be moved back, at 0 USDT" in told


def test_a_line_has_every_move() -> None:
    line = json.loads(to_json(MANY))
    assert [move["network"] for move in line["transfer"]["moves"]] == ["BEP20", "BTC", "BTC"]
    assert [order["size"] for order in line["transfer"]["orders"]] == [0.55, 0.5, 0.8497, 0.1998]
    assert len(line["prefunded"]["moves"]) == 6
    assert line["transfer"]["moves"][0]["listed_at"] is None
    assert json.loads(to_json(NEEDLESS))["prefunded"]["cost"] == 0.0
    assert json.loads(to_json(UNKNOWN))["prefunded"]["cost"] is None


def pane(one: Opportunity) -> str:
    ((row, state),) = rows([one], "", one.at).values()
    told = ladders.pane(
        row, detail(row, state, one.at), at=one.at, palette=DARK, width=100, height=20
    )
    return text(told)


def test_the_pane_shows_the_moves() -> None:
    told = pane(MANY)
    assert "in 3 moves, 25 min: net +3.46 ± 62.3 bps" in told
    assert "BTC bybit → binance by BTC, fee 0.0002" in told
    assert "by inventory: net +7.72 bps" in told
    told = pane(UNKNOWN)
    assert "wallets unknown: BTC from kucoin to okx: nothing is known" in told
    assert "by inventory: cost of refilling unknown: BTC from kucoin to okx" in told
    assert "nothing has to be moved: all of it is on one venue" in pane(NEEDLESS)


def test_an_alert_names_the_moves_where_the_thresholds_were_asked_of_them() -> None:
    assert " transfer" not in of_hit(Hit("big", LOOP, START))
    asked = replace(LOOP, transfer=replace(both(LOOP)[0], asked=True))
    assert (
        "profit, transfer (BTC kucoin to okx, fee 0.0001 BTC + TRC20 okx to kucoin, fee 1 USDT,"
        " 31 min, leaves +31.87 bps), capital" in of_hit(Hit("big", asked, START))
    )
    asked = replace(NEEDLESS, transfer=replace(both(NEEDLESS)[0], asked=True))
    assert "transfer (not needed), capital" in of_hit(Hit("big", asked, START))
