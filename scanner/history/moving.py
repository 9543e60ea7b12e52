"""How the coin of a stored state comes to where it is sold: computed again, and line by line."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from scanner.events import Leg
from scanner.history.arithmetic import TOLERANCE, Account, Converted, Side, converted, same, side
from scanner.moving import Prefunded, Transfer
from scanner.text import printable
from scanner.types import FeeIn
from storage.queries import State

Level = tuple[float, float]
LOTS = 1e-6
MINUTES = 60


class Arrived(Struct, frozen=True):
    """What comes of a transfer: ``arrives`` in base once the fee is off, its ``sale``, what that
    ``brings`` in the currency of the purchase, and the ``risk_bps`` of the time it takes."""

    arrives: float
    sale: Side
    brings: float
    net: float
    risk_bps: float | None


def arrived(transfer: Transfer, state: State, a: Account) -> Arrived | None:
    """It again, from the levels; None where no sale was told."""
    if transfer.fee is None or not transfer.sold:
        return None
    sale = side(replace(state.sell, size=transfer.sold), transfer.sold, -1)
    brings = _converted(state.conversion, sale.total) if state.conversion else sale.total
    risk = None
    if transfer.volatility_bps is not None and transfer.minutes is not None:
        risk = transfer.z * transfer.volatility_bps * math.sqrt(transfer.minutes / MINUTES)
    arrives = a.buy.net_size - transfer.fee
    return Arrived(arrives, sale, brings, brings - a.buy.total, risk)


def disagreements(state: State, a: Account) -> list[str]:
    """What of it is another than what is stored."""
    wrong: list[str] = []
    if state.transfer is not None:
        wrong += _of_transfer(state.transfer, state, a)
    if state.prefunded is not None:
        wrong += _of_inventory(state.prefunded, state, a)
    return wrong


def _elsewhere(state: State) -> bool:
    """Whether the conversion is made where the sale does not leave its money."""
    leg = state.conversion
    return leg is not None and not leg.assumed and leg.venue != state.sell.venue


def _of_transfer(transfer: Transfer, state: State, a: Account) -> Iterator[str]:
    if _elsewhere(state) and (transfer.in_net or transfer.net_profit is not None):
        yield "net after the transfer: the conversion is not made where the sale is"
    found = arrived(transfer, state, a)
    if found is not None:
        net, scale = found.net, a.buy.total
        # What is left over is less than a lot, which of an inverse contract is no amount of base.
        left = found.arrives - found.sale.net_size
        most = state.sell.lot * (1 + LOTS) if state.sell.lot else TOLERANCE * a.buy.net_size
        too_little = not state.sell.inverse and left > most
        if found.sale.missing or left < -TOLERANCE * a.buy.net_size or too_little:
            yield "size sold after the transfer"
        if transfer.net_profit is None or not same(transfer.net_profit, net, scale):
            yield "net after the transfer"
        elif transfer.net_bps is None or not same(transfer.net_bps, net / scale * 1e4, 1e4):
            yield "net bps after the transfer"
        if transfer.in_net and not same(state.net_profit, net, scale):
            yield "net of the mode transfer"
        risk = found.risk_bps
        if risk is None or transfer.risk_bps is None:
            if (risk, transfer.risk_bps) != (None, None):
                yield "risk of the transfer"
        elif not same(transfer.risk_bps, risk, risk):
            yield "risk of the transfer"
        elif not same(transfer.net_after_risk or 0.0, net - risk / 1e4 * found.brings, scale):
            yield "net after the risk of the transfer"
    if transfer.min_size is not None and transfer.max_size is not None:
        least = _profit(transfer, state, transfer.min_size)
        most_ = _profit(transfer, state, transfer.max_size)
        # At the one end it is nothing; at the other too, unless levels or capital end before.
        if not same(least, 0.0, a.buy.total * (1 + 1e4)) or most_ < -1e-9 * a.buy.total:
            yield "the sizes that pay the transfer"


def _of_inventory(told: Prefunded, state: State, a: Account) -> Iterator[str]:
    cost, trade = rebalance(told, state, a), _unmoved(told, state, a)
    if trade is not None and not same(told.trade_profit or 0.0, trade, a.buy.total):
        yield "net with inventory"
    if (cost is None) != (told.cost is None):
        yield "cost of moving back"
    elif cost is not None and told.cost is not None:
        if not same(told.cost, cost, cost):
            yield "cost of moving back"
        elif trade is not None and not same(told.net_profit or 0.0, trade - cost, a.buy.total):
            yield "net after moving back"


def _unmoved(told: Prefunded, state: State, a: Account) -> float | None:
    """What the trade leaves with nothing withdrawn, again."""
    if told.sold is None:
        return None
    sale = side(_deeper(state.sell, told.more_bids, told.sold), told.sold, -1)
    brings = sale.total
    if state.conversion is not None:
        levels = (*state.conversion.levels, *told.more_rates)
        brings = _converted(replace(state.conversion, levels=levels), brings)
    return brings - a.buy.total


def price(state: State, a: Account) -> float:
    """What one more of the coin costs, its fee included."""
    one = side(replace(state.buy, size=0.0), state.buy.levels[0][1], 1)
    return one.total / one.net_size


def worth_back(told: Prefunded, state: State, a: Account) -> float:
    """What one of the money that is moved back is worth in the currency of the purchase."""
    here = state.buy.symbol.partition("/")[2]
    if told.back_currency == here or a.conversion is None:
        return 1.0
    return a.conversion.got / a.conversion.given


def rebalance(told: Prefunded, state: State, a: Account) -> float | None:
    """What moving both back costs each trade, again."""
    if told.fee is None or told.back_fee is None:
        return None
    back = told.back_fee * worth_back(told, state, a)
    return (told.fee * price(state, a) + back) / told.trades


def _converted(leg: Leg, amount: float) -> float:
    """What ``amount`` of the money becomes, in whole lots of the conversion."""
    if leg.assumed:
        return amount * leg.levels[0][0]
    return ordered(leg, amount).got


def ordered(leg: Leg, amount: float) -> Converted:
    """The order in whole lots that takes ``amount`` of what it gives."""
    in_base = leg.fee_in == FeeIn.BASE
    if leg.side == "buy":
        size = _affordable(leg.levels, amount / (1.0 if in_base else 1 + leg.fee_rate))
    else:
        size = amount / (1 + leg.fee_rate if in_base else 1.0)
    return converted(replace(leg, size=whole_lots(leg, size)))


def whole_lots(leg: Leg, size: float) -> float:
    """Rounded down to the lot of the leg."""
    if not leg.lot:
        return size
    # What sums of floats leave is beyond 14 digits; of 10^12 lots, more of them would be a lot.
    return int(Decimal(f"{size:.14g}") // Decimal(f"{leg.lot:.14g}")) * leg.lot


def _affordable(levels: Sequence[Level], money: float) -> float:
    total = 0.0
    for at, offered in levels:
        take = min(money / at, offered)
        total, money = total + take, money - take * at
    return total


def _profit(transfer: Transfer, state: State, size: float) -> float:
    """What a purchase of ``size`` leaves once the fee is off, in no lots, on all levels kept."""
    bought = side(_deeper(state.buy, transfer.more_asks, size), size, 1)
    net = max(bought.net_size - (transfer.fee or 0.0), 0.0)
    in_base = state.sell.fee_in == FeeIn.BASE
    sold = net / (1 + state.sell.fee_rate) if in_base else net
    sale = side(_deeper(state.sell, transfer.more_bids, sold), sold, -1)
    brings = sale.total
    if state.conversion is not None:
        levels = (*state.conversion.levels, *transfer.more_rates)
        brings = _converted(replace(state.conversion, levels=levels, lot=0.0), brings)
    return brings - bought.total


def _deeper(leg: Leg, more: Sequence[Level], size: float) -> Leg:
    return replace(leg, levels=(*leg.levels, *more), size=size)


def lines(state: State, a: Account, base: str, quote: str) -> Iterator[str]:
    """Both ways of it, for people."""
    if state.transfer is not None:
        yield from _transfer(state.transfer, state, a, base, quote)
    if state.prefunded is not None:
        yield from _inventory(state.prefunded, state, a, base, quote)


def _transfer(told: Transfer, state: State, a: Account, base: str, quote: str) -> Iterator[str]:
    counted = ", which net counts" if told.in_net else ""
    yield printable(f"  if the coin is moved after the purchase{counted}: {_way(told)}")
    if told.fee is None:
        return
    rows = [("fee", f"{number(told.fee)} {base}")]
    found = arrived(told, state, a)
    if found is not None:
        arrives = f"{number(a.buy.net_size)} - {number(told.fee)} = {number(found.arrives)}"
        rows.append(("arrives", f"{arrives} {base}; {number(found.sale.size)} sold"))
        sums = f"{number(found.brings)} - {number(a.buy.total)} = {found.net:+,.10g} {quote}"
        rows.append(("net", f"{sums}, {found.net / a.buy.total * 1e4:+.4f} bps"))
    if told.min_size is not None and told.max_size is not None:
        rows.append(("pays", f"from {number(told.min_size)} to {number(told.max_size)} {base}"))
    elif found is not None:
        rows.append(("pays", "at no size that is on offer"))
    rows.append(("risk", _risk(told, found, quote)))
    yield from _rows(rows)


def _risk(told: Transfer, found: Arrived | None, quote: str) -> str:
    if told.minutes is None:
        return "not known: nor is how long it takes"
    if told.volatility_bps is None:
        return "not known: too little was seen of the price"
    how = f"{told.z:g} x {told.volatility_bps:.4g} bps an hour x sqrt({told.minutes:.4g} / 60)"
    after = ""
    if found is not None and told.net_after_risk is not None:
        after = f"; net after it {told.net_after_risk:+,.6g} {quote}"
    return f"{how} = {told.risk_bps or 0.0:.4g} bps{after}"


def _inventory(told: Prefunded, state: State, a: Account, base: str, quote: str) -> Iterator[str]:
    head = f"  if it is there beforehand, and moved back every {told.trades:,} trades:"
    if told.fee is None and told.back_fee is None:
        yield printable(f"{head} {_cost_unknown(told)}")
        return
    yield head
    back = Transfer(
        state=told.back_state,
        reason=told.back_reason,
        network=told.back_network,
        fee=told.back_fee,
    )
    coin = Transfer(state=told.state, reason=told.reason, network=told.network, fee=told.fee)
    rows = [
        ("coin", _fee_of(coin, base)),
        ("money", _fee_of(back, printable(told.back_currency))),
    ]
    cost, trade = rebalance(told, state, a), _unmoved(told, state, a)
    if cost is None or told.fee is None or told.back_fee is None:
        rows.append(("a trade", "not known"))
    else:
        rate = worth_back(told, state, a)
        times = "" if rate == 1 else f" x {number(rate)}"
        sums = f"({number(told.fee)} x {number(price(state, a))} + {number(told.back_fee)}{times})"
        rows.append(("a trade", f"{sums} / {told.trades:,} = {number(cost)} {quote}"))
        if trade is not None:
            sums = f"{number(trade)} - {number(cost)} = {trade - cost:+,.10g} {quote}"
            rows.append(("net", sums))
    yield from _rows(rows)


def _cost_unknown(told: Prefunded) -> str:
    return f"cost {told.state}, {told.reason}"


def _way(told: Transfer) -> str:
    if told.reason:
        return f"{told.state}, {told.reason}" + (f" ({told.network})" if told.network else "")
    about = "" if told.minutes is None else f", about {told.minutes:.4g} min"
    return f"{told.network}{about}"


def _fee_of(told: Transfer, currency: str) -> str:
    way = printable(_way(told))
    return way if told.reason or told.fee is None else f"{way}, fee {number(told.fee)} {currency}"


def _rows(rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    width = max(len(name) for name, _ in rows)
    for name, what in rows:
        yield f"    {name:<{width}}  {what}"


def number(value: float) -> str:
    """To ten digits: enough to follow the arithmetic by hand."""
    return f"{value:,.10g}"
