"""What Python reads of the books: single numbers and short ladders, through views of their arrays.

A view gives a plain number in a fraction of the time in which numpy wraps one, and what follows an
opportunity asks for hundreds of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scanner.books import layout as L
from scanner.types import BookState

# By number: what is looked up here costs less than the call of an enumeration.
STATES = tuple(BookState)


class Reading:
    """The reading half of a ``BookStore``, which says where the arrays are (``_view``)."""

    def __init__(self) -> None:
        nothing = memoryview(b"")
        self._prices = self._sizes = self._metas = self._reals = self._parameters = nothing

    def _view(self, slot: int, array: NDArray[np.generic]) -> None:
        """The array of this slot is this one from now on."""
        view = memoryview(array)  # type: ignore[arg-type]
        match slot:
            case L.PRICE:
                self._prices = view
            case L.SIZE:
                self._sizes = view
            case L.META:
                self._metas = view
            case L.REAL:
                self._reals = view
            case L.PARAM_INT:
                self._parameters = view

    def parameter(self, column: int) -> int:
        """One of the integers that hold for all books (columns in ``scanner.books.layout``)."""
        return self._parameters[column]

    def meta(self, book: int, column: int) -> int:
        """One integer of a book (columns in ``scanner.books.layout``)."""
        return self._metas[book * L.META_WIDTH + column]

    def state(self, book: int) -> BookState:
        return STATES[self._metas[book * L.META_WIDTH + L.STATE]]

    def proven_at(self, book: int) -> int:
        """When the oldest of what a taker meets in the book was told (ns)."""
        row, metas = book * L.META_WIDTH, self._metas
        depth_at: int = metas[row + L.DEPTH_AT]
        if metas[row + L.OVERLAID]:
            return min(depth_at, metas[row + L.BEST_AT])
        return depth_at

    def ladder(self, book: int, side: int, levels: int) -> list[tuple[float, float]]:
        """The best ``levels`` levels as a taker meets them, best first: (price, size), in quote for
        one of base, and in base (``BookStore.scale``)."""
        shown = self.shown(book, side, levels)
        row, reals = book * L.REAL_WIDTH, self._reals
        price, size = reals[row + L.PRICE_SCALE], reals[row + L.SIZE_SCALE]
        if reals[row + L.INVERSE]:
            return [(p * price, s * size / (p * price)) for p, s in shown]
        if price == 1.0 and size == 1.0:
            return shown
        return [(p * price, s * size) for p, s in shown]

    def shown(self, book: int, side: int, levels: int) -> list[tuple[float, float]]:
        """As ``ladder``, in the venue's own units."""
        row, metas = book * L.META_WIDTH, self._metas
        skip = metas[row + L.SKIP_SIDE + side]
        top = self._laid(book, side) if metas[row + L.OVERLAID] else []
        if not top and not skip:
            return self.depth(book, side, levels)
        return top + self.depth(book, side, skip + levels)[skip:][: levels - len(top)]

    def two_sided(self, book: int) -> bool:
        """Whether it shows a bid and an ask: nobody can tell of one side whether they cross."""
        return bool(self._metas[book * L.META_WIDTH + L.TWO_SIDED])

    def depth(self, book: int, side: int, levels: int) -> list[tuple[float, float]]:
        """The best levels of the depth channel alone, best first."""
        row, metas = book * L.META_WIDTH + side, self._metas
        offset, count = metas[row + L.OFFSET_SIDE], metas[row + L.COUNT_SIDE]
        end = offset + count
        if levels == 1:
            return [(self._prices[end - 1], self._sizes[end - 1])] if count else []
        start = end - min(count, max(levels, 0))
        rows: list[tuple[float, float]] = list(
            zip(self._prices[start:end], self._sizes[start:end], strict=True)
        )
        rows.reverse()
        return rows

    def _laid(self, book: int, side: int) -> list[tuple[float, float]]:
        """What a channel of the best bid and offer has laid over the depth, unless that is gone."""
        row, reals = book * L.REAL_WIDTH + side, self._reals
        size = reals[row + L.BEST_SIZE_SIDE]
        return [(reals[row + L.BEST_PRICE_SIDE], size)] if size > 0 else []
