"""The pane of the hedge book: spot and contracts side by side, and below each short."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct
from rich.style import Style

from scanner.hedge_events import HedgedCoin, HedgedShort
from scanner.sinks.terminal import figures
from scanner.sinks.terminal.ink import Line, Pen, rule
from scanner.sinks.terminal.palette import Palette

UNKNOWN = "–"
NONE = " no hedge book: 'hedge_book' of the configuration names what you hold and have sold short"


class _Column(Struct, frozen=True):
    """Its title, how wide it is, and what it says of a coin or a short. The lower its ``rank``, the
    longer it stays where there is less room."""

    title: str
    width: int
    text: Callable[..., str]
    rank: int = 0


def _known(value: float | None, told: Callable[[float], str]) -> str:
    return UNKNOWN if value is None else told(value)


def _worth(value: float) -> str:
    return figures.money(value).lstrip("+") if value else "0"


def _funding(value: float | None, at_entry: int) -> str:
    """With ``~`` where it rests on the entry price for want of a mark."""
    told = _known(value, figures.money)
    return f"~{told.lstrip('+')}" if value is not None and at_entry else told


def _part(one: HedgedShort, value: float) -> str:
    """Of the funding: a part is told even where the whole is not known."""
    known = one.funding is not None or one.earned or one.given
    return _worth(value) if known else UNKNOWN


def _payments(one: HedgedShort) -> str:
    """By how many the funding is known, and how many of these are valued at the entry price."""
    if not one.payments:
        return UNKNOWN if one.funding is None else "0"
    return f"{one.payments} (~{one.at_entry})" if one.at_entry else str(one.payments)


def _price(value: float) -> str:
    return figures.price(value, -1)


def _signed(value: float) -> str:
    return ("+" if value > 0 else "") + figures.amount(value)


def _percent(value: float) -> str:
    return f"{value:+,.2f}"


def _rate(value: float) -> str:
    return f"{value * 100:+.4f}"


COINS = (
    _Column("SPOT", 11, lambda one: _known(one.spot_value, _worth)),
    _Column("CONTRACTS", 11, lambda one: _known(one.contracts_value, _worth)),
    _Column("DELTA", 11, lambda one: _known(one.delta, _signed)),
    _Column("DRIFT %", 10, lambda one: _known(one.drift_pct, _percent)),
    _Column("FUNDING", 10, lambda one: _funding(one.funding, sum(s.at_entry for s in one.shorts))),
    _Column("RESULT", 10, lambda one: _known(one.unrealised, figures.money)),
    _Column("HELD", 11, lambda one: figures.amount(one.amount), 1),
    _Column("SHORT", 11, lambda one: _known(one.hedged, figures.amount), 1),
)
SHORTS = (
    _Column("COINS", 9, lambda one: _known(one.coins, figures.amount)),
    _Column("PRICE", 11, lambda one: _known(one.price, _price)),
    _Column("BASIS", 8, lambda one: _known(one.basis_bps, figures.bps)),
    _Column("FUNDING", 10, lambda one: _funding(one.funding, one.at_entry)),
    _Column("RATE %", 9, lambda one: _known(one.rate, _rate)),
    _Column("AWAY %", 9, lambda one: _known(one.distance_pct, _percent)),
    _Column("EARNED", 10, lambda one: _part(one, one.earned), 1),
    _Column("PAID", 10, lambda one: _part(one, one.given), 1),
    _Column("RESULT", 10, lambda one: _known(one.profit, figures.money), 2),
    _Column("ENTRY", 11, lambda one: _price(one.entry), 2),
    _Column("LIQUIDATED", 11, lambda one: _known(one.liquidation_price, _price), 3),
    _Column("PAYMENTS", 11, _payments, 4),
)
NAME, VENUE, SYMBOL = 9, 9, 15


def height(coins: Sequence[HedgedCoin]) -> int:
    """How many lines all of it takes."""
    shorts = sum(len(one.shorts) for one in coins)
    return 2 + len(coins) + (1 + shorts if shorts else 0)


def pane(coins: Sequence[HedgedCoin], *, palette: Palette, width: int, height: int) -> list[Line]:
    """A line for each coin, what is held beside what is sold, and one for each short. Those to
    whom something is unknown say why at their ends, where there is room."""
    title = [("hedge book", palette.accent)]
    if coins:
        title.append(("– unknown", palette.dim))
    if any(short.at_entry for coin in coins for short in coin.shorts):
        title.append(("~ in part by the entry price", palette.dim))
    lines = [rule(title, width, palette.rule)]
    if not coins:
        return [*lines, Pen().cell(NONE, width, palette.dim).line][:height]
    shorts = [short for coin in coins for short in coin.shorts]
    columns = _fitting(COINS, NAME + 6, width)
    lines.append(_heading((("COIN", NAME),), columns, palette, width))
    lines += (_coin(one, columns, palette, width) for one in coins)
    if shorts:
        columns = _fitting(SHORTS, VENUE + SYMBOL, width)
        names = (("SHORT AT", VENUE), ("CONTRACT", SYMBOL))
        lines.append(_heading(names, columns, palette, width))
        lines += (_short(one, columns, palette, width) for one in shorts)
    return lines[:height]


def _fitting(columns: Sequence[_Column], before: int, width: int) -> list[_Column]:
    """As many as there is room for behind ``before`` cells."""
    for rank in range(max(one.rank for one in columns), 0, -1):
        found = [one for one in columns if one.rank <= rank]
        if before + sum(one.width for one in found) <= width:
            return found
    return [one for one in columns if not one.rank]


def _heading(
    names: Sequence[tuple[str, int]], columns: Sequence[_Column], palette: Palette, width: int
) -> Line:
    pen = Pen()
    for name, room in names:
        pen.cell(f" {name}", room, palette.dim)
    for one in columns:
        pen.cell(one.title, one.width, palette.dim, right=True)
    return pen.fill(width, palette.dim)


def _coin(one: HedgedCoin, columns: Sequence[_Column], palette: Palette, width: int) -> Line:
    pen = Pen().cell(f" {one.coin}", NAME, palette.strong)
    for column in columns:
        pen.cell(column.text(one), column.width, palette.text, right=True)
    pen.cell(f" {one.quote or 'mixed'}", pen.room(width), palette.dim)
    return pen.fill(width, palette.text)


def _short(one: HedgedShort, columns: Sequence[_Column], palette: Palette, width: int) -> Line:
    pen = Pen().cell(f" {one.venue}", VENUE, palette.text)
    pen.cell(f" {one.symbol}", SYMBOL, palette.text)
    if one.reason and one.price is None:
        pen.cell(f" {_known(one.coins, figures.amount)} sold; {one.reason}", width, palette.warn)
        return pen.fill(width, palette.warn)
    for column in columns:
        style = _style(one, column.title, palette)
        pen.cell(column.text(one), column.width, style, right=True)
    return pen.fill(width, palette.text)


def _style(one: HedgedShort, title: str, palette: Palette) -> Style:
    """Funding that goes against the hedge stands out; its sign says the same."""
    against = title == "RATE %" and one.rate is not None and one.rate < 0
    return palette.warn if against else palette.text
