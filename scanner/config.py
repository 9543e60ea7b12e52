"""config.yaml as a frozen, validated ``Config``.

Whatever is wrong with the file becomes one ``ConfigError`` that names the line, the key and what to
do. The descriptions of the fields are the reference in docs/configuration.md: a test holds the two
together.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    model_validator,
)

from scanner.explain import did_you_mean, explained
from scanner.located import Located, read
from scanner.types import Depth
from scanner.venues.registry import VENUES

DEFAULT_FILE = "config.yaml"
MAX_FEE = 0.1
HOUR_MS = 3_600_000


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


def _symbols(value: Any) -> Any:
    if value == "auto":
        return value
    if not isinstance(value, tuple) or not value:
        raise ValueError("must be auto or a list such as [BTC/USDT, ETH/USDT]")
    for symbol in value:
        text = symbol if isinstance(symbol, str) else ""
        base, _, quote = text.partition("/")
        if not (base and quote) or not text.isprintable() or ":" in text:
            raise ValueError(f"{symbol!r} is no spot symbol; they look like BTC/USDT")
        if value.count(symbol) > 1:
            raise ValueError(f"{symbol!r} is named twice")
    return value


def _folder(value: Any) -> Any:
    return Path(value).expanduser() if isinstance(value, str) and value else value


Rest: TypeAlias = Annotated[str, _url("http", "https")]
Socket: TypeAlias = Annotated[str, _url("ws", "wss")]
Symbols: TypeAlias = Annotated[Literal["auto"] | tuple[str, ...], PlainValidator(_symbols)]
Folder: TypeAlias = Annotated[Path, BeforeValidator(_folder)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _default_for_nothing(cls, data: Any) -> Any:
        """A key without a value has its default, as when all below it is commented out."""
        if data is None:
            return {}
        if isinstance(data, Mapping):
            return {k: v for k, v in data.items() if v is not None or k not in cls.model_fields}
        return data


class Endpoints(_Model):
    """Where a venue is reached instead of its public hosts."""

    rest: Rest | None = Field(
        default=None, description="URL in place of scheme and host of its REST interface."
    )
    ws: Socket | None = Field(
        default=None, description="URL in place of scheme and host of its streams."
    )


class VenueConfig(_Model):
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


class Thresholds(_Model):
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


class Limits(_Model):
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
    update_interval_ms: int = Field(
        default=250,
        ge=0,
        le=HOUR_MS,
        description="Least time between two updates of one opportunity, ms.",
    )


class Config(_Model):
    """All of config.yaml. ``venues`` holds the enabled and the disabled ones."""

    venues: Mapping[str, VenueConfig] = Field(
        description="The venues by their ccxt ids; a bare `name:` takes every default."
    )
    symbols: Symbols = Field(
        default="auto",
        description="`auto`: every symbol that two of the venues list, those that most list first."
        " Or a list such as `[BTC/USDT, ETH/USDT]`.",
    )
    quotes: tuple[str, ...] = Field(
        default=(), description="Quote currencies that `auto` keeps to; none named: any."
    )
    max_symbols: int = Field(
        default=50, ge=1, le=5000, description="The most symbols that `auto` takes."
    )
    thresholds: Thresholds = Field(default=Thresholds(), description="What is worth a line.")
    limits: Limits = Field(default=Limits(), description="How fresh the books of a pair must be.")
    cache_dir: Folder | None = Field(
        default=None,
        description="Folder for what may be lost, such as the venues' market lists; none named: the"
        " user's cache folder (`~/.cache/crossbook` on Linux).",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least that is logged, to standard error."
    )

    @property
    def enabled(self) -> dict[str, VenueConfig]:
        """The venues that take part."""
        return {name: venue for name, venue in self.venues.items() if venue.enabled}


def load(path: Path) -> Config:
    """The configuration in the file at ``path``; raises ``ConfigError``."""
    return validated(read(path))


def validated(document: Located) -> Config:
    """The configuration that ``document`` holds; raises ``ConfigError``."""
    if document.value is None:
        raise document.error("is empty", remedy="name venues under 'venues:'")
    if not isinstance(document.value, dict):
        raise document.error("must be a mapping of keys such as 'venues:'")
    try:
        config = Config.model_validate(document.value)
    except ValidationError as invalid:
        raise explained(invalid, document, Config) from None
    venues = {name: _settled(name, venue, document) for name, venue in config.venues.items()}
    if not any(venue.enabled for venue in venues.values()):
        raise document.error("no venue is enabled", ("venues",), "name at least two")
    return config.model_copy(update={"venues": venues})


@cache
def streamed_by_ccxt() -> frozenset[str]:
    """The venues that ccxt streams, read from its folder: importing it takes seconds."""
    spec = find_spec("ccxt")
    if spec is None or spec.origin is None:
        return frozenset()
    folder = Path(spec.origin).parent / "pro"
    return frozenset(file.stem for file in folder.glob("[a-z]*.py"))


def _settled(name: str, venue: VenueConfig, document: Located) -> VenueConfig:
    key = ("venues", name)
    if name not in VENUES and name not in streamed_by_ccxt():
        near = did_you_mean(name, VENUES) or did_you_mean(name, streamed_by_ccxt())
        remedy = near or "'crossbook venues' lists the native ones, ccxt's manual the others"
        raise document.error("is no venue that can be streamed", key, remedy)
    feed = venue.feed or (Feed.NATIVE if name in VENUES else Feed.CCXT)
    if feed is Feed.NATIVE and name not in VENUES:
        raise document.error("no native protocol for it", (*key, "feed"), "say 'ccxt'")
    if feed is Feed.CCXT and name not in streamed_by_ccxt():
        raise document.error("ccxt does not stream it", (*key, "feed"), "say 'native'")
    return venue.model_copy(update={"feed": feed})
