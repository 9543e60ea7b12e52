"""The process that sends: started, replaced, killed, and what is said of the messages in it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue

import pytest

from scanner.sinks.alerts import courier as module
from scanner.sinks.alerts.channel import Outcome
from scanner.sinks.alerts.courier import Courier
from scanner.sinks.alerts.desk import Job
from scanner.sinks.alerts.wire import Answer
from tests.sinks.alerts.receiver import Receiver
from tests.sinks.alerts.samples import START

Receivers = Callable[..., Receiver]
PATIENCE = 30.0


def job(number: int, channel: str = "hook") -> Job:
    return Job(id=f"j{number}", rule="r", channel=channel, at=START, text=f"line {number}\nmore")


@contextmanager
def courier(timeout: float = 10.0, **urls: str) -> Iterator[tuple[Courier, SimpleQueue[Answer]]]:
    answers: SimpleQueue[Answer] = SimpleQueue()
    one = Courier(answers.put)
    one.use(urls, timeout)
    try:
        for _ in urls:
            assert answers.get(timeout=PATIENCE).outcome is None
        yield one, answers
    finally:
        one.close()


def pid(one: Courier) -> int:
    assert one._process is not None and one._process._process is not None
    return one._process._process.pid


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


def test_messages_arrive(receiver: Receivers) -> None:
    hook = receiver()
    with courier(hook=hook.url) as (one, answers):
        for number in range(3):
            one.send(job(number))
            answer = answers.get(timeout=PATIENCE)
            assert (answer.id, answer.outcome) == (f"j{number}", Outcome.SENT)
    assert hook.texts == [f"line {number}\nmore" for number in range(3)]
    assert hook.messages[0]["title"] == "line 0"


def test_no_process_is_started_before_there_is_a_channel() -> None:
    with courier() as (one, _):
        assert one._process is None


def test_the_url_is_not_on_the_command_line(receiver: Receivers) -> None:
    with courier(hook=receiver().url) as (one, _), open(f"/proc/{pid(one)}/cmdline") as file:
        assert "s3cr3t" not in file.read()


def test_a_bad_url_is_found_at_once() -> None:
    answers: SimpleQueue[Answer] = SimpleQueue()
    one = Courier(answers.put)
    one.use({"bad": "nosuch://x"}, 1.0)
    answer = answers.get(timeout=PATIENCE)
    assert (answer.id, answer.channel, answer.outcome) == ("", "bad", Outcome.IMPOSSIBLE)
    one.close()


def test_a_receiver_that_never_gets_done_is_cut_off_and_the_others_go_on(
    receiver: Receivers,
) -> None:
    hook, endless, slow = receiver(), receiver("trickle"), receiver("slow")
    with courier(hook=hook.url, endless=endless.url, slow=slow.url) as (one, answers):
        one.send(job(1, "endless"))
        until(lambda: endless.messages)
        one.send(job(2, "slow"))
        until(lambda: slow.messages)
        first = pid(one)
        one.abandon("j1")
        one.send(job(3, "hook"))
        assert pid(one) != first
        assert {answers.get(timeout=PATIENCE).id for _ in range(2)} == {"j2", "j3"}
        one.send(job(4, "hook"))
        assert answers.get(timeout=PATIENCE).id == "j4"
        assert gone(first)
    assert (len(hook.messages), len(slow.messages), len(endless.messages)) == (2, 1, 1)


def test_what_dies_leaves_its_messages_of_unknown_fate(receiver: Receivers) -> None:
    hook = receiver("hang", 200)
    with courier(hook=hook.url) as (one, answers):
        one.send(job(1))
        until(lambda: hook.messages)
        os.kill(pid(one), signal.SIGKILL)
        answer = answers.get(timeout=PATIENCE)
        assert (answer.id, answer.outcome) == ("j1", Outcome.UNKNOWN)
        assert answer.error.startswith("the process that sends died; it may have arrived")
        one.send(job(2))
        assert answers.get(timeout=PATIENCE).outcome is Outcome.SENT


def test_a_process_that_cannot_use_apprise_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    hello = 'print(\'{"error":"Apprise cannot be used: no module"}\')'
    monkeypatch.setattr(module, "COMMAND", (module.sys.executable, "-c", hello))
    answers: SimpleQueue[Answer] = SimpleQueue()
    one = Courier(answers.put)
    one.use({"hook": "json://127.0.0.1/x"}, 1.0)
    assert answers.get(timeout=PATIENCE).id == ""
    one.send(job(1))
    answer = answers.get(timeout=PATIENCE)
    assert (answer.id, answer.outcome) == ("j1", Outcome.REFUSED)
    assert answer.error == "Apprise cannot be used: no module"
    one.close()


def test_a_process_that_cannot_be_started_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMMAND", ("/nowhere/python",))
    answers: SimpleQueue[Answer] = SimpleQueue()
    one = Courier(answers.put)
    one.use({"hook": "json://127.0.0.1/x"}, 1.0)
    answer = answers.get(timeout=PATIENCE)
    assert answer.outcome is Outcome.REFUSED
    assert answer.error.startswith("no process could be started")
    one.close()


def test_it_ends_with_its_input(receiver: Receivers) -> None:
    hook = receiver("hang")
    with courier(hook=hook.url) as (one, _):
        one.send(job(1))
        until(lambda: hook.messages)
        process = pid(one)
    assert gone(process)
