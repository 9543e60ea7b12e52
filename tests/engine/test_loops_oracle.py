"""Loops in an engine against an oracle that tries all ways through all currencies."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from scanner.engine.rules import LOOP, Rules
from scanner.engine.tracker import Thresholds
from tests.engine import slow, slow_many
from tests.engine.floor import Floor
from tests.engine.test_cycle import any_book, any_market
from tests.repeats import repeats

MIN_BPS = 10.0123
ONLY = frozenset({LOOP})


def every_loop(books: list[slow.Book], length: int) -> dict[tuple[str, str], list[slow_many.Hop]]:
    """Every loop of books by venue ("": several) and name, by trying all ways through all
    currencies; across venues by the best price of each hop."""
    currencies = sorted({c for book in books for c in (book.market.base, book.market.quote)})
    uses = {c: sum(book.market.quote == c for book in books) for c in currencies}
    found = {}
    venues = sorted({book.market.venue for book in books})
    for turn in slow_many.cycles(currencies, length):
        begin = turn.index(min(turn, key=lambda c: (c != "U", -uses[c], c)))
        way = (*turn[begin:], *turn[:begin], turn[begin])
        for venue in [*venues, ""]:
            chosen = [hop(books, *pair, venue) for pair in pairwise(way)]
            if all(chosen):
                loop = [one for one in chosen if one]
                if len({one.book.market.symbol for one in loop}) < len(loop):
                    continue
                if venue or len({one.book.market.venue for one in loop}) > 1:
                    found[venue, "/".join(way)] = loop
    return found


def hop(books: list[slow.Book], have: str, want: str, venue: str) -> slow_many.Hop | None:
    ways = [
        slow_many.Hop(book, {book.market.base} == {have})
        for book in books
        if {book.market.base, book.market.quote} == {have, want}
        and book.bids
        and book.asks
        and venue in ("", book.market.venue)
    ]
    shown = [one for one in ways if one.whole]
    return max(shown, key=lambda one: one.first, default=None)


@settings(max_examples=repeats(15, 300), deadline=None)
@given(st.randoms(use_true_random=True))
def test_the_engine_finds_what_the_oracle_finds(random: Random) -> None:
    books = [
        any_book(random, any_market(random, venue, *symbol.split("/")))
        for venue in "abc"
        for symbol in ("B/U", "E/U", "E/B", "R/U", "B/R", "E/R", "S/B", "S/U")
        if random.random() < 0.55
    ]
    length = random.randint(3, 5)
    floor = Floor(
        Rules(kinds=ONLY, currency="U", loop_length=length),
        Thresholds(min_net_bps=MIN_BPS, update_interval=0),
    )
    for book in books:
        floor.add(book.market)
        shown = [[(float(p), float(s)) for p, s in side] for side in (book.bids, book.asks)]
        floor.show(f"{book.market.venue} {book.market.symbol}", *shown)
    opened = {}
    for one in floor.tick():
        venues = {leg.venue for leg in one.legs}
        opened[min(venues) if len(venues) == 1 else "", one.symbol] = one
    flagged = 0
    for key, loop in every_loop(books, length).items():
        try:
            expected = slow_many.loop(loop)
        except slow.Tie:
            opened.pop(key, None)
            continue
        if isinstance(expected, str) or expected.net / expected.put_in * 10_000 < MIN_BPS:
            assert key not in opened, (key, expected)
            continue
        found = opened.pop(key)
        flagged += 1
        assert found.size == pytest.approx(float(expected.put_in), rel=1e-9)
        assert found.net_profit == pytest.approx(float(expected.net), rel=1e-9)
        assert [leg.size for leg in found.legs] == pytest.approx(
            list(map(float, expected.sizes)), rel=1e-9
        )
    assert opened == {}
    event(f"flagged {min(flagged, 5)}")
