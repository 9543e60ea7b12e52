"""The gates that what is told has passed: those that its kind comes to, and no other, each with
what was found there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scanner.events import Leg, Opportunity
from scanner.moving import NOT_NEEDED, Move
from scanner.sinks.alerts.names import name


def passed(found: Opportunity) -> Iterator[str]:
    """One line; none where the books do not say how far they were trusted."""
    orders = [leg for leg in _orders(found) if not leg.assumed]
    if orders and all(leg.state for leg in orders):
        yield f"passed {', '.join(_gates(found, orders))}"


def _orders(found: Opportunity) -> list[Leg]:
    """All of them, in their turn."""
    legs = list(found.legs) or [found.buy, found.sell]
    return legs + ([found.conversion] if found.conversion else [])


def _gates(found: Opportunity, orders: Sequence[Leg]) -> Iterator[str]:
    """In the order in which it comes to them; ``orders``: those that could be made now."""
    proofs = ", ".join(leg.proof or "not asked for" for leg in orders)
    yield f"trust and unverified ({proofs})"
    yield f"staleness (oldest {max(leg.age_ms for leg in orders):,.0f} ms)"
    if len(orders) > 1:
        times = [leg.book_at for leg in orders]
        yield f"skew ({(max(times) - min(times)) / 1e6:,.0f} ms)"
    if _is_one_coin_at_two_places(found):
        yield "identity"
    yield "quarantine"
    if found.carry is not None and (found.carry.buy_interval_h or found.carry.sell_interval_h):
        yield "funding"
    if found.conversion is not None:
        yield f"conversion{' (assumed)' * found.conversion.assumed}"
    yield f"fees ({_fees(found)})"
    yield from ("threshold", "profit")
    yield from _moved(found)
    yield from ("capital", "lot", f"size (bound by {name(found.bound)})")


def _is_one_coin_at_two_places(found: Opportunity) -> bool:
    """Whether anything rests on a coin being the same in two books. A carry delivers none, a parity
    turns back what it bought where it bought it, and so a loop on one venue."""
    if found.kind == "loop":
        return len({leg.venue for leg in found.legs}) > 1
    return found.carry is None and not (found.buy.assumed or found.sell.assumed)


def _fees(found: Opportunity) -> str:
    """Of every order, also of one that is made later."""
    converts = found.conversion is not None and found.conversion.assumed
    orders = _orders(found)[:-1] if converts else _orders(found)
    told = " + ".join(f"{leg.fee_rate * 100:.6g} %" for leg in orders)
    return f"{told}, to enter and to leave" if found.carry else told


def _moved(found: Opportunity) -> Iterator[str]:
    """The gate of transfers, where what is traded is moved."""
    transfer = found.transfer
    if transfer is None or not (transfer.in_net or transfer.asked):
        return
    if transfer.state == NOT_NEEDED:
        yield "transfer (not needed)"
        return
    about = "" if transfer.minutes is None else f", {transfer.minutes:,.0f} min"
    if transfer.in_net:
        yield f"transfer ({name(transfer.network)}, fee {transfer.fee or 0.0:,.8g}{about})"
        return
    moves = " + ".join(map(_move, transfer.moves))
    yield f"transfer ({moves}{about}, leaves {transfer.net_bps or 0.0:+,.2f} bps)"


def _move(move: Move) -> str:
    fee = f"fee {move.fee or 0.0:,.8g} {name(move.currency)}"
    return f"{name(move.network)} {name(move.source)} to {name(move.target)}, {fee}"
