"""``crossbook verify`` and what it finds, on what the engine itself has flagged."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace

from scanner.events import Opportunity, RejectMinute
from scanner.history import moving
from scanner.history.arithmetic import account
from storage.queries import open_reader
from tests.engine.slow import Tie
from tests.engine.test_oracle import Floor
from tests.history_commands import call, printed, store
from tests.storage.events import ID, START


def flagged(wanted: int) -> list[Opportunity]:
    """What the engine flags on random books: fees in base, lots, contracts, conversions."""
    found: list[Opportunity] = []
    seed = 0
    while len(found) < wanted:
        floor = Floor(Random(seed))
        seed += 1
        try:
            floor.show()
        except Tie:
            continue
        found += [one for one in floor.said if one.event == "opened"]
    return [moved(one, number) for number, one in enumerate(found[:wanted], 1)]


def moved(one: Opportunity, number: int) -> Opportunity:
    """It has its own id and time, and its books are as old as they were."""
    at = START + number
    buy, sell = (replace(leg, book_at=leg.book_at + at - one.at) for leg in (one.buy, one.sell))
    return replace(one, id=ID.format(number), at=at, opened_at=at, buy=buy, sell=sell)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Opportunity]]:
    path = tmp_path_factory.mktemp("verify") / "db"
    events = flagged(40)
    assert {one.kind for one in events} == {"spot-spot", "cross-quote"}
    assert any(one.buy.fee_in == "base" for one in events)
    assert any(one.conversion and one.conversion.side == "buy" for one in events)
    assert {one.transfer.in_net for one in events if one.transfer} == {False, True}
    assert sum(one.transfer is not None and one.transfer.max_size is not None for one in events) > 9
    assert any(one.prefunded and one.prefunded.cost for one in events)
    store(path, events)
    return path, events


def test_all_that_the_engine_flags_agrees(database: tuple[Path, list[Opportunity]]) -> None:
    path, events = database
    told = printed(path, "verify")
    assert told == [f"{len(events)} opportunities, {len(events)} states computed again: all agree"]


def test_what_is_stored_is_what_was_found(database: tuple[Path, list[Opportunity]]) -> None:
    path, events = database
    reader = open_reader(str(path))
    states = reader.states([one.id for one in events])
    reader.close()
    for one in events:
        (state,) = states[one.id]
        assert (state.buy, state.sell, state.conversion) == (one.buy, one.sell, one.conversion)
        assert (state.bound, state.accounting_profit) == (one.bound, one.accounting_profit)
        again = account(state)
        assert again.net == pytest.approx(one.net_profit, rel=1e-9)
        assert again.left >= -1e-12


def test_explain_tells_the_whole_chain(database: tuple[Path, list[Opportunity]]) -> None:
    path, events = database
    one = next(
        e for e in events if e.conversion and not e.conversion.assumed and e.buy.fee_in == "base"
    )
    text = "\n".join(printed(path, "explain", one.id, columns=120))
    for part in (
        f"size bound by {one.bound}",
        "book live, sequence 1, told",
        f"in {one.buy.fee_currency}; limit price",
        "arrives",
        "  convert: ",
        "all that is bought would bring",
        "agrees with what was stored",
    ):
        assert part in text, text


def test_explain_says_what_the_lots_of_a_conversion_leave_over(
    database: tuple[Path, list[Opportunity]],
) -> None:
    path, events = database
    told = 0
    for one in (each for each in events if each.conversion and not each.conversion.assumed):
        assert one.conversion is not None
        sale, order = account_of(path, one)
        text = "\n".join(printed(path, "explain", one.id, columns=120))
        left = sale - order
        of = one.sell.symbol.partition("/")[2]
        lot = moving.number(one.conversion.lot)
        said = f"    {moving.number(left)} {of} are left over, in lots of {lot}, and counted"
        assert (said in text) == (left > 1e-9), text
        told += said in text
    assert told > 3


def account_of(path: Path, one: Opportunity) -> tuple[float, float]:
    """What the sale brings and what the conversion takes of it."""
    reader = open_reader(str(path))
    (state,) = reader.states([one.id])[one.id]
    reader.close()
    again = account(state)
    assert again.conversion is not None
    return again.sell.total, again.conversion.given


def tampered(path: Path, copy: Path, change: str) -> Path:
    with sqlite3.connect(path) as source, sqlite3.connect(copy) as target:
        source.backup(target)
        target.execute(change)
    return copy


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("net_profit = net_profit * 1.0000001", "net profit"),
        ("size = size * 1.01", "size"),
        ("buy = json_set(buy, '$.fee', json_extract(buy, '$.fee') + 1)", "fee on"),
        ("sell = json_set(sell, '$.size', json_extract(sell, '$.size') * 2)", "size"),
        ("buy = json_set(buy, '$.lot', 7.0)", "lot on"),
        ("sell = json_set(sell, '$.basis.accounting_profit', 1e9)", "profit in Q"),
        ("buy = json_set(buy, '$.state', 'stale')", "state on"),
        ("buy = json_set(buy, '$.limit', json_extract(buy, '$.limit') * 0.9)", "limit on"),
        ("sell = json_set(sell, '$.limit', json_extract(sell, '$.limit') * 1.1)", "limit on"),
        ("sell = json_set(sell, '$.age_ms', json_extract(sell, '$.age_ms') + 1)", "age on"),
        ("at = at + 1000000", "age on"),
    ],
)
def test_what_does_not_agree_is_named(
    database: tuple[Path, list[Opportunity]], tmp_path: Path, change: str, reason: str
) -> None:
    path, events = database
    one = next(e for e in events if e.accounting_profit is not None and e.buy.lot)
    copy = tampered(
        path, tmp_path / "copy", f"UPDATE evidence SET {change} WHERE opportunity_id = '{one.id}'"
    )
    result = call(copy, "verify")
    assert result.exit_code == 1
    named, counts = result.stdout.splitlines()
    assert named.startswith(one.id) and reason in named
    assert counts.endswith("1 do not agree")
    lines = [
        json.loads(line) for line in call(copy, "verify", "--format", "json").stdout.splitlines()
    ]
    assert lines[0]["id"] == one.id and lines[-1]["disagree"] == 1
    assert call(copy, "verify", "--until", "2020-01-01").exit_code == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("transfer.net_profit", "net after the transfer"),
        ("transfer.net_bps", "net bps after the transfer"),
        ("transfer.sold", "size sold after the transfer"),
        ("transfer.fee", "size sold after the transfer"),
        ("transfer.min_size", "the sizes that pay the transfer"),
        ("prefunded.cost", "cost of moving back"),
        ("prefunded.fee", "cost of moving back"),
        ("prefunded.trade_profit", "net with inventory"),
        ("prefunded.net_profit", "net after moving back"),
    ],
)
def test_what_does_not_agree_of_moving_the_coin_is_named(
    database: tuple[Path, list[Opportunity]], tmp_path: Path, change: str, reason: str
) -> None:
    path, events = database
    one = next(
        e
        for e in events
        if (e.transfer and e.transfer.min_size and e.transfer.net_profit and e.transfer.fee)
        and (e.prefunded and e.prefunded.cost)
    )
    key = f"$.basis.{change}"
    change = f"sell = json_set(sell, '{key}', 1.001 * json_extract(sell, '{key}'))"
    copy = tampered(
        path, tmp_path / "copy", f"UPDATE evidence SET {change} WHERE opportunity_id = '{one.id}'"
    )
    result = call(copy, "verify")
    assert result.exit_code == 1
    assert result.stdout.startswith(one.id) and reason in result.stdout
    told = call(copy, "explain", one.id).stdout
    assert "DOES NOT AGREE" in told and reason in told


ELSEWHERE = "the conversion is not made where the sale is"


def test_a_transfer_that_is_converted_elsewhere_has_no_net(
    database: tuple[Path, list[Opportunity]], tmp_path: Path
) -> None:
    path, events = database
    one = next(
        e
        for e in events
        if e.conversion and e.conversion.venue not in ("", e.sell.venue)
        if e.transfer and e.transfer.fee is not None
    )
    assert one.transfer is not None and not one.transfer.in_net
    reason = f"the conversion is made on {one.conversion.venue if one.conversion else ''}: moving"
    assert reason in " ".join(call(path, "explain", one.id).stdout.split())
    for number, (key, value) in enumerate((("net_profit", "1.5"), ("in_net", "json('true')"))):
        change = f"sell = json_set(sell, '$.basis.transfer.{key}', {value})"
        copy = tampered(
            *(path, tmp_path / str(number)),
            f"UPDATE evidence SET {change} WHERE opportunity_id = '{one.id}'",
        )
        told = call(copy, "verify")
        assert told.exit_code == 1
        assert told.stdout.startswith(one.id) and ELSEWHERE in told.stdout


def test_rejects_answer_why_there_was_nothing(tmp_path: Path) -> None:
    def reject(symbol: str, sell: str, gate: str, count: int, short: float) -> RejectMinute:
        return RejectMinute(
            at=START,
            symbol=symbol,
            buy="alpha",
            sell=sell,
            gate=gate,
            count=count,
            best_shortfall_bps=short,
        )

    path = tmp_path / "db"
    store(
        path,
        [
            reject("BTC/USDT", "beta", "fees", 90, 3.25),
            reject("BTC/USDT", "beta", "skew", 6, 120.0),
            reject("BTC/USDT>BTC/USDC", "beta", "conversion", 4, 0.0),
            reject("ETH/USDT", "gamma", "size", 100, 5000.0),
        ],
    )
    since = ("--rejects", "--since", "2026-09-01", "--until", "2026-10-01")
    told = printed(path, "history", *since, columns=120)
    assert told[0].startswith("200 looks at spreads that were positive before costs: size 50.0%")
    assert [line.split()[:4] for line in told[2:4]] == [
        ["ETH/USDT", "alpha", "gamma", "size"],
        ["BTC/USDT", "alpha", "beta", "fees"],
    ]
    missed = {line.split()[3]: line.split()[6] for line in told[2:]}
    assert missed == {"size": "5000.00", "fees": "3.25", "skew": "120.00", "conversion": "-"}
    rows = json.loads(
        "".join(printed(path, "history", *since, "--symbol", "BTC/USDC", "--format", "json"))
    )
    assert [(row["symbol"], row["gate"]) for row in rows] == [("BTC/USDT>BTC/USDC", "conversion")]
    assert len(printed(path, "history", *since, "--venue", "gamma", columns=120)) == 3
    assert call(path, "history", *since, "--by", "route").exit_code == 2
