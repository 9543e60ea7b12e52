"""What every kind with many orders looks at: the books, what they cost, what may be spent on them,
whether they may be trusted, and where what stops them is counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from scanner.books.store import BookStore
from scanner.engine.capital import Capital
from scanner.engine.currencies import Currencies
from scanner.engine.following import Following, Reckon
from scanner.engine.gates import Gate, Rejection
from scanner.engine.groups import Groups
from scanner.engine.legs import Traded
from scanner.engine.pairs import Pairs
from scanner.engine.rejects import Rejects
from scanner.engine.rules import Rules
from scanner.engine.shipping import Shipping
from scanner.engine.tracker import Thresholds
from scanner.engine.trust import Trust
from scanner.events import Opportunity
from scanner.moving import Transfer


class Moved(Struct, frozen=True):
    """What a trade leaves whose moves are made within it."""

    net_bps: float
    net_profit: float


class Desk(Struct, frozen=True, kw_only=True):
    """Parts of an engine; ``traded`` by the number of the book."""

    store: BookStore
    groups: Groups
    traded: Mapping[int, Traded]
    currencies: Currencies
    pairs: Pairs
    rejects: Rejects
    trust: Trust
    following: Following | None = None

    @property
    def rules(self) -> Rules:
        """Those that hold now."""
        return self.pairs.rules

    @property
    def capital(self) -> Capital:
        """What may be spent where."""
        return self.pairs.capital

    @property
    def shipping(self) -> Shipping:
        """What moves come to."""
        return Shipping(self.pairs.transfers, self.traded)

    def moves_short(
        self, told: Transfer, thresholds: Thresholds, *, open_: bool
    ) -> Rejection | None:
        """What is missing where what is traded is moved after each trade (None: nothing): the
        thresholds are asked of what that leaves, too."""
        if not self.rules.moving.withdrawn:
            return None
        if told.net_profit is None or told.net_bps is None:
            return Rejection(Gate.TRANSFER)
        return thresholds.short(Moved(told.net_bps, told.net_profit), open_=open_)

    def follow(self, opened: Opportunity | None, books: Sequence[int], reckon: Reckon) -> None:
        """What has opened, if anything has, is followed from now on, if anybody does."""
        if opened is not None and self.following is not None:
            self.following.follow(opened, books, reckon)

    def accounting(self, currency: str, profit: float, at: int) -> dict[str, Any]:
        """The fields of an ``Opportunity`` that tell a profit in the accounting currency."""
        priced = self.currencies.rate(currency, self.rules.currency, at)
        rate, where = priced or (0.0, "")
        return {
            "accounting": self.rules.currency,
            "accounting_profit": profit * rate if priced else None,
            "accounting_rate": rate,
            "accounting_venue": where,
        }
