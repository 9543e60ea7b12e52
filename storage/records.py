"""What the writer says of itself."""

from __future__ import annotations

from msgspec import Struct


class WriterState(Struct, frozen=True, kw_only=True):
    """How the writer is doing, at this moment.

    ``persisting``: what arrives reaches the database within moments. If not, ``error`` says why and
    ``remedy`` what to do. ``waiting``: rows in memory; ``lag_ms``: age of the oldest of them;
    ``written``: rows written by this run. ``dropped``: rows given up because the memory for waiting
    ones was full (or the database refused them for good), ``losses`` the same by table.
    """

    persisting: bool
    error: str
    remedy: str
    waiting: int
    written: int
    dropped: int
    losses: dict[str, int]
    lag_ms: float
