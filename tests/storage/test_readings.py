"""Funding, parity and rejects: what is written of them, and what is answered."""

from __future__ import annotations

from collections.abc import Iterable
from math import nan

import pytest
from msgspec.structs import replace

from scanner.events import FundingSample
from storage import migrate, retention
from storage.batch import BatchWriter
from storage.chores import forget
from storage.database import for_writing
from storage.location import located
from storage.queries import open_reader
from storage.queries.readings import Payment, Readings
from storage.readings import Reading
from storage.retention import DAY, HOUR, Keep, Retention
from storage.spool import Batch
from tests.storage.conftest import StartWriter
from tests.storage.events import SECOND, START, count, funding, parity, reject, rows, until

MINUTE = 60 * SECOND
EIGHT_HOURS = 8 * HOUR
LATE = START + 1000 * DAY


def settled_only(
    at: int, rate: float, venue: str = "alpha", interval: int = EIGHT_HOURS
) -> FundingSample:
    """What the venue's history of payments tells."""
    return FundingSample(
        at=START,
        venue=venue,
        market="BTCUSDT",
        symbol="BTC/USDT:USDT",
        interval=interval,
        settled=rate,
        settled_at=at,
    )


def store(url: str, readings: Iterable[Reading]) -> Readings:
    """They are written, and can be asked about."""
    engine = for_writing(located(url))
    with engine.connect() as connection:
        with connection.begin():
            migrate.upgrade(connection)
        with connection.begin():
            BatchWriter("run").write(connection, Batch(since=0, readings=[*readings]))
    engine.dispose()
    return open_reader(url).readings


def test_all_kinds_reach_the_database_through_the_writer(url: str, start: StartWriter) -> None:
    writer = start(url)
    for event in (funding(), parity(), reject(), settled_only(START, 0.0003)):
        writer(event)
    until(lambda: writer._link and not writer.state().waiting)
    assert rows(url, "SELECT market_id, at, current_rate, predicted_rate FROM funding") == [
        (1, START, 0.0001, -0.00025)
    ]
    assert rows(url, "SELECT * FROM funding_settled") == [(1, START, 0.0003, EIGHT_HOURS)]
    assert rows(url, "SELECT venue, name, symbol FROM market") == [
        ("alpha", "BTCUSDT", "BTC/USDT:USDT")
    ]
    assert rows(url, "SELECT * FROM parity_minute") == [
        (1, START, 60, -4.5, -0.5, -2.0, -3.0, -1.0, 10_000.0, 1e6, 2e6, 3e6)
    ]
    assert rows(url, "SELECT venue, symbol, via FROM pair") == [("alpha", "USDC/USDT", "")]
    assert rows(url, "SELECT * FROM reject_minute") == [(1, START, "fees", 5, 2.5)]
    assert writer.state().losses == {}


def test_what_is_told_twice_is_there_once(url: str) -> None:
    told = [funding(), parity(), parity(via="BTC"), reject(), reject(gate="size")]
    paid = settled_only(START, 0.0003)
    store(url, told)
    asked = store(url, [*told, paid, replace(paid, at=LATE, settled=0.0004)])
    found = {t: count(url, t) for t in ("market", "funding", "parity_minute", "reject_minute")}
    assert found == {"market": 1, "funding": 1, "parity_minute": 2, "reject_minute": 2}
    (payment,) = asked.payments(0, LATE, 10)
    assert payment.rate == 0.0004, "the venue has corrected itself"


# --- funding --------------------------------------------------------------------------------------


def test_a_sample_comes_back_as_it_was(url: str) -> None:
    whole = funding()
    silent = funding(START + MINUTE, predicted=None, due=0, interval=0, open_interest=None)
    asked = store(url, [whole, silent])
    assert asked.funding_samples(START, LATE, 10) == [silent, whole]
    assert asked.funding_samples(START, LATE, 1) == [silent]
    assert asked.funding_samples(START, START + MINUTE, 10) == [whole]
    assert asked.funding_samples(START, LATE, 10, venues=("beta",)) == []
    assert asked.funding_samples(START, LATE, 10, symbols=("BTC/USDT:USDT",)) == [silent, whole]


def test_what_was_paid_is_kept_apart_from_what_is_announced(url: str) -> None:
    asked = store(url, [funding(), settled_only(START, -0.0002)])
    assert [one.settled for one in asked.funding_samples(0, LATE, 10)] == [None]
    assert asked.payments(0, LATE, 10) == [
        Payment(
            at=START,
            venue="alpha",
            market="BTCUSDT",
            symbol="BTC/USDT:USDT",
            rate=-0.0002,
            interval=EIGHT_HOURS,
        )
    ]


def test_a_payment_comes_with_the_mark_of_its_boundary(url: str) -> None:
    marked = [
        funding(START - 2 * MINUTE, mark=70.0),
        funding(START - MINUTE, mark=71.0),
        funding(START, mark=None),
        funding(START + MINUTE, mark=72.0),
        funding(START, "beta", mark=1.0),
    ]
    asked = store(url, [*marked, settled_only(START, 1e-4), settled_only(START + HOUR, 2e-4)])
    found = asked.payments(0, LATE, 10, near=5 * MINUTE)
    assert [(one.rate, one.mark) for one in found] == [(2e-4, None), (1e-4, 71.0)]
    assert [one.mark for one in asked.payments(0, LATE, 10)] == [None, None]
    assert [one.mark for one in asked.payments(0, LATE, 10, near=HOUR)] == [72.0, 71.0]


def test_the_mean_is_of_what_was_settled_over_the_time_that_it_was_for(url: str) -> None:
    asked = store(
        url,
        [
            funding(START, current=0.9),
            settled_only(START, 3e-4),
            settled_only(START + HOUR, 1e-4, interval=HOUR),
            settled_only(START + 2 * HOUR, 1e-4, interval=0),
            settled_only(START, 5e-4, "beta"),
        ],
    )
    found = asked.mean_rates(START, LATE, venues=("alpha",))
    mean = found.pop(("alpha", "BTCUSDT", "BTC/USDT:USDT"))
    assert not found
    assert mean.rate * 9 * HOUR == pytest.approx(4e-4)
    assert (mean.payments, mean.since) == (2, START)
    assert asked.mean_rates(START + 1, START + HOUR) == {}


def test_where_funding_stands_and_what_it_came_to(url: str) -> None:
    paid = [
        settled_only(START + n * EIGHT_HOURS, rate) for n, rate in enumerate((3e-4, -1e-4, 2e-4))
    ]
    other = funding(START, "beta", current=None)
    asked = store(url, [funding(), funding(START + MINUTE, current=5e-5), *paid, other])
    first, second = asked.funding(START + HOUR, LATE)
    assert (first.newest.venue, first.newest.at, first.newest.current) == (
        *("alpha", START + MINUTE),
        5e-5,
    )
    assert (first.payments, first.since) == (2, START + EIGHT_HOURS)
    assert first.paid_at == START + 2 * EIGHT_HOURS
    assert first.paid == pytest.approx(1e-4)
    assert (first.lowest, first.highest) == (-1e-4, 2e-4)
    assert second.newest == other
    assert (second.payments, second.paid, second.lowest, second.paid_at) == (0, 0.0, None, 0)
    (before,) = asked.funding(0, START + MINUTE, venues=("alpha",))
    assert (before.newest.at, before.payments) == (START, 1)
    assert asked.funding(0, LATE, symbols=("ETH/USDT:USDT",)) == []


# --- parity ---------------------------------------------------------------------------------------


def test_a_contract_of_which_only_payments_are_known_is_there_too(url: str) -> None:
    readings = store(
        url,
        [
            settled_only(START - EIGHT_HOURS, -0.0004, interval=HOUR),
            settled_only(START, 0.0003),
            settled_only(START - 9 * DAY, 0.0005, "omega"),
            funding(venue="beta"),
        ],
    )
    alone, sampled = readings.funding(START - 7 * DAY, LATE)
    newest = FundingSample(
        at=START, venue="alpha", market="BTCUSDT", symbol="BTC/USDT:USDT", interval=EIGHT_HOURS
    )
    assert alone.newest == newest
    assert (alone.payments, alone.lowest, alone.highest) == (2, -0.0004, 0.0003)
    assert (alone.since, alone.paid_at) == (START - EIGHT_HOURS, START)
    assert (sampled.newest.venue, sampled.newest.mark) == ("beta", funding().mark)
    assert readings.funding(START - 7 * DAY, LATE, venues=("beta",)) == [sampled]


def test_how_a_pair_stood(url: str) -> None:
    later = parity(
        START + MINUTE, low_bps=-90.0, high_bps=-10.0, mean_bps=-40.0, bid_bps=-80.5, samples=20
    )
    implied = parity(START, via="BTC")
    asked = store(url, [parity(), later, implied])
    direct, over_btc = sorted(asked.parities(START, LATE), key=lambda one: one.newest.via)
    assert direct.newest == later
    assert (direct.minutes, direct.low_bps, direct.high_bps) == (2, -90.0, -0.5)
    assert direct.mean_bps == pytest.approx((-2.0 * 60 - 40.0 * 20) / 80)
    assert (over_btc.newest, over_btc.minutes) == (implied, 1)
    assert asked.parity_samples(START, LATE, 2) == [later, parity()]
    assert asked.parities(START + MINUTE, LATE)[0].minutes == 1
    assert asked.parities(START, LATE, venues=("beta",)) == []
    assert asked.parities(LATE, LATE + 1) == []


# --- rejects --------------------------------------------------------------------------------------


def test_why_nothing_was_flagged(url: str) -> None:
    asked = store(
        url,
        [
            reject(),
            replace(reject(START + MINUTE), count=70, best_shortfall_bps=0.25),
            reject(START, "staleness"),
            reject(START, "fees", buy="gamma"),
            replace(reject(), symbol="ETH/USDT"),
        ],
    )
    first, *others = asked.rejects(START, LATE, symbols=("BTC/USDT",))
    assert (first.buy, first.gate, first.minutes, first.count) == ("alpha", "fees", 2, 75)
    assert (first.best_shortfall_bps, first.at) == (0.25, START + MINUTE)
    assert [(one.buy, one.gate, one.count) for one in others] == [
        ("alpha", "staleness", 5),
        ("gamma", "fees", 5),
    ]
    assert {one.symbol for one in asked.rejects(START, LATE)} == {"BTC/USDT", "ETH/USDT"}
    assert asked.rejects(START, LATE, symbols=("BTC/USDT",), buy=("gamma",), sell=("alpha",)) == []
    newest = asked.reject_minutes(START, LATE, 1)
    assert newest == [replace(reject(START + MINUTE), count=70, best_shortfall_bps=0.25)]


# --- trouble --------------------------------------------------------------------------------------


def test_what_no_database_takes_is_counted_by_its_table(url: str, start: StartWriter) -> None:
    writer = start(url)
    writer(funding(at=2**80))
    writer(parity(at=2**80))
    writer(reject(at=2**80))
    writer(funding())
    until(lambda: writer._link and not writer.state().waiting)
    assert writer.state().losses == {"funding": 1, "parity_minute": 1, "reject_minute": 1}
    assert count(url, "funding") == 1


def test_no_number_is_not_taken_for_one(url: str, start: StartWriter) -> None:
    """SQLite makes NULL of it, PostgreSQL keeps it: nobody may write one."""
    writer = start(url)
    writer(funding(current=nan))
    writer(funding(START + MINUTE))
    until(lambda: writer._link and not writer.state().waiting)
    found = open_reader(url).readings.funding_samples(0, LATE, 10)
    assert [one.at for one in found] == [START + MINUTE]
    assert writer.state().losses == {"funding": 1}


def test_old_readings_go_but_what_was_paid_goes_by_age_alone(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in (0, 1, 5, 9):
        at = START - day * DAY - HOUR
        store(url, [funding(at), parity(at), reject(at), settled_only(at, 0.0001)])
    monkeypatch.setattr(retention, "used_bytes", lambda connection: 2 << 20)
    assert left(url, Keep(max_mb=1)) == [1, 1, 1, 4]
    assert left(url, Keep(days=3)) == [1, 1, 1, 2]


def left(url: str, keep: Keep) -> list[int]:
    """How many rows of each table are left."""
    engine = for_writing(located(url))
    work, more = Retention(keep, forget), True
    with engine.connect() as connection:
        while more:
            with connection.begin():
                more = work.step(connection, START)
    engine.dispose()
    tables = ("funding", "parity_minute", "reject_minute", "funding_settled")
    return [count(url, table) for table in tables]
