"""docs/profit.md says what the engine finds and ``crossbook explain`` prints, to the digit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from scanner.engine.overview import Overview
from scanner.engine.tracker import Thresholds
from scanner.events import Opportunity
from scanner.sinks.formats import to_json
from tests.engine.test_engine import Bench
from tests.history_commands import printed, store
from tests.storage.events import START

PAGE = (Path(__file__).parents[1] / "docs" / "profit.md").read_text()
Ladder = list[tuple[float, float]]


def bench(fee: float, asks: Ladder, bids: Ladder, lot: float = 0.0) -> Bench:
    """KuCoin asks, OKX bids; both take the same fee."""
    made = Bench({}, Thresholds(min_net_bps=5))
    made.books = {venue: made.add(venue, fee, lot=lot) for venue in ("kucoin", "okx")}
    made.show("kucoin", [(99_990, 1)], asks, START)
    made.show("okx", bids, [(100_210, 1)], START)
    return made


def found(fee: float, asks: Ladder, bids: Ladder, lot: float = 0.0) -> Opportunity:
    (opened,) = bench(fee, asks, bids, lot).said
    return replace(opened, id="01a0c2de-1800-7000-8000-000000000001")


ONE = (0.0005, [(100_000, 1)], [(100_200, 1)])
DEEP = (
    0.0005,
    [(100_000, 0.4), (100_010.5, 0.5678), (100_120, 2)],
    [(100_200, 0.75), (100_190, 0.4567), (100_100, 3)],
    0.001,
)


@pytest.mark.parametrize("example", [ONE, DEEP], ids=["one level", "several levels"])
def test_the_examples_are_what_explain_prints(
    example: tuple[float, Ladder, Ladder], tmp_path: Path
) -> None:
    store(tmp_path / "db", [found(*example)])
    told = printed(tmp_path / "db", "explain", "01a0c2de-1800", columns=100)
    begin = next(i for i, line in enumerate(told) if line.startswith("  buy on"))
    end = next(i for i, line in enumerate(told) if line.startswith("  agrees"))
    trade = "\n".join(told[begin:end])
    assert f"```\n{trade}\n```" in PAGE, f"docs/profit.md should have\n{trade}"


def test_the_figures_of_the_text() -> None:
    one = found(*ONE)
    assert f"{one.net_profit:+.2f} USDT" in PAGE
    assert f"{one.gross_bps:.0f} bps gross are {one.net_bps:.3f} net" in PAGE
    deep = found(*DEEP)
    assert f"{deep.size:g} BTC" in PAGE


def test_at_twice_the_fee_the_same_prices_lose() -> None:
    losing = bench(0.001, *ONE[1:])
    assert losing.said == []
    route = Overview(losing.store, losing.engine).best(START)[0]
    assert route.result is None
    net = route.bid * (1 - 0.001) - route.ask * (1 + 0.001)
    assert f"{net:+.2f} USDT, {route.edge_bps:+.2f} bps" in PAGE


@pytest.mark.parametrize("figure", ["size", "net_profit", "gross_bps", "net_bps"])
def test_a_figure_is_called_as_in_the_json_lines(figure: str) -> None:
    assert figure in json.loads(to_json(found(*ONE)))
    assert f"| `{figure}` |" in PAGE
