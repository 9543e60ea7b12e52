"""What the command line asks for, understood or refused."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from datetime import date
from difflib import get_close_matches

from msgspec import Struct

from scanner.errors import UserError
from scanner.since import duration, moment
from storage.queries import Filter

DAY = 86_400_000_000_000
NAME = 100
_ID = re.compile(r"[0-9a-f]{1,8}|[0-9a-f]{8}(-[0-9a-f]{0,12}){0,4}")


class Wishes(Struct, frozen=True, kw_only=True):
    """The options of ``history`` that say which opportunities, as they were given."""

    symbols: Sequence[str] = ()
    venues: Sequence[str] = ()
    side: str | None = None
    buy: Sequence[str] = ()
    sell: Sequence[str] = ()
    kinds: Sequence[str] = ()
    since: str | None = None
    until: str | None = None
    min_net_bps: float | None = None
    min_profit: float | None = None
    min_duration: str | None = None


def filter_of(wishes: Wishes, now: int) -> Filter:
    """The filter that they mean. Raises ``UserError``."""
    if wishes.side is not None and not wishes.venues:
        raise UserError("--side says on which side --venue stands: name a venue too")
    since, until = times(wishes.since, wishes.until, now)
    venues = tuple(name(one, "--venue") for one in wishes.venues)
    buy, sell = (
        tuple(name(one, option) for one in given)
        + (venues if wishes.side == option.removeprefix("--") else ())
        for given, option in ((wishes.buy, "--buy"), (wishes.sell, "--sell"))
    )
    return Filter(
        symbols=tuple(symbol(one) for one in wishes.symbols),
        venues=() if wishes.side else venues,
        buy=buy,
        sell=sell,
        kinds=tuple(name(one, "--kind") for one in wishes.kinds),
        since=since,
        until=until,
        min_net_bps=finite(wishes.min_net_bps, "--min-net-bps"),
        min_profit=finite(wishes.min_profit, "--min-profit"),
        min_duration=None if wishes.min_duration is None else duration(wishes.min_duration),
    )


def times(since: str | None, until: str | None, now: int) -> tuple[int | None, int | None]:
    """Both ends in ns; a day at the end is meant whole. Raises ``UserError``."""
    begin = None if since is None else moment(since, now)
    end = None if until is None else moment(until, now) + (DAY if _is_day(until) else 0)
    if begin is not None and end is not None and begin >= end:
        raise UserError(f"--since {since} is not before --until {until}")
    return begin, end


def symbol(text: str) -> str:
    """A symbol as it is written everywhere: ``BTC/USDT``. Raises ``UserError``."""
    given = name(text, "the symbol").upper()
    if not all(given.partition("/")):
        raise UserError(f"{text!r} is no symbol; they look like BTC/USDT")
    return given


def name(text: str, of: str) -> str:
    """A name that there might be. Raises ``UserError``."""
    given = text.strip()
    if not given or not given.isprintable() or len(given) > NAME:
        raise UserError(f"{of}: {text[:NAME]!r} is no name")
    return given


def finite(value: float | None, of: str) -> float | None:
    """A number that can be compared. Raises ``UserError``."""
    if value is not None and not math.isfinite(value):
        raise UserError(f"{of} must be a finite number")
    return value


def id_prefix(text: str) -> str:
    """The beginning of an id. Raises ``UserError``."""
    given = text.strip().lower()
    if len(given) > 8 and "-" not in given:
        parts = (given[:8], given[8:12], given[12:16], given[16:20], given[20:])
        given = "-".join(part for part in parts if part)
    if not _ID.fullmatch(given) or len(given) > 36:
        raise UserError(
            f"{text[:NAME]!r} is no id; they look like 019abcde-f012-7..., the beginning will do"
        )
    return given


def did_you_mean(asked: Iterable[str], known: Iterable[str]) -> str:
    """What to say of names of which nothing is stored; empty if all are known."""
    names = sorted(known)
    unknown = [one for one in asked if one not in names]
    if not unknown:
        return ""
    near = get_close_matches(unknown[0], names, n=1, cutoff=0.75)
    return f"nothing of {unknown[0]} is stored" + (f"; did you mean {near[0]}?" if near else "")


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text.strip())
    except ValueError:
        return False
    return True
