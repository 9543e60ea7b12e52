"""A venue's ``Wire`` as the arrays that compiled code reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from scanner.fast import layout as L
from scanner.types import ChecksumRule, LevelLayout
from scanner.venues.wire import Shape, What, Wire

Ints = NDArray[np.int64]
MOST_SHAPES = 16
SHOWN_BY_ITSELF = {
    What.BID: What.BIDS,
    What.BID_PAIR: What.BIDS,
    What.ASK: What.ASKS,
    What.ASK_PAIR: What.ASKS,
}
ONE_OF_A_LIST = "[]"


class Plan(Struct, frozen=True):
    """The arrays of ``scanner.fast.layout`` that are the same for all connections of a venue."""

    nodes: Ints
    keys: Ints
    tags: Ints
    shapes: Ints


class _Same:
    """A wire as a key: equal to itself alone, for its mappings have no hash."""

    __slots__ = ("wire",)

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.wire is self.wire

    def __hash__(self) -> int:
        return id(self.wire)


@lru_cache(maxsize=64)
def _words(text: str) -> tuple[int, int, int]:
    """The first 16 bytes as two little-endian words, and the length. Raises ValueError beyond."""
    data = text.encode()
    if not 0 < len(data) <= L.LONGEST:
        raise ValueError(f"{text!r}: keys and tags have 1 to {L.LONGEST} bytes")
    padded = data.ljust(L.LONGEST, b"\0")
    low, high = (int.from_bytes(padded[i : i + 8], "little", signed=True) for i in (0, 8))
    return low, high, len(data)


def compiled(wire: Wire) -> Plan:
    """The arrays of ``wire``, which nobody writes to. Raises ValueError if it contradicts itself.

    Those of the last wires are kept, for every connection of a venue asks for them.
    """
    return _compiled(_Same(wire))


@lru_cache(maxsize=64)
def _compiled(same: _Same) -> Plan:
    wire = same.wire
    if not 0 < len(wire.shapes) <= MOST_SHAPES:
        raise ValueError(f"a venue has 1 to {MOST_SHAPES} shapes")
    kinds = _kinds(wire)
    bits = _bits(kinds)
    tags: list[list[int]] = []
    keys, nodes = _objects(wire, kinds, bits, tags)
    shapes = [_shape(shape, bits) for shape in wire.shapes]
    return Plan(_array(nodes), _array(keys), _array(tags), _array(shapes))


def settings(layout: LevelLayout, checksum: ChecksumRule, wire: Wire) -> Ints:
    """What ``LEVEL_KEYS`` holds."""
    array = np.zeros(L.SETTINGS_WIDTH, np.int64)
    for place, word in (
        (L.LEVEL_PRICE, layout.price_key),
        (L.LEVEL_SIZE, layout.size_key),
        (L.LEVEL_SIDE, layout.side_key),
        (L.LEVEL_BID, layout.bid_value),
        (L.LEVEL_ASK, layout.ask_value),
    ):
        if word:
            array[place : place + 3] = _words(word)
    array[L.ZERO_SKIPS], array[L.LAX] = int(layout.zero_price_skips), int(wire.lax)
    array[L.SUM_RULE] = int(checksum)
    return array


def _kinds(wire: Wire) -> dict[str, What]:
    """What stands under each path, whatever the shape."""
    kinds: dict[str, What] = {}
    for shape in wire.shapes:
        told = {**dict.fromkeys(shape.tags, What.TAG), **shape.keys}
        for path, what in told.items():
            listed = SHOWN_BY_ITSELF.get(what, what)
            if kinds.setdefault(path, listed) is not listed:
                raise ValueError(f"{path} is {kinds[path].name} and {listed.name}")
    return kinds | dict.fromkeys(wire.refused, What.REFUSE)


def _bits(kinds: Mapping[str, What]) -> dict[str, int]:
    """A bit in SEEN for each tag, and for each object that holds keys."""
    paths = [path for path, what in kinds.items() if what is What.TAG]
    paths += [parent for path in kinds for parent in _parents(path)]
    return {path: L.FREE_BITS + i for i, path in enumerate(dict.fromkeys(paths))}


def _parents(path: str) -> Iterable[str]:
    parts = path.split(".")[:-1]
    return (".".join(parts[: n + 1]) for n in range(len(parts)))


def _objects(
    wire: Wire, kinds: Mapping[str, What], bits: Mapping[str, int], tags: list[list[int]]
) -> tuple[list[list[int]], list[list[int]]]:
    """Keys and nodes; the values of tags are appended to ``tags``."""
    order = ["", *(path for path in bits if kinds.get(path) is not What.TAG)]
    keys: list[list[int]] = []
    nodes: list[list[int]] = []
    for parent in order:
        children = dict.fromkeys(_children(kinds, parent))
        nodes.append([len(keys), len(children)])
        for path in children:
            name = path.rpartition(".")[2]
            shapes = _having(wire, path)
            if path in order:
                kind = L.ONE_OBJECT if name.endswith(ONE_OF_A_LIST) else L.OBJECT
                row = [kind, order.index(path), 0, bits[path], shapes]
            elif kinds[path] is What.TAG:
                values = _values(wire, path)
                row = [int(What.TAG), len(tags), len(values), bits[path], shapes]
                tags += values
            elif kinds[path] in {What.SKIP, What.REFUSE}:
                row = [int(kinds[path]), 0, 0, 0, -1]
            else:
                row = [int(kinds[path]), 0, 0, 0, shapes]
            keys.append([*_words(name.removesuffix(ONE_OF_A_LIST)), *row])
    return keys, nodes


def _children(kinds: Mapping[str, What], parent: str) -> Iterable[str]:
    for path in kinds:
        for known in (*_parents(path), path):
            if known.rpartition(".")[0] == parent:
                yield known


def _having(wire: Wire, path: str) -> int:
    """The shapes with this key, or with keys inside of it, as bits."""
    return sum(
        1 << i
        for i, shape in enumerate(wire.shapes)
        if any(own == path or path in _parents(own) for own in (*shape.tags, *shape.keys))
    )


def _values(wire: Wire, path: str) -> list[list[int]]:
    """The values of a tag, each with the shapes that it leaves possible."""
    allowed = dict.fromkeys(value for shape in wire.shapes for value in shape.tags.get(path, ()))
    return [
        [
            *_words(value),
            sum(1 << i for i, shape in enumerate(wire.shapes) if value in shape.tags.get(path, ())),
        ]
        for value in allowed
    ]


def _shape(shape: Shape, bits: Mapping[str, int]) -> list[int]:
    needed = {what for what in shape.keys.values() if what not in {*shape.may, What.SKIP}}
    needs = _set(needed - {What.FLAG}) | sum(1 << bits[path] for path in shape.tags)
    row = [needs, _set(shape.may), shape.kind, shape.chain, shape.order, shape.timed]
    row += [shape.counted, shape.horizon, shape.columns, shape.no_sum]
    return [*(int(value) for value in row), *[0] * (L.SHAPE_WIDTH - len(row))]


def _set(whats: Iterable[What]) -> int:
    return sum(1 << what for what in whats)


def _array(rows: list[list[int]]) -> Ints:
    return np.array([value for row in rows for value in row] or [0], np.int64)
