"""Simulated perpetuals and dated futures, and what their venues say of them.

Intervals are those of the venues, but the first payment is due at a full minute soon after the
simulation has begun, so that there is one to be seen; the others follow an interval apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random

from msgspec import Struct

from scanner.lab.book import LabBook, LabMarket, decimal_text
from scanner.lab.contract_listings import CONTRACTS, Contracts
from scanner.lab.past import Past
from scanner.lab.premium import HOUR, Funding, Premium, Settlement
from scanner.lab.units import SECOND

SOONEST = 15 * SECOND
MINUTE = 60 * SECOND
CARRY_A_YEAR = 0.15
LATEST_EXPIRY_DAYS = 200
FRIDAY = 4
HOUR_OF_EXPIRY = 8


class Said(Struct, frozen=True):
    """What a venue says of a contract, as decimal text; ``settled`` is empty before there is one.
    ``next_at`` and ``interval`` in ns, 0 of a contract with a date of expiry."""

    mark: str
    index: str
    rate: str
    predicted: str
    settled: str
    next_at: int
    interval: int
    open_interest: str


class LabContract:
    """One contract of one venue: its book, and what the venue says beside it. ``past`` names what
    its settled past is drawn by."""

    def __init__(self, book: LabBook, random: Random, at: int, past: str = "") -> None:
        market = book.market
        self.book = book
        self.premium = Premium(random, at, expiry=market.expiry, carry=CARRY_A_YEAR)
        step = HOUR if market.on_the_hour else MINUTE
        first = at + (0 if market.on_the_hour else SOONEST)
        first += step - first % step
        self.funding = None if market.expiry else Funding(market.interval, first)
        self._past = Past(past, self.premium.usual, market.interval, at) if self.funding else None
        self._index = 0.0
        self._mark = self._first_mark = 0.0
        self._interest = random.randint(20_000, 90_000)

    @property
    def market(self) -> LabMarket:
        """What is traded."""
        return self.book.market

    def observe(self, fair: float, when: int, at: int) -> None:
        """The coin is worth ``fair`` (a logarithm) at the simulated time ``when``, which clients
        see at ``at``."""
        premium = self.premium.fair(when)
        self._index, self._mark = math.exp(fair), math.exp(fair + premium)
        self._first_mark = self._first_mark or self._mark
        if self.funding is not None:
            self.funding.observe(premium, at, self._mark)

    @property
    def settled(self) -> list[Settlement]:
        """All that it has settled, long before the simulation began too, the oldest first."""
        if self.funding is None or self._past is None:
            return []
        return [*self._past.settled(self._first_mark), *self.funding.settled]

    @property
    def said(self) -> Said:
        """What the venue says now."""
        decimals = self.market.price_decimals + 2
        funding = self.funding
        settled = funding.settled[-1:] if funding else []
        return Said(
            mark=f"{self._mark:.{decimals}f}",
            index=f"{self._index:.{decimals}f}",
            rate=f"{funding.rate:.8f}" if funding else "",
            predicted=f"{funding.predicted:.8f}" if funding else "",
            settled=f"{settled[0].rate:.8f}" if settled else "",
            next_at=funding.next_at if funding else 0,
            interval=funding.interval if funding else 0,
            open_interest=decimal_text(self._interest, self.market.size_decimals),
        )


def lab_contracts(venue: str, at: int) -> Iterator[tuple[LabMarket, Contracts]]:
    """The contracts that ``venue`` lists at the time ``at``, with the row they come from."""
    for row in CONTRACTS.get(venue, ()):
        expiry = _expiry(at) if row.dated else 0
        date = datetime.fromtimestamp(expiry / SECOND, UTC).strftime("%y%m%d") if expiry else ""
        for text in row.decimals.split():
            base, price, size, contract = text.split(":")
            spelt = row.id.format(base=row.names.get(base, base), quote=row.quote, date=date)
            steps = (int(price), int(size))
            yield _market(row, base, spelt, steps, contract, expiry), row


def _market(
    row: Contracts, base: str, name: str, decimals: tuple[int, int], contract: str, expiry: int
) -> LabMarket:
    price, size = decimals
    return LabMarket(
        id=name,
        base=base,
        quote=row.quote,
        price_decimals=price,
        size_decimals=size,
        tick=decimal_text(1, price),
        lot=decimal_text(1, size),
        min_amount=decimal_text(1, size),
        min_notional="5",
        taker=row.taker,
        maker=row.maker,
        settle=row.settle,
        contract_size=contract,
        inverse=row.inverse,
        expiry=expiry,
        interval=0 if row.dated else row.interval,
        on_the_hour=row.on_the_hour,
    )


def _expiry(at: int) -> int:
    """The last Friday within about half a year, 08:00 UTC, as venues have it."""
    days = at // (24 * HOUR) + LATEST_EXPIRY_DAYS
    # The epoch was a Thursday.
    days -= (days + 3 - FRIDAY) % 7
    return days * 24 * HOUR + HOUR_OF_EXPIRY * HOUR
