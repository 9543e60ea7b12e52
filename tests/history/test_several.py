"""Opportunities of many orders on their way out: kept, verified, explained, told, shown."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from scanner.engine.gates import Gate
from scanner.events import Opportunity, aged
from scanner.history.several import several
from scanner.sinks.alerts.rules import Hit, Rules, Watcher, bought_for
from scanner.sinks.alerts.text import of_hit, title
from scanner.sinks.formats import to_json, to_line
from scanner.sinks.terminal import ladders
from scanner.sinks.terminal.palette import DARK
from scanner.view.order_rows import detail, rows
from scanner.workers.scan import _coin, _coins
from storage.queries import open_reader
from tests.history_commands import call, objects, printed, store
from tests.sinks.alerts.named import gates
from tests.sinks.alerts.samples import one_rule
from tests.sinks.terminal.frames import text
from tests.storage.events import ID, START
from tests.test_profit_docs import closed_loop, many

MANY, LOOP = replace(many(), id=ID.format(1)), replace(closed_loop(), id=ID.format(2))
BOTH = [MANY, LOOP]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("several") / "db"
    store(path, BOTH)
    return path


def test_what_is_stored_is_what_was_found(database: Path) -> None:
    reader = open_reader(str(database))
    states = reader.states([one.id for one in BOTH])
    reader.close()
    for one in BOTH:
        (state,) = states[one.id]
        assert (state.buy, state.sell, state.legs) == (one.buy, one.sell, one.legs)
        again = several(state)
        assert again.disagrees == []
        assert again.net == pytest.approx(one.net_profit, rel=1e-12)
        assert again.net_bps == pytest.approx(one.net_bps, rel=1e-12)
        assert again.gross_bps == pytest.approx(one.gross_bps, rel=1e-9)


def test_they_are_found_by_their_kind(database: Path) -> None:
    assert printed(database, "verify") == [
        "2 opportunities, 2 states computed again: all agree",
    ]
    (one,) = objects(database, "history", "--kind", "loop", "--format", "json")
    assert (one["symbol"], one["kind"]) == ("USDT/BTC/ETH/USDT", "loop")
    assert [leg["symbol"] for leg in one["legs"]] == ["BTC/USDT", "ETH/BTC", "ETH/USDT"]
    (one,) = objects(database, "history", "--kind", "multi", "--format", "json")
    assert [leg["venue"] for leg in one["legs"]] == ["kucoin", "bybit", "okx", "binance"]


def test_explain_names_all_venues_at_its_head(database: Path) -> None:
    head = printed(database, "explain", MANY.id)[0]
    assert head == "BTC/USDT  buy on kucoin and bybit, sell on okx and binance  (multi)"


def test_explain_has_every_order_as_json(database: Path) -> None:
    told = json.loads("\n".join(printed(database, "explain", MANY.id, "--format", "json")))
    (state,) = told["states"]
    assert state["agrees"] and len(state["legs"]) == 4
    assert state["computed"]["cost"] == pytest.approx(105_069.5085)
    told = json.loads("\n".join(printed(database, "explain", LOOP.id, "--format", "json")))
    (state,) = told["states"]
    assert len(state["computed"]["orders"]) == 3
    assert state["computed"]["proceeds"] - state["computed"]["cost"] == LOOP.net_profit


@pytest.mark.parametrize(
    ("one", "change", "reason"),
    [
        (MANY, "net_profit = net_profit * 1.0000001", "net profit"),
        (MANY, "size = size * 1.01", "size"),
        (MANY, "sell = json_set(sell, '$.basis.legs[1].fee', 7)", "fee on bybit"),
        (MANY, "sell = json_set(sell, '$.basis.legs[2].size', 0.95)", "size sold"),
        (MANY, "sell = json_set(sell, '$.basis.legs[3].lot', 0.3)", "lot on binance"),
        (LOOP, "net_bps = net_bps * 1.0000001", "net bps"),
        (LOOP, "sell = json_set(sell, '$.basis.legs[1].size', 11.9999)", "order on kucoin"),
        (LOOP, "sell = json_set(sell, '$.basis.legs[1].side', 'sell')", "order of the legs"),
        (LOOP, "sell = json_set(sell, '$.basis.legs[2].levels[0][0]', 3016)", "net profit"),
        (LOOP, "buy = json_set(buy, '$.size', 0.5)", "legs"),
    ],
)
def test_what_does_not_agree_is_named(
    database: Path, tmp_path: Path, one: Opportunity, change: str, reason: str
) -> None:
    with sqlite3.connect(database) as source, sqlite3.connect(tmp_path / "db") as target:
        source.backup(target)
        target.execute(f"UPDATE evidence SET {change} WHERE opportunity_id = '{one.id}'")
    result = call(tmp_path / "db", "verify")
    assert result.exit_code == 1
    named, counts = result.stdout.splitlines()
    assert named.startswith(one.id) and reason in named
    assert counts.endswith("1 do not agree")


def test_a_line_has_every_order_beside_what_every_line_has() -> None:
    line = json.loads(to_json(MANY))
    assert line["buy"] == line["legs"][0] and line["sell"] == line["legs"][2]
    assert line["conversion"] is None
    assert [leg["size"] for leg in line["legs"]] == [0.55, 0.5, 0.85, 0.2]


def test_a_line_for_people_names_every_order() -> None:
    assert (
        "BTC/USDT   buy kucoin 100,000 + bybit 100,010 -> sell okx 100,200 + binance 100,205  "
        "1.05 BTC  gross +18.24  net +8.22 bps = +86.3873 USDT" in to_line(MANY)
    )
    assert (
        "USDT/BTC/ETH/USDT buy BTC/USDT kucoin 100,000 -> buy ETH/BTC kucoin 0.03 -> "
        "sell ETH/USDT kucoin 3,015  36028.005 USDT  gross +50.00" in to_line(LOOP)
    )


def test_an_alert_names_every_order_and_every_gate_it_passed() -> None:
    told = of_hit(Hit("big", MANY, START)).splitlines()
    assert told[0] == "BTC/USDT +8.22 bps = +86.3873 USDT: 4 orders on kucoin, bybit, okx, binance"
    assert title("\n".join(told)) == "BTC/USDT +8.22 bps = +86.3873 USDT"
    assert told[1] == "buy 0.55 BTC at kucoin 100,000 to 100,080 (book 0 ms old)"
    assert told[4] == "sell 0.2 BTC at binance 100,205 (book 0 ms old)"
    assert told[7].startswith("passed trust and unverified (chained sequence, chained")
    assert told[7].count("0.05 %") == 4
    of_others = {Gate.FUNDING, Gate.CONVERSION, Gate.TRANSFER}
    assert gates(MANY) == set(Gate) - of_others
    # On one venue no coin has to be the same as on another.
    assert gates(LOOP) == set(Gate) - of_others - {Gate.IDENTITY}
    first, *others = LOOP.legs
    across = replace(LOOP, legs=(replace(first, venue="okx"), *others))
    assert gates(across) == set(Gate) - of_others
    told = of_hit(Hit("big", LOOP, START)).splitlines()
    assert told[2] == "buy 11.9973 ETH on ETH/BTC at kucoin 0.03 (book 0 ms old)"


@pytest.mark.parametrize(
    ("rule", "one", "met"),
    [
        ({"kinds": ("multi",)}, MANY, True),
        ({"kinds": ("multi",)}, LOOP, False),
        ({"venues": ("!binance",)}, MANY, False),
        ({"venues": ("!binance",)}, LOOP, True),
        ({"buy": ("kucoin",), "sell": ("okx",)}, MANY, True),
        ({"min_notional": 105_000}, MANY, True),
        ({"min_notional": 105_100}, MANY, False),
        ({"min_notional": 36_000}, LOOP, True),
        ({"min_notional": 36_100}, LOOP, False),
    ],
)
def test_rules_are_about_all_orders(rule: dict[str, Any], one: Opportunity, met: bool) -> None:
    assert bool(Watcher(Rules(one_rule(**rule))).take(one)) is met


def test_what_it_is_worth_is_all_that_is_bought() -> None:
    assert bought_for(MANY) == pytest.approx(105_017)
    assert bought_for(LOOP) == pytest.approx(36_028.005)


def test_every_leg_becomes_older() -> None:
    later = aged(MANY, MANY.at + 5_000_000)
    assert [leg.age_ms for leg in later.legs] == [5.0] * 4
    assert later.buy == later.legs[0]


def test_who_tells_of_it_where_coins_are_shared_out() -> None:
    """A worker has all books of its coins: of a triangle, the coin that two of the books are of."""
    assert _coin(MANY) == "BTC/USDT"
    assert _coin(LOOP) == "ETH"
    assert _coins("USDT/BTC/ETH/USDT") == ["USDT", "BTC", "ETH", "USDT"]
    assert _coins("BTC/USDT>BTC/USDC") == ["BTC/USDT>BTC/USDC"]


def test_it_has_a_row_and_a_pane_of_its_own_while_it_is_open() -> None:
    found = rows([MANY, LOOP, replace(LOOP, net_profit=1.0)], "", START)
    assert list(found) == ["BTC/USDT multi", "USDT/BTC/ETH/USDT loop"]
    row, state = found["USDT/BTC/ETH/USDT loop"]
    assert (row.profit, row.size, row.base, row.quote) == (
        LOOP.net_profit,
        LOOP.size,
        "USDT",
        "USDT",
    )
    assert list(rows(BOTH, "okx", START)) == ["BTC/USDT multi"]
    of_it = detail(row, state, START + 40_000_000)
    told = text(ladders.pane(row, of_it, at=START, palette=DARK, width=100, height=12))
    assert " buy   ETH/BTC     kucoin           11.9973         0.03   0.05%   40ms" in told
    assert "36,028 USDT, bound by lot" in told or "36,028 USDT, bound by edge" in told
    assert "net +125.77 USDT" in told
