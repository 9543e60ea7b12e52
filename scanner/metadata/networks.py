"""What is known of the networks that coins are moved on: their names, and how long they take."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import msgspec
from msgspec import Struct

from scanner.configuration.located import parse


class Pace(Struct, frozen=True):
    """How fast a network is: ``block_s`` seconds between two blocks, ``minutes`` until a deposit is
    credited where its venue does not say how many it waits for (0: not known)."""

    block_s: float = 0.0
    minutes: float = 0.0


@cache
def shipped() -> Mapping[str, Pace]:
    """By ccxt's unified codes, what is known of them."""
    return {name: Pace(row.block_s, row.minutes) for name, row in _document().items()}


@cache
def _usual() -> Mapping[str, str]:
    return {other: name for name, row in _document().items() for other in row.also}


def usual_name(code: str) -> str:
    """One name for a network that has several."""
    name = code.strip().upper()
    return _usual().get(name, name)


class _Row(Pace, frozen=True):
    also: tuple[str, ...] = ()


@cache
def _document() -> dict[str, _Row]:
    text = files("scanner").joinpath("metadata/networks.yaml").read_text(encoding="utf-8")
    return msgspec.convert(parse(text, "networks.yaml").value, dict[str, _Row])
