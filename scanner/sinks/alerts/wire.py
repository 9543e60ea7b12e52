"""What the scanner and the process that sends for it tell each other: one JSON object a line."""

from __future__ import annotations

from msgspec import Struct

from scanner.sinks.alerts.channel import Outcome


class Order(Struct, frozen=True, kw_only=True):
    """Send ``body`` under ``title`` to the Apprise URL ``url``, or (no body) only look at the URL.

    ``timeout``: how long the receiver may keep silent, seconds.
    """

    id: str
    channel: str
    url: str
    title: str = ""
    body: str = ""
    timeout: float


class Answer(Struct, frozen=True, kw_only=True):
    """What came of an order; ``error`` may hold secrets. ``outcome`` is None for one that only
    looked and found nothing wrong."""

    id: str
    channel: str
    outcome: Outcome | None = None
    error: str = ""


class Ready(Struct, frozen=True):
    """The process can send, unless there is an ``error``."""

    error: str = ""
