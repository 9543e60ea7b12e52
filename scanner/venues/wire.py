"""How a venue's data messages look: pure data, from which the fast lane reads them.

A ``Shape`` is one kind of message: what stands under which key, by its path (``data.b``;
``data[].bids`` where a list must hold exactly one object), which values tell it apart, and by which
rule it follows the message before it. Keys come in any order. One that no shape names is passed
over if its value is text, a number or a literal; one that only other shapes name says that it is
not this one. What fits no shape is for the protocol object, which needs no ``Wire`` to do all of
it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from msgspec import Struct


class What(IntEnum):
    """What stands under a key.

    ``SKIP``: nothing that matters. ``REFUSE``: with this key the message is for the protocol.
    ``TAG``: text that tells shapes apart. ``NAME``: the name of the stream, or the id of the
    market; ``ID``: the id once more. ``FIRST``, ``LAST``, ``PREVIOUS``: ids of updates; ``ORDER``:
    an id that orders channels against each other; ``COUNT``: the number of the message on its
    connection. ``TIME``: ms; ``TIME_TEXT``: RFC 3339 in UTC. ``FLAG``: false, or else for the
    protocol. ``BIDS``, ``ASKS``, ``MIXED``: lists of levels. ``BID_PAIR``, ``ASK_PAIR``: one level
    as a list of price and size; ``BID``, ``ASK``: a price as text, its size under ``BID_SIZE``,
    ``ASK_SIZE``.
    """

    SKIP = 0
    REFUSE = 1
    TAG = 2
    NAME = 3
    ID = 4
    FIRST = 5
    LAST = 6
    PREVIOUS = 7
    ORDER = 8
    COUNT = 9
    TIME = 10
    TIME_TEXT = 11
    CHECKSUM = 12
    FLAG = 13
    BIDS = 14
    ASKS = 15
    MIXED = 16
    BID_PAIR = 17
    ASK_PAIR = 18
    BID = 19
    ASK = 20
    BID_SIZE = 21
    ASK_SIZE = 22


class Kind(IntEnum):
    """A whole book, a change of one, or a best bid and offer."""

    WHOLE = 0
    DELTA = 1
    BEST = 2


class Chain(IntEnum):
    """How a message shows that it is the next one (``scanner.venues.sequence``).

    ``NEWEST``: its id is not below the last one. ``NEXT``: ``FIRST`` (or ``LAST`` where there is
    none) is the last id plus one. ``PREVIOUS``: ``PREVIOUS`` is the last id; without it, only in a
    stream that has never named one. ``EITHER``: ``PREVIOUS`` if it is there, else ``NEXT``.
    """

    NONE = 0
    NEWEST = 1
    NEXT = 2
    PREVIOUS = 3
    EITHER = 4


class Order(IntEnum):
    """What ranks a message among the channels of its market.

    ``ID``: ``LAST``, ``COUNT`` or its time. ``RANK``: ``sequence.Ranks``. ``FIELD``: ``ORDER``.
    ``TIME``: ``TIME``; than a book without one, no best bid and offer is newer.
    """

    ID = 0
    RANK = 1
    FIELD = 2
    TIME = 3


class Shape(Struct, frozen=True, kw_only=True):
    """One kind of message.

    ``names``: what the stream is called, with ``{id}`` or ``{lower}`` for the market, and the
    number that ``cells.READY`` must then have (0: any but 0). ``tags``: which values its tags may
    have. ``keys``: its other keys; all must be there but those of ``may``. ``timed``: without
    ``LAST``, the time (ms) is the id. ``counted``: ``COUNT`` must be the next number of the
    connection. ``horizon``: only what ``scanner.venues.horizon`` knows is taken. ``columns``: most
    of a level in a ``BEST``. ``no_sum``: a checksum of 0 is none, and it is signed; else it is
    unsigned.
    """

    kind: Kind
    names: Mapping[str, int]
    keys: Mapping[str, What]
    may: tuple[What, ...] = ()
    tags: Mapping[str, tuple[str, ...]] = {}
    chain: Chain = Chain.NONE
    order: Order = Order.ID
    timed: bool = False
    counted: bool = False
    horizon: bool = False
    columns: int = 2
    no_sum: bool = False


class Wire(Struct, frozen=True, kw_only=True):
    """All shapes of a venue. ``refused``: keys with which a message is for the protocol.
    ``lax``: whole numbers may be written as text."""

    shapes: tuple[Shape, ...]
    refused: tuple[str, ...] = ()
    lax: bool = False
