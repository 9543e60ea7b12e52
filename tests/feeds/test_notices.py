import logging

import pytest

from scanner.feeds.notices import Notices, describe
from scanner.venues.parts import SECOND


class Clock:
    at = 0

    def __call__(self) -> int:
        return self.at


def test_describe() -> None:
    assert describe(OSError("no\nroute")) == "OSError: no\\nroute"
    assert describe(TimeoutError()) == "TimeoutError"
    assert len(describe(ValueError("x" * 9999))) < 250


def test_what_comes_from_outside_is_escaped_and_cut(caplog: pytest.LogCaptureFixture) -> None:
    notices = Notices(logging.getLogger("t"), Clock())
    notices.say(logging.WARNING, "tiny #1", "\x1b[2Jgone\r\nnext\u202e")
    notices.say(logging.WARNING, "tiny #1", "y" * 9999)
    assert caplog.messages == [
        "tiny #1: \\x1b[2Jgone\\r\\nnext\\u202e",
        "tiny #1: " + "y" * 199 + "…",
    ]


def test_the_same_line_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    notices = Notices(logging.getLogger("t"), clock)
    for clock.at in range(0, 130 * SECOND, SECOND):
        notices.say(logging.WARNING, "tiny #1", "again")
    assert caplog.messages == [
        "tiny #1: again",
        "tiny #1: again (59 more lines were left out)",
        "tiny #1: again (59 more lines were left out)",
    ]


def test_ever_new_lines_do_not_flood_either(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    notices = Notices(logging.getLogger("t"), clock)
    for number in range(100_000):
        clock.at = number * SECOND // 1000
        notices.say(logging.WARNING, "tiny #1", f"nonsense {number}")
    assert 100 <= len(caplog.messages) <= 131
    assert "more lines were left out" in caplog.messages[-1]
    assert len(notices._written) <= 256
