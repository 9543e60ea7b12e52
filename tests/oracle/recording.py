"""The frames of one recorded connection, in the order in which they came.

A recording is a set of JSON Lines files ``<venue>/<market>.<channel>.<date>[.<symbol>].jsonl[.gz]``
whose lines carry ``t`` (receipt, seconds), ``dir``, ``url``, ``raw`` and ``n``, the place of the
message in its connection. Snapshots fetched over REST at that time are kept apart, in
``rest/<venue>.<market>.<what>-snapshot.<date>...``, and join by ``n`` where they have it, else by
``t``.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

STREAM = re.compile(r"(?P<market>[^.]+)\..+?\.(?P<date>\d{4}-\d\d-\d\d\w*(\.\w+)?)\.jsonl(\.gz)?")
EVERY_MARKET = "all"


@dataclass(frozen=True)
class Frame:
    """One message: ``index`` is its place among what the client got, REST answers included."""

    index: int
    t: float | None
    rest: bool
    url: str
    raw: str


@dataclass(frozen=True)
class Recording:
    """One connection: the files of its stream and those of the snapshots fetched meanwhile."""

    venue: str
    market: str
    date: str
    stream: tuple[Path, ...]
    rest: tuple[Path, ...]

    @property
    def name(self) -> str:
        return f"{self.venue}-{self.market}-{self.date}"

    @cache  # noqa: B019 (a recording is a value, and there are few)
    def frames(self) -> Sequence[Frame]:
        """What came in, in order."""
        stream = [line for path in self.stream for line in _lines(path)]
        stream.sort(key=lambda line: line["n"])
        for answer in (line for path in self.rest for line in _lines(path)):
            stream.insert(_place(answer, stream), answer | {"rest": True})
        received = [line for line in stream if line["dir"] == "in"]
        return [
            Frame(index, line["t"], "rest" in line, line["url"] or "", line["raw"])
            for index, line in enumerate(received)
        ]


def recordings(root: Path, venue: str) -> list[Recording]:
    """The connections recorded under ``root/venue``; where one carried every kind of market (its
    control frames are filed under ``all``), they are one."""
    files: dict[tuple[str, str], list[Path]] = defaultdict(list)
    for path in sorted((root / venue).glob("*")):
        if match := STREAM.fullmatch(path.name):
            files[match["market"], match["date"]].append(path)
    for market, date in list(files):
        if (EVERY_MARKET, date) in files and market != EVERY_MARKET:
            files[EVERY_MARKET, date] += files.pop((market, date))
    return [
        Recording(venue, market, date, tuple(stream), _snapshots(root, venue, market, date))
        for (market, date), stream in sorted(files.items())
    ]


def _snapshots(root: Path, venue: str, market: str, date: str) -> tuple[Path, ...]:
    found = (root / "rest").glob(f"{venue}.{market}.*-snapshot.{date}.jsonl*")
    return tuple(sorted(found))


def _lines(path: Path) -> list[dict]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _place(answer: dict, stream: list[dict]) -> int:
    """Where a REST answer belongs: by its ``n``, or else before the first later message."""
    key = "n" if "n" in answer else "t"
    for place, line in enumerate(stream):
        if line.get(key) is not None and line[key] > answer[key]:
            return place
    return len(stream)
