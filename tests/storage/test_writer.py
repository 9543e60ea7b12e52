"""What is written, on a file and on a server."""

from __future__ import annotations

import json
import threading
import time

import msgspec
from sqlalchemy.engine import Connection

from scanner.events import Alert
from storage import evidence, schema
from storage.batch import BatchWriter
from storage.database import for_writing
from storage.location import located
from storage.spool import Batch
from storage.writer import Limits, Writer
from tests.storage.conftest import StartWriter
from tests.storage.events import (
    ID,
    SECOND,
    START,
    closed,
    count,
    feed_event,
    minute,
    opened,
    rows,
    until,
    updated,
)

THE_OPPORTUNITY = (
    "SELECT id, kind, symbol, buy, sell, opened_at, updated_at, closed_at, duration, reason, "
    "updates, size, gross_bps, net_bps, net_profit, currency, peak_net_bps, peak_net_profit "
    "FROM opportunity"
)
STATES = (
    "SELECT moment, at, size, gross_bps, net_bps, net_profit, buy, sell FROM evidence "
    "ORDER BY opportunity_id, moment"
)


def settled(writer: Writer) -> None:
    until(lambda: writer._link and not writer.state().waiting)
    assert writer.state().persisting


def test_a_life_is_one_row_and_the_states_that_matter(url: str, start: StartWriter) -> None:
    writer = start(url)
    first = opened()
    higher = updated(first, START + SECOND, 12.5)
    lower = updated(higher, START + 2 * SECOND, 11.0)
    end = closed(lower, START + 3 * SECOND)
    for event in (first, higher, lower):
        writer(event)
        settled(writer)
    assert rows(url, THE_OPPORTUNITY) == [
        (
            *(ID.format(1), "spot-spot", "BTC/USDT", "alpha", "beta"),
            *(START, START + 2 * SECOND, None, None, "", 2),
            *(0.1 + 0.2, 31.0, 11.0, 0.11, "USDT", 12.5, 0.125),
        )
    ]
    writer(end)
    settled(writer)
    assert rows(url, THE_OPPORTUNITY) == [
        (
            *(ID.format(1), "spot-spot", "BTC/USDT", "alpha", "beta"),
            *(START, START + 3 * SECOND, START + 3 * SECOND, 3 * SECOND, "no net edge left", 2),
            *(0.1 + 0.2, 31.0, 11.0, 0.11, "USDT", 12.5, 0.125),
        )
    ]
    legs = evidence.written(first)
    assert json.loads(legs[0])["levels"] == [[100.1, 0.25], [100.19999999999999, 3.0]]
    assert rows(url, STATES) == [
        (schema.OPENED, START, 0.1 + 0.2, 30.0, 10.0, 0.1, *legs),
        (schema.PEAK, START + SECOND, 0.1 + 0.2, 32.5, 12.5, 0.125, *legs),
        (schema.LAST, START + 3 * SECOND, 0.1 + 0.2, 31.0, 11.0, 0.11, *legs),
    ]


def test_it_comes_out_the_same_in_one_batch_or_in_many(url: str, start: StartWriter) -> None:
    slow = start(url, limits=Limits(batch_seconds=0.2))
    settled(slow)
    for number, batches in ((1, False), (2, True)):
        last = opened(number)
        slow(last)
        for second, bps in ((1, 9.0), (2, 14.0), (3, 13.0)):
            last = updated(last, START + second * SECOND, bps)
            if batches:
                settled(slow)
            slow(last)
        slow(closed(last, START + 4 * SECOND))
    settled(slow)
    columns = THE_OPPORTUNITY.replace("SELECT id,", "SELECT")
    one, two = rows(url, columns)
    assert one == two
    assert rows(url, "SELECT closed_at FROM opportunity") == [(START + 4 * SECOND,)] * 2
    states = rows(url, STATES)
    assert states[:3] == states[3:]
    samples = rows(url, "SELECT at, net_bps FROM sample ORDER BY opportunity_id, at")
    assert samples[:4] == samples[4:]


def test_one_sample_a_second_and_every_peak(url: str, start: StartWriter) -> None:
    writer = start(url)
    last = opened()
    writer(last)
    kept = [(START, 10.0)]
    for milliseconds, bps, sampled in (
        (250, 9.0, False),
        (500, 9.5, False),
        (750, 10.5, True),  # a peak
        (1000, 10.4, False),
        (1700, 10.3, False),
        (1750, 10.2, True),  # a second after the last
        (2000, 10.1, False),
    ):
        at = START + milliseconds * 1_000_000
        last = updated(last, at, bps)
        writer(last)
        kept += [(at, bps)] * sampled
    writer(closed(last, START + 3 * SECOND))
    settled(writer)
    assert rows(url, "SELECT at, net_bps FROM sample ORDER BY at") == kept


def test_minutes_feed_events_and_alerts(url: str, start: StartWriter) -> None:
    writer = start(url)
    writer(minute())
    writer(minute(START + 60 * SECOND))
    writer(minute(buy="gamma"))
    writer(feed_event())
    alert = Alert(
        id=ID.format(9),
        rule="big",
        channel="phone",
        opportunity_id=ID.format(1),
        symbol="BTC/USDT",
        at=START,
        text="buy here",
    )
    writer(alert)
    settled(writer)
    writer(msgspec.structs.replace(alert, state="sent", attempts=1, sent_at=START + SECOND))
    settled(writer)
    summaries = rows(
        url,
        "SELECT symbol, buy, sell, at, samples, positive, low_bps, high_bps, mean_bps, last_bps "
        "FROM route_minute JOIN route ON id = route_id ORDER BY at, buy",
    )
    figures = (7, 2, -3.25, 1.5, -0.1, 0.3)
    assert summaries == [
        ("BTC/USDT", "alpha", "beta", START, *figures),
        ("BTC/USDT", "gamma", "beta", START, *figures),
        ("BTC/USDT", "alpha", "beta", START + 60 * SECOND, *figures),
    ]
    assert rows(url, "SELECT * FROM feed_event") == [
        (writer.run_id, 1, START, "alpha", 2, "lost", "", "closed by the venue")
    ]
    told = "SELECT id, owner, rule, channel, state, attempts, sent_at, text FROM alert"
    assert rows(url, told) == [
        (ID.format(9), writer.run_id, "big", "phone", "sent", 1, START + SECOND, "buy here")
    ]


def test_a_batch_written_twice_is_there_once(url: str, start: StartWriter) -> None:
    settled(start(url))
    event = opened()
    batch = Batch(
        since=START,
        drafts={},
        feed_events=[(1, feed_event())],
        samples=[(event.id, START, 1.0, 2.0, 3.0, 4.0)],
        readings=[minute()],
    )
    engine = for_writing(located(url))
    for _ in range(2):
        with engine.connect() as connection, connection.begin():
            BatchWriter("run").write(connection, batch)
    assert [count(url, t) for t in ("route", "feed_event", "sample", "route_minute")] == [1] * 4


def test_a_commit_whose_answer_was_lost_doubles_nothing(url: str, start: StartWriter) -> None:
    writer = start(url)
    settled(writer)
    broken = threading.Event()
    link = writer._link
    assert link is not None
    write = link.write

    def write_and_lose_the_answer(batch: Batch) -> None:
        write(batch)
        if not broken.is_set():
            broken.set()
            raise ConnectionResetError("the server went away")

    link.write = write_and_lose_the_answer  # type: ignore[method-assign]
    last = opened()
    writer(last)
    writer(minute())
    writer(feed_event())
    until(broken.is_set)
    writer(closed(last, START + SECOND))
    until(lambda: writer.state().persisting and not writer.state().waiting)
    tables = ("opportunity", "sample", "route_minute", "feed_event", "run")
    assert [count(url, t) for t in tables] == [1] * 5
    assert count(url, "evidence") == 2


def test_what_is_committed_can_be_read_by_others(url: str, start: StartWriter) -> None:
    seen: list[list[tuple[object, ...]]] = []

    def committed(batch: Batch) -> None:
        assert list(batch.drafts) == [ID.format(1)]
        seen.append(rows(url, "SELECT id FROM opportunity"))

    writer = start(url, committed=committed)
    writer(opened())
    until(lambda: seen)
    assert seen == [[(ID.format(1),)]]


def test_text_from_outside_is_stored_as_text(url: str, start: StartWriter) -> None:
    writer = start(url)
    writer(feed_event(reason="'); DROP TABLE run; --\0\ud800\x1b[2J" + "x" * 10_000))
    settled(writer)
    ((reason,),) = rows(url, "SELECT reason FROM feed_event")
    assert reason.startswith("'); DROP TABLE run; --\N{REPLACEMENT CHARACTER}?\x1b[2Jxxx")
    assert len(reason) == 4000
    assert count(url, "run") == 1


def test_a_row_that_no_database_takes_holds_up_nothing(url: str, start: StartWriter) -> None:
    told: list[str] = []
    writer = start(
        url, limits=Limits(batch_seconds=0.2), committed=lambda batch: told.extend(batch.drafts)
    )
    settled(writer)
    writer(opened(1))
    writer(opened(2, at=2**80))
    writer(opened(3))
    writer(minute(at=2**80))
    writer(minute())
    settled(writer)
    assert rows(url, "SELECT id FROM opportunity ORDER BY id") == [(ID.format(1),), (ID.format(3),)]
    assert rows(url, "SELECT buy FROM route_minute JOIN route ON id = route_id") == [("alpha",)]
    assert writer.state().losses == {"opportunity": 1, "sample": 1, "route_minute": 1}
    assert writer.state().dropped == 3
    assert sorted(told) == [ID.format(1), ID.format(3)]


def test_a_chore_that_fails_stops_only_itself(url: str, start: StartWriter) -> None:
    class Broken:
        calls = 0

        def due(self, at: int) -> bool:
            return True

        def step(self, connection: Connection, at: int) -> bool:
            self.calls += 1
            raise ZeroDivisionError

    writer = start(url)
    broken = Broken()
    writer._chores = [broken]
    until(lambda: broken.calls)
    writer(opened())
    settled(writer)
    assert broken.calls == 1
    assert count(url, "opportunity") == 1


def test_the_run_tells_what_it_was_and_when(url: str, start: StartWriter) -> None:
    before = time.time_ns()
    writer = start(url, config_text="alerts:\n  token: hush-hush\nlimits: {max_age_ms: 3000}\n")
    settled(writer)
    until(lambda: count(url, "run"))
    ((one, version, config, started, ended, reason),) = rows(
        url, "SELECT id, version, config, started_at, ended_at, reason FROM run"
    )
    assert (one, version) == (writer.run_id, "1.2.3")
    assert "max_age_ms: 3000" in config
    assert "hush" not in config
    assert before <= started <= time.time_ns()
    assert (ended, reason) == (None, "")
    writer(opened())
    writer.close()
    ((ended, reason),) = rows(url, "SELECT ended_at, reason FROM run")
    assert started < ended <= time.time_ns()
    assert reason == "stopped"
    assert count(url, "opportunity") == 1


def test_the_state_counts_what_was_written(url: str, start: StartWriter) -> None:
    writer = start(url)
    writer(opened())
    settled(writer)
    state = writer.state()
    assert (state.written, state.waiting, state.dropped, state.lag_ms) == (3, 0, 0, 0.0)
    assert (state.error, state.remedy) == ("", "")
