"""Fees and capital as the configuration states them."""

from __future__ import annotations

import math
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, Field

from scanner.configuration.model import Model

MAX_FEE = 0.05
WHAT = "an amount such as 10000, or one for each currency, such as {USDT: 5000, BTC: 0.1}"

Rate: TypeAlias = Annotated[float, Field(ge=-MAX_FEE, le=MAX_FEE)]


def _amount(value: Any) -> Any:
    if value is None or _is_amount(value):
        return value
    if not isinstance(value, dict) or not value:
        raise ValueError(f"must be {WHAT}")
    for currency, amount in value.items():
        if not isinstance(currency, str) or not currency.isprintable() or not _is_amount(amount):
            raise ValueError(f"must be {WHAT}")
    return value


def _is_amount(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and value >= 0


AnyAmount: TypeAlias = float | dict[str, float] | None
Capital: TypeAlias = Annotated[AnyAmount, BeforeValidator(_amount)]


class FeeRates(Model):
    """The rates of some markets; one that is not said stays as it is."""

    taker: Rate | None = Field(default=None, description="Their taker fee, a fraction.")
    maker: Rate | None = Field(default=None, description="Their maker fee, a fraction.")
