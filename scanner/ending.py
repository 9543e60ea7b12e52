"""How a command ends: cleanly, and within seconds even if something in it does not."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator
    from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
PATIENCE = 4.5


def on_signals() -> None:
    """This process is a command: SIGINT and SIGTERM raise ``KeyboardInterrupt`` from here on, and
    it does not outlive them for long."""
    for name in SIGNALS:
        signal.signal(name, _interrupt)


class _Later:
    """Takes signals that nobody can act on yet."""

    def __init__(self) -> None:
        self.came = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.came = True


@contextmanager
def held() -> Iterator[None]:
    """Signals that come while an event loop starts wait for ``stop_event``, or for the end of the
    block: an interrupt in the middle of that would leave a coroutine that nobody has awaited, or a
    loop that cannot be closed. (To block them in this thread would not do: those of libraries take
    them too.)"""
    if signal.getsignal(signal.SIGTERM) is not _interrupt:  # no command, but part of a test
        yield
        return
    later = _Later()
    for name in SIGNALS:
        signal.signal(name, later)
    try:
        yield
    finally:
        unasked = signal.getsignal(signal.SIGTERM) is later
        if unasked:
            on_signals()
        if unasked and later.came:
            _interrupt(signal.SIGTERM, None)


def stop_event() -> asyncio.Event:
    """Set by SIGINT and SIGTERM, which interrupt nothing while the running loop runs."""
    import asyncio

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    before = signal.getsignal(signal.SIGTERM)
    if before is not _interrupt and not isinstance(before, _Later):  # part of a test
        for name in SIGNALS:
            loop.add_signal_handler(name, stop.set)
        return stop

    # The loop's own handlers would leave SIGTERM deadly, once it is closed.
    def heard(number: int, frame: FrameType | None) -> None:
        if loop.is_closed():
            _interrupt(number, frame)
        hurry(0)
        loop.call_soon_threadsafe(stop.set)

    for name in SIGNALS:
        signal.signal(name, heard)
    if isinstance(before, _Later) and before.came:
        heard(signal.SIGTERM, None)
    return stop


async def apart(call: Callable[[], object]) -> None:
    """Run ``call`` in a thread that nobody waits for: cancelled, this ends at once. (The event
    loop's own threads hold up its end until they are done.)"""
    import asyncio

    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle(error: Exception | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def work() -> None:
        failed: Exception | None = None
        try:
            call()
        except Exception as error:
            failed = error
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, failed)

    threading.Thread(target=work, name="apart", daemon=True).start()
    await done


def hurry(code: int, seconds: float = PATIENCE) -> None:
    """The process ends by itself within so long, or is ended with this exit code.

    A compiler or a database in the middle of its work cannot be interrupted, and a terminal that is
    stopped takes no last words.
    """
    timer = threading.Timer(seconds, os._exit, (code,))
    timer.daemon = True
    timer.start()


def leave(code: int) -> NoReturn:
    """End the process now; threads that are still at work are not waited for."""
    at_work = threading.active_count() > 1
    if at_work:
        _deafen()
        hurry(code)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    if at_work:
        import logging

        logging.shutdown()
        os._exit(code)
    sys.exit(code)


def _interrupt(number: int, frame: FrameType | None) -> None:
    _deafen()
    hurry(0)
    raise KeyboardInterrupt


def _deafen() -> None:
    """The end is near already: further signals change nothing. (To ignore them would be inherited
    by other processes.)"""
    for name in SIGNALS:
        signal.signal(name, lambda number, frame: None)
