"""Which coins the venues mean by their names, as the configuration states it."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, Field

from scanner.configuration.model import Model

LONGEST = 40


def _name(value: Any) -> Any:
    text = value if isinstance(value, str) else ""
    coin, at, venue = text.partition("@")
    wrong = not coin or (at and not venue) or "@" in venue or len(text) > 2 * LONGEST
    if wrong or not text.isprintable() or set(text) & set("/:* "):
        raise ValueError(f"{value!r} is no name of a coin; they look like NAME or NAME@venue")
    return value


def _coin(value: Any) -> Any:
    if value is not None and _name(value).count("@"):
        raise ValueError(f"{value!r}: a coin has no venue")
    return value


AssetName: TypeAlias = Annotated[str, BeforeValidator(_name)]


class Asset(Model):
    """The coin that a name stands for, and how many of it."""

    coin: Annotated[str | None, BeforeValidator(_coin)] = Field(
        default=None,
        max_length=LONGEST,
        description="The coin that is meant; none named: one that no other venue has, told as"
        " `NAME@venue` and compared with nothing elsewhere.",
    )
    coins: float = Field(
        default=1.0,
        gt=0,
        le=1e12,
        description="How many of them one of the venue's units is, such as 1000 for `1000PEPE`.",
    )
