"""What became of parities after their flags: the same size, filled again at the prices that then
stood, against the same way back. Every figure is computed by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from scanner.engine.rules import Pegging
from tests.carry.test_carries import SECOND, START, say
from tests.history_commands import objects, printed, store
from tests.parity.test_parity import COINS, Desk, opened, thick

MS = SECOND // 1_000
DELAYS = (50, 100, 250, 500, 1000)
# 100,000 are bought at 0.9752 and turned back at 1, both at a fee of 0.1 % in quote.
BACK = 100_000 * 0.999
NET = BACK - 97_520 * 1.001


def nets(desk: Desk) -> list[float | None]:
    assert [one.delay_ms for one in desk.survived] == [*DELAYS][: len(desk.survived)]
    return [one.net_profit for one in desk.survived]


def ticks(desk: Desk, *ms: int) -> None:
    for each in ms:
        desk.pipeline.tick(START + each * MS)


def until_told(desk: Desk) -> None:
    """Time passes until the last moment is over."""
    ticks(desk, *range(100, 1_101, 100))
    assert len(desk.survived) == len(DELAYS)


def test_a_price_that_stays_leaves_the_same() -> None:
    desk = Desk()
    opened(desk)
    until_told(desk)
    assert nets(desk) == [pytest.approx(NET, rel=1e-12)] * 5
    assert pytest.approx(2_282.48) == NET
    found = desk.said[0]
    for one in desk.survived:
        assert (one.id, one.symbol, one.reason) == (found.id, "USDC/USDT", "")
        assert one.at == START + one.delay_ms * MS
        assert (one.net_profit, one.net_bps) == pytest.approx((found.net_profit, found.net_bps))


def test_each_delay_has_the_price_that_then_stood() -> None:
    desk = Desk()
    lane = opened(desk)
    thick(lane, 0.9800, 0.9802, at=START + 50 * MS)  # what comes at a moment is not in it
    thick(lane, 0.9998, 1.0002, at=START + 200 * MS)  # the flag is over, it goes on being followed
    thick(lane, 0.9600, 0.9700, at=START + 400 * MS)
    until_told(desk)
    assert nets(desk) == pytest.approx(
        [
            2_282.48,
            BACK - 98_020 * 1.001,  # 1,781.98
            BACK - 100_020 * 1.001,  # a loss is told as a loss: -220.02
            BACK - 97_000 * 1.001,
            BACK - 97_000 * 1.001,  # 2,803.00
        ]
    )
    assert nets(desk)[1:3] == pytest.approx([1_781.98, -220.02])
    assert desk.survived[2].net_bps == pytest.approx(-220.02 / (100_020 * 1.001) * 1e4)


def test_what_was_sold_above_par_is_sold_again() -> None:
    desk = Desk()
    lane = opened(desk, 1.0248, 1.0250)
    thick(lane, 1.0148, 1.0150, at=START + 60 * MS)
    until_told(desk)
    cost = 100_000 * 1.001
    assert nets(desk) == pytest.approx([102_480 * 0.999 - cost, *[101_480 * 0.999 - cost] * 4])
    assert desk.survived[4].net_bps == pytest.approx(1_278.52 / 100_100 * 1e4)


def test_the_size_of_the_flag_goes_as_deep_as_it_must() -> None:
    desk = Desk()
    lane = opened(desk)
    deeper = [["0.9760", "40000"], ["0.9780", "50000"], ["1.2", "50000"]]
    say(lane, START + 60 * MS, bids=[["0.9750", "1"]], asks=deeper)
    until_told(desk)
    paid = 0.9760 * 40_000 + 0.9780 * 50_000 + 1.2 * 10_000  # 99,940
    assert nets(desk)[1] == pytest.approx(BACK - paid * 1.001)
    assert nets(desk)[1] == pytest.approx(-139.94)


def test_a_fee_in_base_and_whole_lots() -> None:
    """Of 100,000 bought 99,900 arrive, of which 99 lots are turned back for 99,000 less 0.1 %."""
    desk = Desk()
    lane = desk.lane("venue", "USDC/USDT", buy_fee_in="base", lot=1_000.0)
    thick(lane, 0.9750, 0.9752)
    ticks(desk, 0)
    (found,) = desk.said
    assert (found.buy.size, found.sell.size) == (100_000, 99_000)
    assert found.net_profit == pytest.approx(1_381.0)
    thick(lane, 0.9798, 0.9800, at=START + 60 * MS)
    until_told(desk)
    assert nets(desk) == pytest.approx([1_381.0, *[98_901.0 - 98_000.0] * 4])
    assert desk.survived[1].net_bps == pytest.approx(901 / 98_000 * 1e4)


def test_a_fee_in_base_of_what_is_sold() -> None:
    """To sell 100,000 takes 100,100 of the coin: as many are bought back, at 1 and 0.1 %."""
    desk = Desk()
    lane = desk.lane("venue", "USDC/USDT", sell_fee_in="base")
    thick(lane, 1.0248, 1.0250)
    ticks(desk, 0)
    (found,) = desk.said
    assert (found.buy.size, found.sell.size) == pytest.approx((100_100, 100_000))
    thick(lane, 1.0148, 1.0150, at=START + 60 * MS)
    until_told(desk)
    cost = 100_100 * 1.001  # 100,200.10
    assert nets(desk) == pytest.approx([102_480 - cost, *[101_480 - cost] * 4])
    assert found.net_profit == pytest.approx(102_480 - cost)


def told(desk: Desk) -> list[tuple[bool, str]]:
    return [(one.net_profit is not None, one.reason) for one in desk.survived]


def test_a_lost_book_says_why() -> None:
    desk = Desk()
    opened(desk).closed("gone", START + 60 * MS)
    until_told(desk)
    assert told(desk) == [(True, ""), *[(False, "a book is unsynchronised")] * 4]


def test_less_than_its_size_says_where() -> None:
    desk = Desk()
    lane = opened(desk)
    thick(lane, 0.9750, 0.9752, 99_999.0, at=START + 60 * MS)
    thick(lane, 0.9750, 0.9752, 100_000.0, at=START + 300 * MS)
    until_told(desk)
    short = (False, "less than its size is shown on venue")
    assert told(desk) == [(True, ""), short, short, (True, ""), (True, "")]


@pytest.mark.parametrize(
    ("flagged", "far", "near"),
    [
        ((0.9750, 0.9752), (0.9510, 0.9511), (0.9511, 0.9513)),  # 1e4 ln(0.9512) = -500.3
        ((1.0248, 1.0250), (1.0513, 1.0515), (1.0512, 1.0515)),  # 1e4 ln(1.0513) = 500.3
    ],
)
def test_what_is_too_far_from_par_is_another_coin_then_as_at_the_flag(
    flagged: tuple[float, float], far: tuple[float, float], near: tuple[float, float]
) -> None:
    desk = Desk(pegs=Pegging(stablecoins=COINS, furthest_bps=500.0))
    lane = opened(desk, *flagged)
    thick(lane, *far, at=START + 60 * MS)
    thick(lane, *near, at=START + 200 * MS)
    thick(lane, 0.5 if flagged[0] > 1 else 1.5, 0.6 if flagged[0] > 1 else 1.6, at=START + 300 * MS)
    until_told(desk)
    unknown = (False, "the prices are too far apart to be of one thing")
    assert told(desk) == [(True, ""), unknown, *[(True, "")] * 3]
    assert all(net is not None and net < 0 for net in nets(desk)[3:])


def test_what_is_not_known_at_the_end_is_said() -> None:
    desk = Desk()
    opened(desk)
    ticks(desk, 60)
    desk.pipeline.finish("stopped", START + 120 * MS)
    assert told(desk) == [(True, ""), (True, ""), *[(False, "stopped")] * 3]
    desk = Desk()
    opened(desk)
    desk.pipeline.carry([], START + 60 * MS)
    assert told(desk) == [(True, ""), *[(False, "it is scanned no more")] * 4]


def test_each_flag_is_followed_for_itself() -> None:
    desk = Desk()
    lane = opened(desk)
    thick(lane, 0.9998, 1.0, at=START + SECOND - MS)
    ticks(desk, 1_000, 1_100)
    thick(lane, 0.9750, 0.9752, at=START + 1_900 * MS)
    ticks(desk, 2_000, *range(2_100, 3_100, 100))
    first, _, second = desk.said
    assert [one.event for one in desk.said] == ["opened", "closed", "opened"]
    assert [one.id for one in desk.survived] == [first.id] * 5 + [second.id] * 5
    assert desk.survived[4].net_profit == pytest.approx(BACK - 100_000 * 1.001)


def after(lines: Sequence[str]) -> list[str]:
    first = next(n for n, line in enumerate(lines) if line.startswith("after"))
    return [" ".join(line.split()) for line in lines[first : first + 7]]


def test_the_commands_show_it(tmp_path: Path) -> None:
    desk = Desk()
    lane = opened(desk)
    thick(lane, 0.9998, 1.0002, at=START + 200 * MS)
    ticks(desk, *range(100, 700, 100))
    lane.closed("gone", START + 700 * MS)
    ticks(desk, *range(800, 1_200, 100))
    store(tmp_path / "db", [*desk.said, *desk.survived])
    known = {"followed": 1, "known": 1}
    same = known | {"hits": 1, "hit_rate": 1.0, "total_profit": pytest.approx(2_282.48)}
    lost = known | {"hits": 0, "hit_rate": 0.0, "total_profit": pytest.approx(-220.02)}
    no = {"followed": 1, "known": 0, "hits": 0, "hit_rate": None, "total_profit": None}
    whole = {"50": same, "100": same, "250": lost, "500": lost, "1000": no}
    asked = ("--kind", "parity", "--format", "json")
    for by, names in (
        ("route", {"buy": "venue", "sell": "venue"}),
        ("kind", {"kind": "parity"}),
    ):
        (row,) = objects(tmp_path / "db", "history", "--by", by, *asked)
        assert (row["survival"], row["currency"]) == (whole, "USDT")
        assert row.items() >= names.items()
        lines = printed(tmp_path / "db", "history", "--by", by, columns=120)
        cells = ["100% +2,282", "100% +2,282", "0% -220.02", "0% -220.02", "- USDT"]
        assert " ".join(lines[-1].split()).endswith(f" 1 20% {' '.join(cells)}")
    (one,) = objects(tmp_path / "db", "history", *asked)
    assert one["survival"]["250"]["net_profit"] == pytest.approx(-220.02)
    assert one["survival"]["1000"]["reason"] == "a book is unsynchronised"
    assert after(printed(tmp_path / "db", "explain", desk.said[0].id))[1:] == [
        "50 ms +2,282.48 USDT +233.819 net bps",
        "100 ms +2,282.48 USDT +233.819 net bps",
        "250 ms -220.02 USDT -21.976 net bps",
        "500 ms -220.02 USDT -21.976 net bps",
        "1,000 ms not known: a book is unsynchronised",
        "it stayed 700 ms",
    ]
