"""Which routes are between two coins, whatever they are called: their contracts say so."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from scanner.books import layout as L
from scanner.books.store import BookStore
from scanner.engine.assets import Sameness, sameness
from scanner.engine.gates import Gate
from scanner.engine.groups import Groups
from scanner.events import Suspect
from scanner.types import Market

Route = tuple[int, int]

# What stands is told of again after so long, ns.
AGAIN = 60_000_000_000


class Apart:
    """The routes that are barred for it. ``bar`` as in ``Engine``, which asks ``why`` in turn."""

    def __init__(
        self,
        store: BookStore,
        groups: Groups,
        markets: Mapping[int, Market],
        bar: Callable[[int, int, Gate | None], None],
    ) -> None:
        self._store = store
        self._groups = groups
        self._markets = markets
        self._bar = bar
        self._routes: dict[Route, str] = {}
        self._told: dict[Route, Suspect] = {}

    def why(self, buy: int, sell: int) -> str:
        """What says that the two are not of one coin; empty if nothing does."""
        return self._routes.get((buy, sell), "")

    def look(self, book: int) -> None:
        """Hold the book, whose wallet is new, against all others of its name."""
        wallet = self._markets[book].wallet
        for other in self._groups.books(self._store.meta(book, L.GROUP)):
            if other == book:
                continue
            same, network = sameness(wallet, self._markets[other].wallet)
            for route in ((book, other), (other, book)):
                before = self._routes.pop(route, "")
                if same is Sameness.REFUTED:
                    self._routes[route] = f"{same.value} on {network}"
                if before or same is Sameness.REFUTED:
                    self._bar(*route, None)

    def forget(self, book: int) -> None:
        """The book takes no part any more."""
        self._routes = {route: why for route, why in self._routes.items() if book not in route}
        self._told = {route: told for route, told in self._told.items() if book not in route}

    def due(self, at: int) -> list[tuple[Route, str, Suspect | None]]:
        """One way of each pair that is to be told of, why it is barred, and what was told of it
        last (None: nothing): it is new, is barred for another reason, or was told a minute ago."""
        found = []
        for route, why in self._routes.items():
            told = self._told.get(route)
            if told is None or told.reason != why or at - told.at >= AGAIN:
                found.append((route, why, told))
        return [each for each in found if each[0][0] < each[0][1]]

    def tell(self, route: Route, told: Suspect) -> None:
        """This one has been told of."""
        self._told[route] = told

    def released(self) -> dict[Route, Suspect]:
        """What was told last of those that are not barred any more, each once."""
        gone = {route: told for route, told in self._told.items() if route not in self._routes}
        self._told = {route: told for route, told in self._told.items() if route in self._routes}
        return gone
