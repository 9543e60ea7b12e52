"""The slow way through a level list, for the numbers that a kernel does not take.

Exponents and digits above 2^53 are rare and must still be exact: the same rows come out, made from
``Decimal``. Errors raise ``BadLevels``.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, NamedTuple

from scanner.types import LevelLayout, Side

LARGEST = Decimal(10) ** 18
MOST_DECIMALS = 40
NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")


class BadLevels(Exception):
    """A level list that is not one; the text says why."""


class Row(NamedTuple):
    """One level: value, digits as an integer and decimals, of price and size, and its side."""

    price: float
    size: float
    price_units: int
    size_units: int
    price_decimals: int
    size_decimals: int
    side: int


def number(value: object) -> tuple[float, int, int]:
    """(value, digits, decimals) of a decimal in text or from JSON; ``BadLevels`` if it is none."""
    try:
        decimal = value if isinstance(value, Decimal) else Decimal(_plain(value))
    except ArithmeticError as error:
        raise BadLevels(f"{value!r:.40} is not a number") from error
    if not decimal.is_finite() or decimal.is_signed() or decimal > LARGEST:
        raise BadLevels(f"{value!r:.40} is not a price or size")
    exponent = decimal.as_tuple().exponent
    decimals = max(0, -int(exponent))
    if decimals > MOST_DECIMALS:
        raise BadLevels(f"{value!r:.40} has too many decimals")
    units = int(decimal.scaleb(decimals))
    if units >= 1 << 63:
        raise BadLevels(f"{value!r:.40} has too many digits")
    return float(decimal), units, decimals


def _plain(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int) or len(str(value)) > 64:
        raise BadLevels("a level holds something that is no number")
    text = str(value)
    if not NUMBER.fullmatch(text):
        raise BadLevels(f"{text!r:.40} is not a price or size")
    return text


def rows(text: bytes, side: int, layout: LevelLayout, rows_after: int = 0) -> list[Row]:
    """All levels of a list; ``side`` as in the kernel (2: each level says)."""
    try:
        levels = json.loads(text, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadLevels("the level list is not JSON") from error
    if not isinstance(levels, list):
        raise BadLevels("the level list is not a list")
    return [row for level in levels if (row := _row(level, side, layout, rows_after))]


def _no_constant(name: str) -> Any:
    raise BadLevels(f"{name} is not a number")


def _side(says: object, layout: LevelLayout) -> Side:
    if not isinstance(says, str) or not says:
        raise BadLevels("a level does not say its side")
    if says == layout.bid_value:
        return Side.BID
    if says == layout.ask_value:
        return Side.ASK
    raise BadLevels(f"{says!r:.40} is not a side")


def _row(level: object, side: int, layout: LevelLayout, rows_after: int) -> Row | None:
    price: object
    size: object
    if isinstance(level, list) and len(level) >= 2:
        price, size, *rest = level
        if any(isinstance(value, list | dict) for value in rest):
            raise BadLevels("a level holds more than numbers and text")
        if rows_after and (len(level) < 3 or int(level[2]) <= rows_after):
            return None
    elif isinstance(level, dict) and layout.price_key in level and layout.size_key in level:
        price, size = level[layout.price_key], level[layout.size_key]
        if side == 2:
            side = _side(level.get(layout.side_key), layout)
    else:
        raise BadLevels("a level is neither a pair nor an object with price and size")
    if side == 2:
        raise BadLevels("a level does not say its side")
    price_value, price_units, price_decimals = number(price)
    size_value, size_units, size_decimals = number(size)
    if price_units == 0:
        if layout.zero_price_skips:
            return None
        raise BadLevels("a price of zero")
    return Row(
        price_value, size_value, price_units, size_units, price_decimals, size_decimals, side
    )
