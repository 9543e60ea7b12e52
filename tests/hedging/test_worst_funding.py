"""The worst funding that a database knows of the legs of a carry."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from scanner.events import WorstFunding
from scanner.hedging.worst_funding import Extremes, Known, keep, worst
from scanner.sinks.formats import rfc3339
from scanner.view.frame import Query
from scanner.view.window import Window
from storage.retention import HOUR
from tests.carry.test_carries import Desk, opened
from tests.feeds.tiny import until
from tests.history_commands import printed, store
from tests.sinks.terminal.test_carries import CARRY, DETAIL, ROW, pane
from tests.storage.events import START, funding
from tests.view.test_window import FRAME, NOW

COIN, PERP = ("okx", "BTC/USDT"), ("gate", "BTC/USDT:USDT-270611")


def test_of_what_is_sold_it_is_the_lowest_rate_and_of_what_is_bought_the_highest() -> None:
    known = {COIN: Extremes(-0.001, 0.002, 5, NOW), PERP: Extremes(-0.003, 0.004, 12, NOW + 1)}
    both = replace(CARRY, buy_interval_h=8.0)
    assert list(worst(both, COIN, PERP, known)) == [
        WorstFunding(side="buy", venue="okx", symbol=COIN[1], rate=0.002, payments=5, since=NOW),
        WorstFunding(
            side="sell", venue="gate", symbol=PERP[1], rate=-0.003, payments=12, since=NOW + 1
        ),
    ]


def test_a_leg_that_is_paid_nothing_has_none_and_what_is_not_stored_is_unknown() -> None:
    (unknown,) = worst(CARRY, COIN, PERP, {})
    assert (unknown.side, unknown.rate, unknown.payments) == ("sell", None, 0)
    assert list(worst(replace(CARRY, sell_interval_h=0.0), COIN, PERP, {})) == []


def test_the_pane_of_a_carry_says_it() -> None:
    frame = replace(FRAME, rows=(ROW,), details=(DETAIL,))
    window = Window(lambda query: [frame], ())
    (detail,) = window.frame(NOW, Query()).details
    assert pane(worst=detail.worst)[-1].endswith("near 198.98507; worst funding unknown")
    window.know({PERP: Extremes(-0.003, 0.004, 1200)})
    (detail,) = window.frame(NOW, Query()).details
    told = " margin 499.95 at 1x, liquidated near 198.98507; worst funding -0.3 % of 1,200"
    assert pane(worst=detail.worst)[-1] == told


def test_of_two_legs_it_says_which_is_which() -> None:
    both = replace(CARRY, buy_interval_h=8.0)
    known = {COIN: Extremes(-0.001, 0.002, 5)}
    told = pane(both, tuple(worst(both, COIN, PERP, known)))[-1]
    assert told.endswith("; worst funding bought +0.2 %, s…")


def test_explain_says_it(tmp_path: Path) -> None:
    desk = Desk()
    opened(desk)
    found = desk.said[0]
    rates = (0.0001, -0.0025, 0.0003)
    paid = [
        funding(
            START + number * HOUR,
            venue="perp",
            settled=rate,
            settled_at=START + number * HOUR,
        )
        for number, rate in enumerate(rates, 1)
    ]
    store(tmp_path / "db", [found, *paid])
    lines = printed(tmp_path / "db", "explain", found.id, columns=100)
    told = "worst   funding of the sale, BTC/USDT:USDT on perp: -0.25 % at one of 3 payments since"
    told += " " + rfc3339(START)[:10]
    assert told in lines
    text = "".join(printed(tmp_path / "db", "explain", found.id, "--format", "json"))
    assert json.loads(text)["worst_funding"] == [
        {
            "side": "sell",
            "venue": "perp",
            "symbol": "BTC/USDT:USDT",
            "rate": -0.0025,
            "payments": 3,
            "since": rfc3339(START + HOUR),
        }
    ]


def test_explain_says_that_it_is_unknown(tmp_path: Path) -> None:
    desk = Desk()
    opened(desk)
    store(tmp_path / "db", [desk.said[0]])
    lines = printed(tmp_path / "db", "explain", desk.said[0].id, columns=100)
    told = "worst   funding of the sale, BTC/USDT:USDT on perp: unknown, no payment of it is stored"
    assert told in lines


async def test_a_database_is_asked_beside_the_scan(tmp_path: Path) -> None:
    store(tmp_path / "db", [funding(START + HOUR, settled=-0.002, settled_at=START + HOUR)])
    told: list[Known] = []
    asking = asyncio.create_task(keep(str(tmp_path / "db"), told.append))
    await until(lambda: bool(told))
    assert told == [{("alpha", "BTC/USDT:USDT"): Extremes(-0.002, -0.002, 1, START + HOUR)}]
    asking.cancel()


async def test_one_that_cannot_be_asked_leaves_it_unknown(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "scanner.hedging.worst_funding")
    told: list[Known] = []
    asking = asyncio.create_task(keep(str(tmp_path / "none.db"), told.append, again=0.0))
    await until(lambda: len(told) == 2)
    assert told == [{}, {}]
    (said,) = caplog.messages
    assert said.startswith(
        f"the worst funding is unknown: {tmp_path / 'none.db'}: there is no such"
    )
    asking.cancel()


async def test_one_that_is_being_made_is_asked_again_and_nothing_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "scanner.hedging.worst_funding")
    path = tmp_path / "db"
    told: list[Known] = []

    def tell(known: Known) -> None:
        if not told:
            store(path, [funding(START + HOUR, settled=-0.002, settled_at=START + HOUR)])
        told.append(known)

    asking = asyncio.create_task(keep(str(path), tell, again=0.0))
    await until(lambda: len(told) == 2)
    assert told == [{}, {("alpha", "BTC/USDT:USDT"): Extremes(-0.002, -0.002, 1, START + HOUR)}]
    assert caplog.messages == []
    asking.cancel()


async def test_what_was_just_learned_is_read_soon(tmp_path: Path) -> None:
    path, learned = tmp_path / "db", asyncio.Event()
    store(path, [funding(START)])
    told: list[Known] = []
    asking = asyncio.create_task(keep(str(path), told.append, learned, again=0.01))
    await until(lambda: len(told) == 1)
    store(path, [funding(START + HOUR, settled=-0.002, settled_at=START + HOUR)])
    learned.set()
    await until(lambda: len(told) == 2)
    assert told == [{}, {("alpha", "BTC/USDT:USDT"): Extremes(-0.002, -0.002, 1, START + HOUR)}]
    assert not learned.is_set()
    asking.cancel()
