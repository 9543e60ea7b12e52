"""How a coin can be moved from one venue's wallet to another's: the cheapest open network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from msgspec import Struct

from scanner.engine.assets import apart
from scanner.moving import CLOSED, OPEN, UNKNOWN
from scanner.types import Network, Wallet

DAY = 86_400_000_000_000
NEVER = 1 << 62
MINUTE_S = 60.0

Pair = tuple[Network, Network]


class Paces(Struct, frozen=True, kw_only=True):
    """How long networks take, minutes: ``stated`` until a deposit is credited, before anything that
    venues list; ``typical`` where nothing is listed; ``block_s``: seconds between two blocks.
    ``processing``: before a venue sends a withdrawal."""

    processing: float = 5.0
    stated: Mapping[str, float] = {}
    typical: Mapping[str, float] = {}
    block_s: Mapping[str, float] = {}


class Way(Struct, frozen=True, kw_only=True):
    """As in ``scanner.moving.Transfer``; ``fee`` and ``least`` in the unit of the source.
    ``until``: from then on (ns) what it rests on is too old."""

    state: str
    reason: str = ""
    network: str = ""
    fee: float | None = None
    least: float | None = None
    minutes: float | None = None
    listed_at: int = 0
    until: int = NEVER


def way(source: Wallet, target: Wallet, paces: Paces, at: int) -> Way:
    """The way from ``source`` to ``target`` at the time ``at``: the cheapest of those that are open
    and whose fee is known, of equals the fastest."""
    lists = [wallet.listed_at for wallet in (source, target) if wallet.listed_at]
    oldest = min(lists, default=0)
    for wallet, where in ((source, "withdrawn"), (target, "deposited")):
        if wallet.suspended and at - wallet.listed_at <= DAY:
            reason = f"the coin is suspended where it is {where}"
            until = wallet.listed_at + DAY
            return Way(state=CLOSED, reason=reason, listed_at=wallet.listed_at, until=until)
    if not source.networks or not target.networks:
        where = "withdrawals" if not source.networks else "deposits"
        return Way(state=UNKNOWN, reason=f"nothing is known of the {where}")
    if oldest and at - oldest > DAY:
        return Way(state=UNKNOWN, reason="what is known is older than a day", listed_at=oldest)
    until = oldest + DAY if oldest else NEVER
    pairs = _common(source, target)
    if not pairs:
        known = CLOSED if len(lists) == 2 else UNKNOWN
        return Way(state=known, reason="no network in common", listed_at=oldest, until=until)
    usable = [pair for pair in pairs if pair[0].withdraw and pair[1].deposit]
    if not usable:
        state, reason = _shut(pairs)
        return Way(state=state, reason=reason, listed_at=oldest, until=until)
    priced = [pair for pair in usable if pair[0].fee is not None]
    best = min(priced or usable, key=lambda pair: _rank(pair, paces))
    return Way(
        state=OPEN if priced else UNKNOWN,
        reason="" if priced else "the withdrawal fee is not known",
        network=best[0].name,
        fee=best[0].fee,
        least=best[0].min_withdraw,
        minutes=minutes(*best, paces),
        listed_at=oldest,
        until=until,
    )


def _common(source: Wallet, target: Wallet) -> list[Pair]:
    theirs = {network.name: network for network in target.networks}
    pairs = ((one, theirs.get(one.name)) for one in source.networks)
    return [(one, other) for one, other in pairs if other is not None and not apart(one, other)]


def _shut(pairs: Sequence[Pair]) -> tuple[str, str]:
    """Why none of them can be used: closed only if each is known to be."""
    if any(one.withdraw is not False and other.deposit is not False for one, other in pairs):
        return UNKNOWN, "whether it is open is not known"
    if all(one.withdraw is False for one, _ in pairs):
        return CLOSED, "withdrawals are closed"
    if all(other.deposit is False for _, other in pairs):
        return CLOSED, "deposits are closed"
    return CLOSED, "no network is open at both ends"


def _rank(pair: Pair, paces: Paces) -> tuple[float, float, str]:
    lasts = minutes(*pair, paces)
    return pair[0].fee or 0.0, math.inf if lasts is None else lasts, pair[0].name


def minutes(source: Network, target: Network, paces: Paces) -> float | None:
    """How long a transfer takes (None: not known): as the user states it for either venue (the
    longer, if for both), or for the network; else as many blocks as the deposit waits for; else
    what is usual."""
    both = (source, target)
    stated = [network.minutes for network in both if network.minutes is not None]
    if stated:
        return max(stated)
    name = source.name
    if name in paces.stated:
        return paces.processing + paces.stated[name]
    if target.confirmations and paces.block_s.get(name):
        return paces.processing + target.confirmations * paces.block_s[name] / MINUTE_S
    typical = paces.typical.get(name)
    return paces.processing + typical if typical else None
