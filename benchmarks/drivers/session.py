"""A session as ``benchmarks.peers`` writes it, and the loop of a program that measures a peer."""

from __future__ import annotations

import json
import sys
import time

TOP = 10


class Session:
    """``markets``: (id, symbol); ``seeds``: (id, answer); ``frames`` are told before ``timed``."""

    def __init__(self, path: str) -> None:
        self.markets: list[tuple[str, str]] = []
        self.seeds: list[tuple[str, str]] = []
        self.frames: list[str] = []
        self.timed: list[str] = []
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                kind, name, text = line.rstrip("\n").split("\t", 2)
                if kind == "market":
                    self.markets.append((name, text))
                elif kind == "seed":
                    self.seeds.append((name, text))
                else:
                    (self.frames if kind == "frame" else self.timed).append(text)


def serve(prepare, books) -> None:
    """For each line on standard input: ``prepare()`` makes fresh books, tells them what comes
    before and returns what goes through the timed part; ``books()`` is what came of it."""
    for _ in sys.stdin:
        go, count = prepare()
        since = time.process_time()
        go()
        spent = time.process_time() - since
        print(json.dumps({"us": spent / count * 1e6, "books": books()}), flush=True)
