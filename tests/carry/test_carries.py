"""Carries in the pipeline: found over live books, followed, and ended by whatever ends trust."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import msgspec
import pytest

from scanner.carry.formulas import HOUR
from scanner.engine.bounds import Bounds
from scanner.engine.gates import Gate
from scanner.engine.ids import Ids
from scanner.engine.rules import Amount, Holding, Rules
from scanner.engine.tracker import Thresholds
from scanner.events import Opportunity, Survival
from scanner.history import trade
from scanner.history.arithmetic import account
from scanner.lane import Lane
from scanner.metadata.identity import identified, shipped
from scanner.pipeline import Pipeline
from scanner.sinks.alerts import text
from scanner.sinks.alerts.rules import Hit
from scanner.sinks.formats import to_json, to_line
from scanner.steps import DerivativeTicker, Reconnect, Snapshot, Step
from scanner.types import Depth, Market, MarketKind, Proof
from scanner.venues.protocol import Limits, Options, Venue
from storage import evidence
from storage.queries.records import State

SECOND = 1_000_000_000
START = 1_000 * SECOND
OPTIONS = Options(depth=Depth.TOP, rest="http://tiny", ws="ws://tiny")
EXPIRY = START + 73 * 24 * HOUR


class Message(msgspec.Struct):
    bids: msgspec.Raw = msgspec.Raw(b"")
    asks: msgspec.Raw = msgspec.Raw(b"")
    ticker: dict[str, str | int] = {}
    over: bool = False


class Tiny:
    """Whole books, tickers, and an end."""

    def __init__(self, markets: Sequence[Market] | None, options: Options) -> None:
        self._id = (markets or ())[0].id

    def start(self, at: int) -> list[Step]:
        return []

    opened = start
    idle = start

    def received(self, raw: bytes, at: int) -> list[Step]:
        message = msgspec.json.decode(raw, type=Message)
        if message.over:
            return [Reconnect("over")]
        if message.ticker:
            return [DerivativeTicker(market=self._id, **message.ticker)]  # type: ignore[arg-type]
        return [Snapshot(market=self._id, bids=bytes(message.bids), asks=bytes(message.asks))]

    def fetched(self, tag: str, status: int, body: bytes, at: int) -> list[Step]:
        return []

    def resync(self, market: str, reason: str, at: int) -> list[Step]:
        return []


def venue(name: str, proof: Proof = Proof.SNAPSHOTS, *, contracts: bool) -> Venue:
    return Venue(
        id=name,
        name=name,
        rest="http://tiny",
        ws="ws://tiny",
        make=Tiny,
        limits=Limits(markets=10, sends=1, connects=1),
        proof={Depth.TOP: proof},
        channels={Depth.TOP: "all"},
        contracts=contracts,
    )


SYMBOLS = {
    MarketKind.SPOT: "BTC/USDT",
    MarketKind.PERPETUAL: "BTC/USDT:USDT",
    MarketKind.FUTURE: "BTC/USDT:USDT-261231",
}


def market(name: str, kind: MarketKind, **more: object) -> Market:
    of: dict[str, object] = {
        "id": "BTCUSDT",
        "symbol": SYMBOLS[kind],
        "base": "BTC",
        "quote": "USDT",
        "taker_fee": 0.0005,
        "expiry": EXPIRY if kind is MarketKind.FUTURE else 0,
    }
    return Market(venue=name, kind=kind, **(of | more))  # type: ignore[arg-type]


class Desk:
    """A coin on ``coin`` and contracts wherever a test wants them."""

    def __init__(self, *kinds: str, proof: Proof = Proof.SNAPSHOTS, **rules: object) -> None:
        self.said: list[Opportunity] = []
        self.survived: list[Survival] = []
        self.rules = Rules(
            kinds=frozenset(kinds or ("spot-perp", "perp-perp", "spot-future")),
            currency="USDT",
            **rules,  # type: ignore[arg-type]
        )
        self.pipeline = Pipeline(
            thresholds=Thresholds(min_net_bps=1, update_interval=0),
            bounds=Bounds(),
            ids=Ids(lambda n: 0),
            emit=self.said.append,
            rules=self.rules,
            survived=self.survived.append,
        )
        self._proof = proof
        self.markets: list[Market] = []

    def lane(self, name: str, kind: MarketKind, **more: object) -> Lane:
        of = market(name, kind, **more)
        self.markets.append(of)
        contracts = kind is not MarketKind.SPOT
        lane = self.pipeline.lane(venue(name, self._proof, contracts=contracts), [of], OPTIONS)
        lane.start(START)
        lane.opened(START)
        return lane

    def later(self, seconds: float, *feeding: tuple[Lane, float, float]) -> None:
        """Ticks, during which these lanes repeat their books."""
        at = START
        while at <= START + seconds * SECOND:
            for lane, bid, ask in feeding:
                quote(lane, bid, ask, at)
            self.pipeline.tick(at)
            at += SECOND // 10

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(one.event, one.kind) for one in self.said]


def say(lane: Lane, at: int, **message: object) -> None:
    lane.received(json.dumps(message).encode(), at)


def quote(lane: Lane, bid: float, ask: float, at: int = START) -> None:
    say(lane, at, bids=[[str(bid), "5"]], asks=[[str(ask), "5"]])


def ticker(lane: Lane, at: int = START, **more: object) -> None:
    told = {
        "mark": "100",
        "funding_rate": "0.001",
        "next_funding_at": START + HOUR,
        "interval": 8 * HOUR,
    }
    told |= more
    say(lane, at, ticker={name: value for name, value in told.items() if value != ""})


def opened(desk: Desk) -> tuple[Lane, Lane]:
    coin, perp = desk.lane("coin", MarketKind.SPOT), desk.lane("perp", MarketKind.PERPETUAL)
    ticker(perp)
    desk.later(1, (coin, 99.99, 100.01), (perp, 99.99, 100.01))
    assert desk.told[:1] == [("opened", "spot-perp")]
    return coin, perp


def test_a_perpetual_that_pays_is_sold_against_the_coin() -> None:
    desk = Desk()
    opened(desk)
    found = desk.said[0]
    assert (found.buy.venue, found.buy.side, found.sell.venue, found.sell.side) == (
        *("coin", "buy"),
        *("perp", "sell"),
    )
    assert (found.symbol, found.sell.symbol, found.size) == ("BTC/USDT", "BTC/USDT:USDT", 5.0)
    assert found.carry is not None and found.carry.sell_payments == 21
    assert found.carry.funding_bps == pytest.approx(2.1 * 5 / 500.05 * 1e4)
    paid, received = 100.01, 99.99
    costs = 2 * (paid - received) + (2 * paid + 2 * received) * 0.0005
    assert found.net_profit == pytest.approx(5 * (2.1 - costs))
    assert [one.event for one in desk.said] == ["opened"]  # nothing has changed since


def test_an_alert_says_that_it_is_held_and_what_its_net_is_made_of() -> None:
    desk = Desk()
    opened(desk)
    told = text.of_hit(Hit(at=START + SECOND, rule="big", found=desk.said[0])).splitlines()
    assert told[3:5] == [
        "held 168 h: basis -2.00, funding +209.98, fees and exit -22.00 bps, expected",
        "+48.48 % a year of 1,000.25 USDT, sale liquidated near 198.98507",
    ]
    named = next(line for line in told if line.startswith("passed "))
    assert "fees (0.05 % + 0.05 %, to enter and to leave)" in named


def stored(found: Opportunity) -> State:
    """Its state as it is read again."""
    buy, sell = evidence.written(found)
    basis = msgspec.structs.asdict(evidence.basis(sell))
    figures = {
        name: getattr(found, name) for name in ("size", "gross_bps", "net_bps", "net_profit")
    }
    legs = {"buy": evidence.leg(buy), "sell": evidence.leg(sell)}
    return State(moment="opened", at=found.at, **figures, **legs, **basis)


def test_what_is_told_agrees_with_its_own_evidence_after_it_was_stored() -> None:
    desk = Desk()
    opened(desk)
    found = desk.said[0]
    state = stored(found)
    assert state.carry == found.carry
    assert account(state).disagrees == []
    assert account(msgspec.structs.replace(state, net_profit=1.0)).disagrees == ["net profit"]
    wrong = msgspec.structs.replace(found.carry, entry_cost_bps=1.0)
    assert account(msgspec.structs.replace(state, carry=wrong)).disagrees == ["entry cost"]
    # 21 payments of 9.999 bps; had 20 of them been expected at half of it, it would be less.
    half = msgspec.structs.replace(found.carry, sell_later_bps=found.carry.sell_funding_bps / 2)
    assert account(msgspec.structs.replace(state, carry=half)).disagrees == ["funding"]
    told = "\n".join(trade.lines(msgspec.structs.replace(state, carry=half), "BTC", "USDT"))
    next_, later = found.carry.sell_funding_bps, found.carry.sell_funding_bps / 2
    assert f"{next_:+.10g} bps next, then 20 times {later:+.10g} expected, every 8 h" in told
    older = msgspec.structs.replace(found.carry, sell_later_bps=None)
    assert account(msgspec.structs.replace(state, carry=older)).disagrees == []


def test_explain_adds_up_what_holding_comes_to() -> None:
    desk = Desk()
    opened(desk)
    (line,) = (one for one in trade.lines(stored(desk.said[0]), "BTC", "USDT") if "together" in one)
    (paid, bps, brings) = re.findall(
        r"together +([\d,.]+) x \((.*)\) / 10,000 = \+([\d,.]+)", line
    )[0]
    summed = sum(float(part) for part in bps.replace("- ", "-").replace("+ ", "+").split())
    assert float(paid.replace(",", "")) * summed / 1e4 == pytest.approx(
        float(brings.replace(",", "")), rel=1e-8
    )


def test_a_line_has_the_carry_and_others_have_no_such_key() -> None:
    desk = Desk()
    opened(desk)
    line = json.loads(to_json(desk.said[0]))
    assert line["kind"] == "spot-perp" and line["carry"]["sell_interval_h"] == 8.0
    assert "% a year of the capital" in to_line(desk.said[0])
    other = msgspec.structs.replace(desk.said[0], carry=None)
    assert "carry" not in json.loads(to_json(other))


@pytest.mark.parametrize("missing", ["mark", "funding_rate", "next_funding_at", "interval"])
def test_nothing_is_assumed_of_a_perpetual_whose_venue_does_not_say_it(missing: str) -> None:
    desk = Desk()
    coin, perp = desk.lane("coin", MarketKind.SPOT), desk.lane("perp", MarketKind.PERPETUAL)
    ticker(perp, **{missing: ""})
    desk.later(2, (coin, 99.99, 100.01), (perp, 99.99, 100.01))
    assert desk.said == []


def test_a_rate_that_is_not_said_again_ends_it() -> None:
    desk = Desk()
    coin, perp = opened(desk)
    desk.later(40, (coin, 99.99, 100.01), (perp, 99.99, 100.01))
    assert desk.said[-1].event == "closed"
    assert desk.said[-1].reason == "its venue does not say its funding any more"
    assert 30 * SECOND < desk.said[-1].at - START <= 32 * SECOND


def test_a_rate_that_turns_ends_it() -> None:
    desk = Desk()
    coin, perp = opened(desk)
    ticker(perp, funding_rate="-0.001")
    desk.later(3, (coin, 99.99, 100.01), (perp, 99.99, 100.01))
    assert (desk.said[-1].event, desk.said[-1].reason) == (
        "closed",
        "its net has fallen below the threshold",
    )


def test_a_lost_connection_ends_it_in_the_same_call() -> None:
    for which in (0, 1):
        desk = Desk()
        opened(desk)[which].closed("gone", START + 2 * SECOND)
        assert (desk.said[-1].event, desk.said[-1].reason) == ("closed", "gone")


def test_a_crossed_book_ends_it_in_the_same_call() -> None:
    desk = Desk()
    _, perp = opened(desk)
    quote(perp, 101.0, 100.0, START + 2 * SECOND)
    assert (desk.said[-1].event, desk.said[-1].reason) == ("closed", "the book is crossed")


def test_a_silent_book_ends_it_within_the_tick() -> None:
    desk = Desk()
    coin, _ = opened(desk)
    quote(coin, 99.99, 100.01, START + 4 * SECOND)
    desk.pipeline.tick(START + 4 * SECOND + SECOND // 2)
    assert (desk.said[-1].event, desk.said[-1].reason) == ("closed", "a book is stale")


def test_books_too_far_apart_in_time_are_not_compared() -> None:
    desk = Desk()
    coin, _ = opened(desk)
    quote(coin, 99.99, 100.01, START + 5 * SECOND // 2 + 1)
    desk.pipeline.tick(START + 5 * SECOND // 2 + 1)
    assert desk.said[-1].reason == "the books are too far apart in time"


def test_unproven_books_take_no_part_unless_they_may() -> None:
    for unverified in (False, True):
        desk = Desk(proof=Proof.NONE, unverified=unverified)
        coin, perp = desk.lane("coin", MarketKind.SPOT), desk.lane("perp", MarketKind.PERPETUAL)
        ticker(perp)
        desk.later(1, (coin, 99.99, 100.01), (perp, 99.99, 100.01))
        assert bool(desk.said) == unverified


def test_two_perpetuals_and_a_dated_contract() -> None:
    desk = Desk()
    coin, cheap = desk.lane("coin", MarketKind.SPOT), desk.lane("cheap", MarketKind.PERPETUAL)
    dear, dated = desk.lane("dear", MarketKind.PERPETUAL), desk.lane("dated", MarketKind.FUTURE)
    ticker(cheap, funding_rate="-0.0001", interval=4 * HOUR)
    ticker(dear, funding_rate="0.0004")
    books = [(lane, 99.99, 100.01) for lane in (coin, cheap, dear)]
    desk.later(1, *books, (dated, 102.99, 103.01))
    found = {(one.kind, one.buy.venue, one.sell.venue): one.carry for one in desk.said}
    assert set(found) == {
        ("spot-perp", "coin", "dear"),
        ("perp-perp", "cheap", "dear"),
        ("spot-future", "coin", "dated"),
    }
    both = found["perp-perp", "cheap", "dear"]
    assert both is not None
    assert (both.buy_payments, both.sell_payments) == (42, 21)
    assert (both.buy_interval_h, both.sell_interval_h) == (4.0, 8.0)


def test_kinds_that_are_not_wanted_are_not_looked_for_and_end() -> None:
    desk = Desk()
    coin, perp = opened(desk)
    rules = msgspec.structs.replace(desk.rules, kinds=frozenset({"perp-perp"}))
    desk.pipeline.configure(Thresholds(), Bounds(), rules)
    desk.later(2, (coin, 99.99, 100.01), (perp, 99.99, 100.01))
    assert desk.said[-1].reason == "this kind is not looked for any more"
    assert sum(one.event == "opened" for one in desk.said) == 1


def test_what_is_asked_of_a_year_counts_besides_the_thresholds() -> None:
    desk = Desk(holding=Holding(min_net_apr=100.0))
    coin, perp = desk.lane("coin", MarketKind.SPOT), desk.lane("perp", MarketKind.PERPETUAL)
    ticker(perp)
    desk.later(2, (coin, 99.99, 100.01), (perp, 99.99, 100.01))
    assert desk.said == []


def test_capital_bounds_the_coin_whole_and_the_contract_by_its_margin() -> None:
    desk = Desk(capital={"perp": Amount({"USDT": 50.0})}, holding=Holding(leverage=2.0))
    opened(desk)
    assert desk.said[0].bound == "capital on perp"
    assert desk.said[0].size == pytest.approx(100 / 99.99)


def test_a_contract_that_is_scanned_no_more_ends_it() -> None:
    desk = Desk()
    coin, _ = opened(desk)
    desk.pipeline.carry(desk.markets[:1], START + SECOND)
    assert desk.said[-1].reason == "it is scanned no more"
    desk.later(2, (coin, 99.99, 100.01))
    assert len(desk.said) == 2


def test_a_name_that_two_coins_share_is_no_carry() -> None:
    desk = Desk()
    coin, perp = desk.lane("coin", MarketKind.SPOT), desk.lane("perp", MarketKind.PERPETUAL)
    ticker(perp, mark="150")
    desk.later(2, (coin, 99.99, 100.01), (perp, 149.99, 150.01))
    assert desk.said == []


def test_units_of_a_thousand_coins_are_seen_through() -> None:
    desk = Desk()
    coin = desk.lane("coin", MarketKind.SPOT)
    perp = desk.lane("perp", MarketKind.PERPETUAL, multiplier=1000.0)
    ticker(perp, mark="100000")
    desk.later(1, (coin, 99.99, 100.01), (perp, 99_990.0, 100_010.0))
    assert (desk.said[0].size, desk.said[0].sell.levels[0][0]) == (5.0, pytest.approx(99.99))


def test_the_end_closes_what_is_open_and_nothing_opens_after() -> None:
    desk = Desk()
    coin, perp = opened(desk)
    desk.pipeline.finish("the end", START + SECOND)
    assert (desk.said[-1].event, desk.said[-1].reason) == ("closed", "the end")
    told = len(desk.said)
    desk.later(2, (coin, 99.99, 100.01), (perp, 99.99, 100.01))
    assert len(desk.said) == told


PEPE = {"base": "PEPE", "symbol": "PEPE/USDT"}


def thousands(desk: Desk, bid: float, ask: float) -> None:
    """PEPE on two venues, and its contract as they list it, on units of a thousand."""
    listed = [
        market("coin", MarketKind.SPOT, **PEPE),
        market("other", MarketKind.SPOT, **PEPE),
        market("perp", MarketKind.PERPETUAL, base="1000PEPE", symbol="1000PEPE/USDT:USDT"),
    ]
    lanes = []
    for one in identified(listed, shipped()):
        assert one.base == "PEPE"
        more = {"base": one.base, "symbol": one.symbol, "multiplier": one.multiplier}
        lanes.append(desk.lane(one.venue, one.kind, **more))
    coin, other, perp = lanes
    ticker(perp, mark="0.0121", funding_rate="0.000001")
    spots = ((coin, 0.000012099, 0.000012101), (other, 0.000012099, 0.000012101))
    desk.later(3, *spots, (perp, bid, ask))


def test_a_contract_on_thousands_never_flags_against_its_coin() -> None:
    desk = Desk("spot-spot", "spot-perp", "perp-perp", "multi", "loop")
    thousands(desk, 0.012099, 0.012101)
    assert desk.said == []
    assert desk.pipeline.contracts and not any(
        one.gate is Gate.QUARANTINE.value
        for one in desk.pipeline.engine.take_rejects(START + 4 * SECOND)
    )


def test_unless_it_really_stands_apart_and_then_at_the_price_of_one_coin() -> None:
    desk = Desk("spot-perp")
    thousands(desk, 0.012599, 0.012601)
    assert desk.said == []  # a perpetual need not come back to the coin's price
    desk = Desk("spot-perp", holding=Holding(reverts=True))
    thousands(desk, 0.012599, 0.012601)
    found = desk.said[0]
    assert found.sell.levels[0][0] == pytest.approx(0.000012599)
    assert found.gross_bps == pytest.approx((0.000012599 / 0.000012101 - 1) * 1e4)
