"""The true book of one simulated market: integers inside, decimal text outside."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import TypeAlias

from msgspec import Struct

from scanner.lab.units import SECOND

BID, ASK = 0, 1
REMEMBERED_CHANGES = 4_000

Row = tuple[str, str]
"""One level as text: price and size."""


class LabMarket(Struct, frozen=True, kw_only=True):
    """One market of one simulated venue.

    ``id`` is the venue's REST id of it. ``tick`` is ten to the minus ``price_decimals``, ``lot``
    ten to the minus ``size_decimals``; like the minimums (``min_amount`` in base, ``min_notional``
    in quote) and the fee rates (fractions) they are decimal text without exponent.

    Of a contract, which has a currency to ``settle`` in, sizes, lot and minimum are in the venue's
    unit: ``contract_size`` of base, or of quote if ``inverse``. ``expiry`` and the ``interval`` of
    funding in ns (0: none); ``on_the_hour``: it is paid at full hours.
    """

    id: str
    base: str
    quote: str
    price_decimals: int
    size_decimals: int
    lot: str
    tick: str
    min_amount: str
    min_notional: str
    taker: str
    maker: str
    settle: str = ""
    contract_size: str = "1"
    inverse: bool = False
    expiry: int = 0
    interval: int = 0
    on_the_hour: bool = False

    @property
    def symbol(self) -> str:
        """The unified symbol: ``BTC/USDT``, ``BTC/USDT:USDT``, ``BTC/USDT:USDT-261225``."""
        settle = f":{self.settle}" if self.settle else ""
        date = f"-{self.expiry_date}" if self.expiry else ""
        return f"{self.base}/{self.quote}{settle}{date}"

    @property
    def expiry_date(self) -> str:
        """The day of expiry (UTC) as yymmdd."""
        return datetime.fromtimestamp(self.expiry / SECOND, UTC).strftime("%y%m%d")


class Change(Struct, frozen=True):
    """One changed level: its new size, ``"0"`` where the level is gone. ``at`` in ns."""

    sequence: int
    side: int
    price: str
    size: str
    at: int


_Change: TypeAlias = tuple[int, int, int, int, int]
"""As in ``Change``, in ticks and lots."""


class _Texts(dict[int, Row]):
    """The levels of one side as text, by sort key. They are made when somebody asks: most changes
    nobody ever sees."""

    def __init__(self, market: LabMarket, lots: dict[int, int]) -> None:
        self._decimals = market.price_decimals, market.size_decimals
        self._lots = lots

    def __missing__(self, key: int) -> Row:
        price, size = self._decimals
        row = self[key] = (decimal_text(abs(key), price), decimal_text(self._lots[key], size))
        return row


class LabBook:
    """The venue's true book of one market.

    Prices and sizes come in as integers (ticks and lots) and go out as text with the market's
    decimals, trailing zeros included. ``sequence`` is the id of the last change: it grows by one
    with every changed level row and never resets. ``changed_at`` is the time of it in ns.
    """

    def __init__(self, market: LabMarket, sequence: int = 0, at: int = 0) -> None:
        self.market = market
        self.sequence = sequence
        self.changed_at = at
        # Sort keys are negated for bids, so that both lists run from the best level down.
        self._keys: tuple[list[int], list[int]] = ([], [])
        self._lots: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self._rows = _Texts(market, self._lots[BID]), _Texts(market, self._lots[ASK])
        self._log: deque[_Change] = deque(maxlen=REMEMBERED_CHANGES)

    def set(self, side: int, ticks: int, lots: int, at: int) -> None:
        """Put ``lots`` at the price of ``ticks``; 0 takes the level away."""
        key = -ticks if side == BID else ticks
        keys, sizes = self._keys[side], self._lots[side]
        before = sizes.get(key, 0)
        if before == lots:
            return
        if not lots:
            del keys[bisect_left(keys, key)], sizes[key]
        else:
            if not before:
                insort(keys, key)
            sizes[key] = lots
        self._rows[side].pop(key, None)
        self.sequence += 1
        self.changed_at = at
        self._log.append((self.sequence, side, ticks, lots, at))

    def lots(self, side: int, ticks: int) -> int:
        """The size at the price of ``ticks``, 0 where there is no level."""
        return self._lots[side].get(-ticks if side == BID else ticks, 0)

    def ticks(self, side: int, n: int | None = None) -> list[int]:
        """The prices of the best ``n`` levels (None: all) in ticks, best first."""
        keys = self._keys[side][:n]
        return [-key for key in keys] if side == BID else keys

    def nth(self, side: int, index: int) -> int:
        """The price of the level at ``index``, 0 is the best, in ticks."""
        return abs(self._keys[side][index])

    def passed(self, side: int, best: int) -> list[int]:
        """The prices on ``side`` that are better than ``best``, in ticks."""
        keys = self._keys[side]
        better = keys[: bisect_left(keys, -best if side == BID else best)]
        return [-key for key in better] if side == BID else better

    def count(self, side: int) -> int:
        """How many levels stand on ``side``."""
        return len(self._keys[side])

    def levels(self, side: int, n: int | None = None) -> list[Row]:
        """The best ``n`` levels (None: all), best first."""
        return list(map(self._rows[side].__getitem__, self._keys[side][:n]))

    def best(self) -> tuple[Row | None, Row | None]:
        """The best bid and the best ask."""
        bids, asks = self.levels(BID, 1), self.levels(ASK, 1)
        return (bids[0] if bids else None, asks[0] if asks else None)

    def changes_since(self, sequence: int) -> list[Change] | None:
        """What changed after ``sequence``, in order; None when that far back is forgotten."""
        missing = self.sequence - sequence
        if missing > len(self._log):
            return None
        newest_first = list(islice(reversed(self._log), max(missing, 0)))
        return [self._told(*change) for change in reversed(newest_first)]

    def range_since(self, sequence: int) -> tuple[int, list[Change]]:
        """The first id after ``sequence`` and what changed since, for a channel of ranges. When
        that far back is forgotten, the range begins too late: the client sees a gap."""
        changes = self.changes_since(sequence)
        return (self.sequence, []) if changes is None else (sequence + 1, changes)

    def _told(self, sequence: int, side: int, ticks: int, lots: int, at: int) -> Change:
        size = decimal_text(lots, self.market.size_decimals) if lots else "0"
        return Change(sequence, side, decimal_text(ticks, self.market.price_decimals), size, at)


class Window:
    """The best ``depth`` levels of a book as one client has last been shown them.

    For channels that keep a book of limited depth current by changes. Levels that leave the window
    are deleted from it, whether they are gone from the book or only pushed out of its depth.
    """

    def __init__(self, book: LabBook, depth: int) -> None:
        self.book = book
        self.depth = depth
        self.sequence = -1
        self._shown: tuple[dict[str, str], dict[str, str]] = ({}, {})

    def snapshot(self) -> tuple[list[Row], list[Row]]:
        """Bids and asks of the window now; changes count from here."""
        rows = (self.book.levels(BID, self.depth), self.book.levels(ASK, self.depth))
        self._shown = (dict(rows[BID]), dict(rows[ASK]))
        self.sequence = self.book.sequence
        return rows

    def changes(self) -> tuple[list[Row], list[Row]]:
        """Bid and ask rows that bring the last state shown to the present one (size ``"0"``: gone).

        Both are empty when nothing in the window changed.
        """
        if self.sequence == self.book.sequence:
            return [], []
        before = self._shown
        rows = self.snapshot()
        return _difference(before[BID], rows[BID]), _difference(before[ASK], rows[ASK])


def merged(changes: Iterable[Change]) -> tuple[list[Row], list[Row]]:
    """Bid and ask rows with the last size of each price, as a channel with a pace sends them."""
    rows: tuple[dict[str, str], dict[str, str]] = ({}, {})
    for change in changes:
        rows[change.side][change.price] = change.size
    return list(rows[BID].items()), list(rows[ASK].items())


def decimal_text(units: int, decimals: int) -> str:
    """``units`` times ten to the minus ``decimals``: ``(120, 2)`` is ``1.20``."""
    if decimals <= 0:
        return str(units * 10**-decimals)
    digits = str(units)
    if len(digits) <= decimals or units < 0:
        digits = digits.zfill(decimals + 1 + (units < 0))
    return f"{digits[:-decimals]}.{digits[-decimals:]}"


def _difference(before: dict[str, str], rows: Sequence[Row]) -> list[Row]:
    now = dict(rows)
    gone = [(price, "0") for price in before if price not in now]
    return gone + [row for row in rows if before.get(row[0]) != row[1]]
