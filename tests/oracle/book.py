"""A book as two dictionaries, and the checksums that venues send over its text."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

Levels = dict[Decimal, Decimal]


class Wrong(AssertionError):
    """The recorded stream breaks the venue's own rule."""


class Book:
    """Price to size on each side. ``Decimal`` keeps the digits of the text it was made from."""

    def __init__(self, bids: Iterable[Sequence], asks: Iterable[Sequence]) -> None:
        self.bids: Levels = {}
        self.asks: Levels = {}
        for row in bids:
            change(self.bids, row[0], row[1])
        for row in asks:
            change(self.asks, row[0], row[1])

    def top(self, levels: int) -> tuple[list[tuple[Decimal, Decimal]], ...]:
        """The best ``levels`` of each side, best first: bids, asks."""
        bids = sorted(self.bids.items(), reverse=True)[:levels]
        asks = sorted(self.asks.items())[:levels]
        return bids, asks

    def truncate(self, levels: int) -> None:
        """Keep the best ``levels`` of each side."""
        bids, asks = self.top(levels)
        self.bids = dict(bids)
        self.asks = dict(asks)


@dataclass(frozen=True)
class Seen:
    """What a decoder knows of ``market`` after frame ``index``.

    ``touched`` are the prices named by the frame (None: any may have changed). ``sequence`` is the
    venue's id of this state where it has one, ``checked`` whether a checksum was found right.
    """

    index: int
    market: str
    bids: Levels
    asks: Levels
    touched: tuple[list[Decimal], list[Decimal]] | None = None
    sequence: int = 0
    checked: bool = False


@dataclass(frozen=True)
class Top:
    """A best bid and offer from a channel of its own."""

    index: int
    market: str
    bid: tuple[Decimal, Decimal]
    ask: tuple[Decimal, Decimal]
    sequence: int


def change(side: Levels, price: str | Decimal, size: str | Decimal) -> Decimal:
    """Put the new size at a price; zero removes the level. The price, as a number."""
    key = Decimal(price)
    side.pop(key, None)
    if Decimal(size):
        side[key] = Decimal(size)
    return key


def changes(book: Book, bids: Iterable[Sequence], asks: Iterable[Sequence]) -> tuple:
    """Apply rows of ``[price, size, ...]`` to both sides; the prices named."""
    return (
        [change(book.bids, row[0], row[1]) for row in bids],
        [change(book.asks, row[0], row[1]) for row in asks],
    )


def interleaved_25(book: Book) -> int:
    """Signed CRC-32 over ``bid:size:ask:size...``, 25 levels, the longer side's rest at the end."""
    bids, asks = book.top(25)
    words: list[str] = []
    for place in range(25):
        for side in (bids, asks):
            words += [f"{number:f}" for level in side[place : place + 1] for number in level]
    unsigned = zlib.crc32(":".join(words).encode())
    return unsigned - (1 << 32) if unsigned >= 1 << 31 else unsigned


def digits_10(book: Book) -> int:
    """CRC-32 over ten asks, then ten bids: the digits of price and size, no leading zeros."""
    bids, asks = book.top(10)
    numbers = [number for level in asks + bids for number in level]
    text = "".join(f"{number:f}".replace(".", "").lstrip("0") for number in numbers)
    return zlib.crc32(text.encode())
