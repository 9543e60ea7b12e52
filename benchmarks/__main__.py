"""``python -m benchmarks``: all benchmarks, or those that are named.

Every figure is a median of rounds in which the subjects take turns, so ratios are of one run. Peers
are measured where they are installed (``--install-peers``), each in an environment of its own.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

from benchmarks import peers
from benchmarks.rows import Asked, Row, show, write

BENCHES = {
    "cpu": "CPU per message from raw bytes to scan: ours, peers, C",
    "scan": "what a scan costs by venues",
    "books": "what a change of a book costs by depth",
    "growth": "how cost grows with symbols, venues and depth, with a plot",
    "memory": "memory of a book, and of 20 venues x 500 symbols",
    "watch": "CPU and memory of watch over the lab",
    "loopback": "end to end over sockets: throughput and latency, plain and TLS",
    "transport": "what it costs to take a message off a WebSocket",
}


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("bench", nargs="*", help="which; all where none is named")
    parser.add_argument("--list", action="store_true", help="say which there are")
    parser.add_argument("--quick", action="store_true", help="all in under 3 minutes")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the rows, one a line")
    parser.add_argument("--venue", nargs="*", default=[], help="of the benchmarks by venue")
    parser.add_argument("--install-peers", action="store_true", help="make their environments")
    options = parser.parse_args()
    if options.install_peers:
        peers.install()
        return
    if options.list:
        for name, what in BENCHES.items():
            print(f"{name:12}{what}")
        return
    unknown = [name for name in options.bench if name not in BENCHES]
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)} (--list)")
    made: list[Row] = []
    for name in options.bench or BENCHES:
        began = time.monotonic()
        shown: list[Row] = []
        for row in bench(name)(Asked(quick=options.quick, venues=tuple(options.venue))):
            if shown and row.case != shown[-1].case:
                show(shown)
                shown = []
            shown.append(row)
            made.append(row)
            if options.json:
                write(options.json, made)
        show(shown)
        print(f"\n{name}: {time.monotonic() - began:.0f} s", flush=True)


def bench(name: str) -> Callable[[Asked], Iterator[Row]]:
    """What measures one of ``BENCHES``."""
    run: Callable[[Asked], Iterator[Row]] = import_module(f"benchmarks.{name}").run
    return run


if __name__ == "__main__":
    main()
