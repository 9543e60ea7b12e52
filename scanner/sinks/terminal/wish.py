"""What the user wishes to see, and the rows in that order. What pays always stands first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from scanner.view.frame import Frame, Row

T = TypeVar("T")


class Pane(StrEnum):
    """The panes below the table."""

    DETAIL = "ladders"
    VENUES = "venues"
    EVENTS = "events"
    HEDGE = "hedge"


class Sort(StrEnum):
    """What the rows are sorted by."""

    NET = "net"
    PROFIT = "profit"
    GROSS = "gross"
    SIZE = "size"
    AGE = "age"
    OPEN = "open"
    SYMBOL = "symbol"


def _age(row: Row) -> float:
    return max(row.buy.age_ms, row.sell.age_ms) if row.buy and row.sell else float("inf")


KEYS: dict[Sort, Callable[[Row], tuple[float | str, ...]]] = {
    Sort.NET: lambda row: (-row.net_bps,),
    Sort.PROFIT: lambda row: (-row.profit,),
    Sort.GROSS: lambda row: (-row.gross_bps,),
    Sort.SIZE: lambda row: (-row.size,),
    Sort.AGE: lambda row: (_age(row),),
    Sort.OPEN: lambda row: (row.opened_at == 0, row.opened_at, -row.net_bps),
    Sort.SYMBOL: lambda row: (),
}


class Wish(Struct, frozen=True, kw_only=True):
    """How the table is sorted and what it leaves out; empty texts leave out nothing."""

    sort: Sort = Sort.NET
    reverse: bool = False
    venue: str = ""
    quote: str = ""
    paying: bool = False
    search: str = ""

    @property
    def filters(self) -> bool:
        """Whether anything may be left out."""
        return bool(self.venue or self.quote or self.paying or self.search)

    def next_sort(self) -> Wish:
        """Sorted by the next column."""
        return replace(self, sort=_after(self.sort, list(Sort)), reverse=False)

    def next_venue(self, frame: Frame) -> Wish:
        """Only routes of the next venue, and after the last one all."""
        venues = sorted(line.venue for line in frame.venues)
        return replace(self, venue=_after(self.venue, ["", *venues]))

    def next_quote(self, frame: Frame) -> Wish:
        """Only the next quote currency, and after the last one all."""
        quotes = sorted({row.quote for row in frame.rows})
        return replace(self, quote=_after(self.quote, ["", *quotes]))

    def unfiltered(self) -> Wish:
        """Everything, in the same order."""
        return Wish(sort=self.sort, reverse=self.reverse)

    def matches(self, row: Row) -> bool:
        """Whether the row is to be seen."""
        if self.paying and not row.standing.positive:
            return False
        if self.quote and row.quote != self.quote:
            return False
        if self.venue and self.venue not in _venues(row):
            return False
        return self.search.casefold() in " ".join((row.symbol, *_venues(row))).casefold()


def arranged(rows: Iterable[Row], wish: Wish) -> list[Row]:
    """The rows to be seen: what pays, then what nearly does, then what cannot be compared."""
    key = KEYS[wish.sort]
    chosen = sorted(filter(wish.matches, rows), key=lambda row: row.symbol)
    chosen.sort(key=key)
    if wish.reverse:
        chosen.reverse()
    chosen.sort(key=lambda row: (not row.standing.positive, row.buy is None))
    return chosen


def _venues(row: Row) -> tuple[str, ...]:
    return (row.buy.venue, row.sell.venue) if row.buy and row.sell else ()


def _after(value: T, values: list[T]) -> T:
    return values[(values.index(value) + 1) % len(values)] if value in values else values[0]
