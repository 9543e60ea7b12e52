"""What a venue shows of a book over REST, in public: where it stands in the answer."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import Raw, Struct

from scanner.types import LevelLayout
from scanner.venues.parts import decode

ONLY = "*"
"""A key that is not known beforehand, of an object that has no other."""

_object = msgspec.json.Decoder(dict[str, Raw])
_list = msgspec.json.Decoder(list[Raw])


class Shown(Struct, frozen=True):
    """The level lists of an answer, as JSON text, best first; and when the venue made it, as it
    wrote that (empty: it says nothing of it)."""

    bids: bytes
    asks: bytes
    made: bytes = b""


def _same(market: str) -> str:
    return market


class RestBook(Struct, frozen=True, kw_only=True):
    """How a book is asked for, and read.

    ``path`` follows the address of the venue's REST interface; ``{id}`` is the market as ``name``
    makes it of its id on the stream. ``within``: keys (of lists: places) that lead to the object
    with ``bids`` and ``asks``, whose levels are written as ``layout`` says. ``made``: keys to the
    time at which the answer was made, where the venue has one that goes on in a quiet market.
    ``levels``: how many a side are asked for (0: the whole book). ``step``: sizes are rounded to
    multiples of it (0: they are exact). ``per_second``: no more requests than these. ``cached``:
    for how long (ns) the venue may give one answer to all that ask.
    """

    path: str
    within: tuple[str | int, ...] = ()
    bids: str = "bids"
    asks: str = "asks"
    made: tuple[str | int, ...] = ()
    levels: int = 100
    step: float = 0.0
    layout: LevelLayout = LevelLayout()
    per_second: float = 2.0
    cached: int = 0
    name: Callable[[str], str] = _same

    def url(self, rest: str, market: str) -> str:
        """Where the book of ``market`` is, of a venue at ``rest``."""
        return rest + self.path.format(id=self.name(market))

    def read(self, body: bytes) -> Shown:
        """What the answer shows. Raises ``msgspec.DecodeError`` if it is none."""
        book = at_keys(Raw(body), self.within)
        made = bytes(at_keys(Raw(body), self.made)) if self.made else b""
        return Shown(bytes(at_keys(book, (self.bids,))), bytes(at_keys(book, (self.asks,))), made)


def at_keys(raw: Raw, keys: tuple[str | int, ...]) -> Raw:
    """What stands where ``keys`` (of lists: places) lead to in a JSON text. Raises
    ``msgspec.DecodeError`` if nothing does."""
    for key in keys:
        if isinstance(key, int):
            items = decode(_list, raw)
            if key >= len(items):
                raise msgspec.DecodeError(f"a list without item {key}")
            raw = items[key]
            continue
        found = decode(_object, raw)
        if key == ONLY and len(found) == 1:
            (raw,) = found.values()
        elif key in found:
            raw = found[key]
        else:
            raise msgspec.DecodeError(f"an object without {key!r}")
    return raw
