"""What a venue settled of funding, in public over REST: how it is asked for, and read by pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from math import isfinite
from urllib.parse import quote

import msgspec
from msgspec import Raw, Struct

from scanner.venues.parts import MILLISECOND, SECOND, decode, nanoseconds, number_text
from scanner.venues.rest_book import at_keys

MINUTE = 60 * SECOND
DAY = 86_400 * SECOND
LONGEST_INTERVAL = DAY
LONGEST_NUMBER = 64
FIRST_YEAR = 1_230_768_000 * SECOND  # 2009: nothing was traded before
MOST_PAGES = 20

_rows = msgspec.json.Decoder(list[dict[str, Raw]])
_moment = msgspec.json.Decoder(datetime)


class Pages(StrEnum):
    """How a long history comes.

    ``FORWARD``: the oldest first, from a time on. ``BACKWARD``: the newest first, up to a time.
    ``NUMBERED``: the newest first, by the number of the page. ``WHOLE``: all of it at once.
    """

    FORWARD = "forward"
    BACKWARD = "backward"
    NUMBERED = "numbered"
    WHOLE = "whole"


class Settled(Struct, frozen=True):
    """What was paid at the boundary ``at`` (ns): ``rate`` of the notional, by longs where positive.
    ``mark``: what one coin stood at then, where the venue says it with the rate."""

    at: int
    rate: float
    mark: float | None = None


class Ask(Struct, frozen=True):
    """A request: a GET, or a POST of ``body``, JSON text."""

    url: str
    body: str = ""


class FundingHistory(Struct, frozen=True, kw_only=True):
    """How the settled funding of a contract is asked for, and read.

    ``path`` follows the address of the venue's REST interface; in it and in ``body`` (which makes
    it a POST) ``[id]`` is the market, ``[since]`` and ``[until]`` are times in ``unit`` ns,
    ``[page]`` counts from 1. ``within``: keys that lead to the list of rows, ``code``: a key of the
    answer and what stands there when all is well. Of a row ``at``, ``rate``, and where it has them
    ``market`` and ``mark`` are keys; times are in ``unit`` too, or RFC 3339 (``dated``).
    ``limit``: rows of a page at most (0: not documented). ``begins``: the venue names the moment at
    which the period began, and it is paid so many ns later. ``interval``: ns from one payment to
    the next, of venues on which it is one for all; 0: it is the time between two rows.
    ``per_second``: no more requests than these. ``limits``: what the venue says of that, for the
    documents.
    """

    path: str
    pages: Pages
    at: str
    rate: str
    body: str = ""
    within: tuple[str | int, ...] = ()
    code: tuple[str, str] = ("", "")
    market: str = ""
    mark: str = ""
    unit: int = MILLISECOND
    dated: bool = False
    limit: int = 0
    begins: int = 0
    interval: int = 0
    per_second: float = 1.0
    limits: str = ""

    def ask(self, rest: str, market: str, since: int, until: int, page: int) -> Ask:
        """The request for one page, of a venue at ``rest``; times are ns."""
        values = {
            "[since]": str(since // self.unit),
            "[until]": str(until // self.unit),
            "[page]": str(page),
        }
        path = _filled(self.path, {**values, "[id]": quote(market, safe="")})
        return Ask(rest + path, _filled(self.body, {**values, "[id]": market}))

    def read(self, body: bytes, market: str) -> list[Settled]:
        """What one answer says, the oldest first. Raises ``msgspec.DecodeError`` if it is none, is
        about another market, or has a single row that makes no sense."""
        key, good = self.code
        if key:
            found = number_text(at_keys(Raw(body), (key,)))
            if found != good:
                raise msgspec.DecodeError(f"{key} {found!r:.40}")
        rows = decode(_rows, at_keys(Raw(body), self.within))
        return sorted((self._row(row, market) for row in rows), key=lambda one: one.at)

    def _row(self, row: dict[str, Raw], market: str) -> Settled:
        if self.market:
            name = _text(row, self.market)
            if name != market:
                raise msgspec.ValidationError(f"a row of {name!r:.40}, not of {market!r:.40}")
        mark = _number(_text(row, self.mark)) if row.get(self.mark) else None
        return Settled(
            self._time(row), _rate(_text(row, self.rate)), mark if mark and mark > 0 else None
        )

    def _time(self, row: dict[str, Raw]) -> int:
        """The boundary."""
        if self.dated:
            moment = decode(_moment, _field(row, self.at))
            if moment.tzinfo is None:
                raise msgspec.ValidationError(f"{self.at} {moment} without a zone")
            named = nanoseconds(moment)
        else:
            text = _text(row, self.at)
            if not (text.isascii() and text.isdecimal() and len(text) < 16):
                raise msgspec.ValidationError(f"{self.at} {text!r:.40} is no time")
            named = int(text) * self.unit
        at = at_minute(named + self.begins)
        if not FIRST_YEAR < at < 1 << 62:
            raise msgspec.ValidationError(f"{self.at} {named} is no time of a payment")
        return at


class Course:
    """The pages of one contract, from ``since`` to ``until`` (ns): ``ask`` for the next, ``read``
    its answer, until it is ``done`` or ``MOST_PAGES`` have come."""

    def __init__(self, history: FundingHistory, market: str, since: int, until: int) -> None:
        self._history = history
        self._market = market
        # What a venue names a moment off its minute is not to be missed.
        self._from = self._since = since - MINUTE // 2
        self._until = until
        self._found: dict[int, Settled] = {}
        self._page = 1
        self.done = False

    def ask(self, rest: str) -> Ask:
        """The request for the next page, of a venue at ``rest``."""
        return self._history.ask(rest, self._market, self._since, self._until, self._page)

    def read(self, body: bytes) -> None:
        """The answer to it. Raises as ``FundingHistory.read``."""
        rows = self._history.read(body, self._market)
        new = [one for one in rows if one.at not in self._found]
        self._found |= {one.at: one for one in new}
        pages, limit = self._history.pages, self._history.limit
        more = bool(new) and len(rows) >= (limit or 1) and self._page < MOST_PAGES
        match pages:
            case Pages.WHOLE:
                more = False
            case Pages.FORWARD if more:
                self._since = rows[-1].at + MILLISECOND
            case Pages.BACKWARD | Pages.NUMBERED if more:
                self._until = rows[0].at - MILLISECOND
                more = rows[0].at > self._from + MINUTE
        self._page += 1
        self.done = not more

    @property
    def found(self) -> list[Settled]:
        """What has come so far of the time that was asked for, the oldest first."""
        return [self._found[at] for at in sorted(self._found) if at >= self._from]


def at_minute(at: int) -> int:
    """The full minute that a boundary (ns) is at, which some venues name a few ms off."""
    return (at + MINUTE // 2) // MINUTE * MINUTE


def payments(found: Sequence[Settled], interval: int, at: int) -> Iterator[tuple[Settled, int]]:
    """Those of ``found``, the oldest first, that were paid by ``at``, each with how long (ns) it
    was for: ``interval``, or (0) the time since the one before, so that the first is left out."""
    before = 0
    for one in found:
        length = interval or (one.at - before if before else 0)
        before = one.at
        if one.at <= at and 0 < length <= LONGEST_INTERVAL:
            yield one, length


def _filled(text: str, values: dict[str, str]) -> str:
    for key, value in values.items():
        text = text.replace(key, value)
    return text


def _field(row: dict[str, Raw], key: str) -> Raw:
    if key not in row:
        raise msgspec.ValidationError(f"a row without {key!r}")
    return row[key]


def _text(row: dict[str, Raw], key: str) -> str:
    return number_text(_field(row, key))


def _number(text: str) -> float | None:
    if len(text) > LONGEST_NUMBER or "_" in text:
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None


def _rate(text: str) -> float:
    """A fraction of the notional: none is as much as all of it."""
    number = _number(text)
    if number is None or abs(number) >= 1:
        raise msgspec.ValidationError(f"{text!r:.40} is no rate of funding")
    return number
