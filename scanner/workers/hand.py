"""One worker as its parent sees it: started, listened to, started again when it is gone."""

from __future__ import annotations

import asyncio
import gc
import logging
import multiprocessing
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from random import Random
from typing import Any

from msgspec import Struct

from scanner import clock, ending, logs
from scanner.engine.tracker import Life
from scanner.events import (
    FeedEvent,
    FundingSample,
    Opportunity,
    ParitySample,
    Peg,
    RejectMinute,
    RouteMinute,
    Survival,
    Suspect,
)
from scanner.feeds.backoff import Backoff
from scanner.feeds.health import ConnectionState
from scanner.hedge_events import HedgePrice
from scanner.view.frame import Frame, Query
from scanner.view.scan_state import ScanState
from scanner.workers.channel import Channel
from scanner.workers.messages import Carry, Look, Message, Place, Pulse, Record, Seen, Stop

log = logging.getLogger(__name__)

GRACE = 0.5
LOOK = 0.5
SECOND_LOOK = 1.0


class Patience(Struct, frozen=True, kw_only=True):
    """Seconds. ``start``, ``silence``: between two signs of life of a process that does not scan
    yet, and of one that does; ``stop``: for an orderly end; the others as in ``Backoff``."""

    start: float = 60.0
    silence: float = 15.0
    stop: float = 2.0
    retry_first: float = 1.0
    retry_cap: float = 30.0
    steady: float = 60.0


class Hand:
    """Keeps one worker running until it is told to stop. ``tell`` gets what the worker finds and,
    when it dies, the end of what was open."""

    def __init__(
        self, place: Place, tell: Callable[[object], object], patience: Patience, rng: Random
    ) -> None:
        self.place = place
        self.state = ScanState()
        self.pulse: Pulse | None = None
        self.restarts = 0
        self.trouble = ""
        self._tell = tell
        self._patience = patience
        self._backoff = Backoff(
            first=patience.retry_first,
            cap=patience.retry_cap,
            steady=patience.steady,
            rng=rng,
        )
        self._order: Carry | None = None
        self._open: dict[str, Opportunity] = {}
        self._channel: Channel | None = None
        self._process: BaseProcess | None = None
        self._frame: Frame | None = None
        self._asked = False
        self._heard_at = 0.0
        self._reason = ""
        self._stopping = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """Of its process, while there is one."""
        return self._process.pid if self._process is not None else None

    async def run(self) -> None:
        """Until ``stop``."""
        while True:
            try:
                reason = await self._live()
            except OSError as error:  # no process, no file descriptor is left
                reason = f"it could not be started ({error})"
            if self._stopping.is_set():
                self._bury(self._reason)
                return
            self._bury(f"its worker is gone: {reason}")
            self._tell_lost(reason)
            delay = self._backoff.ceiling()
            self._backoff.failed()
            self.restarts += 1
            self.trouble = f"{self.place.name}: {reason}"
            log.error("%s; its books are lost; it starts again in %.1f s", self.trouble, delay)
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._stopping.wait()
                    return

    def carry(self, order: Carry) -> None:
        """Scan this from now on, whatever happens to the process."""
        self._order = order
        if self._channel is not None:
            self._channel.tell(order)

    def look(self, query: Query) -> Frame | None:
        """The newest frame there is, and have the next one sent."""
        if self._channel is not None and self._order is not None and not self._asked:
            self._asked = self._channel.offer(Look(query))
        return self._frame

    def stop(self, reason: str) -> None:
        """End it, with what is open; ``run`` returns when that is done."""
        self._reason = reason
        self._stopping.set()
        if self._channel is not None:
            self._channel.tell(Stop(reason))

    async def _live(self) -> str:
        """One process, from its start to its end; what ended it."""
        ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def lost(reason: str) -> None:
            if not ended.done():
                ended.set_result(reason)

        ours, theirs = socket.socketpair()
        process, life = _spawn(theirs, self.place)
        self._process, self.pulse, self._asked = process, None, False
        self._heard_at = asyncio.get_running_loop().time()
        try:
            self._channel = await Channel.over(ours, self._heard, lost)
            if self._order is not None:
                self._channel.tell(self._order)
            stuck = await self._watched(ended)
            return stuck or await _epitaph(process)
        finally:
            if self._channel is not None:
                self._channel.abort()
            self._channel, self._process = None, None
            life.close()
            process.kill()
            await _exit(process, GRACE)

    async def _watched(self, ended: asyncio.Future[str]) -> str:
        """Wait for the end; what is wrong if it has to be brought about."""
        stopping = asyncio.create_task(self._stopping.wait())
        either: set[asyncio.Future[Any]] = {ended, stopping}
        first = asyncio.FIRST_COMPLETED
        try:
            while not ended.done() and not stopping.done():
                await asyncio.wait(either, timeout=min(LOOK, self._silent_in()), return_when=first)
                if not ended.done() and self._silent_in() <= 0:
                    # If it was this process that slept, what came meanwhile is still to be read.
                    await asyncio.wait(either, timeout=SECOND_LOOK, return_when=first)
                    if self._silent_in() <= 0:
                        return "it gave no sign of life any more"
        finally:
            stopping.cancel()
        if not ended.done() and self._order is not None:
            await asyncio.wait({ended}, timeout=self._patience.stop)
        return ""

    def _silent_in(self) -> float:
        # A compiler may hold the interpreter for long; nothing is scanned before it is done.
        scans = bool(self.state.connections)
        limit = self._patience.silence if scans else self._patience.start
        return max(0.0, self._heard_at + limit - asyncio.get_running_loop().time())

    def _heard(self, message: Message) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        match message:
            case Opportunity():
                if message.event == "closed":
                    self._open.pop(message.id, None)
                else:
                    self._open[message.id] = message
                self._tell(message)
            case RouteMinute() | RejectMinute() | FundingSample() | FeedEvent():
                self._tell(message)
            case Survival() | Suspect() | ParitySample() | Peg() | HedgePrice():
                self._tell(message)
            case Seen(frame):
                self._frame, self._asked = frame, False
            case Pulse():
                self.pulse, self.state = message, message.state
                self._asked = False  # what cannot be shown yet, or had to be dropped, has no answer
                self._backoff.observe(True, clock.now())
                if not self._backoff.failures:
                    self.trouble = ""
            case Record():
                logs.repeat(message.level, message.logger, message.text, message.trace)

    def _bury(self, reason: str) -> None:
        """What the worker has left open is closed now."""
        at = clock.now()
        for last in self._open.values():
            self._tell(Life(last).close(reason, at))
        self._open.clear()
        self._frame = None

    def _tell_lost(self, reason: str) -> None:
        at = clock.now()
        for health in self.state.connections:
            if health.state is ConnectionState.OPEN:
                self._tell(
                    FeedEvent(
                        at=at,
                        venue=health.venue,
                        connection=health.connection,
                        kind="lost",
                        reason=f"its worker is gone: {reason}",
                    )
                )
        self.state = ScanState()
        self.pulse = None


def _spawn(talk: socket.socket, place: Place) -> tuple[BaseProcess, Connection]:
    """A process, and what has to be closed for it to end."""
    context = multiprocessing.get_context("spawn")
    theirs, ours = context.Pipe(duplex=False)
    process = context.Process(
        target=_work, args=(talk, theirs, place), name=f"crossbook {place.name}", daemon=True
    )
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ending.SIGNALS)  # until it can hear them
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        talk.close()
        theirs.close()
    return process, ours


def _work(talk: socket.socket, life: Connection, place: Place) -> None:
    """In the new process: only there is what it needs imported."""
    gc.disable()  # nothing of that is garbage; the worker looks for some once it is ready
    from scanner.workers.worker import main

    main(talk, life, place)


async def _epitaph(process: BaseProcess) -> str:
    """What a process died of."""
    code = await _exit(process, GRACE)
    if code is None:
        return "it fell silent"
    if code < 0:
        return f"it was killed by {signal.Signals(-code).name}"
    return f"it ended with code {code}"


async def _exit(process: BaseProcess, patience: float) -> int | None:
    """The exit code of a process that is about to end; None if it does not within ``patience``."""
    until = asyncio.get_running_loop().time() + patience
    while (code := process.exitcode) is None and asyncio.get_running_loop().time() < until:
        await asyncio.sleep(0.005)
    return code
