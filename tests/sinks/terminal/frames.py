"""Frames made by hand, the same every time, and how a screen is compared with the one on file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from scanner.hedge_events import HedgedCoin, HedgedShort
from scanner.sinks.terminal.ink import Line
from scanner.sinks.terminal.layout import Box, Part
from scanner.view.frame import (
    Detail,
    Event,
    Frame,
    Kind,
    Level,
    Link,
    Place,
    Query,
    Quoted,
    Row,
    ServiceLine,
    Standing,
    Sum,
    Totals,
    VenueLine,
)

SECOND = 1_000_000_000
AT = 1_763_900_000 * SECOND
SCREENS = Path(__file__).parent / "screens"
BASES = ("XRP", "DOGE", "BNB", "ADA", "LTC", "LINK", "AVAX", "DOT", "TRX", "SUI", "TON", "NEAR")
VENUES = ("binance", "okx", "kucoin", "bybit", "kraken", "coinbase", "gate", "bitget")


def place(venue: str, price: float, places: int = 2, age_ms: float = 120) -> Place:
    return Place(venue=venue, price=price, places=places, age_ms=age_ms)


def row(symbol: str, net_bps: float, standing: Standing = Standing.NEAR, **changes: object) -> Row:
    """A row whose other figures follow from the symbol and the spread."""
    base, _, quote = symbol.partition("/")
    number = len(symbol) + round(abs(net_bps))
    opened = standing is Standing.OPEN
    made = Row(
        symbol=symbol,
        base=base,
        quote=quote,
        standing=standing,
        buy=place(VENUES[number % 8], 100.0 + number, 2, 15.0 * number),
        sell=place(VENUES[(number + 3) % 8], 100.25 + number, 3, 1700.0),
        size=12.5,
        gross_bps=net_bps + 20,
        net_bps=net_bps,
        profit=net_bps * 1.25,
        id="0194a1b2-0000-7000-8000-000000000001" if opened else "",
        opened_at=AT - 12 * SECOND if opened else 0,
        peak_net_bps=net_bps + 1 if opened else 0.0,
        live=7,
        books=8,
        trend=tuple(net_bps - (i * 7) % 11 for i in range(60)),
    )
    return replace(made, **changes)


def best_row() -> Row:
    """The worked example of the design: 99.90 are left of 1 BTC."""
    return row(
        "BTC/USDT",
        9.985,
        Standing.OPEN,
        buy=place("kucoin", 100_000.0, 1, 85),
        sell=place("okx", 100_200.0, 2, 12),
        size=1.0,
        gross_bps=20.0,
        profit=99.90,
    )


def rows() -> tuple[Row, ...]:
    near = tuple(row(f"{base}/USDT", -1.5 - 2 * i) for i, base in enumerate(BASES))
    return (
        best_row(),
        row("ETH/EUR", 8.25, Standing.OPEN),
        row("SOL/USDC", 2.25, Standing.PAYS),
        row("XRP/EUR", 4.0, Standing.DUST),
        *near,
        Row(symbol="ETC/EUR", base="ETC", quote="EUR", live=1, books=3),
    )


def detail(of: Row | None = None) -> Detail:
    """Both ladders of the worked example."""
    of = of or best_row()
    asks = [(100_000.0, 0.4), (100_010.5, 0.5), (100_020.0, 0.25), (100_030.0, 2.0)]
    bids = [(100_200.0, 1.5), (100_190.0, 0.75), (100_180.25, 3.0)]
    taken = (0.4, 0.5, 0.1, 0.0)
    return Detail(
        symbol=of.symbol,
        asks=tuple(Level(p, s, t) for (p, s), t in zip(asks, taken, strict=True)),
        bids=tuple(Level(p, s, min(s, 1.0) if i == 0 else 0.0) for i, (p, s) in enumerate(bids)),
        sum=Sum(
            size=1.0,
            paid=100_000.0,
            buy_rate=0.0005,
            buy_fee=50.0,
            received=100_200.0,
            sell_rate=0.0005,
            sell_fee=50.1,
        ),
        quotes=(
            Quoted(
                venue="kucoin",
                state="live",
                age_ms=85,
                bid=99_990.0,
                ask=100_000.0,
                places=1,
                fee_rate=0.0005,
            ),
            Quoted(
                venue="okx",
                state="live",
                age_ms=12,
                bid=100_200.0,
                ask=100_210.0,
                places=2,
                fee_rate=0.0005,
            ),
            Quoted(
                venue="kraken",
                state="unsynchronised",
                age_ms=9000,
                bid=0,
                ask=0,
                places=1,
                fee_rate=0.0026,
            ),
        ),
        history=(None, *(float((i * 5) % 23 - 15) for i in range(120)), None, 9.985),
    )


def venues() -> tuple[VenueLine, ...]:
    good = VenueLine(
        venue="",
        link=Link.LIVE,
        open=1,
        connections=1,
        rate=312.0,
        lag_ms=18.4,
        gaps=0,
        reconnects=0,
        live=20,
        subscribed=20,
        silent_ms=40,
        last_error="",
    )
    lines = [replace(good, venue=venue) for venue in VENUES]
    lines[2] = replace(
        good, venue="kucoin", link=Link.PARTLY, open=2, connections=3, live=17, gaps=4
    )
    lines[4] = replace(
        good,
        venue="kraken",
        link=Link.DOWN,
        open=0,
        rate=0.0,
        lag_ms=None,
        reconnects=12,
        live=0,
        silent_ms=64_000,
        last_error="the connection was refused",
    )
    lines[7] = replace(
        good, venue="bitget", link=Link.CONNECTING, open=0, rate=0.0, live=0, silent_ms=None
    )
    return tuple(lines)


def events() -> tuple[Event, ...]:
    told = (
        (Kind.OPENED, "BTC/USDT", "+9.99 bps kucoin → okx +99.90 USDT"),
        (Kind.ALERT, "large", "BTC/USDT +9.99 bps, kucoin → okx, 99.90 USDT"),
        (Kind.FEED, "kraken", "#1 lost: the connection was refused"),
        (Kind.CLOSED, "ETH/USDT", "+7.20 bps at best, 3.4 s, gate → bybit: no net edge left"),
    )
    return tuple(
        Event(at=AT - i * SECOND, kind=kind, subject=subject, text=text)
        for i, (kind, subject, text) in enumerate(told)
    )


def hedge() -> tuple[HedgedCoin, ...]:
    """The worked example of docs/hedging.md, and a short of which nothing is known."""
    sold = HedgedShort(
        venue="okx",
        symbol="BTC/USDT:USDT",
        quote="USDT",
        entry=100_000.0,
        coins=0.9,
        price=95_190.0,
        value=85_671.0,
        basis_bps=20.0,
        profit=4_329.0,
        funding=12.3,
        earned=15.0,
        given=2.7,
        rate=-0.0001,
        liquidation_price=149_253.7313,
        distance_pct=56.79559,
    )
    dark = HedgedShort(
        venue="gate",
        symbol="ETH/USDT:USDT",
        quote="USDT",
        entry=3_000.0,
        coins=10.0,
        reason="a book is syncing",
    )
    return (
        HedgedCoin(
            coin="BTC",
            quote="USDT",
            amount=1.0,
            hedged=0.9,
            delta=0.1,
            drift_pct=10.0,
            spot_value=95_000.0,
            contracts_value=85_671.0,
            unrealised=4_329.0,
            funding=12.3,
            shorts=(sold,),
        ),
        HedgedCoin(
            coin="ETH",
            quote="USDT",
            amount=10.0,
            hedged=10.0,
            delta=0.0,
            drift_pct=0.0,
            spot_value=30_000.0,
            shorts=(dark,),
        ),
    )


def frame(**changes: object) -> Frame:
    """A moment with something of everything in it."""
    shown = rows()
    made = Frame(
        at=AT,
        rows=shown,
        details=(detail(), detail(shown[1])),
        venues=venues(),
        services=(ServiceLine("alerts", False, "telegram: 401 Unauthorized"),),
        events=events(),
        bells=0,
        totals=Totals(
            since=AT - 754 * SECOND,
            books=160,
            live=117,
            rate=1876.0,
            open=2,
            opened=64,
            best_bps=31.25,
            best_symbol="SOL/USDC",
        ),
        hedge=hedge(),
    )
    return replace(made, **changes)


class Still:
    """A source that always gives the same frame, with the details that are asked for."""

    def __init__(self, frame: Frame) -> None:
        self.now = frame
        self.queries: list[Query] = []

    def frame(self, at: int, query: Query) -> Frame:
        self.queries.append(query)
        symbols = {row.symbol for row in self.now.rows if row.buy}
        wanted = symbols if query.details is None else symbols & set(query.details)
        made = tuple(detail(row) for row in self.now.rows if row.symbol in wanted)
        return replace(self.now, details=made)


def text(lines: Sequence[Line]) -> str:
    """What can be read, without what lies to the right of it."""
    return "\n".join("".join(part.text for part in line).rstrip() for line in lines) + "\n"


def screen(drawn: dict[Part, tuple[Box, list[Line]]], width: int, height: int) -> list[str]:
    """All parts put together, as the terminal shows them."""
    rows = [[" "] * width for _ in range(height)]
    for box, lines in drawn.values():
        for y in range(box.height):
            told = "".join(part.text for part in lines[y]) if y < len(lines) else ""
            for x, char in enumerate(told[: box.width]):
                rows[box.y + y][box.x + x] = char
    return ["".join(line).rstrip() for line in rows]


def same_as_on_file(name: str, lines: Sequence[str]) -> None:
    """Compare with ``screens/NAME.txt``; CROSSBOOK_SCREENS=write writes it anew."""
    path = SCREENS / f"{name}.txt"
    told = "\n".join(line.rstrip() for line in lines) + "\n"
    if os.environ.get("CROSSBOOK_SCREENS") == "write":
        path.write_text(told)
    assert path.exists(), f"{path} is missing: look at the screen, then CROSSBOOK_SCREENS=write"
    assert told.splitlines() == path.read_text().splitlines()
