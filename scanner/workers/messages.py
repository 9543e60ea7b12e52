"""What a worker and its parent say to each other: frozen structs, as msgpack behind their length.

A message on the wire is 4 bytes of length (big-endian), 1 byte that says which kind it is, and the
msgpack of the struct. A stream that does not read like that raises ``Garbled``.
"""

from __future__ import annotations

from typing import TypeAlias, cast

import msgspec
from msgspec import Struct

from scanner.events import (
    FeedEvent,
    FundingSample,
    Opportunity,
    ParitySample,
    Peg,
    RejectMinute,
    RouteMinute,
    Survival,
    Suspect,
)
from scanner.hedge_events import HedgePrice
from scanner.types import Market
from scanner.view.frame import Frame, Query
from scanner.view.scan_state import ScanState

LARGEST = 1 << 28


class Garbled(Exception):
    """What came is no message."""


class Place(Struct, frozen=True):
    """Worker ``index`` (from 0) of ``count``; ``level``: the least that it logs at first."""

    index: int
    count: int
    level: str = "info"

    @property
    def name(self) -> str:
        """What the log calls it."""
        return f"worker {self.index + 1}"


class Carry(Struct, frozen=True, kw_only=True):
    """To a worker: scan these ``markets`` from now on, as ``config`` (a pickled ``Config``, without
    what only the parent needs) says, and take prices from ``conversions``. ``measured``: look at
    every book for each pulse; ``level``: the least that is logged."""

    config: bytes
    markets: tuple[Market, ...]
    conversions: tuple[Market, ...] = ()
    measured: bool = False
    level: str = "info"


class Look(Struct, frozen=True):
    """To a worker: send a frame."""

    query: Query


class Stop(Struct, frozen=True):
    """To a worker: end everything, for ``reason``."""

    reason: str


class Seen(Struct, frozen=True):
    """From a worker: the frame that was asked for. Its events and services are the parent's."""

    frame: Frame


class Pulse(Struct, frozen=True, kw_only=True):
    """From a worker, a few times a second: it lives, and how it is doing.

    ``behind``: bytes that the parent has not taken yet; ``late``: how often it was found that slow;
    ``frames_dropped``, ``records_dropped``: what was given up for that.
    """

    state: ScanState
    behind: int
    late: int
    frames_dropped: int
    records_dropped: int


class Record(Struct, frozen=True):
    """From a worker: a line for the log."""

    level: int
    logger: str
    text: str
    trace: tuple[str, ...] = ()


Message: TypeAlias = (
    Carry
    | Look
    | Stop
    | Seen
    | Pulse
    | Record
    | Opportunity
    | RouteMinute
    | RejectMinute
    | FundingSample
    | FeedEvent
    | Survival
    | Suspect
    | ParitySample
    | Peg
    | HedgePrice
)
KINDS = (
    *(Carry, Look, Stop, Seen, Pulse, Record),
    *(Opportunity, RouteMinute, RejectMinute, FundingSample, FeedEvent, Survival, Suspect),
    *(ParitySample, Peg, HedgePrice),
)
NUMBERS = {kind: number for number, kind in enumerate(KINDS)}
_encoder = msgspec.msgpack.Encoder()
_decoders = tuple(msgspec.msgpack.Decoder(kind) for kind in KINDS)


def encoded(message: Message) -> bytes:
    """The message as it stands on the wire."""
    body = _encoder.encode(message)
    return (len(body) + 1).to_bytes(4, "big") + bytes((NUMBERS[type(message)],)) + body


class Reader:
    """Bytes in any pieces in, messages out."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are complete now; raises ``Garbled``."""
        waiting = self._waiting
        waiting += data
        found: list[Message] = []
        at = 0
        while len(waiting) - at >= 4:
            size = int.from_bytes(waiting[at : at + 4], "big")
            if not 1 <= size <= LARGEST:
                raise Garbled(f"a message of {size} bytes")
            if len(waiting) - at < 4 + size:
                break
            found.append(_decoded(waiting[at + 4 : at + 4 + size]))
            at += 4 + size
        del waiting[:at]
        return found


def _decoded(data: bytearray) -> Message:
    if data[0] >= len(KINDS):
        raise Garbled(f"a message of kind {data[0]}")
    try:
        return cast(Message, _decoders[data[0]].decode(memoryview(data)[1:]))
    except msgspec.MsgspecError as error:
        raise Garbled(str(error)) from None
