"""What ``crossbook venues`` prints: the native venues, and how a configuration uses them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from scanner.commands.fee_table import fees
from scanner.commands.fee_table import lines as fee_lines
from scanner.config import Config, VenueConfig
from scanner.logs import clean
from scanner.types import Depth
from scanner.venues.protocol import Venue
from scanner.venues.registry import CONTRACTS, VENUES, native


def table(config: Config | None) -> Iterator[str]:
    """Lines for people: each native venue, then those that the configuration has from ccxt."""
    for row in rows(config):
        yield f"{row['name']} ({row['id']})"
        for depth, channel in row["channels"].items():
            yield f"  {depth:5} {channel}; proof: {row['proof'][depth]}"
        if limits := row["limits"]:
            yield (
                f"  limits: {limits['markets']} markets a connection, {limits['sends']:g} messages"
                f" a second, {limits['connects']} connections a minute"
            )
        yield from (f"  note: {note}" for note in row["notes"])
        if config is not None:
            yield f"  configured: {_told(row['configured'])}"
            if row["configured"] and row["configured"]["enabled"]:
                yield from fee_lines(row["fees"])
        yield ""


def json_lines(config: Config | None) -> Iterator[str]:
    """The same as a JSON object for each venue."""
    for row in rows(config):
        yield msgspec.json.encode(row).decode()


def rows(config: Config | None) -> Iterator[dict[str, Any]]:
    """A mapping for each venue; ``configured`` is null where the configuration lacks it, ``fees``
    what its markets cost (``scanner.commands.fee_table``)."""
    configured = dict(config.venues) if config else {}
    costs = fees(config) if config else {}
    for name in VENUES:
        venue = native(name)
        if venue is not None:
            yield _native(venue) | {
                "configured": _use(configured.get(name)),
                "fees": costs.get(name, []),
            }
    for name in CONTRACTS:
        venue = native(name, contracts=True)
        if venue is not None:
            yield _native(venue) | {
                "configured": _use(configured.get(name)),
                "fees": costs.get(name, []),
            }
    for name in (*VENUES, *CONTRACTS):
        configured.pop(name, None)
    for name, use in configured.items():
        yield {
            "id": name,
            "name": name,
            "native": False,
            "contracts": False,
            "channels": {},
            "proof": {},
            "limits": {},
            "rest": "",
            "ws": "",
            "notes": ["streamed by ccxt's own client"],
            "configured": _use(use),
            "fees": costs.get(name, []),
        }


def _native(venue: Venue) -> dict[str, Any]:
    return {
        "id": venue.id,
        "name": venue.name,
        "native": True,
        "contracts": venue.contracts,
        "channels": {depth.value: venue.channels[depth] for depth in Depth},
        "proof": {depth.value: venue.proof[depth].value for depth in Depth},
        "limits": msgspec.to_builtins(venue.limits),
        "rest": venue.rest,
        "ws": venue.ws,
        "notes": list(venue.notes),
    }


def _use(venue: VenueConfig | None) -> dict[str, Any] | None:
    if venue is None:
        return None
    told = venue.model_dump(mode="json")
    endpoints = told["endpoints"].items()
    return told | {"endpoints": {kind: clean(url) if url else None for kind, url in endpoints}}


def _told(use: dict[str, Any] | None) -> str:
    if use is None:
        return "no"
    if not use["enabled"]:
        return "no (enabled: false)"
    parts = [f"feed {use['feed']}", f"depth {use['depth']}"]
    if use["markets"]:
        parts.append(f"markets {' '.join(use['markets'])}")
    parts += [f"{kind} {url}" for kind, url in use["endpoints"].items() if url]
    for kind in ("taker", "maker"):
        if use[f"{kind}_fee"] is not None:
            parts.append(f"{kind} fee {use[f'{kind}_fee']:.4%}")
    return ", ".join(parts)
