"""Whether books may be believed together at a moment: what the kernels ask of two legs before they
compare them (``scanner.engine.ladders.fitness``), asked of any number, and said in words."""

from __future__ import annotations

from collections.abc import Sequence

from scanner.books import layout as L
from scanner.books.store import BookStore
from scanner.types import BookState


def distrust(store: BookStore, books: Sequence[int], at: int) -> str:
    """Why they may not be believed together at the time ``at`` (ns); empty: they may."""
    parameters = store.array(L.PARAM_INT)
    for book in books:
        state = store.state(book)
        if state is not BookState.LIVE:
            return f"a book is {state.name.lower()}"
        if at - store.proven_at(book) > parameters[L.MAX_AGE]:
            return "a book is too old"
        if store.meta(book, L.UNPROVEN) and not parameters[L.UNPROVEN_TOO]:
            return "nothing proves a book any more"
    proven = [store.proven_at(book) for book in books]
    if max(proven) - min(proven) > parameters[L.MAX_SKEW]:
        return "the books are too far apart in time"
    return ""
