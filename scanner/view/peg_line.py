"""How the pegs stand, in one line of the screen."""

from __future__ import annotations

import statistics

from scanner.events import Peg
from scanner.view.frame import ServiceLine

SECOND = 1_000_000_000
# What has not been told again for so long is unknown.
UNHEARD = 15 * SECOND
HOLDS = 50.0


class PegLine:
    """A sink for ``Peg``; ``line`` says how far each pair is, in the middle of all who say."""

    def __init__(self) -> None:
        self._heard: dict[tuple[str, str, str], Peg] = {}

    def __call__(self, peg: Peg) -> None:
        """Take note of it."""
        self._heard[peg.venue, peg.symbol, peg.via] = peg

    def line(self, at: int) -> ServiceLine | None:
        """The line, the furthest from par first; None where nothing was ever told."""
        if not self._heard:
            return None
        known: dict[str, list[float]] = {}
        for peg in self._heard.values():
            said = known.setdefault(peg.symbol, [])
            if not peg.reason and at - peg.at <= UNHEARD:
                said.append(peg.bps)
        found = {symbol: statistics.median(said) for symbol, said in known.items() if said}
        order = sorted(found, key=lambda symbol: (-abs(found[symbol]), symbol))
        texts = [f"{symbol} {found[symbol]:+.1f}" for symbol in order]
        texts += [f"{symbol} ?" for symbol in sorted(known.keys() - found.keys())]
        good = all(abs(bps) < HOLDS for bps in found.values())
        return ServiceLine("pegs", good, f"{', '.join(texts)} bps from par")
