"""What is said of the hedge book while a scan runs: by those who hold books, and of all of it."""

from __future__ import annotations

from msgspec import Struct


class HedgePrice(Struct, frozen=True, kw_only=True):
    """What the book of a market that the hedge book rests on says now, told once a second.

    ``bid``, ``ask``: the best of each, quote for one of base; ``mark`` and ``funding_rate`` as in
    ``scanner.derivatives.Derivative``. ``reason``: why the book may not be believed, and then the
    figures say nothing. ``at`` ns.
    """

    at: int
    venue: str
    symbol: str
    bid: float = 0.0
    ask: float = 0.0
    mark: float | None = None
    funding_rate: float | None = None
    reason: str = ""


class HedgedShort(Struct, frozen=True, kw_only=True):
    """A short of the hedge book as it stands; None: not known. ``price``: its mark, else the middle
    of its book; ``value``, ``profit`` (unrealised) and ``funding`` in ``quote``; of the funding
    that is known ``earned`` and ``given``, both positive, at ``payments`` boundaries, of which
    ``at_entry`` are valued at the entry price. ``distance_pct``: how far the price may
    rise until it is liquidated. ``reason``: why something is unknown."""

    venue: str
    symbol: str
    quote: str
    entry: float
    coins: float | None = None
    price: float | None = None
    value: float | None = None
    basis_bps: float | None = None
    profit: float | None = None
    funding: float | None = None
    earned: float = 0.0
    given: float = 0.0
    payments: int = 0
    at_entry: int = 0
    rate: float | None = None
    liquidation_price: float | None = None
    distance_pct: float | None = None
    reason: str = ""


class HedgedCoin(Struct, frozen=True, kw_only=True):
    """One coin of the hedge book: what is held of it beside what is sold short; None: not known.
    ``amount``, ``hedged``, ``delta`` in coins, the others in ``quote`` (empty: they would mix
    several). ``drift_pct``: the delta, of what is held."""

    coin: str
    quote: str
    amount: float
    hedged: float | None = None
    delta: float | None = None
    drift_pct: float | None = None
    spot_value: float | None = None
    contracts_value: float | None = None
    unrealised: float | None = None
    funding: float | None = None
    shorts: tuple[HedgedShort, ...] = ()


class HedgeState(Struct, frozen=True, kw_only=True):
    """The whole hedge book at one moment, told once a second while there is one, and
    without coins when there is none any more. ``at`` ns."""

    at: int
    coins: tuple[HedgedCoin, ...]
