"""Recordings of what exchanges sent: files into connections, lines into frames.

A recording is JSON Lines (plain or gzip): ``{"t": receipt in unix seconds or null, "dir": "in" or
"out", "url": of the connection or request, "raw": the payload, "n": ordinal in its connection}``,
``"b64": true`` if ``raw`` is the base64 of a binary frame. A line whose ``url`` is http(s) holds
the answer to a request.

Files are named ``<folder>/<market>.<channel>.<date>[.<symbol>].jsonl[.gz]``; those that agree in
all but the channel come from one connection (and all of a folder and date do where one of them
says ``all`` for its market). Answers may be kept apart, in
``rest/<folder>.<market>.<what>-snapshot.<date>[.<symbol>].jsonl[.gz]``. A file named otherwise is
a connection of its own.
"""

from __future__ import annotations

import base64
import gzip
import re
import zlib
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date
from datetime import datetime as clock
from itertools import accumulate
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from scanner.errors import RecordingError, UserError

SUFFIXES = (".jsonl", ".jsonl.gz")
EVERY_MARKET = "all"
ANSWERS_FOLDER = "rest"
NAMED = re.compile(
    r"(?P<head>.+?)\.(?P<date>\d{4}-\d\d-\d\d[a-z]?)(\.(?P<symbol>[^.]+))?\.jsonl(\.gz)?"
)
MILLISECOND = 1_000_000
LATEST = 9_000_000_000


class _Line(Struct):
    raw: str
    dir: Literal["in", "out"] = "in"
    t: Annotated[float, Meta(ge=0, le=LATEST)] | None = None
    url: str | None = None
    n: int | None = None
    b64: bool = False

    def __post_init__(self) -> None:
        """Called while decoding: what it raises makes the line one that cannot be read."""
        urlsplit(self.url or "")
        self.payload()

    def payload(self) -> bytes:
        return base64.b64decode(self.raw, validate=True) if self.b64 else self.raw.encode()

    @property
    def answer(self) -> bool:
        return self.url is not None and self.url.startswith("http")


_line = msgspec.json.Decoder(_Line)


class Frame(Struct, frozen=True):
    """One message that came in at ``at`` (ns, never going back), or the answer to the request that
    ``url`` made."""

    raw: bytes
    at: int
    url: str
    answer: bool


class Answers(Struct, frozen=True):
    """A file of answers that REST gave during a recording."""

    path: Path
    folder: str
    market: str
    date: str
    symbol: str


class Connection(Struct, frozen=True):
    """The files of one recorded connection; ``market``, ``date`` and ``symbol`` may be unknown."""

    folder: Path
    market: str
    date: str
    symbol: str
    files: tuple[Path, ...]

    @property
    def name(self) -> str:
        """What to call it in a message."""
        known = ".".join(part for part in (self.market, self.date, self.symbol) if part)
        return f"{self.folder.name}/{known or self.files[0].name}"

    def joins(self, answers: Answers, folders: Iterable[str]) -> bool:
        """True if the answers were given while this was recorded, in a folder of one of these
        names."""
        symbols = {self.symbol, answers.symbol} - {""}
        return (
            answers.folder in folders
            and (answers.market, answers.date) == (self.market, self.date)
            and len(symbols) <= 1
        )

    def answers_nearby(self) -> list[Answers]:
        """Files of answers in the usual places, whether they belong to this connection or not."""
        places = {self.folder, self.folder / ANSWERS_FOLDER, self.folder.parent / ANSWERS_FOLDER}
        files = (path for place in places if place.is_dir() for path in _listed(place, "*"))
        return [answers for path in files if (answers := _answers(path)) is not None]


class Found(Struct, frozen=True):
    """What a list of paths holds; ``unused`` are files of answers with no book in them."""

    connections: list[Connection]
    answers: list[Answers]
    unused: list[Path]


def find(paths: Sequence[Path]) -> Found:
    """The recordings that ``paths`` name; a folder stands for all that is in it.

    Raises ``UserError`` for a path that is not there and for a folder without recordings.
    """
    found = Found([], [], [])
    groups: dict[tuple[Path, str, str, str], list[Path]] = defaultdict(list)
    for path in dict.fromkeys(file.resolve() for given in paths for file in _files(given)):
        if answers := _answers(path):
            found.answers.append(answers)
        elif path.parent.name == ANSWERS_FOLDER:
            found.unused.append(path)
        elif named := NAMED.fullmatch(path.name):
            market = named["head"].partition(".")[0]
            groups[path.parent, market, named["date"], named["symbol"] or ""].append(path)
        else:
            found.connections.append(Connection(path.parent, "", "", "", (path,)))
    for folder, market, day, symbol in list(groups):
        whole = (folder, EVERY_MARKET, day, symbol)
        if whole in groups and market != EVERY_MARKET:
            groups[whole] += groups.pop((folder, market, day, symbol))
    found.connections.extend(Connection(*key, tuple(files)) for key, files in groups.items())
    return found


def frames(connection: Connection, answers: Iterable[Path] = ()) -> list[Frame]:
    """What came in over the connection and in answer to requests, in the order in which it came.

    By ``n`` where it is given, else by ``t``. Where no time is recorded, a millisecond passes with
    every message from the start of the day that the file name tells. Raises ``RecordingError`` for
    what cannot be read.
    """
    stream: list[_Line] = []
    asked: list[tuple[_Line, int]] = []
    for line in (line for path in connection.files for line in _lines(path)):
        if line.answer:
            asked.append((line, len(stream)))
        else:
            stream.append(line)
    asked += [(line, 0) for path in answers for line in _lines(path)]
    numbered = all(line.n is not None for line in stream)
    if numbered:
        stream.sort(key=_ordinal)
    elif all(line.t is not None for line in stream):
        stream.sort(key=_seconds)
    places = _Places(stream, numbered)
    merged = [(i, 1, line) for i, line in enumerate(stream)]
    merged += [(places.of(line, found), 0, line) for line, found in asked]
    merged.sort(key=lambda entry: entry[:2])
    received = (line for _, _, line in merged if line.dir == "in")
    return list(_timed(received, _midnight(connection.date)))


class _Places:
    """Where answers stand in a stream: before the message of this index."""

    def __init__(self, stream: Sequence[_Line], numbered: bool) -> None:
        self._ordinals = [_ordinal(line) for line in stream] if numbered else []
        self._seconds = list(accumulate(map(_seconds, stream), max))

    def of(self, answer: _Line, found: int) -> int:
        """By ordinal, else by time, else where it was found."""
        if self._ordinals and answer.n is not None:
            return bisect_right(self._ordinals, answer.n)
        if answer.t is not None and self._seconds and self._seconds[-1]:
            return bisect_right(self._seconds, answer.t)
        return found


def first_line(connection: Connection) -> tuple[int, str]:
    """When the connection begins (ns, as ``frames`` would tell) and the URL it was made to."""
    firsts = [line for path in connection.files for line in [next(_lines(path))]]
    times = [line.t for line in firsts if line.t is not None]
    urls = [line.url for line in firsts if line.url and not line.answer]
    begin = _nanoseconds(min(times)) if times else _midnight(connection.date)
    return begin, urls[0] if urls else ""


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise UserError(f"{path}: no such file or folder")
    files = _listed(path, "**/*")
    if not files:
        raise UserError(f"{path}: no recordings in it (files ending in {' or '.join(SUFFIXES)})")
    return files


def _listed(folder: Path, pattern: str) -> list[Path]:
    found = (path for path in folder.glob(pattern) if path.name.endswith(SUFFIXES))
    return sorted(path for path in found if path.is_file())


def _answers(path: Path) -> Answers | None:
    """The file as a file of order book answers, if it is named like one."""
    named = NAMED.fullmatch(path.name)
    if named is None or not named["head"].endswith("-snapshot"):
        return None
    folder, _, rest = named["head"].partition(".")
    market = rest.rpartition(".")[0]
    return Answers(path.resolve(), folder, market, named["date"], named["symbol"] or "")


def _lines(path: Path) -> Iterator[_Line]:
    number = read = 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for text in file:
                number += 1
                if not text.isspace():
                    yield _line.decode(text)
                    read += 1
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        remedy = "cut the file off before this line, or leave it out"
        raise RecordingError(
            f"{path}:{number}: not a line of a recording ({error}); {remedy}"
        ) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        remedy = "unpack what is whole of it into a new file, or leave it out"
        raise RecordingError(f"{path}: broken after line {number} ({error}); {remedy}") from None
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read ({error.strerror})") from None
    if not read:
        raise RecordingError(f"{path}: there is nothing in it; leave it out")


def _timed(lines: Iterable[_Line], at: int) -> Iterator[Frame]:
    for line in lines:
        at = at + MILLISECOND if line.t is None else max(at, _nanoseconds(line.t))
        yield Frame(line.payload(), at, line.url or "", line.answer)


def _ordinal(line: _Line) -> int:
    return line.n or 0


def _seconds(line: _Line) -> float:
    return line.t or 0.0


def _nanoseconds(seconds: float) -> int:
    """A float holds today's unix time to the microsecond, no better."""
    return round(seconds * 1e6) * 1000


def _midnight(day: str) -> int:
    """The start of a day of a file name, ns; 0 if there is none."""
    try:
        start = clock.combine(date.fromisoformat(day[:10]), clock.min.time(), UTC)
    except ValueError:
        return 0
    return int(start.timestamp()) * 1_000_000_000
