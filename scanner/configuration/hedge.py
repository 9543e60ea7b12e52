"""``hedge_book:`` of the configuration: what is held, and what is sold short against it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from scanner.configuration.model import Model

LARGEST = 1e15
LONGEST = 80
MOST = 1000


def _name(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError(f"{text!r} is no name")
    return text


def _moment(text: str) -> str:
    try:
        moment_ns(text)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text!r} is no time; they look like 2026-11-22 or 2026-11-22T10:00:00Z"
        ) from None
    return text


def moment_ns(text: str) -> int:
    """An ISO 8601 time as ns since the epoch; one without a zone is UTC's. Raises ``ValueError``,
    ``OverflowError``."""
    then = datetime.fromisoformat(text)
    since = (then if then.tzinfo else then.replace(tzinfo=UTC)) - datetime.fromtimestamp(0, UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000


Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=LONGEST), AfterValidator(_name)]
Moment: TypeAlias = Annotated[str, AfterValidator(_moment)]
Positive: TypeAlias = Annotated[float, Field(gt=0, le=LARGEST)]


class Holding(Model):
    """Coins that are held."""

    venue: Name = Field(
        description="Where it is: a venue, or any other name (a wallet of yours, say)."
    )
    coin: Name = Field(description="What is held, such as `BTC`.")
    amount: Positive = Field(description="How much of it.")
    price: Positive | None = Field(
        default=None,
        description="What one cost you, in the currency of the contracts on it. None named: what"
        " it has gained or lost is unknown.",
    )


class Position(Model):
    """A contract that is sold short."""

    venue: Name = Field(description="The venue that it is open on, as under `venues`.")
    symbol: Name = Field(description="The contract, such as `BTC/USDT:USDT`.")
    contracts: Positive | None = Field(
        default=None, description="How many contracts are sold; or `amount`."
    )
    amount: Annotated[Positive | None, Field(validate_default=True)] = Field(
        default=None,
        description="How much of the coin they stand for at `entry_price`, instead of `contracts`.",
    )
    entry_price: Positive = Field(description="What one coin was sold at on average.")
    opened_at: Moment | None = Field(
        default=None,
        examples=["2026-11-22T10:00:00Z"],
        description="When: funding is counted from then on. None named: it is unknown.",
    )
    leverage: Annotated[float, Field(ge=1, le=200)] | None = Field(
        default=None,
        description="Of the position, with a margin of its own (isolated). None named: margin and"
        " liquidation are unknown.",
    )

    @field_validator("amount")
    @classmethod
    def _one_size(cls, value: float | None, info: ValidationInfo) -> float | None:
        if "contracts" in info.data and (value is None) == (info.data["contracts"] is None):
            raise ValueError("one of 'contracts' and 'amount' says the size, and not both")
        return value

    @property
    def opened(self) -> int | None:
        """``opened_at``, ns since the epoch."""
        return None if self.opened_at is None else moment_ns(self.opened_at)

    @property
    def coin(self) -> str:
        """What the contract is on, as its symbol says."""
        return self.symbol.partition("/")[0]


class HedgeBook(Model):
    """All of ``hedge_book:``."""

    holdings: Annotated[tuple[Holding, ...], Field(max_length=MOST)] = Field(
        default=(), description="The coins that you hold."
    )
    shorts: Annotated[tuple[Position, ...], Field(max_length=MOST)] = Field(
        default=(), description="The contracts that you have sold short."
    )
    csv: Annotated[str, Field(min_length=1)] | None = Field(
        default=None,
        examples=["~/positions.csv"],
        description="A file with more of both, one a line; read each time that the book is shown,"
        " and in `watch` whenever it has changed.",
    )
