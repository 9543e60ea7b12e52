"""The hedge book as text for people and as one JSON object."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from scanner.hedge.book import Balance, Open
from scanner.history.table import Column, table
from scanner.text import printable


def lines(found: Sequence[Balance], width: int) -> Iterator[str]:
    """For each coin its balance, and tables of what is held and of what is sold short."""
    for place, one in enumerate(found):
        if place:
            yield ""
        drift = "unknown" if one.drift_pct is None else f"{one.drift_pct:+.4g} %"
        yield printable(
            f"{one.coin}: hold {_n(one.amount)}, short {_n(one.hedged)}, net delta"
            f" {_signed(one.delta)}, drift {drift}"
        )
        quote = one.quote or "several currencies"
        yield printable(
            f"spot {_worth(one.spot_value)} | contracts {_worth(one.contracts_value)} | unrealised"
            f" {_money(one.unrealised)} | funding {_about(one.funding, one.at_entry)} ({quote})"
        )
        if one.held:
            yield ""
            yield from _holdings(one, width)
        if one.opened:
            yield ""
            yield from _shorts(one.opened, width)
            for short in one.opened:
                if short.reason:
                    yield printable(f"{short.of.venue} {short.of.symbol}: {short.reason}")
                if short.funding.payments:
                    yield printable(f"{short.of.venue} {short.of.symbol}: {_funding(short)}")


def fields(found: Sequence[Balance]) -> dict[str, Any]:
    """The same as names and numbers; null: unknown."""
    return {"coins": [_balance(one) for one in found]}


def _funding(short: Open) -> str:
    """What its funding is known by."""
    of = short.funding
    told = f"funding by {of.payments} payments from {_minute(of.since)} UTC on"
    if of.amount is None:
        told = f"of its {told} alone, {_money(of.known)} {short.quote}; others are not known"
    if of.at_entry:
        told += (
            f"; {of.at_entry} of them at the entry price (~), for no mark of then is stored: not to"
            " the cent"
        )
    return told


def _minute(at: int) -> str:
    return datetime.fromtimestamp(at // 1_000_000_000, UTC).strftime("%Y-%m-%d %H:%M")


def _rfc3339(at: int) -> str | None:
    return f"{_minute(at).replace(' ', 'T')}:00Z" if at else None


def _holdings(one: Balance, width: int) -> Iterator[str]:
    held = one.held
    yield from table(
        [
            Column(title="held at", cells=[each.of.venue for each in held], least=6),
            _right("amount", [_n(each.of.amount) for each in held]),
            _right("price", [_n(each.price) for each in held]),
            _right("value", [_worth(each.value) for each in held]),
            Column(title="in", cells=[each.quote for each in held]),
            _right("result", [_money(each.profit) for each in held]),
        ],
        width,
    )


def _shorts(opened: Sequence[Open], width: int) -> Iterator[str]:
    yield from table(
        [
            Column(title="short at", cells=[one.of.venue for one in opened], least=6),
            Column(title="contract", cells=[one.of.symbol for one in opened], least=8),
            _right("coins", [_n(one.short.quantity if one.short else None) for one in opened]),
            _right("entry", [_n(one.of.entry_price) for one in opened], 2),
            _right("price", [_n(one.price) for one in opened]),
            _right("value", [_worth(one.value) for one in opened], 1),
            _right("basis bps", [_signed(_times(one.basis, 1e4)) for one in opened], 3),
            _right("result", [_money(one.profit) for one in opened]),
            _right("funding", [_about(one.funding.amount, one.funding.at_entry) for one in opened]),
            _right("rate %", [_signed(_times(one.rate, 100)) for one in opened], 4),
            _right("margin", [_worth(one.margin) for one in opened], 3),
            _right("liquidated", [_n(one.liquidation_price) for one in opened], 2),
            _right("away %", [_signed(one.distance_pct) for one in opened]),
        ],
        width,
    )


def _balance(one: Balance) -> dict[str, Any]:
    return {
        "coin": one.coin,
        "currency": one.quote or None,
        "amount": one.amount,
        "hedged": one.hedged,
        "net_delta": one.delta,
        "drift_pct": one.drift_pct,
        "spot_value": one.spot_value,
        "contracts_value": one.contracts_value,
        "unrealised": one.unrealised,
        "funding": one.funding,
        "payments_at_entry_price": one.at_entry,
        "holdings": [
            {
                "venue": each.of.venue,
                "amount": each.of.amount,
                "price": each.price,
                "currency": each.quote,
                "value": each.value,
                "profit": each.profit,
            }
            for each in one.held
        ],
        "shorts": [_short(each) for each in one.opened],
    }


def _short(one: Open) -> dict[str, Any]:
    return {
        "venue": one.of.venue,
        "symbol": one.of.symbol,
        "currency": one.quote or None,
        "contracts": one.short and one.short.contracts,
        "hedged": one.short and one.short.quantity,
        "entry_price": one.of.entry_price,
        "price": one.price,
        "price_from": None if one.price is None else "mark" if one.marked else "book",
        "value": one.value,
        "basis_bps": _times(one.basis, 1e4),
        "unrealised": one.profit,
        "unrealised_in_base": one.profit_in_base,
        "funding": one.funding.amount,
        "funding_known": one.funding.known,
        "payments": one.funding.payments,
        "payments_since": _rfc3339(one.funding.since),
        "payments_at_entry_price": one.funding.at_entry,
        "funding_rate": one.rate,
        "funding_against": one.against,
        "margin": one.margin,
        "liquidation_price": one.liquidation_price,
        "margin_pct": one.distance_pct,
        "reason": one.reason or None,
    }


def _right(title: str, cells: Sequence[str], rank: int = 0) -> Column:
    return Column(title=title, cells=cells, right=True, rank=rank)


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _n(value: float | None) -> str:
    return "-" if value is None else f"{value:,.8g}"


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+,.6g}" if value else "0"


def _worth(value: float | None) -> str:
    return "-" if value is None else f"{value:,.2f}"


def _money(value: float | None) -> str:
    return "-" if value is None else f"{value:+,.2f}" if round(value, 2) else "0.00"


def _about(value: float | None, at_entry: int) -> str:
    """With ``~`` where it rests on the entry price for want of a mark."""
    return f"~{_money(value)}" if value is not None and at_entry else _money(value)
