"""What the simulated venues read and write alike."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec

from scanner.lab.book import Row


def decoded(text: str, expected: Any = Any) -> Any:
    """What a client has sent, if it is JSON of the ``expected`` type. Raises nothing but
    ``msgspec.DecodeError``, whatever it is."""
    try:
        return msgspec.json.decode(text, type=expected)
    except (UnicodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from error


def decoded_object(text: str) -> dict[str, Any] | None:
    """The JSON object that a client has sent; None for anything else."""
    try:
        found: dict[str, Any] = decoded(text, dict[str, Any])
    except msgspec.DecodeError:
        return None
    return found


def encoded(body: object) -> str:
    """``body`` as JSON."""
    return msgspec.json.encode(body).decode()


# Of a book that is sent again and again most numbers stay.
@lru_cache(1 << 15)
def plain(number: str) -> str:
    """A number without trailing zeros: ``76794.00`` is ``76794``."""
    return number.rstrip("0").rstrip(".") if "." in number else number


@lru_cache(1 << 15)
def plain_row(row: Row) -> Row:
    """A level without trailing zeros."""
    return plain(row[0]), plain(row[1])


def plain_rows(rows: Iterable[Row]) -> list[Row]:
    """Levels without trailing zeros."""
    return list(map(plain_row, rows))
