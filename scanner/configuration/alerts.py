"""``alerts:`` of the configuration: what is worth telling, when, and through which channel.

Pure data. A channel is an Apprise URL, and the URL is the secret: it is kept as a ``SecretStr``,
which shows as asterisks wherever the settings are printed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, tzinfo
from typing import Annotated, Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from scanner.configuration.explain import did_you_mean
from scanner.configuration.hours import Hours, parse
from scanner.configuration.model import Model

TERMINAL, BELL = "terminal", "bell"
BUILT_IN = (TERMINAL, BELL)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,6})?) ?(s|m|h|)")
UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
ONLY_OF_OPPORTUNITIES = (
    *("min_net_bps", "min_profit", "min_size", "min_notional"),
    "kinds",
)
# What a rule may be about instead, and the keys that make it so.
SUBJECTS = {
    "depeg_bps": "pegs",
    "drift_pct": "the hedge book",
    "margin_pct": "the hedge book",
    "funding_against": "the hedge book",
}
YEAR_S = 366 * 86_400.0
LARGEST = 1e15


def _pattern(text: str) -> str:
    if not text.removeprefix("!") or not text.isprintable():
        raise ValueError("must be a pattern such as BTC/*, or !BTC/* for all but those")
    return text


def _hours(text: str) -> str:
    parse(text)
    return text


def _zone(name: str) -> str:
    try:
        _zone_named(name)
    except (KeyError, OSError, ValueError):  # what the library has for unknown and for odd names
        raise ValueError(f"{name!r} is no time zone; they look like Europe/Berlin") from None
    return name


def _zone_named(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)


def _some(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value:
        raise ValueError("names no pattern, so that nothing would fit")
    return value


Pattern: TypeAlias = Annotated[str, AfterValidator(_pattern)]
Patterns: TypeAlias = Annotated[tuple[Pattern, ...], AfterValidator(_some)]
QuietHours: TypeAlias = Annotated[str, AfterValidator(_hours)]
Zone: TypeAlias = Annotated[str, AfterValidator(_zone)]
EVERY: tuple[str, ...] = ("*",)


class Digest(Model):
    """When alerts are gathered into one message."""

    after: int = Field(
        default=5,
        ge=0,
        le=1000,
        description="This many come on their own within the window, the rest together at its end."
        " 0: all come together.",
    )
    window_s: float = Field(
        default=60.0, gt=0, le=86_400, description="How long the window is, seconds."
    )


def _spelled_for(schema: dict[str, Any]) -> None:
    schema["properties"]["for"] = {
        "description": "The same as `min_duration_s`, also as `60s`, `5m` or `1h`.",
        "anyOf": [{"type": "number", "minimum": 0}, {"type": "string"}, {"type": "null"}],
    }


class AlertRule(Model):
    """One rule: what must be true of an opportunity, where it is told, and how often."""

    model_config = ConfigDict(json_schema_extra=_spelled_for)

    enabled: bool = Field(default=True, description="Whether the rule is in force.")
    min_net_bps: float = Field(
        default=0.0, ge=0, le=LARGEST, description="Least net profit in basis points."
    )
    min_profit: float = Field(
        default=0.0, ge=0, le=LARGEST, description="Least net profit in the quote currency."
    )
    min_size: float = Field(
        default=0.0, ge=0, le=LARGEST, description="Least size in the base currency."
    )
    min_notional: float = Field(
        default=0.0,
        ge=0,
        le=LARGEST,
        description="Least value of what is bought, in the quote currency, without fees.",
    )
    min_duration_s: float = Field(
        default=0.0,
        ge=0,
        le=YEAR_S,
        description="How long it must have been open, or, with `depeg_bps` or one of the keys about"
        " the hedge book, have lasted, seconds."
        " May be written as `for`, then also with a unit: `for: 60s`.",
    )
    depeg_bps: float = Field(
        default=0.0,
        ge=0,
        le=LARGEST,
        description="Above 0, the rule is about pegs and not about opportunities: it is met where a"
        " pair of `stablecoins` is at least so many basis points from par, in either direction, in"
        " its own book, through BTC or by the median of venues. Of the patterns then only `symbols`"
        " and those of venues count.",
    )
    drift_pct: float = Field(
        default=0.0,
        ge=0,
        le=LARGEST,
        description="Above 0, the rule is about the `hedge_book`: it is met where the net delta of"
        " a coin is at least so many per cent of what is held of it, in either direction. `symbols`"
        " then are coins, such as `BTC`.",
    )
    margin_pct: float = Field(
        default=0.0,
        ge=0,
        le=LARGEST,
        description="Above 0, the rule is about the shorts of the `hedge_book`: it is met where the"
        " price has to rise by so many per cent at most until one is liquidated. It takes the"
        " `leverage` of the short.",
    )
    funding_against: bool = Field(
        default=False,
        description="The rule is about the shorts of the `hedge_book`: it is met where one pays the"
        " funding, at the rate as it stands, instead of receiving it.",
    )
    symbols: Patterns = Field(
        default=EVERY,
        examples=["[BTC/*, '*/USDT', '!DOGE/*']"],
        description="Patterns of symbols (`*`, `?`, `[abc]`), any of which must fit; none with a"
        " leading `!` may. Upper and lower case are the same.",
    )
    venues: Patterns = Field(default=EVERY, description="Patterns that all venues of it must fit.")
    buy: Patterns = Field(default=EVERY, description="Patterns of the venue to buy at.")
    sell: Patterns = Field(default=EVERY, description="Patterns of the venue to sell at.")
    kinds: Patterns = Field(
        default=EVERY,
        description="Patterns of the kind of opportunity, such as `spot-spot`.",
    )
    to: tuple[str, ...] = Field(
        default=(),
        examples=["[terminal, bell, phone]"],
        description="Where it is told: `terminal`, `bell`, or names of `channels`. None named: the"
        " terminal and every channel.",
    )
    quiet_hours: tuple[QuietHours, ...] = Field(
        default=(),
        description="Hours without alerts from this rule, besides those for all; the terminal"
        " keeps showing them.",
    )
    cooldown_s: float = Field(
        default=300.0,
        ge=0,
        le=YEAR_S,
        description="After an alert, this long none of the same rule for the same, seconds.",
    )
    cooldown_per: Literal["symbol", "route", "rule"] = Field(
        default="symbol",
        description="What counts as the same: the symbol, the `route` (symbol and both venues),"
        " or anything that the `rule` finds.",
    )
    digest: Digest = Field(default=Digest(), description="When alerts are gathered into one.")

    @model_validator(mode="before")
    @classmethod
    def _for(cls, data: Any) -> Any:
        """``for`` is ``min_duration_s`` with a unit."""
        if not isinstance(data, Mapping) or "for" not in data:
            return data
        rest = {key: value for key, value in data.items() if key != "for"}
        if data["for"] is None:
            return rest
        if rest.get("min_duration_s") is not None:
            raise _refused(("for",), "says the same as 'min_duration_s': leave one out")
        return rest | {"min_duration_s": _seconds(data["for"])}

    @model_validator(mode="after")
    def _about_one_thing(self) -> AlertRule:
        about = [name for name in SUBJECTS if getattr(self, name)]
        if not about:
            return self
        subject = SUBJECTS[about[0]]
        if len(about) > 1:
            raise _refused((about[1],), f"is one more than {about[0]!r}: make two rules of it")
        asked = [name for name in ONLY_OF_OPPORTUNITIES if name in self.model_fields_set]
        if asked:
            told = f"is about opportunities, and a rule with {about[0]!r} is about {subject}"
            raise _refused((asked[0],), told)
        where = [name for name in ("venues", "buy", "sell") if name in self.model_fields_set]
        if self.drift_pct and where:
            told = "is about venues, and a rule with 'drift_pct' is about a coin on all of them"
            raise _refused((where[0],), told)
        return self

    @property
    def of_hedges(self) -> bool:
        """It is about the hedge book."""
        return bool(self.drift_pct or self.margin_pct or self.funding_against)

    @property
    def of_opportunities(self) -> bool:
        """It is about neither that nor pegs."""
        return not (self.of_hedges or self.depeg_bps)

    @property
    def hours(self) -> tuple[Hours, ...]:
        """``quiet_hours`` as values."""
        return tuple(map(parse, self.quiet_hours))


class AlertSettings(Model):
    """All of ``alerts:``. Without rules nothing is told."""

    rules: Mapping[str, AlertRule] = Field(
        default={}, description="The rules, by names of your choice."
    )
    channels: Mapping[str, SecretStr] = Field(
        default={},
        description="Where alerts go besides the terminal: names of your choice, and for each an"
        " Apprise URL with one receiver, best as `${VARIABLE}`.",
    )
    quiet_hours: tuple[QuietHours, ...] = Field(
        default=(),
        examples=["['22:00-07:00', 'sat,sun 00:00-24:00']"],
        description="Hours in which only the terminal is told.",
    )
    time_zone: Zone = Field(
        default="UTC", description="Whose clocks quiet hours go by, such as `Europe/Berlin`."
    )
    attempts: int = Field(
        default=5,
        ge=1,
        le=20,
        description="How often a message is tried that its receiver has not taken.",
    )
    timeout_s: float = Field(
        default=10.0, ge=1, le=120, description="How long a receiver may take to answer, seconds."
    )
    expire_s: float = Field(
        default=600.0,
        ge=1,
        le=86_400,
        description="An alert that could not be told for so long is given up, seconds.",
    )

    @field_validator("rules", "channels")
    @classmethod
    def _named_well(cls, value: Mapping[str, Any]) -> Mapping[str, Any]:
        wrong = [name for name in value if not _NAME.fullmatch(name)]
        if wrong:
            raise _refused((wrong[0],), "a name here is of letters, digits, '-' and '_'")
        return value

    @field_validator("channels")
    @classmethod
    def _are_urls(cls, value: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
        for name, url in value.items():
            if name in BUILT_IN:
                raise _refused((name,), f"{name!r} is there already; choose another name")
            if not _URL.fullmatch(url.get_secret_value()):
                raise _refused((name,), "must be an Apprise URL such as json://host:port")
        return value

    @model_validator(mode="after")
    def _lead_somewhere(self) -> AlertSettings:
        for name, rule in self.rules.items():
            for place, target in enumerate(rule.to):
                if target not in self.known:
                    near = did_you_mean(target, self.known)
                    told = f"there is no channel {target!r}; " + (
                        near or f"there are {', '.join(self.known)}"
                    )
                    raise _refused(("rules", name, "to", str(place)), told)
        return self

    @property
    def known(self) -> tuple[str, ...]:
        """Every name that a rule may tell."""
        return (*BUILT_IN, *self.channels)

    def targets(self, rule: AlertRule) -> tuple[str, ...]:
        """Where ``rule`` is told, each once."""
        return tuple(dict.fromkeys(rule.to or (TERMINAL, *self.channels)))

    @property
    def enabled(self) -> Iterator[tuple[str, AlertRule]]:
        """The rules in force, by name."""
        return ((name, rule) for name, rule in self.rules.items() if rule.enabled)

    @property
    def hours(self) -> tuple[Hours, ...]:
        """``quiet_hours`` as values."""
        return tuple(map(parse, self.quiet_hours))

    @property
    def zone(self) -> tzinfo:
        """``time_zone`` as a value."""
        return _zone_named(self.time_zone)


def _seconds(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= YEAR_S:
        return float(value)
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None or (seconds := float(found[1]) * UNITS[found[2]]) > YEAR_S:
        raise _refused(("for",), f"{value!r} is no duration; they look like 60s, 5m or 1h")
    return seconds


def _refused(key: tuple[str, ...], message: str) -> ValidationError:
    """An error that knows its key below the field that is being validated."""
    kind = PydanticCustomError("value_error", "{error}", {"error": message})
    return ValidationError.from_exception_data(
        "alerts", [InitErrorDetails(type=kind, loc=key, input=None)]
    )


def models() -> tuple[type[BaseModel], ...]:
    """Every model here, for the reference in the documentation."""
    return AlertSettings, AlertRule, Digest
