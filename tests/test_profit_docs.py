"""docs/profit.md says what the engine finds and ``crossbook explain`` prints, to the digit."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from scanner.engine.bounds import Bounds
from scanner.engine.overview import Overview
from scanner.engine.rules import LOOP, MULTI, Moving, Rules
from scanner.engine.tracker import Thresholds
from scanner.engine.ways import Paces
from scanner.events import Opportunity
from scanner.sinks.formats import to_json
from scanner.types import Network, Wallet
from tests.engine.floor import Floor, spot
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


def test_the_example_of_a_transfer_is_what_explain_prints(tmp_path: Path) -> None:
    store(tmp_path / "db", [moved()])
    told = printed(tmp_path / "db", "explain", "01a0c2de-1800", columns=100)
    begin = next(i for i, line in enumerate(told) if line.startswith("  if the coin"))
    trade = "\n".join(told[begin : told.index("", begin)])
    assert "  agrees with what was stored" in told
    assert f"```\n{trade}\n```" in PAGE, f"docs/profit.md should have\n{trade}"


def moved() -> Opportunity:
    """The deeper books, with wallets, after ten minutes in which the price moved."""
    made = Bench({}, Thresholds(min_net_bps=5))
    moving = Moving(paces=Paces(block_s={"BTC": 600.0}, typical={"TRC20": 1.0}))
    made.engine.configure(Thresholds(min_net_bps=5), Bounds(), Rules(moving=moving))
    coin = Network(name="BTC", deposit=True, withdraw=True, fee=0.0001, confirmations=2)
    money = Network(name="TRC20", deposit=True, withdraw=True, fee=1.0)
    for venue in ("kucoin", "okx"):
        made.books[venue] = made.add(
            venue,
            0.0005,
            lot=0.0001,
            wallet=Wallet(networks=(coin,)),
            quote_wallet=Wallet(networks=(money,)),
        )
    at = START
    for number in range(40):
        at = START + number * 10_000_000_000
        made.show("kucoin", [(99_000, 1)], [(110_000, 1)], at)
        made.show("okx", [(90_000 + 30 * (number % 2), 1)], [(100_210, 1)], at)
        made.engine.tick(at)
    made.show("kucoin", [(99_990, 1)], DEEP[1], at)
    made.show("okx", DEEP[2], [(100_210, 1)], at)
    return replace(made.said[0], id="01a0c2de-1800-7000-8000-000000000001")


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


def many() -> Opportunity:
    """Bought on two venues, sold on two others."""
    floor = Floor(Rules(kinds=frozenset({MULTI}), currency="USDT"))
    for venue in ("kucoin", "bybit", "okx", "binance"):
        floor.add(spot(venue, "BTC/USDT", 0.0005, lot=0.001))
    floor.show("kucoin BTC/USDT", [(99_990, 1)], [(100_000, 0.4), (100_080, 2)], START)
    floor.show("bybit BTC/USDT", [(99_995, 1)], [(100_010, 0.5)], START)
    floor.show("okx BTC/USDT", [(100_200, 0.6), (100_190, 0.25)], [(100_210, 1)], START)
    floor.show("binance BTC/USDT", [(100_205, 0.2), (100_100, 3)], [(100_215, 1)], START)
    (opened,) = floor.tick(START)
    return replace(opened, id="01a0c2de-1800-7000-8000-000000000001")


def closed_loop() -> Opportunity:
    """A triangle on one venue."""
    floor = Floor(Rules(kinds=frozenset({LOOP}), currency="USDT"))
    for symbol in ("BTC/USDT", "ETH/BTC", "ETH/USDT"):
        floor.add(spot("kucoin", symbol, 0.0005, lot=0.0001))
    floor.show("kucoin BTC/USDT", [(99_990, 1)], [(100_000, 1)], START)
    floor.show("kucoin ETH/BTC", [(0.0299, 10)], [(0.03, 20)], START)
    floor.show("kucoin ETH/USDT", [(3_015, 12), (3_002, 40)], [(3_020, 9)], START)
    (opened,) = floor.tick(START)
    return replace(opened, id="01a0c2de-1800-7000-8000-000000000001")


@pytest.mark.parametrize("example", [many, closed_loop])
def test_the_examples_of_many_orders_are_what_explain_prints(
    example: Callable[[], Opportunity], tmp_path: Path
) -> None:
    store(tmp_path / "db", [example()])
    told = printed(tmp_path / "db", "explain", "01a0c2de-1800", columns=100)
    begin = next(i for i, line in enumerate(told) if line.startswith("  buy on"))
    end = next(i for i, line in enumerate(told) if line.startswith("  agrees"))
    trade = "\n".join(told[begin:end])
    assert f"```\n{trade}\n```" in PAGE, f"docs/profit.md should have\n{trade}"


PACES = Paces(block_s={"BTC": 600.0}, typical={"BEP20": 1.0, "ERC20": 3.0, "TRC20": 1.0})


def network(name: str, fee: float, confirmations: int = 0) -> Network:
    return Network(name=name, deposit=True, withdraw=True, fee=fee, confirmations=confirmations)


MONEY = Wallet(networks=(network("TRC20", 1.0),))


def waited(floor: Floor, mids: Sequence[tuple[float, float]]) -> int:
    """The middle of each book moves by a step and back for ten minutes; until when."""
    at = START
    for number in range(40):
        at = START + number * 10_000_000_000
        for name, (mid, step) in zip(floor.books, mids, strict=True):
            price = mid + step * (number % 2)
            floor.show(name, [(price * 0.9, 1)], [(price * 1.1, 1)], at)
        floor.tick(at)
    floor.said.clear()
    return at


def moved_many() -> Opportunity:
    """The same as ``many``, with wallets: one of the purchases is near one of the sales."""
    rules = Rules(kinds=frozenset({MULTI}), currency="USDT", moving=Moving(paces=PACES))
    floor = Floor(rules)
    fees = {"kucoin": 0.0004, "bybit": 0.0002, "okx": 0.0003, "binance": 0.0003}
    for venue, fee in fees.items():
        ways = [network("BTC", fee, 2)]
        if venue in ("kucoin", "okx"):
            ways.append(network("BEP20", 0.0001))
        wallet = Wallet(networks=tuple(ways))
        floor.add(spot(venue, "BTC/USDT", 0.0005, lot=0.0001, wallet=wallet, quote_wallet=MONEY))
    at = waited(floor, [(100_000, 40), (100_000, 40), (100_000, 30), (100_000, 35)])
    floor.show("kucoin BTC/USDT", [(99_990, 1)], [(100_000, 0.4), (100_080, 2)], at)
    floor.show("bybit BTC/USDT", [(99_995, 1)], [(100_010, 0.5)], at)
    floor.show("okx BTC/USDT", [(100_200, 0.6), (100_190, 0.25)], [(100_210, 1)], at)
    floor.show("binance BTC/USDT", [(100_205, 0.2), (100_100, 3)], [(100_215, 1)], at)
    (opened,) = [one for one in floor.tick(at + 200_000_000) if one.event == "opened"]
    return replace(opened, id="01a0c2de-1800-7000-8000-000000000001")


def moved_loop() -> Opportunity:
    """A triangle whose second and third order are on another venue."""
    rules = Rules(kinds=frozenset({LOOP}), currency="USDT", moving=Moving(paces=PACES))
    floor = Floor(rules)
    wallets = {
        "BTC": Wallet(networks=(network("BTC", 0.0001, 2),)),
        "ETH": Wallet(networks=(network("ERC20", 0.001),)),
        "USDT": MONEY,
    }
    for venue, symbol in (("kucoin", "BTC/USDT"), ("okx", "ETH/BTC"), ("okx", "ETH/USDT")):
        base, quote = symbol.split("/")
        terms = {"wallet": wallets[base], "quote_wallet": wallets[quote]}
        floor.add(spot(venue, symbol, 0.0005, lot=0.0001, **terms))
    at = waited(floor, [(100_000, 30), (0.03, 0.000006), (3_000, 1)])
    floor.show("kucoin BTC/USDT", [(99_990, 1)], [(100_000, 1)], at)
    floor.show("okx ETH/BTC", [(0.0299, 10)], [(0.03, 20)], at)
    floor.show("okx ETH/USDT", [(3_015, 12), (3_002, 40)], [(3_020, 9)], at)
    (opened,) = [one for one in floor.tick(at + 200_000_000) if one.event == "opened"]
    return replace(opened, id="01a0c2de-1800-7000-8000-000000000001")


@pytest.mark.parametrize("example", [moved_many, moved_loop])
def test_the_examples_of_moves_are_what_explain_prints(
    example: Callable[[], Opportunity], tmp_path: Path
) -> None:
    store(tmp_path / "db", [example()])
    told = printed(tmp_path / "db", "explain", "01a0c2de-1800", columns=100)
    begin = next(i for i, line in enumerate(told) if line.startswith("  if it is moved"))
    trade = "\n".join(told[begin : told.index("", begin)])
    assert "  agrees with what was stored" in told
    assert f"```\n{trade}\n```" in PAGE, f"docs/profit.md should have\n{trade}"


@pytest.mark.parametrize("figure", ["size", "net_profit", "gross_bps", "net_bps"])
def test_a_figure_is_called_as_in_the_json_lines(figure: str) -> None:
    assert figure in json.loads(to_json(found(*ONE)))
    assert f"| `{figure}` |" in PAGE
