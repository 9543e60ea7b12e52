"""Which routes are between two coins, whatever they are called: their contracts say so."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from scanner.books import layout as L
from scanner.books.store import BookStore
from scanner.engine.assets import Sameness, sameness
from scanner.engine.gates import Gate
from scanner.engine.groups import Groups
from scanner.types import Market

Route = tuple[int, int]


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
        self._told: set[Route] = set()

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
        self._told = {route for route in self._told if book not in route}

    def untold(self) -> dict[Route, str]:
        """One way of each pair that has not been told of."""
        return {
            route: why
            for route, why in self._routes.items()
            if route[0] < route[1] and route not in self._told
        }

    def tell(self, route: Route) -> None:
        """This one has been told of."""
        self._told.add(route)
