"""What became of opportunities, as the commands tell it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from scanner.history import after as after_text
from scanner.history import find
from tests.history_commands import objects, printed, store
from tests.storage.events import START, closed, leg, opened, survival

SECOND = 1_000_000_000
GONE = "the book on beta is stale"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Two of one route and one of another, followed; and one that was not."""
    one, two, three, four = (opened(number, START + number * SECOND) for number in range(1, 5))
    two = replace(two, peak_net_bps=30.0)
    three = replace(three, buy=leg("gamma", 100.1))
    four = replace(four, buy=leg("delta", 100.1))
    told: list[object] = [one, two, three, four]
    for of, nets in (
        (one, (2.0, 1.5, 0.5, -0.25, None)),
        (two, (4.0, 2.0, -1.0, -2.0, -3.0)),
        (three, (None,) * 5),
    ):
        told += [
            survival(of, delay, net, GONE if net is None else "")
            for delay, net in zip((50, 100, 250, 500, 1000), nets, strict=True)
        ]
    told.append(closed(one, one.at + 2 * SECOND))
    store(tmp_path / "db", told)
    return tmp_path / "db"


def key(number: int) -> str:
    return f"01a0c2de-1800-7000-8000-0000000000{number:02x}"


def after(database: Path, number: int) -> list[str]:
    lines = printed(database, "explain", key(number))
    first = next(n for n, line in enumerate(lines) if line.startswith("after"))
    return lines[first : lines.index("", first)]


def test_explain_says_what_happened_after(database: Path) -> None:
    begin = "after   had the orders of its opening been executed so long after it, these had left:"
    assert after(database, 1) == [
        begin,
        "           50 ms     +2 USDT  +20.000 net bps",
        "          100 ms   +1.5 USDT  +15.000 net bps",
        "          250 ms   +0.5 USDT  +5.000 net bps",
        "          500 ms  -0.25 USDT  -2.500 net bps",
        "        1,000 ms  not known: the book on beta is stale",
        "        it stayed 2.0 s",
    ]
    assert after(database, 3)[1:] == [
        *(f"        {ms:>5,} ms  not known: {GONE}" for ms in (50, 100, 250, 500, 1000)),
        "        it is still open",
    ]
    assert after(database, 4) == ["after   not known: it was not followed"]


def test_each_tells_it_by_delay(database: Path) -> None:
    found = {one["id"]: one["survival"] for one in objects(database, "history", "--format", "json")}
    assert found[key(1)]["500"] == {"net_profit": -0.25, "net_bps": -2.5, "reason": None}
    assert found[key(1)]["1000"] == {"net_profit": None, "net_bps": None, "reason": GONE}
    assert found[key(4)] == {}
    whole = json.loads("\n".join(printed(database, "explain", key(2), "--format", "json")))
    assert whole["survival"]["250"]["net_profit"] == -1.0
    table = csv.DictReader(
        io.StringIO("\n".join(printed(database, "history", "--format", "csv"))), strict=True
    )
    row = next(row for row in table if row["id"] == key(1))
    told = [row[f"survival_{name}"] for name in ("50_net_profit", "500_net_bps", "1000_reason")]
    assert told == ["2.0", "-2.5", GONE]


def test_routes_tell_how_many_still_paid_and_what_all_would_have_left(database: Path) -> None:
    rows = {
        row["buy"]: row for row in objects(database, "history", "--by", "route", "--format", "json")
    }
    both = {"followed": 2, "known": 2}
    assert rows["alpha"]["survival"] == {
        "50": both | {"hits": 2, "hit_rate": 1.0, "total_profit": 6.0},
        "100": both | {"hits": 2, "hit_rate": 1.0, "total_profit": 3.5},
        "250": both | {"hits": 1, "hit_rate": 0.5, "total_profit": -0.5},
        "500": both | {"hits": 0, "hit_rate": 0.0, "total_profit": -2.25},
        "1000": {"followed": 2, "known": 1, "hits": 0, "hit_rate": 0.0, "total_profit": -3.0},
    }
    nothing = {"followed": 1, "known": 0, "hits": 0, "hit_rate": None, "total_profit": None}
    assert rows["gamma"]["survival"] == dict.fromkeys(("50", "100", "250", "500", "1000"), nothing)
    assert rows["delta"]["survival"] == {}


def test_the_table_has_them_below(database: Path) -> None:
    lines = printed(database, "history", "--by", "route", columns=120)
    below = lines[lines.index("") + 1 :]
    assert below[0] == after_text.CAPTION
    assert [" ".join(line.split()) for line in below[1:]] == [
        "buy sell followed unknown 50 ms 100 ms 250 ms 500 ms 1000 ms",
        "alpha beta 2 10% 100% +6.00 100% +3.50 50% -0.50 0% -2.25 0% -3.00 USDT",
        "delta beta 0 - - - - - - USDT",
        "gamma beta 1 100% - - - - - USDT",
    ]
    narrow = printed(database, "history", "--by", "symbol", columns=60)
    assert all(len(line) <= 60 for line in narrow)
    every = ["50 ms", "100 ms", "250 ms", "500 ms", "1000 ms"]
    hits, left = (narrow.index(line) for line in (after_text.HITS, after_text.LEFT))
    for title in (narrow[hits + 1], narrow[left + 1]):
        assert [name for name in every if name in title] == every
    assert narrow[hits + 2].split()[-6:] == ["100%", "100%", "50%", "0%", "0%", "USDT"]
    assert narrow[left + 2].split()[-6:] == ["+6.00", "+3.50", "-0.50", "-2.25", "-3.00", "USDT"]
    assert printed(database, "history", "--by", "hour")[-1].startswith("14 ")


def test_with_bounds_it_is_told_of_not_too_many(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("history", "--by", "route", "--min-net-bps", "20")
    (row,) = objects(database, *asked, "--format", "json")
    assert row["survival"]["50"]["total_profit"] == 4.0
    monkeypatch.setattr(find, "MOST_SINGLY", 0)
    (row,) = objects(database, *asked, "--format", "json")
    assert row["survival"] is None
    assert printed(database, *asked)[-1] == (
        "what became of them is told of 0 that meet such bounds"
    )
