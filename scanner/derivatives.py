"""What the venues say of contracts beside their books: mark, index, funding, open interest.

A ``DerivativeTicker`` names what has just been said; what it does not name stays as it was, and
ages. Nothing that has not been said for a while is used: ``Derivatives.latest`` leaves it out, so a
stream that has died cannot pass for a price or a rate that stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, isfinite

from msgspec import Struct

from scanner.events import FundingSample
from scanner.steps import DerivativeTicker
from scanner.types import Market, MarketKind

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
LONGEST_NUMBER = 64


class Freshness(Struct, frozen=True, kw_only=True):
    """For how long (ns) what a venue said is used. Mark and index come every second or when they
    change; rates of funding at least every 90 s on the slowest venues."""

    price: int = 30 * SECOND
    funding: int = 180 * SECOND
    open_interest: int = 600 * SECOND


class Derivative(Struct, frozen=True, kw_only=True):
    """What is known of one contract at a moment; None where nothing is, or nothing fresh.

    ``mark`` and ``index``: quote currency for one coin. ``funding_rate``: the fraction of the
    position's value at the mark that longs pay shorts at ``next_funding_at`` (ns), as the venue
    puts it now; ``predicted``: its forecast for the boundary after that; ``settled``: what was paid
    last. ``interval``: ns from one boundary to the next. ``open_interest``: coins.
    """

    mark: float | None = None
    index: float | None = None
    funding_rate: float | None = None
    predicted: float | None = None
    settled: float | None = None
    next_funding_at: int | None = None
    interval: int | None = None
    open_interest: float | None = None


class _Said(Struct):
    """The values of one contract and when (ns) each was last said."""

    market: Market
    values: dict[str, float]
    at: dict[str, int]
    changed: bool = False


PRICES = ("mark", "index")
RATES = ("funding_rate", "predicted", "settled")
# A contract with a date of expiry pays no funding, whatever its venue fills in.
FUTURE = (*PRICES, "open_interest")
ALL = (*FUTURE, *RATES, "next_funding_at", "interval")
LARGEST = {"mark": 1e12, "index": 1e12, "open_interest": 1e18}
SHORTEST_INTERVAL, LONGEST_INTERVAL = SECOND, 32 * DAY


class Derivatives:
    """The newest that was said of each contract, by the number of its book."""

    def __init__(self, freshness: Freshness | None = None) -> None:
        self._freshness = freshness or Freshness()
        self._said: dict[int, _Said] = {}

    def __len__(self) -> int:
        return len(self._said)

    def update(self, book: int, market: Market, ticker: DerivativeTicker, at: int) -> str:
        """Take what ``ticker`` names; what of it makes no sense is left out and answered."""
        said = self._said.get(book)
        if said is None:
            said = self._said[book] = _Said(market, {}, {})
        said.market = market
        wrong = []
        for name in FUTURE if market.kind is MarketKind.FUTURE else ALL:
            value = getattr(ticker, name)
            if not value:
                continue
            number = _number(name, value) if isinstance(value, str) else _time(name, value, at)
            if number is None:
                wrong.append(f"{name} {value!r:.40}")
            else:
                said.values[name], said.at[name], said.changed = number, at, True
        return ", ".join(wrong)

    def forget(self, book: int) -> None:
        """Its connection is gone: nothing that was said over it counts any more."""
        self._said.pop(book, None)

    def latest(self, book: int, at: int) -> Derivative:
        """What is known of the contract and fresh at the time ``at``."""
        said = self._said.get(book)
        if said is None:
            return Derivative()
        fresh = self._freshness
        known: dict[str, float] = {
            name: value
            for name, value in said.values.items()
            if at - said.at[name] <= _patience(fresh, name)
        }
        boundary = known.get("next_funding_at")
        if boundary is not None and boundary <= at:
            # The rate was for a boundary that has passed; the venue has not said the next one yet.
            for name in ("funding_rate", "predicted", "next_funding_at"):
                known.pop(name, None)
        if "interval" not in known and said.market.funding_interval:
            known["interval"] = said.market.funding_interval
        if "open_interest" in known:
            coins = _coins(said.market, known["open_interest"], known.get("mark"))
            if coins is None:
                known.pop("open_interest")
            else:
                known["open_interest"] = coins
        return Derivative(**known)  # type: ignore[arg-type]

    def take_samples(self, at: int) -> list[FundingSample]:
        """What is known of each contract that was spoken of since the last call."""
        samples = []
        for book, said in self._said.items():
            if not said.changed:
                continue
            said.changed = False
            now = self.latest(book, at)
            if now.mark is None and now.funding_rate is None and now.settled is None:
                continue
            samples.append(_sample(said.market, now, at))
        return samples

    @property
    def markets(self) -> Mapping[int, Market]:
        """The contracts of which something was said, by the number of their books."""
        return {book: said.market for book, said in self._said.items()}


def _sample(market: Market, now: Derivative, at: int) -> FundingSample:
    due, interval = now.next_funding_at or 0, now.interval or 0
    paid = now.settled is not None and due and interval
    return FundingSample(
        at=at,
        venue=market.venue,
        market=market.id,
        symbol=market.symbol,
        current=now.funding_rate,
        predicted=now.predicted,
        due=due,
        interval=interval,
        settled=now.settled,
        # What was paid last was paid an interval before what is due.
        settled_at=due - interval if paid else 0,
        mark=now.mark,
        index=now.index,
        open_interest=now.open_interest,
    )


def _number(name: str, text: str) -> float | None:
    """The number that a decimal text is, if it can be what its name says."""
    if len(text) > LONGEST_NUMBER or "_" in text:
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    if not isfinite(number):
        return None
    if name in RATES:
        return number if abs(number) < 1 else None
    least_excluded = -inf if name == "open_interest" and number == 0 else 0.0
    return number if least_excluded < number < LARGEST[name] else None


def _time(name: str, value: int, at: int) -> int | None:
    """A boundary or a length of time, if it can be one."""
    if name == "interval":
        return value if SHORTEST_INTERVAL <= value <= LONGEST_INTERVAL else None
    return value if abs(value - at) <= LONGEST_INTERVAL else None


def _patience(freshness: Freshness, name: str) -> float:
    if name in PRICES:
        return freshness.price
    if name in ("settled", "interval"):
        return inf
    return freshness.open_interest if name == "open_interest" else freshness.funding


def _coins(market: Market, units: float, mark: float | None) -> float | None:
    """Units of the venue's book as coins; contracts of a sum of money need the mark for that."""
    if not market.inverse:
        return units * market.contract_size * market.multiplier
    return units * market.contract_size / mark if mark else None
