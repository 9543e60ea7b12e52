"""The clock that only goes forward and yet keeps to the time of day."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner import clock
from scanner.clock import EVERY, FASTEST, SECOND, STEP_STANDS, Clock, Reading

START = 1_790_000_000 * SECOND


def run(watch: Clock, seconds: int, off: int, begin: int = 0) -> int:
    """``seconds`` from ``begin`` on, in which the time of day is ``off`` from what it was to be;
    how far the clock is behind it then. It must never go back, nor too fast but for a jump."""
    every = EVERY // 8
    last, jumps = watch.at(begin), 0
    for monotonic in range(begin, begin + seconds * SECOND, every):
        shown = watch.at(monotonic)
        assert last <= shown <= last + every + int(every * FASTEST) + 2 + jumps
        last, jumps = shown, 0 if shown - last > every * 2 else jumps
        if watch.due(monotonic):
            jumps += watch.observe(Reading(monotonic, START + monotonic + off))
            assert watch.at(monotonic) == shown
    end = begin + seconds * SECOND
    return START + end + off - watch.at(end)


def test_it_shows_the_time_of_day() -> None:
    watch = Clock(Reading(0, START))
    assert watch.at(0) == START
    assert watch.at(7 * SECOND + 1) == START + 7 * SECOND + 1
    assert run(watch, 3600, 0) == 0


@pytest.mark.parametrize("off", [SECOND // 2, -SECOND // 2, SECOND // 100, -SECOND // 100])
def test_a_small_difference_is_made_up_for_slowly(off: int) -> None:
    watch = Clock(Reading(0, START))
    after_ten_minutes = run(watch, 600, off)
    assert abs(after_ten_minutes) >= abs(off) - int(600 * SECOND * FASTEST) - 1000
    assert abs(run(watch, 3600, off, 600 * SECOND)) < SECOND // 500


def test_a_drift_that_goes_on_is_followed() -> None:
    watch = Clock(Reading(0, START))
    for monotonic in range(0, 86_400 * SECOND, EVERY):
        wall = START + monotonic + monotonic // 20_000  # 50 ppm: 4.3 s in a day
        watch.observe(Reading(monotonic, wall))
        assert abs(wall - watch.at(monotonic)) < 10_000_000


def test_a_step_forward_is_taken_once_it_has_stood_for_a_minute() -> None:
    watch = Clock(Reading(0, START))
    year = 365 * 86_400 * SECOND
    assert run(watch, 50, year) > year - SECOND
    assert abs(run(watch, 60, year, 50 * SECOND)) < SECOND // 10
    assert abs(watch.at(200 * SECOND) - (START + 200 * SECOND + year)) < SECOND // 10


def test_a_step_forward_that_is_taken_back_leaves_nothing_behind() -> None:
    watch = Clock(Reading(0, START))
    run(watch, 50, 3600 * SECOND)
    assert abs(run(watch, 1000, 0, 50 * SECOND)) < SECOND // 500


def test_after_a_step_back_it_goes_on_slowly_until_the_time_of_day_is_there() -> None:
    watch = Clock(Reading(0, START))
    behind = run(watch, 2000, -2 * SECOND)
    assert behind == pytest.approx(-SECOND, abs=SECOND // 50)
    assert abs(run(watch, 4000, -2 * SECOND, 2000 * SECOND)) < SECOND // 500


def test_a_reading_that_was_interrupted_does_not_count() -> None:
    watch = Clock(Reading(0, START))
    assert watch.observe(Reading(EVERY, START + EVERY + SECOND, took=SECOND)) == 0
    assert watch.at(100 * SECOND) == START + 100 * SECOND


@given(
    st.lists(
        st.tuples(st.integers(Clock.NOTICE, 10**11), st.integers(-(10**13), 10**13)), max_size=50
    )
)
def test_whatever_the_time_of_day_does_it_never_goes_back(steps: list[tuple[int, int]]) -> None:
    watch = Clock(Reading(0, START))
    monotonic, last = 0, watch.at(0)
    for passed, off in steps:
        for part in (passed // 2, passed - passed // 2):
            monotonic += part
            assert watch.at(monotonic) >= last
            last = watch.at(monotonic)
        watch.observe(Reading(monotonic, START + monotonic + off))
        assert watch.at(monotonic) >= last
        last = watch.at(monotonic)


def read_in_threads(notice: int) -> tuple[list[int], bool]:
    """By how much threads saw the clock of the process go back while it was set right again and
    again, each time with so much notice; and whether all of them kept within that."""
    went_back: list[int] = []
    late: list[int] = []
    stop = threading.Event()

    def took(since: int) -> int:
        """Who was held up for longer did not take notice in time, for which nothing is promised."""
        at = clock._monotonic()
        if at - since > notice:
            late.append(at - since)
        return at

    def read() -> None:
        last, at = 0, clock._monotonic()
        while not stop.is_set():
            shown = clock.now()
            if shown < last:
                went_back.append(last - shown)
            last, at = shown, took(at)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for off in (SECOND // 2, -SECOND // 2) * 5:
        time.sleep(notice * 2.2 / SECOND)
        reading = clock._look()
        clock._clock.observe(Reading(reading.monotonic, reading.wall + off))
        took(reading.monotonic)
        if late:
            break
    stop.set()
    for thread in threads:
        thread.join()
    return went_back, not late


def test_the_clock_of_the_process_is_the_time_of_day_in_every_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With less notice than it gives, where the machine is not too busy for that."""
    monkeypatch.setattr(clock, "_clock", Clock(clock._look()))
    assert abs(clock.now() - time.time_ns()) < SECOND // 10
    for notice in (*[SECOND // 20] * 4, *[SECOND // 5] * 2, Clock.NOTICE):
        monkeypatch.setattr(Clock, "NOTICE", notice)
        monkeypatch.setattr(clock, "_clock", Clock(clock._look()))
        went_back, in_time = read_in_threads(notice)
        if in_time:
            break
    assert in_time
    assert went_back == []


def test_it_follows_when_it_is_due_and_says_that_it_jumped(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    times = [0]
    monkeypatch.setattr(clock, "_clock", Clock(Reading(0, START)))
    monkeypatch.setattr(clock, "_monotonic", lambda: times[0])
    monkeypatch.setattr(clock, "_look", lambda: Reading(times[0], START + times[0] + 5 * SECOND))
    for monotonic in range(0, STEP_STANDS + 2 * EVERY, SECOND):
        times[0] = monotonic
        clock.follow()
    assert caplog.messages == ["the time of day was set forward by 5.0 s: so is this clock"]
    assert abs(clock.now() - (START + times[0] + 5 * SECOND)) < SECOND // 10
