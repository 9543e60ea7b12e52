"""What an alert about the hedge book says."""

from __future__ import annotations

from collections.abc import Iterator

from scanner.hedge_events import HedgedCoin, HedgedShort
from scanner.sinks.alerts.lost import Strayed
from scanner.sinks.alerts.names import name, when


def text(rule: str, found: Strayed, at: int) -> str:
    """What is not as it should be, for how long, and what stands there."""
    seconds = max(0.0, (at - found.since) / 1e9)
    return "\n".join(
        (
            headline(found),
            *_figures(found),
            f"for {seconds:,.1f} s",
            f"seen {when(at)}, rule {rule}",
        )
    )


def headline(found: Strayed) -> str:
    """The line that can stand alone."""
    short = found.short
    if short is None:
        return _drift(found.coin)
    what = f"HEDGE {name(short.symbol)} on {name(short.venue)}"
    if found.margin:
        return (
            f"{what} {short.distance_pct or 0.0:+,.2f} % from liquidation: price"
            f" {_n(short.price)}, liquidated near {_n(short.liquidation_price)}"
        )
    return f"{what} pays funding: the rate is {(short.rate or 0.0) * 100:+.4f} %"


def _drift(coin: HedgedCoin) -> str:
    drift = "without a holding" if coin.drift_pct is None else f"{coin.drift_pct:+,.2f} %"
    return (
        f"HEDGE {name(coin.coin)} drift {drift}: hold {_n(coin.amount)}, short {_n(coin.hedged)},"
        f" net delta {_signed(coin.delta)} {name(coin.coin)}"
    )


def _figures(found: Strayed) -> Iterator[str]:
    coin, short = found.coin, found.short
    if short is None:
        worth = f"{_worth(coin.spot_value)}, contracts {_worth(coin.contracts_value)}"
        yield f"spot {worth} {name(coin.quote)}"
        return
    quote = name(short.quote)
    if not found.margin:
        yield f"{_pays(short)} {quote} at the next payment, as the rate stands"
        yield f"funding since opening {_funding(short)}"
    sold = f"{_n(short.coins)} {name(coin.coin)} sold at {_n(short.entry)}"
    yield f"{sold}, result {_money(short.profit)} {quote}"


def _pays(short: HedgedShort) -> str:
    if short.value is None or short.rate is None:
        return "the short pays an unknown amount of"
    return f"the short pays {-short.rate * short.value:,.2f}"


def _funding(short: HedgedShort) -> str:
    if short.funding is None:
        return "unknown"
    told = f"{_money(short.funding)} {name(short.quote)}"
    return f"about {told}, in part by the entry price" if short.at_entry else told


def _n(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.8g}"


def _signed(value: float | None) -> str:
    return "unknown" if value is None else f"{value:+,.6g}"


def _worth(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.2f}"


def _money(value: float | None) -> str:
    return "unknown" if value is None else f"{value:+,.2f}"
