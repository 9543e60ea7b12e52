"""``venues:`` of the configuration: one venue, how it is fed and where it is reached."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, ClassVar, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from scanner.configuration.fees import Capital, FeeRates, Rate
from scanner.configuration.model import Model
from scanner.configuration.transfers import Name, NetworkFacts
from scanner.types import Depth, MarketKind, OrderKind


class Feed(StrEnum):
    """Who speaks to a venue: a protocol of ours, or ccxt's own WebSocket client."""

    NATIVE = "native"
    CCXT = "ccxt"


class FeesIn(StrEnum):
    """What a venue takes its fees in: as is known of it, or as the user knows it."""

    AUTO = "auto"
    BASE = "base"
    QUOTE = "quote"
    TOKEN = "token"


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


Kind: TypeAlias = Annotated[MarketKind, Field(strict=False)]


class VenueConfig(Model):
    """One venue; ``feed`` is None until ``Config`` has settled it. ``COSTS`` names the keys that
    say what its markets cost and what may be spent there."""

    COSTS: ClassVar[tuple[str, ...]] = (
        *("taker_fee", "maker_fee", "fees", "fee_discount", "fee_in", "order", "capital"),
        "transfers",
    )

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
    markets: Annotated[tuple[Kind, ...], Field(min_length=1)] | None = Field(
        default=None,
        examples=["[spot, perpetual, future]"],
        description="What is taken of all that the venue lists: `spot`, `perpetual` contracts,"
        " `future` ones (with a date of expiry); contracts on the coins that are scanned. None"
        " named: spot; of a venue that is spoken natively for contracts alone, all of those.",
    )
    endpoints: Endpoints = Field(
        default=Endpoints(), description="Where the venue is reached instead."
    )
    taker_fee: Rate | None = Field(
        default=None,
        examples=["0.001, which is 0.1 %"],
        description="Your taker fee as a fraction (0.001 is 0.1 %), in place of the listed one.",
    )
    maker_fee: Rate | None = Field(
        default=None, description="Your maker fee as a fraction, in place of the listed one."
    )
    fees: Mapping[str, FeeRates] = Field(
        default={},
        examples=["{'*/USDC': {taker: 0.0008}}"],
        description="Rates of some markets, by patterns of their symbols (`*`, `?`, `[abc]`); the"
        " first that fits holds, before `taker_fee` and `maker_fee`.",
    )
    fee_discount: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="The part of every fee that you are let off, such as 0.25 for paying in the"
        " venue's token.",
    )
    fee_in: Annotated[FeesIn, Field(strict=False)] = Field(
        default=FeesIn.AUTO,
        description="What fees of spot markets are taken in: `auto` (as the venue does it), `base`,"
        " `quote`, or `token` (the venue's own, counted in quote).",
    )
    order: Annotated[OrderKind, Field(strict=False)] = Field(
        default=OrderKind.TAKER,
        description="Which of your rates counts: `taker` or `maker`. Prices stay those that a taker"
        " meets.",
    )
    capital: Capital = Field(
        default=None,
        examples=["10000, or {USDT: 5000, BTC: 0.1}"],
        description="What you have there: amounts by currency, or one worth in `currency`, spent on"
        " either side of one trade. What is not named is not bounded.",
    )
    transfers: Mapping[Name, Mapping[Name, NetworkFacts]] = Field(
        default={},
        examples=["{BTC: {BTC: {withdraw_fee: 0.0002, withdraw: true, deposit: true}}}"],
        description="What moving coins to and from there costs and takes, by coin and then by"
        " network (ccxt's unified codes, such as `ERC20`), before what the venue lists.",
    )
    markets_per_connection: int | None = Field(
        default=None,
        ge=1,
        le=10_000,
        description="At most this many on one connection, if the venue allows more.",
    )

    @property
    def kinds(self) -> tuple[MarketKind, ...]:
        """What is taken of the venue's markets."""
        return self.markets or (MarketKind.SPOT,)

    @property
    def spot(self) -> bool:
        """Coins are among it."""
        return MarketKind.SPOT in self.kinds


@cache
def streamed_by_ccxt() -> frozenset[str]:
    """The venues that ccxt streams, read from its folder: importing it takes seconds."""
    spec = find_spec("ccxt")
    if spec is None or spec.origin is None:
        return frozenset()
    folder = Path(spec.origin).parent / "pro"
    return frozenset(file.stem for file in folder.glob("[a-z]*.py"))
