"""Currencies and the books that turn one into another, as the search for loops takes them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from scanner.types import Market, MarketKind, Side

Edge = tuple[int, Side]


class CurrencyGraph:
    """All spot books of ``markets`` that may be part of a loop. ``first``: a currency to begin
    with."""

    def __init__(self, markets: Mapping[int, Market], first: str) -> None:
        arcs: defaultdict[tuple[str, str], list[Edge]] = defaultdict(list)
        for book, market in markets.items():
            if market.kind is MarketKind.SPOT and market.base != market.quote:
                arcs[market.base, market.quote].append((book, Side.BID))
                arcs[market.quote, market.base].append((book, Side.ASK))
        self.markets = markets
        self.uses = Counter(market.quote for market in markets.values())
        self.currencies = _in_order(_closed(arcs), first, self.uses)
        numbers = {currency: i for i, currency in enumerate(self.currencies)}
        self.edges: list[Edge] = []
        self.ways: list[tuple[str, str]] = []
        self.venues = sorted({market.venue for market in markets.values()})
        places = {venue: i for i, venue in enumerate(self.venues)}
        rows: list[tuple[int, int, int]] = []
        first_arc, arc_to, first_edge = [0], [], [0]
        by_from: defaultdict[str, list[str]] = defaultdict(list)
        for have, want in arcs:
            if have in numbers and want in numbers:
                by_from[have].append(want)
        for have in self.currencies:
            for want in sorted(by_from[have], key=numbers.__getitem__):
                for book, side in arcs[have, want]:
                    self.edges.append((book, side))
                    self.ways.append((have, want))
                    rows.append((book, int(side), places[markets[book].venue]))
                arc_to.append(numbers[want])
                first_edge.append(len(rows))
            first_arc.append(len(arc_to))
        self.first_arc = np.array(first_arc, np.int64)
        self.arc_to = np.array(arc_to, np.int64)
        self.first_edge = np.array(first_edge, np.int64)
        self.rows: NDArray[np.int64] = np.array(rows, np.int64).reshape(-1)

    def layers(self, oldest: Sequence[int]) -> NDArray[np.int64]:
        """One for each venue, and for each of ``oldest`` (ns) one of all venues."""
        rows = [(venue, max(oldest)) for venue in range(len(self.venues))]
        rows += [(-1, one) for one in oldest]
        return np.array(rows, np.int64).reshape(-1)

    def found(self, row: Sequence[int]) -> tuple[tuple[Edge, ...], tuple[str, ...]]:
        """What a row of ``graph.loops`` says: its edges and the currency that each gives."""
        numbers = row[2 : 2 + row[1]]
        return (
            tuple(self.edges[number] for number in numbers),
            tuple(self.ways[number][0] for number in numbers),
        )


def _closed(arcs: Mapping[tuple[str, str], Sequence[Edge]]) -> dict[str, set[str]]:
    """The neighbours of each currency that a loop can go through: what has but one neighbour, in
    books that are all the same way round, leads nowhere."""
    neighbours: defaultdict[str, set[str]] = defaultdict(set)
    for have, want in arcs:
        neighbours[have].add(want)
    twice = {have for (have, want), edges in arcs.items() if len({side for _, side in edges}) > 1}
    ends = [name for name, theirs in neighbours.items() if len(theirs) < 2 and name not in twice]
    while ends:
        name = ends.pop()
        for other in neighbours.pop(name):
            neighbours[other].discard(name)
            if len(neighbours[other]) == 1 and other not in twice:
                ends.append(other)
    return {name: theirs for name, theirs in neighbours.items() if theirs}


def _in_order(neighbours: Mapping[str, set[str]], first: str, uses: Counter[str]) -> list[str]:
    """From one that many are quoted in outwards, so that what each is worth is known by others."""
    begins = sorted(neighbours, key=lambda name: (name != first, -uses[name], name))
    found: dict[str, None] = {}
    for begin in begins:
        waiting = [begin]
        while waiting:
            name = waiting.pop(0)
            if name not in found:
                found[name] = None
                waiting += sorted(neighbours[name], key=lambda each: (-uses[each], each))
    return list(found)
