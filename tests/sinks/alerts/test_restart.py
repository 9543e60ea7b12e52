"""With a real database, a real receiver and kill -9: nothing is sent twice, nothing is lost that
could still be sent, nothing stays pending for ever."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scanner.events import Alert
from storage.errors import Foreign, Unreachable
from storage.queries import open_reader
from tests.sinks.alerts.receiver import Receiver, free_port

Receivers = Callable[..., Receiver]
ROOT = Path(__file__).parents[3]
KILLS = int(os.environ.get("CROSSBOOK_ALERT_KILLS", "2"))
PATIENCE = 60.0


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'crossbook.db'}"


@contextmanager
def run(url: str, hook: str, first: int, count: int) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        (sys.executable, "-m", "tests.sinks.alerts.crash", url, hook, str(first), str(count)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        if count:
            assert process.stdout.readline() == "begun\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def recorded(url: str) -> list[Alert]:
    """What is in the database; nothing as long as there is none."""
    try:
        reader = open_reader(url)
    except (Foreign, Unreachable):
        return []
    try:
        return reader.alerts(limit=10_000)
    finally:
        reader.close()


def children(pid: int) -> list[str]:
    """The processes that any thread of this one has started."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [child for task in tasks for child in task.read_text().split()]


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_what_could_not_be_sent_is_sent_by_the_next_run(url: str, receiver: Receivers) -> None:
    with run(url, f"json://127.0.0.1:{free_port()}/x", 1, 3) as process:
        until(lambda: any(alert.error for alert in recorded(url)))
        until(lambda: len(recorded(url)) == 3)
        process.kill()
    assert {alert.state for alert in recorded(url)} == {"pending"}
    hook = receiver()
    with run(url, hook.url, 0, 0):
        until(lambda: {alert.state for alert in recorded(url)} == {"sent"})
    assert sorted(re.findall(r"id (id-\d+)", " ".join(hook.texts))) == ["id-1", "id-2", "id-3"]


def test_what_was_being_sent_is_not_sent_again(url: str, receiver: Receivers) -> None:
    hook = receiver("hang", 200)
    with run(url, hook.url, 1, 1) as process:
        until(lambda: hook.messages)
        (sending,) = children(process.pid)
        process.kill()
    until(lambda: not Path(f"/proc/{sending}").exists())
    with run(url, hook.url, 0, 0):
        until(lambda: [alert.state for alert in recorded(url)] == ["failed"])
        time.sleep(0.5)
    assert recorded(url)[0].error.startswith("its run ended while it was being sent")
    assert len(hook.messages) == 1


def test_two_that_run_at_once_leave_each_other_s_alone(url: str, receiver: Receivers) -> None:
    hook = receiver()
    with run(url, f"json://127.0.0.1:{free_port()}/x", 1, 1):
        until(lambda: any(alert.error for alert in recorded(url)))
        with run(url, hook.url, 2, 1):
            until(lambda: hook.messages)
            time.sleep(1.5)
    assert ["id id-2" in text for text in hook.texts] == [True]


def test_killed_at_any_moment_nothing_is_sent_twice(url: str, receiver: Receivers) -> None:
    rng = random.Random(7)
    hook = receiver()
    hook.behaviour = [rng.choice((200, 200, 500, "close", "slow")) for _ in range(400)] + [200]
    for number in range(KILLS):
        with run(url, hook.url, 100 * number, 30) as process:
            time.sleep(rng.uniform(0.5, 4.0))
            process.kill()
    hook.behaviour = [200]
    with run(url, hook.url, 0, 0):
        until(lambda: not any(alert.state == "pending" for alert in recorded(url)))
    taken = Counter(
        re.search(r"id (id-\d+)", message["message"])[1]  # type: ignore[index]
        for message, status in zip(hook.messages, hook.answers, strict=False)
        if status != 500
    )
    assert set(taken.values()) <= {1}
    outcomes = Counter((alert.opportunity_id, alert.state) for alert in recorded(url))
    assert set(outcomes.values()) == {1}
    sent = {alert.opportunity_id for alert in recorded(url) if alert.state == "sent"}
    assert sent <= set(taken)
