"""The inside of a worker process.

Nothing else runs in its interpreter: what is found is sent to the parent, and so is the log. It
ends when it is told to, and at once when the parent is gone.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import pickle
import signal
import socket
import threading
from contextlib import suppress
from multiprocessing.connection import Connection

from scanner import ending, logs
from scanner.config import Config
from scanner.event_loop import fastest
from scanner.view.frame import Query
from scanner.view.scan_state import ScanState
from scanner.warm import compiled, warm_alone
from scanner.workers.channel import ENOUGH, Channel
from scanner.workers.messages import Carry, Look, Message, Place, Pulse, Record, Seen, Stop
from scanner.workers.scan import Scan

log = logging.getLogger(__name__)

PULSE = 0.5
FLUSH = 2.0


def main(talk: socket.socket, life: Connection, place: Place) -> None:
    """The whole process. ``talk``: to the parent; ``life``: closed when the parent is gone."""
    # A Ctrl-C reaches the whole group; the parent decides when it is over.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ending.SIGNALS)
    threading.Thread(target=_outlive, args=(life,), name="life", daemon=True).start()
    # Whatever else is at work in threads is not waited for.
    os._exit(fastest()(Worker(place).run(talk)))


def _outlive(life: Connection) -> None:
    """Not the parent, even when the event loop is stuck."""
    with suppress(EOFError, OSError):
        life.recv_bytes()
    os._exit(1)


class Worker:
    """Does what the parent says, and lets it know."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._orders: asyncio.Queue[Carry] = asyncio.Queue()
        self._over = asyncio.Event()
        self._gone = asyncio.Event()
        self._reason = "its worker was ended"
        self._measured = False
        self._late = self._frames_dropped = self._records_dropped = 0
        self._scan: Scan | None = None
        self._channel: Channel
        self._loop: asyncio.AbstractEventLoop

    async def run(self, talk: socket.socket) -> int:
        """Until the end; the exit code."""
        self._loop = asyncio.get_running_loop()
        self._channel = await Channel.over(talk, self._heard, self._parent_gone)
        self._loop.add_signal_handler(signal.SIGTERM, self._over.set)
        logging.getLogger("numba").setLevel(logging.WARNING)  # it tells of every instruction
        logs.forward(lambda *told: self._record(Record(*told)), self._place.level)
        code = 0
        try:
            async with asyncio.TaskGroup() as group:
                work = group.create_task(self._work(group))
                pulses = group.create_task(self._pulses())
                await self._over.wait()
                work.cancel()
                pulses.cancel()
        except* Exception:
            log.exception("%s failed", self._place.name)
            code = 1
        self._over.set()
        self._channel.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH):
                await self._gone.wait()
        return code

    async def _work(self, group: asyncio.TaskGroup) -> None:
        if not compiled():
            log.info("compiling kernels (up to a minute, once per machine) ...")
            gc.enable()  # it may have to do that itself, and the compiler leaves much behind
        try:
            await ending.apart(warm_alone)
        finally:
            gc.enable()
        try:
            while True:
                order = await self._orders.get()
                config: Config = pickle.loads(order.config)
                self._measured = order.measured
                logs.set_level(order.level)
                if self._scan is None:
                    self._scan = Scan(group, config, self._place, self._channel.tell)
                await self._scan.carry(config, order.markets, order.conversions)
        finally:
            if self._scan is not None:
                await self._scan.end(self._reason)

    def _heard(self, message: Message) -> None:
        match message:
            case Carry():
                self._orders.put_nowait(message)
            case Look(query):
                self._look(query)
            case Stop(reason):
                self._reason = reason
                self._over.set()

    def _look(self, query: Query) -> None:
        if self._scan is None:
            return
        if self._channel.behind > ENOUGH or not self._channel.offer(Seen(self._scan.frame(query))):
            self._frames_dropped += 1

    async def _pulses(self) -> None:
        while True:
            behind = self._channel.behind
            if behind > ENOUGH:
                self._late += 1
                log.warning("the parent is too slow: %d KB wait for it", behind >> 10)
            scan = self._scan
            pulse = Pulse(
                state=scan.state(self._measured) if scan is not None else ScanState(),
                behind=behind,
                late=self._late,
                frames_dropped=self._frames_dropped,
                records_dropped=self._records_dropped,
            )
            self._channel.offer(pulse)
            await asyncio.sleep(PULSE)

    def _record(self, record: Record) -> None:
        if threading.current_thread() is threading.main_thread():
            self._note(record)
        else:
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._note, record)

    def _note(self, record: Record) -> None:
        if not self._channel.offer(record):
            self._records_dropped += 1

    def _parent_gone(self, reason: str) -> None:
        self._gone.set()
        if not self._over.is_set():
            os._exit(1)
