"""Messages that are not as they should be, through both lanes: the same after each of them.

    python -m tests.fast.fuzz --seconds 600 [--seed 1] [--bounds] [--venue kraken ...]

With ``--bounds`` the compiled code checks every index (it is compiled anew for that, once), and one
that is out of bounds ends the run.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from random import Random

from scanner.engine.tracker import Thresholds
from scanner.lab.venues import VENUES
from scanner.types import Depth
from scanner.venues.registry import native
from tests.fast.labs import BEGIN, listed, session
from tests.fast.mutations import mutated
from tests.fast.twins import Twin, Twins

LENIENT = Thresholds(min_net_bps=-30.0, min_profit=-1e9)
MILLISECONDS, MARKETS = 1500, 3
SYNCED = 0.6


class Fuzz:
    """One venue's session, broken in many places. ``cases`` and ``taken``: how many messages were
    changed, and how many of those the fast lane took all the same."""

    def __init__(self, name: str, depth: Depth, seed: int) -> None:
        self.cases = self.taken = 0
        self._name = name
        self._depth = depth
        self._random = Random(f"{seed}:{name}:{depth}")
        self._calls = session(name, depth, MILLISECONDS, MARKETS)
        self._begin()

    def run(self, cases: int) -> None:
        """So many changed messages more, each among some that are not. Raises ``AssertionError``
        where the lanes differ."""
        until = self.cases + cases
        while self.cases < until:
            if self._next >= len(self._calls):
                self._begin()
            method, arguments = self._calls[self._next]
            self._next += 1
            if method == "received" and self._random.random() < 0.5:
                self._change(arguments[0])
            else:
                self._tell(method, arguments[:-1])

    def _change(self, raw: bytes) -> None:
        self.cases += 1
        before = self._fast()
        actions = self._twins.received(mutated(raw, self._random), self._at)
        self.taken += self._fast() - before
        if actions or self._random.random() < 0.05:
            self._begin()

    def _fast(self) -> int:
        return sum(count.fast for count in self._twins.lanes[1].counts.values())

    def _begin(self) -> None:
        """New books, told the session up to somewhere."""
        venue = native(self._name)
        assert venue is not None
        pair = (Twin(False, LENIENT), Twin(True, LENIENT))
        self._twins = Twins(*pair, venue, listed(self._name, MARKETS), self._depth)
        self._at = BEGIN
        share = self._random.uniform(SYNCED, 0.95)
        self._next = int(share * len(self._calls))
        for lane in self._twins.lanes:
            for method, arguments in self._calls[: self._next]:
                getattr(lane, method)(*arguments)
        self._at = self._calls[self._next - 1][1][-1]
        self._twins.check()

    def _tell(self, method: str, arguments: Sequence[object]) -> None:
        self._at += 1_000_000
        getattr(self._twins, method)(*arguments, self._at)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--bounds", action="store_true")
    parser.add_argument("--venue", nargs="*", default=list(VENUES))
    options = parser.parse_args()
    if options.bounds and os.environ.get("NUMBA_BOUNDSCHECK") != "1":
        again = [
            sys.executable,
            "-m",
            "tests.fast.fuzz",
            *sys.argv[1:],
            "--seed",
            str(options.seed),
        ]
        # Without the folder of what was compiled without checks, which is in the environment now.
        kept = {key: value for key, value in os.environ.items() if key != "NUMBA_CACHE_DIR"}
        os.execve(sys.executable, again, kept | {"NUMBA_BOUNDSCHECK": "1"})
    print(f"seed {options.seed}", flush=True)
    fuzzes = {
        (name, depth): Fuzz(name, depth, options.seed) for name in options.venue for depth in Depth
    }
    until = time.monotonic() + options.seconds
    while time.monotonic() < until:
        for fuzz in fuzzes.values():
            fuzz.run(20)
    for (name, depth), fuzz in fuzzes.items():
        print(f"{name} {depth}: {fuzz.cases} changed messages, {fuzz.taken} taken by the fast lane")


if __name__ == "__main__":
    main()
