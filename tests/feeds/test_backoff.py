from random import Random

from scanner.feeds.backoff import Backoff
from scanner.venues.parts import SECOND


def backoff(seed: int = 7) -> Backoff:
    return Backoff(first=0.5, cap=30.0, steady=10.0, rng=Random(seed))


def test_delays_grow_to_the_cap_with_full_jitter() -> None:
    ceilings, delays = [], []
    wait = backoff()
    for _ in range(200):
        ceilings.append(wait.ceiling())
        delays.append(wait.failed())
    assert ceilings[:8] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert all(0.0 <= delay <= ceiling for delay, ceiling in zip(delays, ceilings, strict=True))
    late = delays[7:]
    assert min(late) < 3.0 and max(late) > 27.0 and 13.0 < sum(late) / len(late) < 17.0


def test_two_clients_do_not_come_back_together() -> None:
    one, other = backoff(1), backoff(2)
    assert [one.failed() for _ in range(5)] != [other.failed() for _ in range(5)]


def test_no_overflow_after_years_of_failures() -> None:
    wait = backoff()
    wait.failures = 10**6
    assert 0.0 <= wait.failed() <= 30.0


def test_connecting_alone_does_not_reset() -> None:
    wait = backoff()
    for _ in range(5):
        wait.failed()
    for second in range(1000):
        wait.observe(False, second * SECOND)
    assert wait.ceiling() == 16.0


def test_a_book_that_falls_at_once_does_not_reset() -> None:
    wait = backoff()
    for _ in range(5):
        wait.failed()
    wait.observe(True, 0)
    wait.observe(True, 10 * SECOND - 1)
    wait.failed()
    wait.observe(True, 20 * SECOND)
    assert wait.ceiling() == 30.0


def test_a_book_that_has_stood_resets() -> None:
    wait = backoff()
    for _ in range(5):
        wait.failed()
    wait.observe(True, 0)
    wait.observe(True, 10 * SECOND)
    assert wait.ceiling() == 0.5
