"""Small parts that venue protocols are composed of."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from typing import Annotated, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, Raw

from scanner.types import Market
from scanner.venues.cells import CONNECTION_WIDTH, HEARD, NEVER, Cells, new_cells

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

# Field types for what a venue counts and dates: the arrays hold 64 bits, so more is malformed.
Int64: TypeAlias = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
UpdateId: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Millis: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 // MILLISECOND)]
Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]
T = TypeVar("T")


def decode(decoder: msgspec.json.Decoder[T], data: bytes | Raw) -> T:
    """As the decoder does, but ``msgspec.DecodeError`` is all it raises, whatever ``data`` is."""
    try:
        return decoder.decode(data)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from error


def encoded(body: object) -> str:
    """``body`` as the JSON text of a request."""
    return msgspec.json.encode(body).decode()


def levels(raw: Raw) -> bytes:
    """A level list as it stands; ``null`` is an empty one."""
    text = bytes(raw)
    return b"[]" if text == b"null" else text


def number_text(raw: Raw) -> str:
    """A number as it stands, whether the venue writes it as one or as a text; ``null`` is none."""
    text = bytes(raw).decode(errors="replace").strip('"')
    return "" if text == "null" else text


def batched(items: Iterable[T], size: int) -> Iterator[tuple[T, ...]]:
    """Tuples of at most ``size`` items, in order."""
    iterator = iter(items)
    while batch := tuple(islice(iterator, size)):
        yield batch


def nanoseconds(moment: datetime) -> int:
    """A venue's RFC 3339 time as ns since the epoch, within 0 and 63 bits (msgspec keeps
    microseconds)."""
    return min(max(0, (moment - EPOCH) // MICROSECOND * 1000), 2**63 - 1)


class Known:
    """The market ids a connection carries; with ``None`` any id is known (recordings)."""

    __slots__ = ("_any", "_ids", "ids")

    def __init__(self, markets: Sequence[Market] | None) -> None:
        self.ids: tuple[str, ...] = tuple(dict.fromkeys(market.id for market in markets or ()))
        self._ids = frozenset(self.ids)
        self._any = markets is None

    def __contains__(self, market: str) -> bool:
        return self._any or market in self._ids


class Pulse:
    """Whether the other side still answers: when to ping it, and when to give it up.

    A ping is due every ``every`` seconds, and whenever nothing was heard for ``quiet``; without a
    word for ``dead`` seconds the connection is lost. Fits venues that answer a ping at once.
    """

    __slots__ = ("_cells", "_dead", "_every", "_pinged", "_quiet")

    def __init__(
        self, every: float, quiet: float, dead: float, connection: Cells | None = None
    ) -> None:
        self._every = int(every * SECOND)
        self._quiet = int(quiet * SECOND)
        self._dead = int(dead * SECOND)
        self._cells = new_cells(CONNECTION_WIDTH) if connection is None else connection
        self._cells[HEARD] = NEVER
        self._pinged = 0

    def heard(self, at: int) -> None:
        """Something arrived."""
        self._cells[HEARD] = at

    def started(self, at: int) -> None:
        """The connection stands: both clocks run from here."""
        self._cells[HEARD] = self._pinged = at

    def due(self, at: int) -> bool:
        """True when a ping is to be sent now."""
        if self._cells[HEARD] == NEVER:
            self.started(at)
        silent = at - max(self._cells[HEARD], self._pinged) >= self._quiet
        if not silent and at - self._pinged < self._every:
            return False
        self._pinged = at
        return True

    def lost(self, at: int) -> bool:
        """True when nothing was heard for so long that nothing more will come."""
        heard = self._cells[HEARD]
        return heard != NEVER and at - heard >= self._dead


class Requests:
    """Requests that were sent under a running number, and the markets each was for."""

    __slots__ = ("_numbers", "_pending")

    def __init__(self) -> None:
        self._numbers = count(1)
        self._pending: dict[int, tuple[str, ...]] = {}

    def new(self, markets: Sequence[str] = ()) -> int:
        """A number for a request about ``markets``."""
        number = next(self._numbers)
        self._pending[number] = tuple(markets)
        return number

    def answered(self, number: int | str | None) -> tuple[str, ...]:
        """The markets of request ``number``, once; empty when it is unknown."""
        try:
            return self._pending.pop(int(number), ()) if number is not None else ()
        except ValueError:
            return ()


class Fetches:
    """Snapshots that are wanted, from REST or by a new subscription: one request in flight per
    market, retried with growing patience."""

    ANSWER = 10 * SECOND
    FIRST_RETRY = SECOND // 2
    LAST_RETRY = 30 * SECOND
    __slots__ = ("_failures", "_inflight", "_retry")

    def __init__(self) -> None:
        self._inflight: dict[str, int] = {}
        self._retry: dict[str, int] = {}
        self._failures: dict[str, int] = {}

    def start(self, market: str, at: int) -> bool:
        """True if a request should be made now: none is in flight or waiting for its retry."""
        if market in self:
            return False
        self._inflight[market] = at
        return True

    def __contains__(self, market: str) -> bool:
        """A request for ``market`` is in flight, or waits for its next try."""
        return market in self._inflight or market in self._retry

    def failed(self, market: str, at: int) -> None:
        """The answer was of no use (an error, or too old to join the stream): try again later."""
        self._inflight.pop(market, None)
        failures = self._failures[market] = self._failures.get(market, 0) + 1
        patience = min(self.FIRST_RETRY << min(failures - 1, 10), self.LAST_RETRY)
        self._retry[market] = at + patience

    def done(self, market: str) -> None:
        """The answer was good."""
        self._inflight.pop(market, None)
        self._retry.pop(market, None)
        self._failures.pop(market, None)

    def due(self, at: int) -> list[str]:
        """Markets to ask for again now; they count as in flight from here."""
        for market, since in list(self._inflight.items()):
            if at - since > self.ANSWER:
                self.failed(market, at)
        ready = [market for market, when in self._retry.items() if when <= at]
        for market in ready:
            del self._retry[market]
            self._inflight[market] = at
        return ready


class Allowance:
    """How many requests a connection may still make: so many in so many seconds."""

    __slots__ = ("_count", "_made", "_period")

    def __init__(self, count: int, seconds: float) -> None:
        self._count = count
        self._period = int(seconds * SECOND)
        self._made: deque[int] = deque()

    def take(self, at: int) -> bool:
        """Count one request made now; False if there is none left to make."""
        while self._made and at - self._made[0] >= self._period:
            self._made.popleft()
        if len(self._made) >= self._count:
            return False
        self._made.append(at)
        return True


class Resubscriptions:
    """Fresh snapshots where the venue sends one only in answer to a subscribe.

    1. Unsubscribe. 2. Wait for the venue's word on that. 3. Subscribe. 4. The snapshot ends it.
    One is in flight per market; it starts at most once a second, and what stays unanswered is tried
    again as in ``Fetches``.
    """

    PAUSE = SECOND
    __slots__ = ("_fetches", "_leaving", "_started")

    def __init__(self) -> None:
        self._fetches = Fetches()
        self._leaving: set[str] = set()
        self._started: dict[str, int] = {}

    def start(self, market: str, at: int) -> bool:
        """True if ``market`` should be unsubscribed now."""
        if not self._fetches.start(market, at):
            return False
        if at - self._started.get(market, -self.PAUSE) < self.PAUSE:
            self._fetches.failed(market, at)
            return False
        self._started[market] = at
        self._leaving.add(market)
        return True

    def __contains__(self, market: str) -> bool:
        """Something about ``market`` is under way, or waits for its next try."""
        return market in self._leaving or market in self._fetches

    def later(self, market: str, at: int) -> None:
        """The venue had no time for the request about ``market``: it is due again in a while."""
        self._leaving.discard(market)
        self._fetches.failed(market, at)

    def left(self, market: str) -> bool:
        """The venue has answered the unsubscribe; True if ``market`` should be subscribed now."""
        if market not in self._leaving:
            return False
        self._leaving.remove(market)
        return True

    def done(self, market: str) -> None:
        """A snapshot came, or the venue refused: nothing is in flight any more. A snapshot that was
        under way when we asked to leave does not end it."""
        if market not in self._leaving:
            self._fetches.done(market)

    def due(self, at: int) -> tuple[list[str], list[str]]:
        """Markets to unsubscribe and markets to subscribe now, their requests without an answer.

        A venue that said nothing to an unsubscribe may have known of no subscription.
        """
        leave: list[str] = []
        join: list[str] = []
        for market in self._fetches.due(at):
            if self.left(market):
                join.append(market)
            else:
                self._started[market] = at
                self._leaving.add(market)
                leave.append(market)
        return leave, join
