"""Where settlements come from: a venue's REST interface, by its own file or by ccxt."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

import msgspec

from scanner.aside import ask
from scanner.feeds.rest import Answer as Reply
from scanner.funding.by_ccxt import Answer, Asked, Order
from scanner.funding.schedule import Wanted
from scanner.venues.funding_history import Course, FundingHistory, Settled

DEADLINE = 120.0


class Found(msgspec.Struct, frozen=True):
    """The settlements of one contract, the oldest first, or the ``error`` that came instead."""

    settled: tuple[Settled, ...] = ()
    error: str = ""


class Fetches(Protocol):
    """HTTP, as ``scanner.feeds.rest.Fetcher`` has it."""

    async def fetch(self, url: str, method: str = "GET", body: bytes = b"") -> Reply:
        """The answer to one request. Raises nothing but cancellation."""
        ...


class Source(Protocol):
    """One venue. ``most``: of how many contracts it is asked at once; ``interval`` as in
    ``FundingHistory``."""

    most: int
    interval: int

    async def ask(self, wanted: Sequence[Wanted], until: int) -> dict[str, Found]:
        """What each has settled up to ``until`` (ns), by the market's id. Raises nothing but
        cancellation."""
        ...


class Native:
    """By what the venue's own file declares, of a venue at ``rest``: contract by contract."""

    most = 1

    def __init__(self, history: FundingHistory, rest: str, fetcher: Fetches) -> None:
        self.interval = history.interval
        self._history = history
        self._rest = rest
        self._fetcher = fetcher

    async def ask(self, wanted: Sequence[Wanted], until: int) -> dict[str, Found]:
        return {one.market.id: await self._course(one, until) for one in wanted}

    async def _course(self, one: Wanted, until: int) -> Found:
        course = Course(self._history, one.market.id, one.since, until)
        while not course.done:
            ask = course.ask(self._rest)
            answer = await self._fetcher.fetch(
                ask.url, "POST" if ask.body else "GET", ask.body.encode()
            )
            if answer.status != 200:
                return Found(error=f"HTTP {answer.status}" if answer.status else "no answer")
            try:
                course.read(answer.body)
            except msgspec.DecodeError as error:
                return Found(error=str(error))
        return Found(tuple(course.found))


class ByCcxt:
    """By ccxt, in a process of its own: ``scanner.funding.by_ccxt``."""

    most = 200
    interval = 0

    def __init__(self, venue: str, rest: str) -> None:
        self._venue = venue
        self._rest = rest

    async def ask(self, wanted: Sequence[Wanted], until: int) -> dict[str, Found]:
        asked = [Asked(one.market.id, one.since) for one in wanted]
        found = await _answers(Order(self._venue, self._rest, asked, until))
        late = Found(error=f"no answer within {DEADLINE:.0f} s")
        return {one.market.id: found.get(one.market.id, late) for one in wanted}


async def _answers(order: Order) -> dict[str, Found]:
    found: dict[str, Found] = {}

    def take(line: bytes) -> None:
        one = msgspec.json.decode(line, type=Answer)
        found[one.market] = Found(one.settled, one.error)

    with suppress(OSError, msgspec.DecodeError):  # a late or broken process is an OSError too
        await ask("scanner.funding.by_ccxt", msgspec.json.encode(order), take, DEADLINE)
    return found
