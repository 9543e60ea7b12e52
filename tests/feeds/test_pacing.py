import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.feeds.pacing import LONGEST_PAUSE, Bucket, Pace, Pause, refusal
from scanner.venues.parts import SECOND


def drain(bucket: Bucket, count: int, at: int = 0) -> list[int]:
    """When each of ``count`` things is done by one who waits exactly as told."""
    times = []
    for _ in range(count):
        at += bucket.wait(at)
        bucket.take(at)
        times.append(at)
    return times


def test_even_spacing_without_a_burst() -> None:
    assert drain(Bucket(4), 5) == [0, SECOND // 4, SECOND // 2, 3 * SECOND // 4, SECOND]


def test_a_burst_then_the_rate() -> None:
    assert drain(Bucket(2, burst=3), 5) == [0, 0, 0, SECOND // 2, SECOND]


def test_rest_refills_no_further_than_the_burst() -> None:
    bucket = Bucket(10, burst=2)
    drain(bucket, 2)
    assert drain(bucket, 3, at=100 * SECOND) == [100 * SECOND] * 2 + [100 * SECOND + SECOND // 10]


@given(st.integers(2, 300), st.integers(1, 10))
def test_no_window_sees_more_than_its_count(count: int, burst: int) -> None:
    times = drain(Bucket.within(count, 60.0, burst), 3 * count)
    for first, after in zip(times, times[count:], strict=False):
        assert after - first >= 60 * SECOND * 0.999


def test_a_bucket_that_never_allows_anything_is_an_error() -> None:
    for rate, burst in ((0.0, 1.0), (-1.0, 1.0), (1.0, 0.5), (float("nan"), 1.0)):
        with pytest.raises(ValueError, match="never allows"):
            Bucket(rate, burst)


def test_a_pause_is_never_shortened() -> None:
    pause = Pause()
    assert pause.wait(5) == 0
    pause.extend(10, 0)
    pause.extend(1, SECOND)
    assert pause.wait(SECOND) == 9 * SECOND
    assert pause.wait(11 * SECOND) == 0


EPOCH = 1_700_000_000 * SECOND  # Tue, 14 Nov 2023 22:13:20 GMT


@pytest.mark.parametrize(
    ("status", "header", "expected"),
    [
        (429, "7", 7.0),
        (418, "120", 120.0),
        (503, "1.5", 1.5),
        (429, "Tue, 14 Nov 2023 22:13:50 GMT", 30.0),
        (429, "Tue, 14 Nov 2023 22:00:00 GMT", 0.0),
        (429, "-5", 0.0),
        (429, "1e99", LONGEST_PAUSE),
        (429, "nan", 10.0),
        (429, "inf", 10.0),
        (429, "soon", 10.0),
        (429, None, 10.0),
        (418, None, 10.0),
        (503, None, None),
        (503, "soon", None),
        (500, "7", None),
        (200, "7", None),
    ],
)
def test_refusal(status: int, header: str | None, expected: float | None) -> None:
    assert refusal(status, header, EPOCH) == expected


async def test_turns_are_fair_and_a_cancelled_one_is_not_used() -> None:
    loop = asyncio.get_running_loop()
    pace = Pace(Bucket(20), lambda: int(loop.time() * SECOND))
    order: list[str] = []

    async def wait(name: str) -> None:
        await pace.turn()
        order.append(name)

    tasks = [asyncio.create_task(wait(name)) for name in "abcd"]
    await asyncio.sleep(0.01)
    tasks[1].cancel()
    began = loop.time()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert order == ["a", "c", "d"]
    assert loop.time() - began < 0.14


async def test_a_pause_holds_every_turn() -> None:
    loop = asyncio.get_running_loop()
    pause = Pause()
    pace = Pace(Bucket(1000), lambda: int(loop.time() * SECOND), pause)
    began = loop.time()
    pause.extend(0.1, int(began * SECOND))
    await asyncio.gather(pace.turn(), pace.turn())
    assert loop.time() - began >= 0.1
