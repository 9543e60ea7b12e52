"""Basis that opens and closes, funding that settles, a peg that is lost and found."""

from __future__ import annotations

import math
from random import Random

import pytest

from scanner.lab.contract_listings import CONTRACTS
from scanner.lab.contracts import lab_contracts
from scanner.lab.premium import BPS, HOUR, YEAR, Depeg, Funding, Premium, Settlement
from scanner.lab.units import SECOND
from scanner.lab.world import World

AT = 1_790_000_000 * SECOND


def test_the_premium_stays_near_its_own_distance_and_is_pushed_away_now_and_then() -> None:
    premium = Premium(Random(3), AT)
    fair, pushed = [], []
    for second in range(1200):
        when = AT + second * SECOND
        fair.append(premium.fair(when))
        pushed.append(premium.traded(when) - fair[-1])
    assert max(fair) - min(fair) < 20 * BPS
    away = [abs(push) for push in pushed if push]
    assert 0.1 < len(away) / len(pushed) < 0.6
    assert min(away) >= 12 * BPS - 1e-12 and max(away) <= 45 * BPS + 1e-12
    assert pushed[0] == 0.0 and {True, False} == {push > 0 for push in pushed if push}


def test_the_same_seed_gives_the_same_premium_however_often_it_is_asked() -> None:
    often, seldom = (Premium(Random(5), AT) for _ in range(2))
    seen = [often.fair(AT + n * SECOND // 4) for n in range(400)]
    assert seldom.fair(AT + 399 * SECOND // 4) == seen[-1]


def test_the_carry_of_a_dated_contract_fades_until_its_expiry() -> None:
    expiry = AT + 600 * SECOND
    dated = Premium(Random(1), AT, expiry=expiry, carry=0.06 * YEAR / (expiry - AT))
    plain = Premium(Random(1), AT)
    assert dated.fair(AT) - plain.fair(AT) == pytest.approx(0.06)
    half = AT + 300 * SECOND
    assert dated.fair(half) - plain.fair(half) == pytest.approx(0.03)
    assert dated.fair(expiry) - plain.fair(expiry) == 0.0


@pytest.mark.parametrize(
    ("premium", "rate"),
    [
        (0.0, 0.0001),
        (0.0003, 0.0001),
        (0.0010, 0.0005),
        (-0.0010, -0.0005),
        (0.5, 0.0075),
        (-0.5, -0.0075),
    ],
)
def test_a_rate_is_the_average_premium_pulled_towards_interest(premium: float, rate: float) -> None:
    funding = Funding(8 * HOUR, AT + HOUR)
    funding.observe(premium, AT)
    assert (funding.rate, funding.predicted) == (pytest.approx(rate), pytest.approx(rate))
    hourly = Funding(HOUR, AT + HOUR)
    hourly.observe(premium, AT)
    assert hourly.rate == pytest.approx(max(-0.0075, min(0.0075, hourly.rate)))
    assert abs(hourly.rate) <= abs(premium) + 0.0001


def test_the_forecast_follows_the_latest_premium_and_the_rate_the_average() -> None:
    funding = Funding(8 * HOUR, AT + HOUR)
    for premium in (0.0010, 0.0020):
        funding.observe(premium, AT)
    assert funding.rate == pytest.approx(0.0010)
    assert funding.predicted == pytest.approx(0.0015)


def test_funding_settles_at_its_boundary_and_starts_anew() -> None:
    funding = Funding(HOUR, AT + 60 * SECOND)
    funding.observe(0.0080, AT)
    before = funding.rate
    funding.observe(-0.0080, AT + 60 * SECOND)
    assert funding.settled == [Settlement(AT + 60 * SECOND, before)]
    assert (funding.next_at, funding.rate < 0) == (AT + 60 * SECOND + HOUR, True)


def test_boundaries_that_nobody_saw_are_settled_one_by_one() -> None:
    funding = Funding(HOUR, AT)
    funding.observe(0.001, AT + 3 * HOUR)
    assert [settled.at for settled in funding.settled] == [AT + n * HOUR for n in range(4)]


def test_the_peg_is_lost_and_comes_back() -> None:
    depeg = Depeg(Random(5), AT)
    depth = depeg.depth

    def at(second: float) -> float:
        return depeg.at(depeg.start + int(second * SECOND))

    assert 15 * SECOND < depeg.start - AT < 25 * SECOND and 0.015 < depth < 0.03
    assert at(-15) == at(0) == 0.0
    assert at(4) == pytest.approx(-depth / 2)
    assert at(8) == at(48) == -depth
    assert at(58) == pytest.approx(-depth / 2)
    assert at(68) == at(500) == 0.0


def test_when_and_how_far_is_the_seeds() -> None:
    one, same, other = (Depeg(Random(seed), AT) for seed in (1, 1, 2))
    assert (one.start, one.depth) == (same.start, same.depth) != (other.start, other.depth)


def test_every_venue_lists_what_its_table_says() -> None:
    listed = {venue: [market for market, _ in lab_contracts(venue, AT)] for venue in CONTRACTS}
    symbols = {venue: [market.symbol for market in markets] for venue, markets in listed.items()}
    assert symbols["okx"][-2:] == ["BTC/USD:BTC", "BTC/USDT:USDT-270409"]
    assert listed["okx"][-1].id == "BTC-USDT-270409"
    assert [market.id for market in listed["kucoinfutures"]][:2] == ["XBTUSDTM", "ETHUSDTM"]
    assert [market.id for market in listed["krakenfutures"]][:2] == ["PF_XBTUSD", "PF_ETHUSD"]
    expiry = listed["okx"][-1].expiry
    # A Friday, 08:00 UTC; the epoch was a Thursday.
    assert (expiry // (24 * HOUR) % 7, expiry % (24 * HOUR)) == (1, 8 * HOUR)


# From here the first full minute that is far enough away comes in 16 s.
LATE = AT + 24 * SECOND


def walked(world: World, begin: int, seconds: int) -> World:
    for step in range(seconds * 4):
        world.advance(begin + step * SECOND // 4)
    return world


def test_contracts_stand_near_their_index_and_pay_at_the_boundary() -> None:
    world = World(7, LATE, ("krakenfutures",), contracts=True)
    walked(world, LATE, 18)
    for contract in world.venues["krakenfutures"].contracts.values():
        said, funding = contract.said, contract.funding
        bid, ask = (float(row[0]) for row in contract.book.best() if row)
        mark, index = float(said.mark), float(said.index)
        assert bid < ask
        assert abs(bid / mark - 1) < 0.01 and abs(mark / index - 1) < 0.002
        assert funding is not None
        assert [settled.at for settled in funding.settled] == [LATE + 16 * SECOND]
        assert said.settled == f"{funding.settled[0].rate:.8f}"
        assert said.next_at == LATE + 16 * SECOND + HOUR


def test_venues_pay_at_different_rates_and_a_dated_contract_none() -> None:
    world = World(7, AT, tuple(CONTRACTS), contracts=True)
    perpetuals = [
        contract
        for of in world.venues.values()
        for contract in of.contracts.values()
        if contract.market.base == "BTC" and contract.funding
    ]
    assert len({contract.said.rate for contract in perpetuals}) > 3
    hourly = [c for c in perpetuals if c.market.on_the_hour]
    assert [contract.said.next_at % HOUR for contract in hourly] == [0]
    dated = world.venues["okx"].contract("BTC/USDT:USDT-270409").said
    assert (dated.rate, dated.settled, dated.next_at, dated.interval) == ("", "", 0, 0)
    assert 0.05 < float(dated.mark) / float(dated.index) - 1 < 0.12


def test_spot_is_what_it_is_whether_contracts_are_listed_or_not() -> None:
    with_them, without = (
        walked(World(7, AT, ("okx",), contracts=both), AT, 2) for both in (True, False)
    )
    for name, book in without.venues["okx"].books.items():
        twin = with_them.venues["okx"].books[name]
        assert (twin.best(), twin.sequence) == (book.best(), book.sequence)


def test_a_lost_peg_moves_everything_that_is_paid_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Depeg, "AFTER", (1.0, 1.0))
    monkeypatch.setattr(Depeg, "DEPTH", (0.025, 0.025))
    monkeypatch.setattr(Depeg, "FALL", 1)
    world = walked(World(7, AT, ("okx",), depeg=True), AT, 6)
    parity = world.book("okx", "USDC/USDT").best()[0]
    assert parity is not None and 0.97 < float(parity[0]) < 0.98
    in_usdc, in_usdt = (
        math.log(float((world.book("okx", f"BTC/{quote}").best()[0] or ("0", ""))[0]))
        for quote in ("USDC", "USDT")
    )
    assert in_usdc - in_usdt == pytest.approx(0.025, abs=0.005)
