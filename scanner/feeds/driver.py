"""A lane and what happens to it: the order of events, and their end, whatever brings them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from scanner.feeds.backoff import Backoff
from scanner.feeds.health import Meter
from scanner.feeds.notices import LONGEST, Notices
from scanner.feeds.shell import Lane, Shell
from scanner.feeds.silence import Silence
from scanner.steps import Ack, Connect, Fetch, Notice, Reconnect, Refused, Reset, Send, Step
from scanner.text import printable
from scanner.venues.parts import SECOND

if TYPE_CHECKING:
    from scanner.feeds.frames import Run

log = logging.getLogger(__name__)

Deed: TypeAlias = Connect | Send | Fetch
"""What a lane asks of the outside."""


class _Over(Exception):
    """Ends the tasks of a try."""


class Driver:
    """Feeds one lane for the length of one try.

    Nothing reaches the lane after its end, and its books are gone before ``end`` returns. An
    exception out of the lane ends the try too: a stream that cannot be understood once is not
    believed again. So does a process that has stood still (stopped, asleep, starved of its
    processor): what came meanwhile lay somewhere, nobody knows for how long, and would be taken for
    news.
    """

    def __init__(
        self,
        lane: Lane,
        shell: Shell,
        *,
        meter: Meter,
        notices: Notices,
        backoff: Backoff,
        carry_out: Callable[[Deed], None],
    ) -> None:
        self.reason: str | None = None
        self._lane = lane
        self._now = shell.now
        self._tell = shell.tell
        self._timing = shell.timing
        self._meter = meter
        self._notices = notices
        self._backoff = backoff
        self._carry_out = carry_out
        self._opened_at = 0
        self._awake_at = self._now()
        self._silence: Silence | None = None
        self._over = asyncio.Event()
        self._group: asyncio.TaskGroup | None = None

    async def live(self, *work: Coroutine[Any, Any, None]) -> str:
        """Run ``work`` beside the heartbeat until the end; what brought it."""
        try:
            async with asyncio.TaskGroup() as self._group:
                for part in (*work, self._beat()):
                    self._group.create_task(part)
                try:
                    await self._over.wait()
                finally:
                    self.end("stopped")
                raise _Over
        except* _Over:
            pass
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            # A task group that is already ending swallows a cancellation (CPython before 3.13).
            raise asyncio.CancelledError
        return self.reason or ""

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A task that ends with this try at the latest."""
        assert self._group is not None, "tasks live within a try"
        return self._group.create_task(work)

    def end(self, reason: str) -> None:
        """This try is over, from now on, for ``reason``; the first one counts."""
        if self.reason is None:
            self.reason = printable(reason, LONGEST)
            self._over.set()
            self._lane.closed(self.reason, self._now())

    def start(self) -> None:
        """Before any connection."""
        self._feed(self._now(), self._lane.start)

    def opened(self) -> None:
        """The connection stands."""
        self._opened_at = self._now()
        self._silence = Silence(self._opened_at, self._timing.beat)
        self._feed(self._opened_at, self._lane.opened)

    def received(self, raw: bytes) -> None:
        """One message came."""
        if self.reason is None:
            at = self._now()
            self._meter.heard(1, len(raw), at)
            self._feed(at, self._lane.received, raw)

    def received_many(self, run: Run) -> None:
        """All messages of one read came."""
        if self.reason is None:
            at = self._now()
            count = run.count
            self._meter.heard(count, run.bytes, at)
            receive = self._lane.received_many
            self._feed(at, receive, run.address, run.starts, run.ends, count)

    def fetched(self, tag: str, status: int, body: bytes) -> None:
        """The answer to a ``Fetch``."""
        self._feed(self._now(), self._lane.fetched, tag, status, body)

    def beat(self) -> None:
        """The heart of a try, each ``Timing.beat``."""
        at = self._now()
        self._feed(at, self._lane.idle)
        self._awake_at = at
        self._backoff.observe(self._lane.proved, at)
        self._tell_silence(at)
        self._listen(at)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._timing.beat)
            self.beat()

    def _tell_silence(self, at: int) -> None:
        """Say who has fallen silent, or speaks again: as a whole, or single books."""
        if self._silence is None or self.reason is not None:
            return
        for told in self._silence.look(self._lane.proven(), self._meter.heard_at, at):
            market = told.markets[0] if len(told.markets) == 1 else None
            self._note(told.kind, market, told.text)
            self._say(logging.WARNING if told.kind == "silent" else logging.INFO, told.text)
        self._meter.silent_since = self._silence.since

    def _listen(self, at: int) -> None:
        """End a connection that has fallen silent as a whole."""
        if not self._opened_at or self.reason is not None:
            return
        spoken = self._meter.heard_at >= self._opened_at
        patience = self._timing.silence if spoken else self._timing.first
        since = max(self._opened_at, self._meter.heard_at)
        if at - since > patience * SECOND:
            self.end(f"nothing was received for {patience:g} s")

    def _feed(self, at: int, call: Callable[..., Sequence[Step]], *facts: object) -> None:
        if self._opened_at and at - self._awake_at > self._timing.stall * SECOND:
            still = (at - self._awake_at) / SECOND
            self.end(f"this process stood still for {still:.1f} s: nobody knows how old this is")
        if self.reason is not None:
            return
        try:
            for action in call(*facts, at):
                self._act(action)
        except msgspec.DecodeError as error:
            self.end(f"a message that cannot be understood: {error}")
        except Exception as error:
            log.exception("%s: a message broke its decoder", self._meter.name)
            self.end(f"a message broke its decoder: {type(error).__name__}")

    def _act(self, action: Step) -> None:
        if self.reason is not None:
            return
        match action:
            case Send() | Fetch() | Connect():
                self._carry_out(action)
            case Reconnect(reason):
                self.end(reason)
            case Notice(text):
                self._say(logging.INFO, text)
            case Reset(market, reason):
                self._note("reset", market, reason)
                self._say(logging.WARNING, f"{market or 'all books'}: dropped: {reason}")
            case Refused(market, reason):
                self._note("refused", market, reason)
                self._say(logging.WARNING, f"{market or 'a request'}: refused: {reason}")
            case Ack(market):
                log.debug("%s: %s: subscribed", self._meter.name, market)

    def _note(self, kind: str, market: str | None, reason: str) -> None:
        text = printable(reason, LONGEST)
        self._tell(self._meter.event(kind, self._now(), market or "", text))

    def _say(self, level: int, text: str) -> None:
        self._notices.say(level, self._meter.name, text)
