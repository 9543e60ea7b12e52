"""The options of the commands, which need nothing heavy to be parsed."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from msgspec import Struct


class Form(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


class TextForm(StrEnum):
    """How one opportunity is explained."""

    TEXT = "text"
    JSON = "json"


class GroupBy(StrEnum):
    """What opportunities are grouped by."""

    SYMBOL = "symbol"
    ROUTE = "route"
    VENUE = "venue"
    KIND = "kind"
    HOUR = "hour"
    WEEKDAY = "weekday"


class Side(StrEnum):
    """On which side a venue stands."""

    BUY = "buy"
    SELL = "sell"


class Order(StrEnum):
    """What is sorted by; the greatest or newest first."""

    OPENED = "opened"
    DURATION = "duration"
    NET_BPS = "net-bps"
    PROFIT = "profit"
    COUNT = "count"
    TOTAL = "total"
    NAME = "name"


class RouteOrder(StrEnum):
    """What routes are sorted by; the greatest first."""

    HIGH = "high"
    MEAN = "mean"
    LOW = "low"
    LAST = "last"
    POSITIVE = "positive"
    NAME = "name"


class SpreadsBy(StrEnum):
    """A row for each route, or for each minute of each."""

    ROUTE = "route"
    MINUTE = "minute"


class Moment(StrEnum):
    """Which state of an opportunity is computed."""

    OPENED = "opened"
    PEAK = "peak"
    LAST = "last"
    ALL = "all"


class Show(Struct, frozen=True, kw_only=True):
    """How rows are shown. ``limit`` 0 is no limit, None what suits the form."""

    form: Form = Form.TABLE
    limit: int | None = None
    reverse: bool = False
    plot: bool = False
    out: Path | None = None
