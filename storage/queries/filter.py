"""What is asked for: which opportunities, in what order, grouped how."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import ColumnElement, or_

from storage.columns import Array
from storage.series import Series

Columns: TypeAlias = Mapping[str, ColumnElement[Any]]


class Sort(StrEnum):
    """What a list is sorted by; of profit and bps the peaks count."""

    OPENED = "opened"
    DURATION = "duration"
    NET_BPS = "net-bps"
    PROFIT = "profit"


class By(StrEnum):
    """What opportunities are grouped by; hours and days are UTC's."""

    SYMBOL = "symbol"
    ROUTE = "route"
    VENUE = "venue"
    KIND = "kind"
    HOUR = "hour"
    WEEKDAY = "weekday"


class Filter(Struct, frozen=True, kw_only=True):
    """Which opportunities; an empty tuple or None leaves that open.

    ``venues`` may stand on either side. Times are when it opened, ns, the first included, the
    second not. The least bps and profit are of the peaks; a least ``duration`` (ns) leaves out what
    is still open.
    """

    symbols: tuple[str, ...] = ()
    venues: tuple[str, ...] = ()
    buy: tuple[str, ...] = ()
    sell: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None
    min_net_bps: float | None = None
    min_profit: float | None = None
    min_duration: int | None = None

    @property
    def thresholds(self) -> bool:
        """Does it ask for least figures?"""
        return bool(self.tested)

    @property
    def tested(self) -> list[str]:
        """The columns of which it asks for least figures."""
        return [name for name, least in self.least if least is not None]

    @property
    def least(self) -> tuple[tuple[str, float | None], ...]:
        """The least figures by their columns."""
        return (
            ("peak_net_bps", self.min_net_bps),
            ("peak_net_profit", self.min_profit),
            ("duration", self.min_duration),
        )

    @property
    def of_venues(self) -> bool:
        """Does it name venues?"""
        return bool(self.venues or self.buy or self.sell)

    @property
    def all_figures(self) -> Filter:
        """The same without least figures."""
        return replace(self, min_net_bps=None, min_profit=None, min_duration=None)

    @property
    def names_any(self) -> bool:
        """Does it name symbols, venues or kinds?"""
        return bool(self.symbols or self.kinds) or self.of_venues

    def takes(self, one: Series) -> bool:
        """Does it take this series, as far as the series says what it is?"""
        return (
            (not self.kinds or one.kind in self.kinds)
            and (not self.symbols or one.symbol in self.symbols)
            and (not self.buy or one.buy in self.buy)
            and (not self.sell or one.sell in self.sell)
            and (not self.venues or one.buy in self.venues or one.sell in self.venues)
        )

    def meets(self, columns: Mapping[str, Array]) -> Any:
        """Which rows come to all least figures; True if none are asked for."""
        meets: Any = True
        for name, least in self.least:
            if least is not None:
                meets = meets & (columns[name] >= least)
        return meets

    def conditions(self, columns: Columns) -> Iterator[ColumnElement[bool]]:
        """It as conditions on the columns of ``opportunity``."""
        yield from self.names(columns)
        yield from self.times(columns)
        for name, least in self.least:
            if least is not None:
                yield columns[name] >= least

    def names(self, columns: Columns) -> Iterator[ColumnElement[bool]]:
        """The part of it that is about symbols, venues and kinds."""
        for name, wanted in (
            ("symbol", self.symbols),
            ("buy", self.buy),
            ("sell", self.sell),
            ("kind", self.kinds),
        ):
            if wanted:
                yield among(columns[name], wanted)
        if self.venues:
            yield or_(among(columns["buy"], self.venues), among(columns["sell"], self.venues))

    def times(self, columns: Columns) -> Iterator[ColumnElement[bool]]:
        """The part of it that is about time."""
        if self.since is not None:
            yield columns["opened_at"] >= self.since
        if self.until is not None:
            yield columns["opened_at"] < self.until


def among(column: ColumnElement[str], wanted: tuple[str, ...]) -> ColumnElement[bool]:
    """``column`` is one of ``wanted``; a single one as an equality, which indexes like best."""
    return column == wanted[0] if len(wanted) == 1 else column.in_(wanted)
