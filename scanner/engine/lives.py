"""What is open: one life for each route, and which of them rest on which book."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from msgspec.structs import replace

from scanner.books import layout as L
from scanner.books.store import BookStore
from scanner.engine.groups import Groups
from scanner.engine.ids import Ids
from scanner.engine.tracker import Life, Thresholds, Trade
from scanner.events import Opportunity

Route = tuple[int, int]


class Lives:
    """Opens, keeps and closes; ``emit`` is told. The kernels know on which routes something is open
    and which books conversions of open ones rest on."""

    def __init__(
        self, store: BookStore, groups: Groups, ids: Ids, emit: Callable[[Opportunity], None]
    ) -> None:
        self._store = store
        self._groups = groups
        self._ids = ids
        self._emit = emit
        self._converted_at: defaultdict[int, set[Route]] = defaultdict(set)
        self._conversions: dict[Route, int] = {}
        self.thresholds = Thresholds()
        self.open: dict[Route, Life] = {}
        self._over = False

    def keep(
        self,
        route: Route,
        left: Trade,
        at: int,
        write: Callable[[], Opportunity],
        conversion: int = -1,
    ) -> Opportunity | None:
        """A route that is worth it stands so: it opens (then as what), or goes on.
        ``write``: writes its state down; ``conversion``: the book that its conversion rests on."""
        life = self.open.get(route)
        if life is None and self._over:
            return None
        if life is None:
            opened = replace(write(), id=self._ids.new(at))
            self.open[route] = Life(opened)
            self._mark(route, True)
            self._rest_on(route, conversion)
            self._emit(opened)
            return opened
        self._rest_on(route, conversion)
        told = life.see(left, at, write, self.thresholds.update_interval)
        if told is not None:
            self._emit(told)
        return None

    def close(self, route: Route, reason: str, at: int) -> None:
        """It is over."""
        life = self.open.pop(route)
        self._mark(route, False)
        self._rest_on(route, -1)
        self._emit(life.close(reason, at))

    def write_down(self) -> None:
        """The states as they are, before what they are written down with changes."""
        for life in self.open.values():
            _ = life.last

    def close_all(self, book: int, reason: str, at: int) -> None:
        """All that buys or sells at the book is over."""
        for route in [route for route in self.open if book in route]:
            self.close(route, reason, at)

    def finish(self, reason: str, at: int) -> None:
        """All of it is over, and nothing opens any more."""
        self._over = True
        for route in list(self.open):
            self.close(route, reason, at)

    def on_conversion(self, book: int) -> list[Route]:
        """The routes whose conversion rests on the book."""
        return list(self._converted_at.get(book, ()))

    def _rest_on(self, route: Route, book: int) -> None:
        before = self._conversions.pop(route, -1)
        if before >= 0:
            self._converted_at[before].discard(route)
        if book >= 0:
            self._conversions[route] = book
            self._converted_at[book].add(route)
        meta = self._store.array(L.META)
        for one in {before, book} - {-1}:
            meta[one * L.META_WIDTH + L.WATCHED] = len(self._converted_at[one])

    def _mark(self, route: Route, stands: bool) -> None:
        record = self._groups.record(*route)
        record["standing"] = int(record["standing"]) & ~L.STANDS | stands
        meta = self._store.meta
        if meta(route[0], L.QUOTE) != meta(route[1], L.QUOTE):
            self._groups.opened_across(route[0], 1 if stands else -1)
