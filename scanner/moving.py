"""How what an opportunity trades comes to where it is needed: both ways of it, as they are told.

Prices, sizes and times as in ``scanner.types``; None: not known, which is never taken for zero.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

Levels: TypeAlias = tuple[tuple[float, float], ...]

OPEN, CLOSED, UNKNOWN = "open", "closed", "unknown"
# Nothing has to be moved at all.
NOT_NEEDED = "not needed"


class Move(Struct, frozen=True, kw_only=True):
    """One withdrawal of a trade of many orders: ``amount`` of ``currency`` leaves the venue
    ``source`` for ``target``, and ``fee`` of it is taken off on the way, whatever it is. State,
    reason, network and times as in ``Transfer``, all amounts in ``currency``. ``rate``: what one of
    it is worth in the opportunity's currency, at the prices of its own orders."""

    currency: str
    amount: float
    source: str
    target: str
    state: str
    reason: str = ""
    network: str = ""
    fee: float | None = None
    min_withdraw: float | None = None
    minutes: float | None = None
    listed_at: int = 0
    rate: float = 1.0


class Placed(Struct, frozen=True, kw_only=True):
    """An order of a trade of many once what it takes has arrived: ``size`` in base, ``minutes``
    after the first, and ``volatility_bps`` of its own book, over an hour."""

    size: float
    minutes: float | None = None
    volatility_bps: float | None = None


class Transfer(Struct, frozen=True, kw_only=True):
    """The coin is withdrawn where it is bought, and sold when it has arrived.

    ``state``: open, closed or unknown; ``reason``: why it is not open, or, if it is, why no net is
    told: too little arrives, or the conversion is made elsewhere than the sale, and moving the
    money there is not reckoned. ``network``: the cheapest one that is open at both ends, by ccxt's
    code; ``fee`` what the withdrawal takes off, in base, whatever its size; ``min_withdraw`` in
    base; ``minutes``: how long it is expected to take; ``listed_at``: when the older of the two
    venues' lists said so, ns (0: the user says so).

    ``sold``: what is sold of what arrives, in base; ``net_profit`` what is then left, in the
    opportunity's currency, ``net_bps`` as there. ``risk_bps = z x volatility_bps x
    sqrt(minutes / 60)`` is how far the price falls meanwhile, but for few cases; ``volatility_bps``
    over an hour, from the mids where it is sold. ``net_after_risk``: net profit less that part of
    what the sale brings.

    ``min_size`` to ``max_size``: the sizes of the purchase, in base and before rounding, that pay
    the fee (None: none does); the latter is where further levels have eaten it up, or where capital
    or the levels that were looked at end. ``more_asks``, ``more_bids`` and ``more_rates`` are the
    levels behind those of the legs (and of the conversion) that it goes to. ``in_net``: the
    opportunity is this trade, and its net counts the fee.

    Of many orders ``moves`` are all withdrawals, one after another or at once, and ``orders`` what
    is then ordered, in turn of the legs (none: nothing comes of it); ``state`` and ``reason`` are
    those of all moves together, ``minutes`` until all is done; network, fee, sizes and volatility
    stand with each. ``asked``: the thresholds were asked of this net as well.
    """

    state: str
    reason: str = ""
    network: str = ""
    fee: float | None = None
    min_withdraw: float | None = None
    minutes: float | None = None
    listed_at: int = 0
    volatility_bps: float | None = None
    z: float = 0.0
    risk_bps: float | None = None
    sold: float | None = None
    net_profit: float | None = None
    net_bps: float | None = None
    net_after_risk: float | None = None
    min_size: float | None = None
    max_size: float | None = None
    more_asks: Levels = ()
    more_bids: Levels = ()
    more_rates: Levels = ()
    in_net: bool = False
    moves: tuple[Move, ...] = ()
    orders: tuple[Placed, ...] = ()
    asked: bool = False


class Prefunded(Struct, frozen=True, kw_only=True):
    """Coins and money are on both venues; after ``trades`` of them, what has gathered on the one is
    moved to the other: the coin from the purchase to the sale, the money back.

    ``fee`` in base and ``back_fee`` in ``back_currency`` are what the two withdrawals take off,
    states, reasons and networks as in ``Transfer``. ``cost``: both, a trade, in the opportunity's
    currency, the coin at what it costs to buy. ``sold`` is what is sold of what is bought, with
    nothing withdrawn, and ``trade_profit`` what that leaves: those of the opportunity, unless that
    is a transfer; ``more_bids`` and ``more_rates`` are then the levels behind its own.
    ``net_profit`` and ``net_bps``: that less the cost.

    Of many orders ``moves`` are all withdrawals, money included, each with what one trade
    displaces; ``state`` and ``reason`` are those of all, and what is said of ``back`` is empty.
    """

    trades: int
    state: str
    reason: str = ""
    network: str = ""
    fee: float | None = None
    back_state: str = ""
    back_reason: str = ""
    back_network: str = ""
    back_fee: float | None = None
    back_currency: str = ""
    sold: float | None = None
    trade_profit: float | None = None
    more_bids: Levels = ()
    more_rates: Levels = ()
    cost: float | None = None
    net_profit: float | None = None
    net_bps: float | None = None
    moves: tuple[Move, ...] = ()
