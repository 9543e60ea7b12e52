"""What opportunities are counted by, and its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct
from sqlalchemy import insert, select
from sqlalchemy.engine import Connection

from storage.columns import Array
from storage.schema import series


class Series(NamedTuple):
    """What is counted together; ``""`` stands for any symbol, or any two venues."""

    kind: str
    symbol: str
    buy: str
    sell: str
    currency: str

    @property
    def wider(self) -> tuple[Series, Series, Series]:
        """All routes of its symbol; all symbols of its route; all of both."""
        kind, symbol, buy, sell, currency = self
        return (
            Series(kind, symbol, "", "", currency),
            Series(kind, "", buy, sell, currency),
            Series(kind, "", "", "", currency),
        )


class Wider(Struct, frozen=True):
    """By the number of a series: that of all routes of its symbol, that of all symbols of its
    route, that of both, and its place when all are sorted by symbol."""

    symbol: Array
    route: Array
    both: Array
    place: Array


class SeriesNumbers:
    """The numbers of series; new ones are written as they are asked for."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        s = series.c
        rows = connection.execute(select(s.id, s.kind, s.symbol, s.buy, s.sell, s.currency))
        self._known = {Series(*row[1:]): int(row[0]) for row in rows}

    def of(self, wanted: Sequence[Series]) -> Array:
        """The number of each."""
        missing = dict.fromkeys(one for one in wanted if one not in self._known)
        if missing:
            following = max(self._known.values(), default=0) + 1
            self._known |= {one: number for number, one in enumerate(missing, following)}
            rows = [{"id": self._known[one], **one._asdict()} for one in missing]
            self._connection.execute(insert(series), rows)
        return np.fromiter((self._known[one] for one in wanted), np.int64, len(wanted))

    def wider(self) -> Wider:
        """Of all that there are."""
        symbol, route, both, place = np.zeros(
            (4, max(self._known.values(), default=0) + 1), np.uint32
        )
        ordered = sorted(self._known, key=lambda one: (one.symbol, one))
        for at, one in enumerate(ordered):
            number = self._known[one]
            of_symbol, of_route, of_both = one.wider
            symbol[number] = self._known.get(of_symbol, 0)
            route[number] = self._known.get(of_route, 0)
            both[number] = self._known.get(of_both, 0)
            place[number] = at
        return Wider(symbol, route, both, place)
