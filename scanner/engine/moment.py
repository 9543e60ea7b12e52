"""What an opportunity rested on at a moment, kept until somebody asks for all of it."""

from __future__ import annotations

from msgspec import Struct

from scanner.engine.costs import Result
from scanner.engine.legs import Stamp
from scanner.engine.transfers import Seen


class Moment(Struct, frozen=True):
    """What an opportunity rests on, as it was at ``at``: enough to write it down later. ``spend``:
    the most that might be paid; ``priced``: what its quote is worth in the accounting currency, and
    where."""

    route: tuple[int, int]
    result: Result
    at: int
    buy: Stamp
    sell: Stamp
    conversion: Stamp | None
    seen: Seen
    spend: float
    priced: tuple[float, str] | None
