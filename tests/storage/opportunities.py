"""Opportunities in numbers, and the same questions answered the slow way."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from statistics import fmean
from typing import Any
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy.engine import Connection

from scanner.events import Opportunity
from storage import migrate
from storage.batch import BatchWriter
from storage.database import for_writing
from storage.draft import Draft
from storage.location import located
from storage.queries import By, Filter
from storage.spool import Batch
from tests.storage.events import START, leg, opened

DAY = 86_400_000_000_000
SYMBOLS = ("BTC/USDT", "ETH/USDT", "ETH/BTC", "SOL/USDC")
VENUES = ("alpha", "beta", "gamma")


def some(count: int, days: float = 60, seed: int = 1, still_open: int = 5) -> list[Opportunity]:
    """Closed ones and, the last of them, open ones, over so many days from ``START``."""
    return list(_some(count, days, seed, still_open))


@cache
def _some(count: int, days: float, seed: int, still_open: int) -> tuple[Opportunity, ...]:
    rng = random.Random(seed)
    times = sorted(START + int(rng.random() * days * DAY) for _ in range(count))
    result = []
    for number, at in enumerate(times):
        symbol = SYMBOLS[min(int(rng.expovariate(1)), 3)]
        buy, sell = rng.sample(VENUES, 2)
        one = replace(
            opened(1, at, round(rng.lognormvariate(2, 1), 3)),
            id=str(UUID(f"{at // 1_000_000:012x}70008000{number:012x}")),
            symbol=symbol,
            currency=symbol.partition("/")[2],
            buy=replace(leg(buy, 100.0), symbol=symbol),
            sell=replace(leg(sell, 101.0), symbol=symbol),
            peak_net_bps=round(rng.lognormvariate(2, 1), 3),
            peak_net_profit=round(rng.lognormvariate(1, 2), 4),
        )
        if number < count - still_open:
            end = at + int(rng.lognormvariate(0, 2) * 1e9)
            one = replace(one, event="closed", at=end, reason="no net edge left")
        result.append(one)
    return tuple(result)


def write(url: str, opportunities: Iterable[Opportunity]) -> None:
    """Into a database, which is made if need be."""
    engine = for_writing(located(url))
    with engine.connect() as connection:
        with connection.begin():
            migrate.upgrade(connection)
        drafts = {o.id: Draft(o, 0, opened=o) for o in opportunities}
        with connection.begin():
            BatchWriter("run").write(connection, Batch(since=0, drafts=drafts))
    engine.dispose()


def change(url: str, what: Any) -> Any:
    """What a function of a writing connection answers, in a transaction of its own."""
    engine = for_writing(located(url))
    try:
        with engine.connect() as connection, connection.begin():
            return what(connection)
    finally:
        engine.dispose()


def steps(url: str, step: Callable[[Connection], Any]) -> Iterator[Connection]:
    """Take steps, each in a transaction of its own over one connection (which is handed out between
    them), until one finds nothing to do."""
    engine = for_writing(located(url))
    try:
        with engine.connect() as connection:
            while True:
                with connection.begin():
                    more = step(connection)
                if not more:
                    return
                with connection.begin():
                    yield connection
    finally:
        engine.dispose()


def meets(o: Opportunity, asked: Filter) -> bool:
    venues = (o.buy.venue, o.sell.venue)
    duration = o.at - o.opened_at if o.event == "closed" else None
    return (
        (not asked.symbols or o.symbol in asked.symbols)
        and (not asked.venues or bool({*venues} & {*asked.venues}))
        and (not asked.buy or o.buy.venue in asked.buy)
        and (not asked.sell or o.sell.venue in asked.sell)
        and (not asked.kinds or o.kind in asked.kinds)
        and (asked.since is None or o.opened_at >= asked.since)
        and (asked.until is None or o.opened_at < asked.until)
        and (asked.min_net_bps is None or o.peak_net_bps >= asked.min_net_bps)
        and (asked.min_profit is None or o.peak_net_profit >= asked.min_profit)
        and (
            asked.min_duration is None or (duration is not None and duration >= asked.min_duration)
        )
    )


def labels(o: Opportunity, by: By) -> list[tuple[Any, ...]]:
    match by:
        case By.SYMBOL:
            return [(o.symbol,)]
        case By.ROUTE:
            return [(o.buy.venue, o.sell.venue)]
        case By.VENUE:
            return [(o.buy.venue,), (o.sell.venue,)]
        case By.KIND:
            return [(o.kind,)]
        case By.HOUR:
            return [(o.opened_at // (DAY // 24) % 24,)]
    return [((o.opened_at // DAY + 3) % 7,)]


def grouped(
    opportunities: Iterable[Opportunity], by: By
) -> dict[tuple[Any, ...], list[Opportunity]]:
    """By the names of their group and their currency."""
    result: dict[tuple[Any, ...], list[Opportunity]] = defaultdict(list)
    for o in opportunities:
        for label in labels(o, by):
            result[*label, o.currency].append(o)
    return dict(result)


def quantile(values: Sequence[float], part: float) -> float:
    """Interpolated between the two nearest."""
    values = sorted(values)
    place = part * (len(values) - 1)
    below = int(place)
    above = min(below + 1, len(values) - 1)
    share = place - below
    return fmean([values[below], values[above]], [1 - share, share])
