"""What each configured venue charges, and where that is known from, for ``crossbook venues``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from scanner.config import Config
from scanner.markets import kept_sources
from scanner.types import FeeIn, Market

MOST_LINES = 6


def fees(config: Config) -> dict[str, list[dict[str, Any]]]:
    """By venue, a mapping for each distinct fee of the markets that were listed last, the commonest
    first; empty where none have been listed on this machine yet."""
    return {
        venue: _distinct(source.markets) if source.markets else []
        for venue, source in kept_sources(config).items()
    }


def lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    """The same of one venue for people."""
    for row in rows[:MOST_LINES]:
        number = f"{row['markets']:,} markets such as {row['example']}"
        taken = _taken(row["buy_fee_in"], row["sell_fee_in"])
        yield (
            f"  fee: {row['order']} {row['rate']:.4%} ({row['source']}) on {number}; {taken}"
            f" ({row['fee_in_source']})"
        )
    if len(rows) > MOST_LINES:
        yield f"  fee: and {len(rows) - MOST_LINES} more, on fewer markets each (see --json)"
    if not rows:
        yield "  fee: not known here before its markets have been listed (crossbook check)"


def _taken(buy: str, sell: str) -> str:
    if buy == sell:
        return f"taken in {_what(buy)}"
    return f"taken in {_what(buy)} when buying, {_what(sell)} when selling"


def _what(fee_in: str) -> str:
    return "the venue's token" if fee_in == FeeIn.TOKEN else fee_in


def _distinct(markets: Any) -> list[dict[str, Any]]:
    examples: dict[tuple[Any, ...], str] = {}
    counts: Counter[tuple[Any, ...]] = Counter()
    for market in markets:
        key = _terms(market)
        counts[key] += 1
        examples.setdefault(key, market.symbol)
    names = ("order", "rate", "taker", "maker", "source", "buy_fee_in", "sell_fee_in")
    return [
        dict(zip((*names, "fee_in_source"), key, strict=True))
        | {"markets": count, "example": examples[key]}
        for key, count in counts.most_common()
    ]


def _terms(market: Market) -> tuple[Any, ...]:
    return (
        market.order.value,
        market.fee_rate,
        market.taker_fee,
        market.maker_fee,
        market.fee_source,
        market.buy_fee_in.value,
        market.sell_fee_in.value,
        market.fee_in_source,
    )
