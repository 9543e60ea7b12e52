"""The worst funding that a database knows of the legs of a carry."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from scanner import clock, ending
from scanner.errors import CrossbookError
from scanner.events import Carry, WorstFunding
from scanner.text import printable

if TYPE_CHECKING:
    from storage.queries.readings import Readings

log = logging.getLogger(__name__)
EVERY = 600.0
AGAIN = 5.0


class Extremes(Struct, frozen=True):
    """The lowest and the highest rate of so many payments, the first of them at ``since`` (ns)."""

    lowest: float
    highest: float
    payments: int
    since: int = 0


Known: TypeAlias = Mapping[tuple[str, str], Extremes]


def extremes(
    readings: Readings, until: int, symbols: tuple[str, ...] = (), venues: tuple[str, ...] = ()
) -> dict[tuple[str, str], Extremes]:
    """Of each contract, by venue and symbol, from the first payment that is stored on."""
    return {
        (one.newest.venue, one.newest.symbol): Extremes(
            one.lowest, one.highest, one.payments, one.since
        )
        for one in readings.funding(0, until, symbols=symbols, venues=venues)
        if one.lowest is not None and one.highest is not None
    }


def worst(
    carry: Carry, buy: tuple[str, str], sell: tuple[str, str], known: Known
) -> Iterator[WorstFunding]:
    """Of the legs that are paid for; ``buy`` and ``sell``: venue and symbol."""
    for side, place, interval in (
        ("buy", buy, carry.buy_interval_h),
        ("sell", sell, carry.sell_interval_h),
    ):
        if not interval:
            continue
        found = known.get(place)
        rate = None
        if found is not None:
            rate = found.lowest if side == "sell" else found.highest
        count, since = (found.payments, found.since) if found is not None else (0, 0)
        venue, symbol = place
        yield WorstFunding(
            side=side, venue=venue, symbol=symbol, rate=rate, payments=count, since=since
        )


async def keep(
    url: str,
    tell: Callable[[Known], object],
    learned: asyncio.Event | None = None,
    *,
    again: float = AGAIN,
) -> None:
    """Until cancelled: ``tell`` what the database at ``url`` knows, every ten minutes, and soon
    after something has been ``learned`` that is written there.

    A run that has just begun may still be making its database, or bringing it up to date: one that
    cannot be asked is asked again after ``again`` seconds before anything is said.
    """
    pause = again
    while True:
        found: dict[tuple[str, str], Extremes] = {}
        rest = EVERY
        try:
            await ending.apart(partial(_read_into, found, url))
        except CrossbookError as error:
            rest = pause
            if pause == EVERY:
                log.info("the worst funding is unknown: %s", printable(str(error)))
        tell(found)
        await _rest(rest, learned, again)
        pause = EVERY


async def _rest(seconds: float, learned: asyncio.Event | None, again: float) -> None:
    """So long, or until ``again`` seconds after something was learned."""
    if learned is None:
        await asyncio.sleep(seconds)
        return
    with suppress(TimeoutError):
        await asyncio.wait_for(learned.wait(), seconds)
        await asyncio.sleep(again)
    learned.clear()


def _read_into(found: dict[tuple[str, str], Extremes], url: str) -> None:
    from storage.queries import open_reader

    reader = open_reader(url)
    try:
        found.update(extremes(reader.readings, clock.now() + 1))
    finally:
        reader.close()
