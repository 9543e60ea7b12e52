"""How a simulated book follows its price: two ladders of levels, grown and trimmed as it moves."""

from __future__ import annotations

from random import Random

from scanner.lab.book import ASK, BID, LabBook

FEWEST, USUAL, MOST = 210, 240, 280
GAP_BPS = 0.1
GAP_GROWS_OVER = 20
SIZE_GROWS_OVER = 12
NEAR = 6.0
STIRRED = 60


class Ladder:
    """Keeps one book in the shape of a market around a price.

    Each side has between ``FEWEST`` and ``MOST`` levels; the gaps between them and their sizes grow
    with the distance from the touch. Sizes are multiples of ``grain`` lots, around ``touch`` lots
    at the best price.
    """

    def __init__(self, book: LabBook, random: Random, touch: float, grain: int) -> None:
        self._book = book
        self._random = random
        self._touch = touch
        self._grain = grain

    def move(self, price: float, at: int) -> None:
        """Bring the book to ``price`` (in ticks): what it passes is gone, what it leaves is filled.
        A few sizes near the touch change as well."""
        spread = 1 if self._random.random() < 0.7 else 2
        bid = max(int(price - spread / 2 + 0.5), 1)
        self._clear(BID, bid, at)
        self._clear(ASK, bid + spread, at)
        self._fill(BID, bid, price, at)
        self._fill(ASK, bid + spread, price, at)
        self._stir(at)
        for side in (BID, ASK):
            self._trim(side, price, at)

    def _clear(self, side: int, best: int, at: int) -> None:
        book = self._book
        for ticks in book.passed(side, best):
            book.set(side, ticks, 0, at)

    def _fill(self, side: int, best: int, price: float, at: int) -> None:
        """Levels from ``best`` outwards, until they meet the ones that stand."""
        book = self._book
        standing = book.ticks(side, 1)
        away = -1 if side == BID else 1
        ticks, index = best, 0
        while index < USUAL and ticks > 0 and (not standing or (standing[0] - ticks) * away > 0):
            book.set(side, ticks, self._size(index), at)
            ticks += away * self._gap(index, price)
            index += 1
        if not book.lots(side, best):
            book.set(side, best, self._size(0), at)

    def _stir(self, at: int) -> None:
        """New sizes for a few levels, mostly near the touch; some vanish, and some appear."""
        random, book = self._random, self._book
        for _ in range(1 + int(random.expovariate(1.0))):
            side = random.choice((BID, ASK))
            standing = min(book.count(side), STIRRED)
            index = min(int(random.expovariate(1.0 / NEAR)), standing - 1)
            ticks = book.nth(side, index)
            if index and random.random() < 0.15:
                book.set(side, ticks, 0, at)
            elif index and random.random() < 0.15:
                book.set(side, (ticks + book.nth(side, index - 1)) // 2, self._size(index), at)
            else:
                book.set(side, ticks, self._size(index), at)

    def _trim(self, side: int, price: float, at: int) -> None:
        book = self._book
        count = book.count(side)
        if count > MOST:
            for ticks in book.ticks(side)[USUAL:]:
                book.set(side, ticks, 0, at)
        elif count < FEWEST:
            away = -1 if side == BID else 1
            ticks = book.ticks(side)[-1]
            for index in range(count, USUAL):
                ticks += away * self._gap(index, price)
                if ticks <= 0:
                    return
                book.set(side, ticks, self._size(index), at)

    def _gap(self, index: int, price: float) -> int:
        ticks = GAP_BPS * 1e-4 * price * (1.0 + index / GAP_GROWS_OVER)
        return max(int(ticks * self._random.uniform(0.5, 1.5) + 0.5), 1)

    def _size(self, index: int) -> int:
        share = (0.2 + self._random.expovariate(1.0)) * (1.0 + index / SIZE_GROWS_OVER)
        return max(int(self._touch * share / self._grain), 1) * self._grain
