"""Pegs in the pipeline: told, summed up and flagged over live books, and over none else."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

import msgspec
import pytest

from scanner.configuration.alerts import AlertSettings
from scanner.engine.bounds import Bounds
from scanner.engine.gates import Gate
from scanner.engine.ids import Ids
from scanner.engine.rules import Amount, Pegging, Rules
from scanner.engine.tracker import Thresholds
from scanner.events import Opportunity, Peg, Survival
from scanner.history import trade
from scanner.history.arithmetic import account
from scanner.lane import Lane
from scanner.pipeline import Pipeline
from scanner.sinks.alerts import text
from scanner.sinks.alerts.passed import passed
from scanner.sinks.alerts.pegs import PegWatcher
from scanner.sinks.alerts.rules import Hit
from scanner.sinks.formats import to_json, to_line
from scanner.types import Market, MarketKind, Proof
from storage import evidence
from storage.queries.records import State
from tests.carry.test_carries import OPTIONS, SECOND, START, quote, say, venue
from tests.sinks.alerts.named import gates

COINS = {"USDT": "USD", "USDC": "USD"}
FEE = 0.001


class Desk:
    """Spot books of a test's own, and what is told of them."""

    def __init__(self, proof: Proof = Proof.SNAPSHOTS, **rules: object) -> None:
        self.said: list[Opportunity] = []
        self.pegs: list[Peg] = []
        self.survived: list[Survival] = []
        of = {"kinds": frozenset({"parity"}), "pegs": Pegging(stablecoins=COINS)} | rules
        self.pipeline = Pipeline(
            thresholds=Thresholds(min_net_bps=5, update_interval=0),
            bounds=Bounds(),
            ids=Ids(lambda n: 0),
            emit=self.said.append,
            survived=self.survived.append,
            rules=Rules(currency="USDT", **of),  # type: ignore[arg-type]
        )
        self.pipeline.pegs.tell = self.pegs.append
        self._proof = proof

    def lane(self, name: str, symbol: str, **terms: object) -> Lane:
        base, _, counter = symbol.partition("/")
        named = {"venue": name, "id": symbol, "symbol": symbol, "base": base, "quote": counter}
        market = msgspec.convert(named | {"taker_fee": FEE} | terms, Market)
        lane = self.pipeline.lane(venue(name, self._proof, contracts=False), [market], OPTIONS)
        lane.start(START)
        lane.opened(START)
        return lane

    def later(self, books: Mapping[Lane, tuple[float, float]], seconds: float, at: int) -> int:
        """Books told again ten times a second; the time then."""
        for _ in range(int(seconds * 10)):
            at += SECOND // 10
            for lane, (bid, ask) in books.items():
                quote(lane, bid, ask, at)
            self.pipeline.tick(at)
        return at


def thick(lane: Lane, bid: float, ask: float, size: float = 100_000.0, at: int = START) -> None:
    say(lane, at, bids=[[str(bid), str(size)]], asks=[[str(ask), str(size)]])


def opened(desk: Desk, bid: float = 0.9750, ask: float = 0.9752) -> Lane:
    lane = desk.lane("venue", "USDC/USDT")
    thick(lane, bid, ask)
    desk.pipeline.tick(START)
    return lane


def test_a_coin_below_par_is_bought_and_sold_at_par_after_both_fees() -> None:
    desk = Desk()
    opened(desk)
    (found,) = desk.said
    assert (found.event, found.kind, found.symbol, found.size) == (
        *("opened", "parity"),
        *("USDC/USDT", 100_000.0),
    )
    assert found.buy.levels == ((0.9752, 100_000.0),) and not found.buy.assumed
    assert found.sell.levels == ((1.0, 100_000.0),) and found.sell.assumed
    paid, back = 97_520 * 1.001, 100_000 * 0.999
    assert found.net_profit == pytest.approx(back - paid)
    assert found.net_bps == pytest.approx((back / paid - 1) * 1e4)


def test_one_above_par_is_sold_and_bought_back_at_par() -> None:
    desk = Desk()
    opened(desk, 1.0248, 1.0250)
    (found,) = desk.said
    assert found.buy.assumed and found.buy.levels == ((1.0, 100_000.0),)
    assert found.sell.levels == ((1.0248, 100_000.0),) and not found.sell.assumed
    assert found.net_profit == pytest.approx(102_480 * 0.999 - 100_000 * 1.001)


def test_what_both_fees_take_is_no_opportunity() -> None:
    desk = Desk()
    opened(desk, 0.9970, 0.9973)  # 27 bps, of which 20 are fees: less than parity.min_net_bps
    assert desk.said == []
    assert [peg.bps for peg in desk.pegs] == [pytest.approx(-28.5, abs=0.1)]


def test_what_is_too_far_from_par_is_taken_for_another_coin() -> None:
    desk = Desk()
    opened(desk, 0.5, 0.5001)
    assert desk.said == []


def rejects(desk: Desk) -> dict[tuple[str, ...], tuple[int, float]]:
    return {
        (one.symbol, one.buy, one.sell, one.gate): (one.count, one.best_shortfall_bps)
        for one in desk.pipeline.engine.take_rejects(START)
    }


PLACE = ("USDC/USDT", "venue", "venue")


@pytest.mark.parametrize(
    ("bid", "ask", "gate", "missing"),
    [
        (0.9970, 0.9973, "threshold", 10 - ((0.999 / (0.9973 * 1.001)) - 1) * 1e4),
        (0.9985, 0.9990, "fees", (0.9990 * 1.001 / 0.999 - 1) * 1e4),
        (1.0010, 1.0012, "fees", None),
        (0.5, 0.5001, "quarantine", abs(1e4 * math.log(0.5001)) - 2000),
    ],
)
def test_what_stopped_it_is_counted(bid: float, ask: float, gate: str, missing: float) -> None:
    desk = Desk()
    opened(desk, bid, ask)
    ((key, (count, short)),) = rejects(desk).items()
    assert (key, count) == ((*PLACE, gate), 1)
    if missing is not None:
        assert short == pytest.approx(missing, abs=0.1)


def test_a_book_that_may_not_be_used_is_counted_under_its_reason() -> None:
    desk = Desk()
    lane = opened(desk)
    assert rejects(desk) == {}
    desk.pipeline.tick(START + 4 * SECOND)
    assert {key[3] for key in rejects(desk)} == {"staleness"}
    lane.closed("gone", START + 5 * SECOND)
    desk.pipeline.tick(START + 6 * SECOND)
    assert rejects(desk) == {}  # nobody knows any more whether it would look good
    desk = Desk(Proof.NONE, unverified=False)
    opened(desk)
    assert {key[3] for key in rejects(desk)} == {"unverified"}


def test_at_par_there_is_nothing_to_count() -> None:
    desk = Desk()
    opened(desk, 0.9999, 1.0)
    assert rejects(desk) == {}


def test_it_recomputes_from_its_line_and_from_what_is_stored() -> None:
    desk = Desk()
    opened(desk)
    found = desk.said[0]
    line = json.loads(to_json(found))
    buy, sell = line["buy"], line["sell"]
    paid = sum(price * size for price, size in buy["levels"]) * (1 + buy["fee_rate"])
    back = sum(price * size for price, size in sell["levels"]) * (1 - sell["fee_rate"])
    assert line["net_profit"] == pytest.approx(back - paid, rel=1e-12)
    written = evidence.written(found)
    state = State(
        moment="opened",
        at=found.at,
        buy=evidence.leg(written[0]),
        sell=evidence.leg(written[1]),
        **{n: getattr(found, n) for n in ("size", "gross_bps", "net_bps", "net_profit")},
        **msgspec.structs.asdict(evidence.basis(written[1])),
    )
    assert state.sell.assumed and account(state).disagrees == []
    assert account(msgspec.structs.replace(state, net_profit=1.0)).disagrees == ["net profit"]
    told = list(trade.lines(state, "USDC", "USDT"))
    assert "  buy on venue (USDC/USDT, taker fee 0.1 %, book 0.0 ms old)" in told
    later = "ASSUMED: there later, if its peg comes back)"
    assert f"  sell on venue (USDC/USDT, taker fee 0.1 %, {later}" in told
    assert sum("offered" in line for line in told) == 1  # nobody offers what is assumed


def test_it_closes_when_the_peg_is_back() -> None:
    desk = Desk()
    lane = opened(desk)
    thick(lane, 0.9998, 1.0, at=START + SECOND)
    desk.pipeline.tick(START + SECOND)
    assert [one.event for one in desk.said] == ["opened", "closed"]
    assert desk.said[-1].reason == "it is back near its peg"


def test_a_book_that_grows_old_ends_it_and_is_said() -> None:
    desk = Desk()
    opened(desk)
    desk.pipeline.tick(START + 3 * SECOND + 1)
    assert [one.event for one in desk.said] == ["opened", "closed"]
    assert desk.said[-1].reason in ("the book is stale", "the book is too old")
    assert desk.pegs[-1].reason and desk.pegs[-1].bps == 0.0
    assert len(desk.pipeline.pegs.take_samples(START)) == 1  # of the time when it was known
    assert desk.pipeline.pegs.take_samples(START) == []


def test_a_book_with_one_side_ends_it_and_opens_none() -> None:
    """Nobody can tell whether it crosses."""
    desk = Desk()
    lane = opened(desk)
    say(lane, START + 5, bids=[], asks=[["0.9752", "100000"]])
    desk.pipeline.tick(START + SECOND)
    assert [one.event for one in desk.said] == ["opened", "closed"]
    assert desk.said[-1].reason == desk.pegs[-1].reason == "the book shows one side only"
    desk.pipeline.tick(START + 2 * SECOND)
    assert len(desk.said) == 2


def test_a_lost_connection_ends_it_in_the_same_call() -> None:
    desk = Desk()
    opened(desk).closed("gone", START + 5)
    assert [one.event for one in desk.said] == ["opened", "closed"]


def test_nothing_is_told_of_a_book_that_nothing_proves() -> None:
    desk = Desk(Proof.NONE, unverified=False)
    opened(desk)
    assert desk.said == [] and desk.pegs[-1].reason == "nothing proves the book"


def test_capital_bounds_the_size() -> None:
    desk = Desk(capital={"venue": Amount({"USDT": 1_000.0})})
    opened(desk)
    assert desk.said[0].size == pytest.approx(1_000 / (0.9752 * 1.001))
    assert desk.said[0].bound == "capital on venue"


def test_without_the_kind_pegs_are_told_and_nothing_is_flagged() -> None:
    desk = Desk(kinds=frozenset({"spot-spot"}))
    opened(desk)
    assert desk.said == [] and len(desk.pegs) == 1


def test_what_is_implied_through_btc_and_the_median_over_venues() -> None:
    desk = Desk()
    books = {
        desk.lane("one", "BTC/USDT"): (100.0, 100.2),
        desk.lane("one", "BTC/USDC"): (102.0, 102.2),
        desk.lane("two", "BTC/USDT"): (100.1, 100.3),
    }
    desk.later(books, 1.2, START)
    told = {(peg.venue, peg.symbol, peg.via): peg for peg in desk.pegs}
    assert set(told) == {("one", "USDC/USDT", "BTC"), ("median", "USDC/USDT", "BTC")}
    implied = told["one", "USDC/USDT", "BTC"]
    assert implied.bid_bps == pytest.approx(-217.6, abs=0.1)  # 1e4 ln(100 / 102.2)
    assert implied.ask_bps == pytest.approx(-178.0, abs=0.1)  # 1e4 ln(100.2 / 102)
    middles = [100.1 / 102.1, 100.2 / 102.1]
    median = sum(middles) / 2
    assert told["median", "USDC/USDT", "BTC"].bps == pytest.approx((median - 1) * 1e4, rel=0.02)
    samples = desk.pipeline.pegs.take_samples(START)
    assert {sample.samples for sample in samples} == {2}


def test_a_coin_of_another_money_is_held_against_that() -> None:
    """EURC to EUR: in its own book, through BTC, by the median, as a rule and an opportunity; what
    it costs in a coin of the dollar is no peg."""
    desk = Desk(pegs=Pegging(stablecoins=COINS | {"EURC": "EUR"}))
    books = {
        desk.lane("one", "EURC/EUR"): (0.9750, 0.9752),
        desk.lane("one", "EURC/USDT"): (1.1270, 1.1272),
        desk.lane("one", "BTC/EUR"): (100.0, 100.2),
        desk.lane("one", "BTC/EURC"): (102.0, 102.2),
    }
    desk.later(books, 1.2, START)
    assert {(peg.venue, peg.symbol, peg.via) for peg in desk.pegs} == {
        ("one", "EURC/EUR", ""),
        ("one", "EURC/EUR", "BTC"),
        ("median", "EURC/EUR", "BTC"),
    }
    direct, *_ = (peg for peg in desk.pegs if not peg.via)
    assert direct.bid_bps == pytest.approx(1e4 * math.log(0.9750))
    assert direct.ask_bps == pytest.approx(1e4 * math.log(0.9752))
    implied, *_ = (peg for peg in desk.pegs if peg.via and peg.venue == "one")
    assert implied.bid_bps == pytest.approx(1e4 * math.log(100.0 / 102.2))
    assert implied.ask_bps == pytest.approx(1e4 * math.log(100.2 / 102.0))
    rule = {"depeg_bps": 100.0, "for": "1s", "symbols": ("EURC/*",)}
    watcher = PegWatcher(AlertSettings.model_validate({"rules": {"peg": rule}}))
    assert [hit for peg in desk.pegs for hit in watcher.take(peg)] == []
    hits = watcher.due(START + 2 * SECOND)
    assert [hit.found.symbol for hit in hits] == ["EURC/EUR"] * 3
    (found,) = {one.symbol: one for one in desk.said}.values()
    assert (found.symbol, found.currency, found.buy.limit) == ("EURC/EUR", "EUR", 0.9752)
    assert found.net_bps == pytest.approx(((1 - FEE) / (0.9752 * (1 + FEE)) - 1) * 1e4)


def test_contracts_are_no_books_of_coins() -> None:
    desk = Desk()
    market = Market(
        venue="v",
        id="x",
        symbol="USDC/USDT:USDT",
        base="USDC",
        quote="USDT",
        kind=MarketKind.PERPETUAL,
        taker_fee=FEE,
    )
    desk.pipeline.pegs.add(0, market)
    assert desk.pipeline.pegs.places == []


def test_that_the_way_back_is_assumed_is_said_in_lines_and_alerts() -> None:
    desk = Desk()
    opened(desk)
    (below,) = desk.said
    assert "buy venue 0.9752 -> sell venue 1 assumed" in to_line(below)
    told = text.of_hit(Hit("big", below, START)).splitlines()
    assert told[0].endswith("buy venue 0.9752, sell venue 1 assumed")
    assert told[1:3] == [
        "buy 100,000 USDC at venue 0.9752 (book 0 ms old)",
        "sell at venue 1, ASSUMED: there later, if its peg comes back",
    ]
    desk = Desk()
    opened(desk, 1.0248, 1.0250)
    (above,) = desk.said
    assert "buy venue 1 assumed -> sell venue 1.0248" in to_line(above)
    # One book, so nothing is apart in time, and no coin has to be the same at two places.
    of_others = {Gate.SKEW, Gate.IDENTITY, Gate.FUNDING, Gate.CONVERSION, Gate.TRANSFER}
    for found in (below, above):
        assert gates(found) == set(Gate) - of_others
        (named,) = passed(found)
        assert f"fees ({FEE * 100:g} % + {FEE * 100:g} %)" in named
