"""Why not: what stopped the routes that looked good, counted by gate until it is taken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from msgspec import Struct

from scanner.books import layout as L
from scanner.books.store import BookStore
from scanner.engine.gates import CODES, GATES, Gate, Rejection
from scanner.engine.groups import Groups
from scanner.events import RejectMinute
from scanner.types import Market


class Beside(Struct, frozen=True):
    """What stopped something that is no route between two books: ``symbol`` as in
    ``scanner.events.RejectMinute``."""

    kind: str
    symbol: str
    buy: str
    sell: str
    gate: Gate
    count: int
    shortfall_bps: float


class Rejects:
    """The counters, which the scan adds to by itself for all that it can tell."""

    def __init__(self, store: BookStore, groups: Groups) -> None:
        self._store = store
        self._groups = groups
        self._others: dict[tuple[str, str, str, str, Gate], tuple[int, float]] = {}

    def count(self, kind: str, symbol: str, buy: str, sell: str, rejection: Rejection) -> None:
        """The same of what is no route between two books of a group: of which kind, what is bought
        and sold, and at which venues."""
        key = kind, symbol, buy, sell, rejection.gate
        counted, least = self._others.get(key, (0, rejection.shortfall_bps))
        self._others[key] = counted + 1, min(least, rejection.shortfall_bps)

    def note(self, buy: int, sell: int, rejection: Rejection) -> None:
        """What the exact computation found in the way of a route."""
        i = self._groups.cell(buy, sell) * L.CODES + CODES[rejection.gate]
        counts, least = self._store.array(L.REJECTS), self._store.array(L.SHORTFALLS)
        if counts[i] == 0 or rejection.shortfall_bps < least[i]:
            least[i] = rejection.shortfall_bps
        counts[i] += 1

    def of(self, buy: int, sell: int) -> dict[Gate, tuple[int, float]]:
        """What has stopped a route since the last summary: how often, and what was missing at
        least."""
        i = self._groups.cell(buy, sell) * L.CODES
        counts = self._store.array(L.REJECTS)[i : i + L.CODES].tolist()
        least = self._store.array(L.SHORTFALLS)[i : i + L.CODES].tolist()
        return {gate: (counts[code], least[code]) for code, gate in GATES.items() if counts[code]}

    def beside(self, symbol: str) -> Iterator[Beside]:
        """What has stopped the other kinds since the last summary, of what this symbol takes part
        in."""
        for (kind, what, buy, sell, gate), (counted, short) in self._others.items():
            if _concerns(what, symbol):
                yield Beside(kind, what, buy, sell, gate, counted, short)

    def take(self, markets: Mapping[int, Market], at: int) -> Iterator[RejectMinute]:
        """The summaries since they were last taken, as of the time ``at``."""
        for group in self._groups.numbers.values():
            routes = self._groups.routes(group)
            counts = self._groups.cells(group, L.REJECTS, L.CODES)
            least = self._groups.cells(group, L.SHORTFALLS, L.CODES)
            for cell, code in np.argwhere(counts).tolist():
                buyer, seller = (markets[book] for book in routes[cell])
                yield RejectMinute(
                    at=at,
                    symbol=symbols(buyer, seller),
                    buy=buyer.venue,
                    sell=seller.venue,
                    gate=GATES[code].value,
                    count=int(counts[cell, code]),
                    best_shortfall_bps=float(least[cell, code]),
                )
            counts[:] = 0
        for (_, symbol, buy, sell, gate), (counted, short) in self._others.items():
            yield RejectMinute(
                at=at,
                symbol=symbol,
                buy=buy,
                sell=sell,
                gate=gate.value,
                count=counted,
                best_shortfall_bps=short,
            )
        self._others.clear()


def symbols(buyer: Market, seller: Market) -> str:
    """What is bought and sold: one symbol, or both."""
    if buyer.symbol == seller.symbol:
        return buyer.symbol
    return f"{buyer.symbol}>{seller.symbol}"


def _concerns(what: str, symbol: str) -> bool:
    """Whether ``symbol`` is among the markets of ``what`` (contracts by their coin and quote), or
    its two currencies among those of a loop."""
    if what.count("/") > 1 and ">" not in what:
        return set(symbol.split("/")) <= set(what.split("/"))
    return symbol in {market.partition(":")[0] for market in what.split(">")}
