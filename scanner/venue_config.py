"""``venues:`` of the configuration: one venue, how it is fed and where it is reached."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from scanner.model import Model
from scanner.types import Depth

MAX_FEE = 0.05


class Feed(StrEnum):
    """Who speaks to a venue: a protocol of ours, or ccxt's own WebSocket client."""

    NATIVE = "native"
    CCXT = "ccxt"


def _url(*schemes: str) -> AfterValidator:
    def check(value: str) -> str:
        try:
            parts = urlsplit(value)
            good = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
        except ValueError:
            good = False
        if not good or not value.isprintable() or any(mark in value for mark in " ?#@"):
            raise ValueError(f"must be a URL such as {schemes[-1]}://host:port/path")
        return value.rstrip("/")

    return AfterValidator(check)


Rest: TypeAlias = Annotated[str, _url("http", "https")]
Socket: TypeAlias = Annotated[str, _url("ws", "wss")]


class Endpoints(Model):
    """Where a venue is reached instead of its public hosts."""

    rest: Rest | None = Field(
        default=None, description="URL in place of scheme and host of its REST interface."
    )
    ws: Socket | None = Field(
        default=None, description="URL in place of scheme and host of its streams."
    )


class VenueConfig(Model):
    """One venue; ``feed`` is None until ``Config`` has settled it."""

    enabled: bool = Field(default=True, description="Whether the venue takes part.")
    feed: Annotated[Feed | None, Field(strict=False)] = Field(
        default=None,
        description="`native`: a protocol of Crossbook's own, where there is one, and then the"
        " default. `ccxt`: ccxt's WebSocket client, which is slower and streams the others.",
    )
    depth: Annotated[Depth, Field(strict=False)] = Field(
        default=Depth.TOP,
        description="`top`: the venue's fast channel of the best levels. `full`: all the depth that"
        " it offers.",
    )
    endpoints: Endpoints = Field(
        default=Endpoints(), description="Where the venue is reached instead."
    )
    taker_fee: float | None = Field(
        default=None,
        ge=-MAX_FEE,
        le=MAX_FEE,
        examples=["0.001, which is 0.1 %"],
        description="Your taker fee as a fraction (0.001 is 0.1 %), in place of the listed one.",
    )
    markets_per_connection: int | None = Field(
        default=None,
        ge=1,
        le=10_000,
        description="At most this many on one connection, if the venue allows more.",
    )


@cache
def streamed_by_ccxt() -> frozenset[str]:
    """The venues that ccxt streams, read from its folder: importing it takes seconds."""
    spec = find_spec("ccxt")
    if spec is None or spec.origin is None:
        return frozenset()
    folder = Path(spec.origin).parent / "pro"
    return frozenset(file.stem for file in folder.glob("[a-z]*.py"))
