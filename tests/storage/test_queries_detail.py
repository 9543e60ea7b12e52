"""One opportunity in full, routes minute by minute, alerts, and what is in a database."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from scanner.events import Alert, FeedEvent, Leg, RouteMinute
from storage import schema
from storage.queries import Filter, Sort, open_reader
from storage.writer import Writer
from tests.storage.events import ID, SECOND, START, closed, minute, opened, until, updated
from tests.storage.opportunities import change, some, write

StartWriter = Callable[..., Writer]
MINUTE = 60 * SECOND


def kept(writer: Writer) -> None:
    until(lambda: not writer.state().waiting)
    writer.close()


def feed(at: int, venue: str = "alpha", kind: str = "reset") -> FeedEvent:
    return FeedEvent(at=at, venue=venue, connection=1, kind=kind, market="BTC/USDT", reason="gap")


def test_a_whole_life(url: str, start: StartWriter) -> None:
    writer = start(url)
    first = opened(net_bps=10.0)
    peak = updated(first, START + SECOND, 15.0)
    last = updated(peak, START + 3 * SECOND, 6.0)
    end = closed(replace(last, size=0.25), START + 4 * SECOND, "a leg is too old")
    alert = Alert(id=ID.format(99), rule="big", channel="me", opportunity_id=first.id, at=START)
    for event in (first, peak, last, end, alert):
        writer(event)
    kept(writer)
    detail = open_reader(url).one(first.id)
    assert detail is not None
    o = detail.opportunity
    assert (o.event, o.reason, o.updates) == ("closed", "a leg is too old", 2)
    assert (o.opened_at, o.at, o.closed_at) == (START, end.at, end.at)
    assert (o.duration, o.size, o.net_bps, o.net_profit) == (4 * SECOND, 0.25, 6.0, 0.06)
    assert (o.peak_net_bps, o.peak_net_profit) == (15.0, 0.15)
    assert (o.buy, o.sell, o.buy_venue, o.sell_venue) == (end.buy, end.sell, "alpha", "beta")
    told = [(s.moment, s.at, s.net_bps, s.buy) for s in detail.states]
    assert told == [
        ("opened", START, 10.0, first.buy),
        ("peak", peak.at, 15.0, peak.buy),
        ("last", end.at, 6.0, end.buy),
    ]
    assert [(s.at - START) // SECOND for s in detail.samples] == [0, 1, 3]
    assert detail.version == "1.2.3"
    assert [a.rule for a in detail.alerts] == ["big"]


def test_one_that_has_only_opened(url: str) -> None:
    write(url, [opened()])
    detail = open_reader(url).one(opened().id)
    assert detail is not None
    o = detail.opportunity
    assert (o.event, o.closed_at, o.duration, o.at) == ("opened", None, None, START)
    assert [state.moment for state in detail.states] == ["opened"]


def test_an_interrupted_one_closed_when_its_run_was_last_seen(url: str) -> None:
    write(url, [opened()])
    o = schema.opportunity
    values = {"closed_at": START + 7 * SECOND, "duration": 7 * SECOND, "reason": "interrupted"}
    change(url, lambda c: c.execute(o.update().values(values)))
    [one] = open_reader(url).opportunities(Filter())
    assert (one.event, one.at, one.reason) == ("closed", START + 7 * SECOND, "interrupted")


def test_levels_that_were_not_kept(url: str) -> None:
    write(url, [opened()])
    change(url, lambda c: c.execute(schema.evidence.delete()))
    [one] = open_reader(url).opportunities(Filter())
    assert (one.buy, one.sell, one.buy_venue) == (None, None, "alpha")
    detail = open_reader(url).one(one.id)
    assert detail is not None and detail.states == []


def test_what_feeds_did_around_it(url: str, start: StartWriter) -> None:
    writer = start(url)
    around = [feed(START - MINUTE), feed(START + SECOND, "beta"), feed(START + 2 * SECOND + MINUTE)]
    others = [
        feed(START - MINUTE - 1, kind="connected"),
        feed(START - 2 * MINUTE, kind="lost"),
        feed(START, "gamma"),
        feed(START + 2 * SECOND + MINUTE + 1),
    ]
    for event in (*others, *around, opened(), closed(opened(), START + 2 * SECOND)):
        writer(event)
    kept(writer)
    detail = open_reader(url).one(opened().id)
    assert detail is not None
    assert detail.feeds == around
    assert detail.feeds_left_out == 0
    assert [event.kind for event in detail.before] == ["connected"]


def test_of_many_feed_events_the_first_are_told(url: str, start: StartWriter) -> None:
    writer = start(url)
    for number in range(50):
        writer(feed(START + number))
    writer(opened())
    kept(writer)
    detail = open_reader(url).one(opened().id)
    assert detail is not None
    assert [event.at - START for event in detail.feeds] == [*range(40)]
    assert detail.feeds_left_out == 10


def test_ids_by_their_beginning(url: str) -> None:
    write(url, [opened(number) for number in (1, 2, 0x1F)])
    reader = open_reader(url)
    assert reader.ids(ID.format(2)) == [ID.format(2)]
    assert reader.ids(ID.format(0x1F)[:-1]) == [ID.format(0x1F)]
    assert reader.ids("01a0c2de", 2) == [ID.format(1), ID.format(2)]
    assert reader.ids("01a0c2df") == []


def test_more_than_one_page_of_legs(url: str) -> None:
    stored = some(1_100, days=2)
    write(url, stored)
    found = open_reader(url).opportunities(Filter(), Sort.PROFIT, 1_100)
    assert {one.id: one.buy for one in found} == {o.id: o.buy for o in stored}


# --- spreads -----------------------------------------------------------------------------------


def minutes() -> list[RouteMinute]:
    """Three minutes of two routes, and one of another symbol."""
    rows = [
        replace(
            minute(START + i * MINUTE, buy=buy),
            samples=10 * (i + 1),
            positive=i,
            mean_bps=mean + i,
            high_bps=mean + 3 * i,
            low_bps=mean - 5,
            last_bps=mean + i / 2,
        )
        for i in range(3)
        for buy, mean in (("alpha", -4.0), ("gamma", -8.0))
    ]
    return [*rows, minute(symbol="ETH/USDT")]


@pytest.fixture
def spread(url: str, start: StartWriter) -> str:
    writer = start(url)
    for row in minutes():
        writer(row)
    kept(writer)
    return url


def test_the_minutes_of_a_route_as_one(spread: str) -> None:
    found = open_reader(spread).spreads("BTC/USDT", START, START + 3 * MINUTE)
    alpha, gamma = sorted(found, key=lambda route: route.buy)
    assert (alpha.symbol, alpha.buy, alpha.sell) == ("BTC/USDT", "alpha", "beta")
    assert (alpha.at, alpha.minutes, alpha.samples, alpha.positive) == (
        START + 2 * MINUTE,
        3,
        60,
        3,
    )
    assert (alpha.low_bps, alpha.high_bps, alpha.last_bps) == (-9.0, 2.0, -3.0)
    assert alpha.mean_bps == pytest.approx((-4 * 10 - 3 * 20 - 2 * 30) / 60)
    assert gamma.high_bps == -2.0


def test_from_when_to_when(spread: str) -> None:
    reader = open_reader(spread)
    assert reader.spreads("BTC/USDT", START + 3 * MINUTE, START + 4 * MINUTE) == []
    found = reader.spreads("BTC/USDT", START + MINUTE, START + 2 * MINUTE, "alpha", "beta")
    assert [(route.buy, route.minutes, route.samples) for route in found] == [("alpha", 1, 20)]
    assert reader.spreads("BTC/USDT", START, START + MINUTE, sell="alpha") == []
    assert reader.spreads("XRP/USDT", START, START + MINUTE) == []


def test_the_minutes_themselves(spread: str) -> None:
    found = open_reader(spread).minutes("BTC/USDT", START, START + 3 * MINUTE, 3)
    assert [((route.at - START) // MINUTE, route.buy) for route in found] == [
        (2, "alpha"),
        (2, "gamma"),
        (1, "alpha"),
    ]
    assert (found[0].minutes, found[0].samples, found[0].last_bps) == (1, 30, -3.0)


def test_the_course_of_the_best_route(spread: str) -> None:
    reader = open_reader(spread)
    found = reader.course("BTC/USDT", START, START + 3 * MINUTE, 3)
    assert [((p.at - START) // MINUTE, p.high_bps, p.mean_bps) for p in found] == [
        (0, -4.0, -4.0),
        (1, -1.0, -3.0),
        (2, 2.0, -2.0),
    ]
    [only] = reader.course("BTC/USDT", START, START + 3 * MINUTE, 1, buy="gamma")
    assert (only.at, only.high_bps) == (START, -2.0)


def test_names_of_which_there_is_anything(spread: str) -> None:
    write(spread, some(300))
    symbols, venues = open_reader(spread).known()
    assert symbols == {"BTC/USDT", "ETH/USDT", "ETH/BTC", "SOL/USDC"}
    assert venues == {"alpha", "beta", "gamma"}


# --- alerts, and the whole ---------------------------------------------------------------------


def test_alerts_are_found_by_rule_channel_and_state(url: str, start: StartWriter) -> None:
    writer = start(url)
    for number, (rule, channel, state) in enumerate(
        (("a", "me", "sent"), ("b", "me", "failed"), ("a", "you", "sent"))
    ):
        writer(
            Alert(id=ID.format(number), rule=rule, channel=channel, at=START + number, state=state)
        )
    kept(writer)
    reader = open_reader(url)
    assert [alert.at - START for alert in reader.alerts()] == [2, 1, 0]
    assert [alert.at - START for alert in reader.alerts(rules=["a"], limit=1)] == [2]
    assert [alert.at - START for alert in reader.alerts(channels=["me"], since=START + 1)] == [1]
    assert [alert.at - START for alert in reader.alerts(states=["failed"])] == [1]


def test_what_is_in_it(url: str, start: StartWriter) -> None:
    writer = start(url)
    for event in (opened(1), opened(2, START + SECOND), closed(opened(1), START + 2 * SECOND)):
        writer(event)
    kept(writer)
    info = open_reader(url).info()
    assert (info.runs, info.opportunities, info.open) == (1, 2, 1)
    assert (info.first, info.last) == (START, START + SECOND)
    assert info.schema and info.size > 0
    assert "pass" not in info.place


def test_a_leg_as_it_was(url: str) -> None:
    odd = Leg(
        venue="alpha",
        symbol="BTC/USDT",
        levels=((0.1 + 0.2, 1e-12), (1e15 + 0.3, 3.3333333333333335)),
        fee_rate=1e-5,
        age_ms=0.1,
    )
    write(url, [replace(opened(), buy=odd)])
    [one] = open_reader(url).opportunities(Filter())
    assert one.buy == odd


def test_a_reader_sees_what_was_just_written(url: str, start: StartWriter) -> None:
    writer = start(url)
    writer(opened(1))
    until(lambda: writer.state().written)
    reader = open_reader(url)
    assert len(reader.opportunities(Filter())) == 1
    writer(opened(2, START + 1))
    end = time.monotonic() + 5
    while len(reader.opportunities(Filter())) < 2:
        assert time.monotonic() < end
    writer.close()
