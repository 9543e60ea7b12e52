"""What Gate says, as it stands on the wire: messages of the streams and an answer of REST."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct

from scanner.venues.parts import Millis, UpdateId


class Error(Struct):
    code: int = 0
    message: str = ""


class Envelope(Struct):
    channel: str = ""
    event: str | None = None
    id: int | str | None = None
    error: Error | None = None
    result: Raw = Raw(b"null")


class BookMessage(Struct):
    s: Annotated[str, Meta(pattern=r"^ob\..+\.[0-9]{1,4}$")]
    u: UpdateId
    U: UpdateId | None = None
    t: Millis = 0
    full: bool = False
    b: Raw = Raw(b"null")
    a: Raw = Raw(b"null")


class Changes(Struct):
    s: str
    U: UpdateId
    u: UpdateId
    t: Millis = 0
    b: Raw = Raw(b"null")
    a: Raw = Raw(b"null")


class BestMessage(Struct):
    s: str
    u: UpdateId
    t: Millis = 0
    b: str = ""
    B: Raw = Raw(b'""')
    a: str = ""
    A: Raw = Raw(b'""')


class WholeBook(Struct):
    id: UpdateId
    asks: Raw = Raw(b"null")
    bids: Raw = Raw(b"null")


class System(Struct):
    type: str = ""
    msg: str = ""


envelopes = msgspec.json.Decoder(Envelope)
books = msgspec.json.Decoder(BookMessage)
changes = msgspec.json.Decoder(Changes)
bests = msgspec.json.Decoder(BestMessage)
snapshots = msgspec.json.Decoder(WholeBook)
systems = msgspec.json.Decoder(System)
