"""How long the questions of ``crossbook history``, ``explain`` and ``spreads`` take.

    python benchmarks/history.py --rows 10000000 --db /tmp/history.db

makes the database if it is not there (a year of opportunities of 50 symbols on 8 venues, each with
its evidence and what became of it, and two days of minute summaries of every route; some minutes
and 1.5 GB for each million rows), then asks each question several times and prints the medians of
time and of processor time, which other work on the machine changes less, and the slowest. The first
time the system may still have to read the file from the disk. ``--only TEXT`` asks those whose
names hold it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import msgspec
import numpy as np
from sqlalchemy.engine import Connection
from sqlalchemy.schema import CreateIndex, DropIndex

from scanner.events import DELAYS_MS, Leg
from storage import (
    after_schema,
    migrate,
    readings_schema,
    schema,
    segments,
    summary,
    survivals,
    totals,
)
from storage.batch import upsert
from storage.database import for_writing
from storage.location import located
from storage.queries import By, Filter, Reader, Sort, open_reader
from storage.queries.grouping import Group

VENUES = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta")
ROUTES = tuple(permutations(VENUES, 2))
QUOTES = ("USDT", "USDT", "USDT", "USDC", "USD", "BTC")
SYMBOLS = tuple(f"C{i:02}/{QUOTES[i % len(QUOTES)]}" for i in range(50))
DAY = 86_400_000_000_000
MINUTE = 60_000_000_000
END = 20_800 * DAY
PART = 100_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--days", type=int, default=365, help="over how long they are spread")
    parser.add_argument(
        "--followed", type=int, default=1, help="of one in how many is known what became (1)"
    )
    parser.add_argument("--db", default="history-benchmark.db", help="made if it is not there")
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--only", default="", help="questions whose names hold this")
    options = parser.parse_args()
    if not Path(options.db).exists():
        unfinished = f"{options.db}.unfinished"
        Path(unfinished).unlink(missing_ok=True)
        build(unfinished, options.rows, options.days, options.followed)
        Path(unfinished).rename(options.db)
    reader = open_reader(options.db)
    info = reader.info()
    print(f"{info.opportunities:,} opportunities, {info.size / 2**30:.1f} GB, {options.db}")
    asked = [(name, ask) for name, ask in questions(reader) if options.only in name]
    slow = [name for name, ask in asked if not timed(name, ask, options.times)]
    print(
        f"above 100 ms of processor time: {len(slow)} of {len(asked)}: {', '.join(slow) or 'none'}"
    )


def timed(name: str, ask: Callable[[], object], times: int) -> bool:
    taken, worked = [], []
    for _ in range(times):
        begin, busy = time.perf_counter(), time.process_time()
        found = ask()
        taken.append((time.perf_counter() - begin) * 1e3)
        worked.append((time.process_time() - busy) * 1e3)
    note = ""
    if isinstance(found, list):
        note = f"{len(found)} rows"
        if found and isinstance(found[0], Group):
            total = sum(group.figures.count for group in found)
            note = f"{len(found)} groups of {total:,}{'' if found[0].exact else ', ±1 %'}"
    median, busy = statistics.median(taken), statistics.median(worked)
    times_told = f"{median:8.1f} ms  processor {busy:8.1f}  slowest {max(taken):8.1f}"
    print(f"{name:58} {times_told}  {note}", flush=True)
    return busy < 100


def questions(reader: Reader) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Each question with its name."""
    symbol, rare = SYMBOLS[0], SYMBOLS[-1]
    filters = {
        "": Filter(),
        f"--symbol {symbol}": Filter(symbols=(symbol,)),
        f"--symbol {rare}": Filter(symbols=(rare,)),
        "--venue beta": Filter(venues=("beta",)),
        "--buy beta --sell eta": Filter(buy=("beta",), sell=("eta",)),
        "--since 24h": Filter(since=END - DAY),
        "--since 7d": Filter(since=END - 7 * DAY),
        "--since 30d": Filter(since=END - 30 * DAY),
        "100 to 200 days ago": Filter(since=END - 200 * DAY - 7, until=END - 100 * DAY - 7),
        f"--symbol {symbol} --venue beta": Filter(symbols=(symbol,), venues=("beta",)),
        "--venue beta --since 7d": Filter(venues=("beta",), since=END - 7 * DAY),
        "--min-net-bps 10": Filter(min_net_bps=10),
        "--min-net-bps 60": Filter(min_net_bps=60),
        "--min-profit 2000": Filter(min_profit=2000),
        "--min-duration 60s": Filter(min_duration=MINUTE),
        f"--symbol {symbol} --min-net-bps 12.5": Filter(symbols=(symbol,), min_net_bps=12.5),
        "--since 7d --min-profit 20": Filter(since=END - 7 * DAY, min_profit=20),
        "--venue beta --min-net-bps 25 --min-duration 10s": Filter(
            venues=("beta",), min_net_bps=25, min_duration=10 * 10**9
        ),
        # many meet these
        "--min-net-bps 7.77": Filter(min_net_bps=7.77),
        "--min-profit 5": Filter(min_profit=5),
        "--min-duration 250ms": Filter(min_duration=250 * 10**6),
        f"--symbol {symbol} --min-duration 1s": Filter(symbols=(symbol,), min_duration=10**9),
        "--venue beta --min-net-bps 7.77": Filter(venues=("beta",), min_net_bps=7.77),
        f"--symbol {symbol} --venue beta --min-net-bps 7.77": Filter(
            symbols=(symbol,), venues=("beta",), min_net_bps=7.77
        ),
        "--since 30d --min-net-bps 10": Filter(since=END - 30 * DAY, min_net_bps=10),
        "100 to 200 days ago --min-profit 3.3": Filter(
            since=END - 200 * DAY - 7, until=END - 100 * DAY - 7, min_profit=3.3
        ),
        "--min-net-bps 6 --min-duration 500ms": Filter(min_net_bps=6, min_duration=5 * 10**8),
    }
    for name, asked in filters.items():
        for sort in Sort:
            yield f"list {name} --sort {sort}", lambda a=asked, s=sort: reader.opportunities(a, s)
    for name, asked in filters.items():
        for by in By:
            yield f"{name} --by {by}", lambda a=asked, b=by: reader.groups(a, b)
        if not asked.thresholds:
            yield f"{name} --by route, after", lambda a=asked: reader.latencies(a, By.ROUTE)
    ids = [one.id for one in reader.opportunities(Filter(), Sort.PROFIT, 5)]
    yield "explain", lambda: reader.one(reader.ids(ids[0][:23])[0])
    for hours in (1, 24, 48):
        since = END - hours * 60 * MINUTE
        yield f"spreads --since {hours}h", lambda s=since: reader.spreads(symbol, s, END)
        yield f"spreads --since {hours}h --plot", lambda s=since: reader.course(symbol, s, END, 150)
    yield "spreads --by minute", lambda: reader.minutes(symbol, END - DAY, END, 50)


def build(path: str, rows: int, days: int, followed: int) -> None:
    """Make the database: rows without indexes first, then the indexes, then the summaries."""
    begin = time.monotonic()
    engine = for_writing(located(path))

    def say(text: str) -> None:
        print(f"{time.monotonic() - begin:6.0f} s  {text}", flush=True)

    with engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        for pragma in ("cache_size=-1000000", "synchronous=OFF", "journal_size_limit=0"):
            raw.execute(f"PRAGMA {pragma}")
        with connection.begin():
            migrate.upgrade(connection)
            for index in indexes():
                connection.execute(DropIndex(index))
        random = np.random.default_rng(1)
        for start in range(0, rows, PART):
            count = min(PART, rows - start)
            with connection.begin():
                insert(connection, random, count, rows, start, days)
                follow(connection, random, start, start + count, followed)
            if start // PART % 10 == 9:
                say(f"{start + count:,} opportunities")
        with connection.begin():
            minutes(connection, random)
        say("minute summaries")
        for index in indexes():
            with connection.begin():
                connection.execute(CreateIndex(index))
            say(f"index {index.name}")
        more = True
        while more:
            with connection.begin():
                more = summary.seal(connection, least=1, most=PART) > 0
        more = True
        while more:
            with connection.begin():
                more = totals.roll(connection, END)
        say("summaries")
        builder, more = segments.Builder(), True
        while more:
            with connection.begin():
                more = builder.step(connection, END)
        say("slices")
        more = True
        while more:
            with connection.begin():
                more = survivals.count(connection, PART) > 0
        say("what became of them")
    engine.dispose()


def indexes() -> list[Any]:
    return [*schema.opportunity.indexes, *after_schema.survival.indexes]


def insert(
    connection: Connection,
    random: np.random.Generator,
    count: int,
    rows: int,
    start: int,
    days: int,
) -> None:
    """Opportunities ``start`` to ``start + count`` in the order of time, with their openings."""
    step = days * DAY / rows
    opened = END - days * DAY + ((start + np.sort(random.random(count) * count)) * step).astype(int)
    symbol = np.minimum(random.zipf(1.3, count) - 1, 10_000) % len(SYMBOLS)
    route = np.minimum(random.geometric(0.05, count) - 1, 10_000) % len(ROUTES)
    duration = (random.lognormal(0.5, 1.5, count) * 1e9).astype(int)
    bps = np.round(5 + random.lognormal(1.5, 1, count), 4)
    profit = np.round(bps * random.lognormal(0.5, 1.2, count), 6)
    noise = random.integers(0, 1 << 62, count).tolist()
    opportunities, states = [], []
    for i, (at, s, r, d, b, p) in enumerate(
        zip(*(x.tolist() for x in (opened, symbol, route, duration, bps, profit)), strict=True)
    ):
        name, (buy, sell) = SYMBOLS[s], ROUTES[r]
        text = f"{at // 1_000_000:012x}7{i % 4096:03x}{noise[i] | 2 << 62:016x}"
        key = f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
        end, currency = at + d, name.partition("/")[2]
        closed = start + i < rows - 20
        row = (key, "run", "spot-spot", name, buy, sell, at, end)
        row += (end, d, "no net edge left", 3) if closed else (None, None, "", 3)
        opportunities.append((*row, 0.5, b + 20, b / 2, p / 2, currency, b, p))
        states.append((key, 0, at, 0.5, b + 20, b, p, *legs(name, buy, sell, p)))
    for table, values in ((schema.opportunity, opportunities), (schema.evidence, states)):
        connection.exec_driver_sql(upsert(table, "?"), values)


def follow(
    connection: Connection, random: np.random.Generator, first: int, end: int, every: int
) -> None:
    """What became of one in ``every`` of the opportunities ``first`` to ``end``."""
    rows = connection.exec_driver_sql(
        "SELECT id, peak_net_profit FROM opportunity WHERE rowid > ? AND rowid <= ?"
        " AND rowid % ? = 0",
        (first, end, every),
    ).all()
    kept = 1 - random.random((len(rows), len(DELAYS_MS))) * 1.5
    after = [
        (one, delay, round(profit * share, 6), round(profit * share, 6), "")
        for (one, profit), shares in zip(rows, kept.tolist(), strict=True)
        for delay, share in zip(DELAYS_MS, shares, strict=True)
    ]
    if after:
        connection.exec_driver_sql(upsert(after_schema.survival, "?"), after)


def legs(symbol: str, buy: str, sell: str, price: float) -> tuple[str, str]:
    def leg(venue: str) -> str:
        levels = ((100.25 + price, 0.25), (100.5 + price, 0.75))
        one = Leg(venue=venue, symbol=symbol, levels=levels, fee_rate=0.001, age_ms=12.345)
        return msgspec.json.encode(one).decode()

    return leg(buy), leg(sell)


def minutes(connection: Connection, random: np.random.Generator) -> None:
    """Two days of every route."""
    number = 0
    for name in SYMBOLS:
        for buy, sell in ROUTES:
            number += 1
            connection.exec_driver_sql(
                "INSERT INTO route (id, symbol, buy, sell) VALUES (?, ?, ?, ?)",
                (number, name, buy, sell),
            )
            means = np.round(random.normal(-8, 3, 2880), 3).tolist()
            connection.exec_driver_sql(
                upsert(readings_schema.route_minute, "?"),
                [
                    (number, END - (2880 - i) * MINUTE, 120, 3, mean - 4, mean + 4, mean, mean + 1)
                    for i, mean in enumerate(means)
                ],
            )


if __name__ == "__main__":
    main()
