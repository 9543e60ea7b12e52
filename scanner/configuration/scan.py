"""What of the configuration bounds the scan: how fresh books must be, and what is worth a line."""

from __future__ import annotations

from pydantic import Field

from scanner.configuration.model import Model

HOUR_MS = 3_600_000


class Thresholds(Model):
    """What is worth a line."""

    min_net_bps: float = Field(
        default=5.0,
        description="Least net profit in basis points (0.01 %) of what the buy leg costs.",
    )
    min_profit: float = Field(
        default=0.0, ge=0, description="Least net profit in the quote currency."
    )
    close_ratio: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="An opportunity stays open until its net falls under this part of the"
        " threshold.",
    )


class Carry(Model):
    """How `spot-perp`, `perp-perp` and `spot-future` are held, and what is worth a line of them."""

    horizon_hours: float = Field(
        default=168,
        gt=0,
        le=87_600,
        description="How long both legs are held; a dated contract is held until it expires.",
    )
    leverage: float = Field(default=1, ge=1, le=200, description="Of the contracts.")
    maintenance: float = Field(
        default=0.005,
        ge=0,
        lt=1,
        description="Maintenance margin, a fraction of the position: what a liquidation price is"
        " reckoned with.",
    )
    min_net_apr: float = Field(
        default=0.05,
        ge=0,
        description="Least net profit a year as a fraction of the capital that is bound (0.05 is"
        " 5 %); besides `thresholds`.",
    )
    basis_reverts: bool = Field(
        default=False,
        description="Whether a perpetual is expected to stand at the coin's price at the end. Else"
        " what it stands above that is not reckoned as gained, and what it stands below is reckoned"
        " as lost.",
    )


class Parity(Model):
    """How far from their pegs the `stablecoins` are told, and when that is worth a line."""

    size: float = Field(
        default=10_000,
        gt=0,
        le=1e12,
        description="How much is bought or sold where a deviation is told, in the money of the"
        " peg.",
    )
    min_net_bps: float = Field(
        default=10,
        ge=0,
        le=10_000,
        description="Least net profit of a `parity`, basis points, once it is back at its peg;"
        " besides `thresholds`.",
    )
    furthest_bps: float = Field(
        default=2000,
        gt=0,
        le=10_000,
        description="What is further from its peg, basis points, is no opportunity: another coin of"
        " that name, or one whose peg is gone.",
    )


class Limits(Model):
    """How fresh the two legs must be, and how often an open opportunity is told of."""

    max_age_ms: int = Field(
        default=3000,
        ge=1,
        le=HOUR_MS,
        description="Age of the last proof of a book beyond which it takes no part, ms.",
    )
    max_skew_ms: int = Field(
        default=1500,
        ge=1,
        le=HOUR_MS,
        description="Largest gap in time between the two books of a pair, ms.",
    )
    quiet_after_ms: int = Field(
        default=1000,
        ge=100,
        le=HOUR_MS,
        description="Once nothing was heard of a book for so long on a connection that stands, ms,"
        " the exchange's public REST interface is asked: the same levels, and the market is quiet"
        " and its book fresh; others, and its feed is dead and subscribed anew.",
    )
    quiet_requests_per_s: float = Field(
        default=2.0,
        ge=0,
        le=20,
        description="How many of these requests may go to one exchange in a second, at most; 0:"
        " none.",
    )
    update_interval_ms: int = Field(
        default=250,
        ge=0,
        le=HOUR_MS,
        description="Least time between two updates of one opportunity, ms.",
    )
    unverified: bool = Field(
        default=False,
        description="Whether books take part that nothing proves to be the venue's, such as all of"
        " `feed: ccxt`; and, of `depth: full`, levels that a venue's proof does not reach.",
    )
    suspect_bps: float = Field(
        default=500.0,
        ge=0,
        description="How far apart the prices of one coin may be on two venues, basis points: what"
        " is further apart is another coin or cannot be moved, and is barred; 0: no bound.",
    )
    structural_h: float = Field(
        default=4.0,
        ge=0,
        le=8760,
        description="A route that has been worth it for so long, hours, is there for a reason, and"
        " is barred until it has gone; 0: never.",
    )
