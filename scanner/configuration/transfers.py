"""Moving coins between venues, as the configuration states it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from scanner.configuration.model import Model

LONGEST = 64
LONGEST_CONTRACT = 128
WEEK_MINUTES = 10_080.0

Minutes: TypeAlias = Annotated[float, Field(ge=0, le=WEEK_MINUTES)]


def _name(value: Any) -> Any:
    text = value if isinstance(value, str) else ""
    if not 0 < len(text) <= LONGEST or not text.isprintable() or set(text) & set(" :"):
        raise ValueError(f"{value!r} is no name of a coin or network; they look like BTC or TRC20")
    return value


Name: TypeAlias = Annotated[str, BeforeValidator(_name)]


class NetworkFacts(Model):
    """What the user knows of a coin on one network of one venue, in place of what is listed."""

    withdraw_fee: float | None = Field(
        default=None, ge=0, description="What each withdrawal costs, in the coin."
    )
    min_withdraw: float | None = Field(
        default=None, ge=0, description="The least that can be withdrawn, in the coin."
    )
    withdraw: bool | None = Field(default=None, description="Whether withdrawals are open.")
    deposit: bool | None = Field(default=None, description="Whether deposits are open.")
    minutes: Minutes | None = Field(
        default=None,
        description="How long a transfer from there, or to there, takes in all: minutes.",
    )
    contract: str | None = Field(
        default=None,
        max_length=LONGEST_CONTRACT,
        description="The address of the coin's contract on that network.",
    )


class TransferSettings(Model):
    """How opportunities between venues are made to go on: by inventory, or by moving the coin."""

    mode: Literal["prefunded", "transfer"] = Field(
        default="prefunded",
        description="`prefunded`: coins and money are on both venues beforehand, and net is what"
        " the trade leaves. `transfer`: the coin is withdrawn where it is bought and sold when it"
        " has arrived: the withdrawal fee is a cost in net, and a route whose wallets are closed,"
        " or not known to be open, is not flagged. Of `multi` and `loop` net stays what the trade"
        " leaves, but the thresholds must be met once everything is moved, too. Both are shown of"
        " each opportunity.",
    )
    z: float = Field(
        default=1.645,
        ge=0,
        le=10,
        description="How many standard deviations of the price over the time of a transfer are"
        " told as its risk; 1.645 is exceeded in 5 of 100 cases.",
    )
    trades_per_rebalance: int = Field(
        default=10,
        ge=1,
        le=1_000_000,
        description="How many trades one way your inventory lasts, before what has gathered on one"
        " venue is moved back: what that costs is spread over them.",
    )
    processing_minutes: Minutes = Field(
        default=5,
        description="How long a venue takes before it sends a withdrawal: added to the time of the"
        " network.",
    )
    minutes: Mapping[Name, Minutes] = Field(
        default={},
        examples=["{BTC: 40, TRC20: 2}"],
        description="How long until a deposit is credited, by network, in place of what is shipped"
        " and of the confirmations that venues list.",
    )
