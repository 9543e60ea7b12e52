"""Recordings of what an exchange sent, read for being served again.

A recording is JSON Lines, plain or gzip: ``{"t": receipt in unix seconds or null, "dir": "in" or
"out", "url": of the connection or the request, "raw": the payload, "n": ordinal in its
connection}``; ``"b64": true`` says that ``raw`` is the base64 of a binary frame. Lines whose
``url`` is http(s) are answers to REST requests. Files of one venue are one connection: frames are
merged by ``n``, answers are found by the market they were asked for. Where a venue counts all
messages of a connection, all files of that connection are needed.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
from msgspec import Meta, Struct

from scanner.lab.units import SECOND
from scanner.lab.venues import RECORDED_AS, VENUES

# Where a recording has no times, its frames follow each other at this distance.
PACE = SECOND // 100
LATEST = 9_000_000_000
NAMED = re.compile(r"(?P<market>[^.]+)\.(?P<channel>.+)\.(?P<date>\d{4}-\d\d-\d\d\w?)(\..*)?")
SEPARATED = re.compile(r"([A-Z0-9]+)[-_/]([A-Z0-9]+)")
JOINED = re.compile(
    r"([A-Z0-9]+)(USDT|USDC|FDUSD|TUSD|BUSD|USD|EUR|GBP|AUD|BRL|TRY|JPY|DAI|BTC|ETH|BNB)"
)


class RecordingError(Exception):
    """A file cannot be served; the message says which and why."""


class Frame(Struct, frozen=True):
    """What was received ``after`` ns from the beginning: text, or bytes of a binary frame."""

    after: int
    data: str | bytes


class Answer(Struct, frozen=True):
    """What the venue answered to a request that named ``markets`` (by its own ids)."""

    markets: frozenset[str]
    body: str


class Tape(Struct, frozen=True):
    """One connection of ``venue`` (its ccxt id) as it was recorded."""

    venue: str
    frames: list[Frame]
    answers: list[Answer]


class _Line(Struct):
    raw: str
    dir: str = "in"
    t: Annotated[float, Meta(ge=0, le=LATEST)] | None = None
    url: str | None = None
    n: int | None = None
    b64: bool = False

    @property
    def answer(self) -> bool:
        return (self.url or "").startswith("http")


_decoder = msgspec.json.Decoder(_Line)


def read_tapes(paths: Sequence[Path]) -> list[Tape]:
    """The recordings at ``paths`` (files, or folders of them), one for each venue.

    Snapshots kept apart by name, as ``rest/<venue>.<market>.*snapshot*.<date>*`` beside the
    venue's folder, are found without being named. Raises RecordingError.
    """
    lines: dict[str, list[_Line]] = {}
    for path in _with_snapshots(paths):
        read = list(_lines(path))
        lines.setdefault(_venue(path, read), []).extend(read)
    if not lines:
        raise RecordingError(f"no recording at {', '.join(map(str, paths))}")
    return [_tape(venue, read) for venue, read in lines.items()]


def decimal_tree(text: str | bytes) -> Any:
    """JSON with its numbers left as text; None for what is no JSON."""
    try:
        return json.loads(text, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return None


def currencies(name: str) -> tuple[str, str] | None:
    """Base and quote currency of a venue's name for a spot market; None for what is none."""
    match = SEPARATED.fullmatch(name) or JOINED.fullmatch(name)
    return (match[1], match[2]) if match else None


def _tape(venue: str, lines: list[_Line]) -> Tape:
    answers = [line for line in lines if line.answer]
    frames = [line for line in lines if line.dir == "in" and not line.answer]
    numbers = [line.n for line in frames if line.n is not None]
    if len(numbers) != len(set(numbers)):
        raise RecordingError(f"{venue}: these files come from more than one connection")
    frames.sort(key=lambda line: (line.t or 0.0) if line.n is None else line.n)
    return Tape(venue, _paced(frames), [_answer(line) for line in answers])


def _paced(lines: list[_Line]) -> list[Frame]:
    frames: list[Frame] = []
    first = next((line.t for line in lines if line.t is not None), 0.0)
    after = 0
    for line in lines:
        after = after + PACE if line.t is None else max(after, int((line.t - first) * SECOND))
        frames.append(Frame(after, _data(line)))
    return frames


def _data(line: _Line) -> str | bytes:
    try:
        return base64.b64decode(line.raw, validate=True) if line.b64 else line.raw
    except ValueError as error:
        raise RecordingError(f"message {line.n}: no base64 ({error})") from error


def _answer(line: _Line) -> Answer:
    parts = urlsplit(line.url or "")
    named = [value for _, value in parse_qsl(parts.query)] + parts.path.split("/")
    return Answer(frozenset(name for name in named if currencies(name)), line.raw)


def _lines(path: Path) -> Iterator[_Line]:
    opened = gzip.open if path.suffix == ".gz" else open
    number = 0
    try:
        with opened(path, "rb") as file:
            for text in file:
                number += 1
                if text.strip():
                    yield _decoder.decode(text)
    except (OSError, EOFError, zlib.error) as error:
        raise RecordingError(f"{path}: {error}") from error
    except msgspec.DecodeError as error:
        raise RecordingError(f"{path}, line {number}: not a recording ({error})") from error


def _with_snapshots(paths: Sequence[Path]) -> list[Path]:
    found: dict[Path, None] = {}
    for path in paths:
        files = sorted(path.rglob("*.jsonl*")) if path.is_dir() else [path]
        for file in files:
            found[file.resolve()] = None
            if named := NAMED.fullmatch(file.name):
                beside = file.resolve().parent.parent / "rest"
                head = f"{file.resolve().parent.name}.{named['market']}"
                pattern = f"{head}.*snapshot*.{named['date']}*"
                found.update(dict.fromkeys(sorted(beside.glob(pattern))))
    return list(found)


def _venue(path: Path, lines: list[_Line]) -> str:
    """The venue that a file is named after, by its folder or its name, or else by its URLs."""
    known = {**{venue: venue for venue in VENUES}, **RECORDED_AS}
    for name in (path.parent.name, path.name.partition(".")[0]):
        if name in known:
            return known[name]
    hosts = {urlsplit(line.url or "").hostname or "" for line in lines}
    for name, venue in known.items():
        if any(name in host for host in hosts):
            return venue
    raise RecordingError(f"{path}: no telling which venue this is from")
