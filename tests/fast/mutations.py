"""What can be wrong with a message: bytes, keys, values and numbers, at random."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

NUMBERS = (
    *("0", "-1", "00", "01.5", "1.", ".5", "1e5", "1E-7", "NaN", "Infinity", "1_0", "0x10", ""),
    *("9007199254740992", "9007199254740993", "1" * 18, "1" * 19, "0." + "0" * 17 + "1"),
    *("9" * 10_000, "1" + "0" * 400, "123456789.123456789", "0.00000000000000000001", " 1", "1 "),
)
VALUES = (None, True, False, -1, 0, 1, 1.5, "", "x", [], {}, [[]], [1, 2], {"a": {"b": 1}}, 2**63)
PIECES = (b'"', b"\\", b" ", b"\n", b"{", b"}", b"[", b"]", b",", b"\xe2\x82", b"0")
NEW_KEYS = ("id", "e", "x", "type", "event", "extra")


def mutated(raw: bytes, random: Random) -> bytes:
    """``raw`` with one thing, or a few, not as it was."""
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        raw = random.choice(CHANGES)(raw, random)
    return raw


def _byte(raw: bytes, random: Random) -> bytes:
    if not raw:
        return raw
    i = random.randrange(len(raw))
    new = random.choice((random.randrange(256), *b'"\\{}[],:09.- \x00\x1f\x7f\x80\xff'))
    return raw[:i] + bytes([new]) + raw[i + 1 :]


def _insert(raw: bytes, random: Random) -> bytes:
    i = random.randrange(len(raw) + 1)
    piece = random.choice(
        (b'"', b"\\", b" ", b"\n", b"{", b"}", b"[", b"]", b",", b"\xe2\x82", b"0")
    )
    return raw[:i] + piece + raw[i:]


def _cut(raw: bytes, random: Random) -> bytes:
    return raw[: random.randrange(len(raw) + 1)]


def _remove(raw: bytes, random: Random) -> bytes:
    i = random.randrange(len(raw) + 1)
    return raw[:i] + raw[i + random.choice((1, 1, 2, 8)) :]


def _digits(raw: bytes, random: Random) -> bytes:
    """A run of digits becomes another number, or what looks like one."""
    places = [
        i for i in range(1, len(raw)) if raw[i - 1 : i] in {b'"', b":"} and raw[i : i + 1].isdigit()
    ]
    if not places:
        return raw
    start = end = random.choice(places)
    while end < len(raw) and raw[end : end + 1] in b"0123456789.":
        end += 1
    return raw[:start] + random.choice(NUMBERS).encode() + raw[end:]


def _tree(raw: bytes, random: Random) -> bytes:
    """A key or value somewhere goes, comes twice, is renamed or is something else."""
    try:
        message = json.loads(raw)
    except (ValueError, RecursionError):
        return raw
    places = list(_places(message))
    if not places:
        return raw
    holder, key = random.choice(places)
    what = random.randrange(5)
    if what == 0:
        del holder[key]
    elif what == 1:
        holder[key] = random.choice(VALUES)
    elif what == 2 and isinstance(holder, dict):
        items = list(holder.items())
        random.shuffle(items)
        holder.clear()
        holder.update(items)
    elif what == 3 and isinstance(holder, dict):
        holder[random.choice(("id", "e", "x", "type", "event", "extra", str(key).upper()))] = (
            holder[key]
        )
    elif isinstance(holder, list):
        holder.insert(key, holder[random.randrange(len(holder))])
    else:
        holder[key] = str(holder[key])
    spaces = random.choice(((",", ":"), (", ", ": "), (" ,\n", "\t: ")))
    try:
        return json.dumps(message, separators=spaces).encode()
    except ValueError:
        return raw


def _twice(raw: bytes, random: Random) -> bytes:
    """A key once more, with another value, before or after the first."""
    text = raw.decode("latin-1")
    keys = [i for i in range(len(text)) if text[i] == '"' and text[i - 1 : i] in {"{", ","}]
    if not keys:
        return raw
    start = random.choice(keys)
    end = text.find(":", start)
    if end < 0:
        return raw
    again = f"{text[start:end]}:{random.choice(('1', 'null', '[]', chr(34) + '5' + chr(34)))},"
    return (text[:start] + again + text[start:]).encode("latin-1")


def _places(value: Any) -> Any:
    if isinstance(value, dict):
        for key in list(value):
            yield value, key
            yield from _places(value[key])
    elif isinstance(value, list):
        for i in range(min(len(value), 6)):
            yield value, i
            yield from _places(value[i])


CHANGES: tuple[Callable[[bytes, Random], bytes], ...] = (
    *(_byte, _byte, _insert, _cut, _remove, _digits, _digits, _tree, _tree, _tree, _twice),
)
