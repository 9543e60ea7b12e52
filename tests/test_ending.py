"""How a process ends: on a signal, in time, with the right code, whatever still runs in it."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from scanner import ending

ROOT = Path(__file__).parents[1]


def started(code: str) -> subprocess.Popen[str]:
    """A process that has said "ready"."""
    head = "import asyncio, os, signal, sys, threading, time\nfrom scanner import ending\n"
    process = subprocess.Popen(
        [sys.executable, "-c", head + code],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


STUBBORN = """
ending.hurry.__defaults__ = (0.3,)
ending.on_signals()
{}
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize(
    "code",
    [
        # a loop that swallows what is raised in it
        """
while True:
    try:
        print("ready", flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        pass
""",
        # an event loop whose default threads never end
        """
async def main():
    stop = ending.stop_event()
    asyncio.get_running_loop().run_in_executor(None, time.sleep, 60)
    print("ready", flush=True)
    await stop.wait()
asyncio.run(main())
""",
        # a thread that the interpreter waits for
        """
threading.Thread(target=time.sleep, args=(60,)).start()
try:
    print("ready", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    pass
""",
    ],
    ids=["deaf", "executor", "thread"],
)
def test_what_does_not_end_is_ended_with_0(name: str, code: str) -> None:
    process = started(STUBBORN.format(code))
    process.send_signal(getattr(signal, name))
    assert process.wait(5) == 0


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_signal_sets_the_event_and_the_rest_is_done_in_peace(loop: str) -> None:
    process = started(
        f"""
import {loop}
ending.on_signals()
async def main():
    stop = ending.stop_event()
    print("ready", flush=True)
    await stop.wait()
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.sleep(0.2)
    print("flushed", flush=True)
{loop}.run(main())
for _ in range(2):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except KeyboardInterrupt:
        pass
ending.leave(0)
"""
    )
    process.send_signal(signal.SIGTERM)
    assert process.stdout is not None
    assert process.stdout.read() == "flushed\n"
    assert process.wait(5) == 0


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("to", ["os.kill(os.getpid()", "signal.pthread_kill(other.ident"])
def test_a_signal_while_the_loop_starts_waits_for_the_event(loop: str, to: str) -> None:
    process = started(
        f"""
import {loop}
ending.on_signals()
other = threading.Thread(target=time.sleep, args=(60,), daemon=True)
other.start()
async def main():
    {to}, signal.SIGTERM)
    await asyncio.sleep(0)
    time.sleep(0.1)
    stop = ending.stop_event()
    await stop.wait()
    print("heard", flush=True)
print("ready", flush=True)
with ending.held():
    os.kill(os.getpid(), signal.SIGINT)
    {loop}.run(main())
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("and heard after it")
"""
    )
    assert process.stdout is not None
    assert process.stdout.read() == "heard\nand heard after it\n"
    assert process.wait(5) == 0


@pytest.mark.parametrize("code", [0, 2])
@pytest.mark.parametrize("threads", [0, 1])
def test_leaving_keeps_the_code_and_what_was_printed(code: int, threads: int) -> None:
    process = started(
        f"""
print("ready")
sys.stdout.flush()
for _ in range({threads}):
    threading.Thread(target=time.sleep, args=(60,)).start()
print("last words")
ending.leave({code})
"""
    )
    assert process.stdout is not None
    assert process.stdout.read() == "last words\n"
    assert process.wait(5) == code


async def test_work_apart_gives_its_end_or_its_error() -> None:
    done: list[int] = []
    await ending.apart(lambda: done.append(threading.get_ident()))
    assert done and done != [threading.get_ident()]
    with pytest.raises(ZeroDivisionError):
        await ending.apart(lambda: print(1 / 0))


async def test_work_apart_is_not_waited_for() -> None:
    go_on = threading.Event()
    task = asyncio.create_task(ending.apart(partial(go_on.wait, 10)))
    await asyncio.sleep(0.05)
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 1
    go_on.set()
