"""``crossbook hedge --book``: the hedge book by live books and stored payments."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from msgspec.json import encode

from scanner import clock, logs
from scanner.commands.common import print_lines
from scanner.config import Config
from scanner.configuration.hedge import Position
from scanner.errors import CrossbookError, UserError
from scanner.event_loop import fastest
from scanner.hedge.book import balances
from scanner.hedge.book_text import fields, lines
from scanner.hedge.offers import Seen
from scanner.hedge.received import Paid
from scanner.hedging.csv_file import whole
from scanner.hedging.live import look_at_book
from scanner.history.table import terminal_width
from scanner.text import printable
from scanner.types import Market
from storage.queries import Reader, open_reader

log = logging.getLogger(__name__)
MOST = 100_000
# The first payment since the opening may end an interval that began so long before it.
BEFORE = 32 * 86_400_000_000_000
# How old the sample of a mark may be that a payment is valued at.
NEAR = 600_000_000_000


def run(config: Config, url: str, patience: float, *, json: bool) -> int:
    """Print the book; the exit code."""
    book = whole(config.hedge_book)
    if not book.holdings and not book.shorts:
        raise UserError("there is no hedge book: 'hedge_book' of the configuration names it")
    if logs.level() == "info":
        logs.set_level("warning")
    found: list[tuple[list[Market], list[Seen], list[str]]] = []

    async def see() -> int:
        found.append(await look_at_book(config, book, patience))
        return 0

    fastest()(see())
    markets, seen, notes = found[0]
    for note in notes:
        log.warning("%s", printable(note))
    at = clock.now()
    told = balances(
        book,
        markets,
        seen,
        stored(url, book.shorts, at),
        at,
        maintenance=config.carry.maintenance,
        currency=config.currency,
    )
    if json:
        print(encode(fields(told)).decode())
    else:
        print_lines(lines(told, terminal_width()))
    return 0


def stored(url: str, shorts: Sequence[Position], at: int) -> list[list[Paid] | None]:
    """What the database has of the funding of each; None where nothing can be asked."""
    if all(one.opened is None for one in shorts):
        return [None] * len(shorts)
    try:
        reader = open_reader(url)
    except CrossbookError as error:
        log.warning("funding is unknown: %s", printable(str(error)))
        return [None] * len(shorts)
    try:
        return [payments(reader, one, at) for one in shorts]
    finally:
        reader.close()


def payments(reader: Reader, short: Position, at: int) -> list[Paid] | None:
    """The payments of its contract since it was opened, each with the mark of its boundary."""
    if short.opened is None:
        return None
    of = {"symbols": (short.symbol,), "venues": (short.venue,)}
    since = short.opened - BEFORE
    found = reader.readings.payments(since, at + 1, MOST, near=NEAR, **of)
    return [Paid(one.at, one.rate, one.interval, one.mark or None) for one in found]
