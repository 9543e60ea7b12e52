"""What a client of the loopback tells: rates, CPU and latency of what it took."""

from __future__ import annotations

import json
import os
import time

START = 10**12


def stamp() -> int:
    """Microseconds of the monotonic clock, as 13 digits: what the server writes for a time."""
    return START + time.monotonic_ns() // 1000


class Report:
    """``expected`` messages; then it prints a line of JSON and ends the process."""

    def __init__(self, expected: int) -> None:
        self.expected = expected
        self.count = 0
        self.late: list[tuple[int, int]] = []

    def took(self, count: int) -> None:
        """So many messages are handled."""
        if not self.count:
            self.since, self.cpu = time.perf_counter(), time.process_time()
        self.count += count

    def scanned(self, sent: int, count: int = 1, at: int = 0) -> None:
        """``count`` messages, of which the first was sent at this stamp, are in book and scan, at
        the stamp ``at`` (0: now)."""
        if sent > START:
            self.late.append(((at or stamp()) - sent, count))

    @property
    def over(self) -> bool:
        return self.count >= self.expected

    def end(self) -> None:
        took = time.perf_counter() - self.since
        told = {
            "rate": self.count / took,
            "us": (time.process_time() - self.cpu) / self.count * 1e6,
            "late": {str(q): quantile(self.late, q) for q in (0.5, 0.99, 0.999)},
        }
        print(json.dumps(told), flush=True)
        os._exit(0)


def quantile(values: list[tuple[int, int]], share: float) -> float:
    """Of (value, how often)."""
    values = sorted(values[len(values) // 10 :])
    left = sum(count for _, count in values) * share
    for value, count in values:
        left -= count
        if left <= 0:
            return value
    return 0
