"""config.yaml as a frozen, validated ``Config``.

Whatever is wrong with the file becomes one ``ConfigError`` that names the line, the key and what to
do. The descriptions of the fields are the reference in docs/configuration.md: a test holds the two
together.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, get_args
from urllib.parse import unquote, urlsplit

from pydantic import (
    BeforeValidator,
    Field,
    PrivateAttr,
    ValidationError,
)

from scanner.configuration.alerts import AlertSettings
from scanner.configuration.environment import substituted
from scanner.configuration.explain import did_you_mean, explained
from scanner.configuration.fees import Capital
from scanner.configuration.hedge import HedgeBook
from scanner.configuration.identity import Asset, AssetName
from scanner.configuration.located import Located, parse, read
from scanner.configuration.model import Model
from scanner.configuration.scan import Carry, Limits, Parity, Thresholds
from scanner.configuration.storage import Database
from scanner.configuration.transfers import TransferSettings
from scanner.configuration.venues import Endpoints, Feed, VenueConfig, streamed_by_ccxt
from scanner.redact import credentials
from scanner.types import MarketKind
from scanner.venues.registry import CONTRACTS, VENUES

__all__ = [
    "CROSS_QUOTE",
    "LOOP",
    "PARITY",
    "SPOT_SPOT",
    "Carry",
    "Config",
    "Database",
    "Endpoints",
    "Feed",
    "Limits",
    "Thresholds",
    "VenueConfig",
    "builtin",
    "load",
    "starter",
    "streamed_by_ccxt",
    "validated",
]

SHORTEST_SECRET = 8
SPOT = (MarketKind.SPOT,)
DERIVATIVES = (MarketKind.PERPETUAL, MarketKind.FUTURE)
Kind: TypeAlias = Literal[
    "spot-spot", "cross-quote", "multi", "loop", "spot-perp", "perp-perp", "spot-future", "parity"
]
SPOT_SPOT: Kind = "spot-spot"
PARITY: Kind = "parity"
CROSS_QUOTE: Kind = "cross-quote"
LOOP: Kind = "loop"
STABLECOINS = {
    **dict.fromkeys(("USDT", "USDC", "DAI", "USDS", "FDUSD", "TUSD", "PYUSD", "USDP"), "USD"),
    **dict.fromkeys(("GUSD", "RLUSD", "USD1", "USDE", "USDG"), "USD"),
    **dict.fromkeys(("EURC", "EURI", "EURQ"), "EUR"),
}


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


def _conversions(value: Any) -> Any:
    for symbol, rate in value.items() if isinstance(value, dict) else ():
        base, _, quote = symbol.partition("/") if isinstance(symbol, str) else ("", "", "")
        if not (base and quote) or base == quote or not symbol.isprintable():
            raise ValueError(f"{symbol!r} is no pair of currencies; they look like USD/USDC")
        is_number = isinstance(rate, int | float) and not isinstance(rate, bool)
        if not is_number or not 0 < rate < math.inf:
            raise ValueError(f"{symbol}: must be a rate above 0")
        if f"{quote}/{base}" in value:
            raise ValueError(f"{symbol!r} is stated both ways round")
    return value


def _stablecoins(value: Any) -> Any:
    for coin, money in value.items() if isinstance(value, dict) else ():
        for name in (coin, money):
            if not isinstance(name, str) or not re.fullmatch(r"[A-Z0-9]{1,20}", name):
                raise ValueError(f"{name!r} is no currency; they look like USDC: USD")
        if money in value or coin == money:
            raise ValueError(f"{coin!r} is pegged to {money!r}, which must be money, not a coin")
    return value


def _folder(value: Any) -> Any:
    return Path(value).expanduser() if isinstance(value, str) and value else value


AutoOrList: TypeAlias = Literal["auto"] | tuple[str, ...]
Symbols: TypeAlias = Annotated[AutoOrList, BeforeValidator(_symbols)]
Conversions: TypeAlias = Annotated[Mapping[str, float], BeforeValidator(_conversions)]
Stablecoins: TypeAlias = Annotated[Mapping[str, str], BeforeValidator(_stablecoins)]
Folder: TypeAlias = Annotated[Path, BeforeValidator(_folder)]


class Config(Model):
    """All of config.yaml. ``venues`` holds the enabled and the disabled ones."""

    venues: Mapping[str, VenueConfig] = Field(
        description="The venues by their ccxt ids; a bare `name:` takes every default."
    )
    symbols: Symbols = Field(
        default="auto",
        description="`auto`: every symbol that two of the venues list, the most traded first. Or a"
        " list such as `[BTC/USDT, ETH/USDT]`.",
    )
    quotes: tuple[str, ...] = Field(
        default=(), description="Quote currencies that `auto` keeps to; none named: any."
    )
    max_symbols: int = Field(
        default=50, ge=1, le=5000, description="The most symbols that `auto` takes."
    )
    kinds: tuple[Kind, ...] = Field(
        default=get_args(Kind),
        description="Kinds of opportunities that are looked for. `spot-spot`: bought and sold in"
        " one currency. `cross-quote`: in two, with the order that converts what the sale brings."
        " `multi`: bought on several venues and sold on several at once, in one currency. `loop`:"
        " one currency turned into others and back, on one venue or across them."
        " Where contracts are among a venue's `markets`, also `spot-perp` and `spot-future`: a coin"
        " bought, a contract on it sold and both held; `perp-perp`: one perpetual bought, another"
        " sold. `parity`: one of `stablecoins` bought below its peg, or sold above it, and held"
        " until it is back.",
    )
    loop_length: int = Field(
        default=3, ge=2, le=6, description="The most orders that a `loop` may have."
    )
    currency: str = Field(
        default="USDT",
        min_length=1,
        max_length=20,
        description="Your accounting currency: profits are also told in it, and single amounts of"
        " `capital` and `max_trade` are meant in it.",
    )
    conversions: Conversions = Field(
        default={},
        examples=["{USD/USDC: 1.0}"],
        description="What one currency is worth in another, taken as true instead of any order book"
        " of the two, and shown as assumed wherever it is used.",
    )
    max_trade: Capital = Field(
        default=None,
        examples=["1000, or {USDT: 1000, EUR: 900}"],
        description="The most that the buy leg of one trade may cost, fees included: in `currency`,"
        " or by currency. None named: no bound.",
    )
    identity: Mapping[AssetName, Asset] = Field(
        default={},
        examples=["{1000XYZ: {coin: XYZ, coins: 1000}, ABC@VENUE: {}}"],
        description="Which coins the venues mean by their names, `NAME` for every venue or"
        " `NAME@venue` for one, where that is not so already.",
    )
    thresholds: Thresholds = Field(default=Thresholds(), description="What is worth a line.")
    carry: Carry = Field(default=Carry(), description="How carries are held.")
    hedge_book: HedgeBook = Field(
        default=HedgeBook(), description="What you hold, and what you have sold short against it."
    )
    transfer: TransferSettings = Field(
        default=TransferSettings(), description="How coins come from one venue to the other."
    )
    stablecoins: Stablecoins = Field(
        default=STABLECOINS,
        examples=["{USDT: USD, USDC: USD, EURC: EUR}"],
        description="Which currencies are worth one of which money, as long as their pegs hold."
        " Their markets among each other and against that money are scanned beside `symbols`;"
        " `{}`: none.",
    )
    parity: Parity = Field(default=Parity(), description="How pegs are watched.")
    limits: Limits = Field(default=Limits(), description="How fresh the books of a pair must be.")
    alerts: AlertSettings = Field(
        default=AlertSettings(), description="What is told, when, and through which channel."
    )
    database: Database = Field(
        default=Database(), description="Where what is found is kept, and how much of it."
    )
    workers: int = Field(
        default=1,
        ge=1,
        le=64,
        description="How many processes share the symbols; one for each core that is to work on"
        " them. What is kept, shown and told has a process of its own beside them.",
    )
    cache_dir: Folder | None = Field(
        default=None,
        description="Folder for what may be lost, such as the venues' market lists; none named: the"
        " user's cache folder (`~/.cache/crossbook` on Linux).",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least that is logged."
    )
    _inserted: frozenset[str] = PrivateAttr(default=frozenset())

    @property
    def enabled(self) -> dict[str, VenueConfig]:
        """The venues that take part."""
        return {name: venue for name, venue in self.venues.items() if venue.enabled}

    @property
    def secrets(self) -> frozenset[str]:
        """What must not be read anywhere: passwords, tokens, the URLs of channels, and whatever
        came out of the environment (but for what is too short to be told from ordinary text)."""
        urls = [url.get_secret_value() for url in self.alerts.channels.values()]
        found = {text for text in self._inserted if len(text) >= SHORTEST_SECRET}
        found.update(urls, *map(credentials, urls))
        found.add(unquote(urlsplit(self.database.location).password or ""))
        return frozenset(found - {""})


def load(path: Path) -> Config:
    """The configuration in the file at ``path``; raises ``ConfigError``."""
    return validated(read(path))


def starter() -> str:
    """The text of the configuration that a new user begins with."""
    return files("scanner").joinpath("configuration/starter.yaml").read_text(encoding="utf-8")


def builtin() -> Config:
    """The configuration of those who have no file: the starter's."""
    return validated(parse(starter(), "the built-in configuration"))


def validated(document: Located, environment: Mapping[str, str] | None = None) -> Config:
    """The configuration that ``document`` holds; raises ``ConfigError``.

    ``environment``: what ``${NAME}`` stands for; none given: that of the process.
    """
    if document.value is None:
        raise document.error("is empty", remedy="name venues under 'venues:'")
    if not isinstance(document.value, dict):
        remedy = "write each key with a colon and a space behind it, as in 'log_level: info'"
        raise document.error("must be a mapping of keys such as 'venues:'", remedy=remedy)
    document = substituted(document, os.environ if environment is None else environment)
    try:
        config = Config.model_validate(document.value)
    except ValidationError as invalid:
        raise explained(invalid, document, Config) from None
    venues = {name: _settled(name, venue, document) for name, venue in config.venues.items()}
    if not any(venue.enabled for venue in venues.values()):
        raise document.error("no venue is enabled", ("venues",), "name at least two")
    config = config.model_copy(update={"venues": venues})
    config._inserted = document.inserted
    return config


def _settled(name: str, venue: VenueConfig, document: Located) -> VenueConfig:
    key = ("venues", name)
    natives = {**VENUES, **CONTRACTS}
    if name not in natives and name not in streamed_by_ccxt():
        near = did_you_mean(name, natives) or did_you_mean(name, streamed_by_ccxt())
        remedy = near or "'crossbook venues' lists the native ones, ccxt's manual the others"
        raise document.error("is no venue that can be streamed", key, remedy)
    kinds = venue.markets or (SPOT if name in VENUES or name not in CONTRACTS else DERIVATIVES)
    native = any(name in (VENUES if kind is MarketKind.SPOT else CONTRACTS) for kind in kinds)
    feed = venue.feed or (Feed.NATIVE if native else Feed.CCXT)
    if feed is Feed.NATIVE and not native:
        raise document.error("no native protocol for it", (*key, "feed"), "say 'ccxt'")
    if feed is Feed.CCXT and name not in streamed_by_ccxt():
        raise document.error("ccxt does not stream it", (*key, "feed"), "say 'native'")
    return venue.model_copy(update={"feed": feed, "markets": None if kinds == SPOT else kinds})
