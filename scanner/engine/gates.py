"""What can stop a spread that looks good: one gate each, and what is missing there."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from scanner.books import layout as L


class Gate(StrEnum):
    """The gates in the order in which a route comes to them."""

    TRUST = "trust"
    STALENESS = "staleness"
    SKEW = "skew"
    UNVERIFIED = "unverified"
    IDENTITY = "identity"
    QUARANTINE = "quarantine"
    FUNDING = "funding"
    CONVERSION = "conversion"
    FEES = "fees"
    THRESHOLD = "threshold"
    PROFIT = "profit"
    TRANSFER = "transfer"
    CAPITAL = "capital"
    LOT = "lot"
    SIZE = "size"


class Rejection(Struct, frozen=True):
    """A trade that cannot be made as it is: the gate, and what is missing there as in
    ``scanner.events.RejectMinute``."""

    gate: Gate
    shortfall_bps: float = 0.0


# The gate of each code of a route.
GATES: dict[int, Gate] = {
    L.NOT_LIVE: Gate.TRUST,
    L.TOO_OLD: Gate.STALENESS,
    L.TOO_SKEWED: Gate.SKEW,
    L.NOT_PROVEN: Gate.UNVERIFIED,
    L.OTHER_ASSET: Gate.IDENTITY,
    L.IN_QUARANTINE: Gate.QUARANTINE,
    L.NO_CONVERSION: Gate.CONVERSION,
    L.NO_EDGE: Gate.FEES,
    L.LESS_THAN_BPS: Gate.THRESHOLD,
    L.LESS_THAN_PROFIT: Gate.PROFIT,
    L.NO_TRANSFER: Gate.TRANSFER,
    L.NO_CAPITAL: Gate.CAPITAL,
    L.UNDER_LOT: Gate.LOT,
    L.UNDER_MINIMUM: Gate.SIZE,
}
CODES = {gate: code for code, gate in GATES.items()}
