"""What a simulated perpetual had settled before the simulation began, and what of it is asked for.

The past is that of the seed, whenever the simulation begins: boundaries are whole intervals after
the epoch, and each rate is drawn by its boundary alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from scanner.lab.premium import BPS, HOUR, Settlement, rate_of

DAYS = 30
WIDTH = 2.0 * BPS


class Past:
    """The settlements of one perpetual before ``at`` (ns), ``interval`` ns apart; premiums were
    around ``premium``. ``name`` is of the seed and the contract."""

    def __init__(self, name: str, premium: float, interval: int, at: int) -> None:
        self._name = name
        self._premium = premium
        self._interval = interval
        self._at = at
        self._settled: list[Settlement] = []

    def settled(self, mark: float) -> list[Settlement]:
        """All of them, the oldest first; the market stood still at ``mark`` before it began."""
        if not self._settled:
            last = (self._at - 1) // self._interval
            first = (self._at - DAYS * 24 * HOUR) // self._interval
            self._settled = [self._one(number, mark) for number in range(first, last + 1)]
        return self._settled

    def _one(self, number: int, mark: float) -> Settlement:
        at = number * self._interval
        premium = Random(f"{self._name}:{at}").gauss(self._premium, WIDTH)
        return Settlement(at, rate_of(premium, self._interval), mark)


def page(
    settled: Sequence[Settlement], limit: int, *, since: int = 0, until: int = 0, newest: bool
) -> list[Settlement]:
    """At most ``limit`` of those from ``since`` to ``until`` (ns, both included; 0: open), in the
    order of time or, from the other end, the ``newest`` first."""
    found = [one for one in settled if one.at >= since and (not until or one.at <= until)]
    return found[::-1][:limit] if newest else found[:limit]


def number(text: str | None, default: int) -> int:
    """What a client asks for, as far as it is a number."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 20 else default
