"""What is compiled before the first message is all that a scan needs: what compiles later makes the
process stand still for seconds, and it gives up every connection."""

from __future__ import annotations

import subprocess
import sys

AFTER_WARMING = """
from numba.core.dispatcher import Dispatcher
from scanner.books import kernels, parse
from scanner.books.store import BookStore, Keys
from scanner.engine import graph, rank, scan
from scanner.fast import entry
from scanner.steps import Snapshot
from scanner.types import LevelLayout
from scanner.warm import warm

def known():
    modules = (graph, kernels, parse, rank, scan, entry)
    return {f"{m.__name__}.{n}": len(v.signatures) for m in modules for n, v in vars(m).items()
            if isinstance(v, Dispatcher)}

warm()
before = known()
assert graph.loops.signatures and graph.wide.signatures
store = BookStore(1)
book = store.add()
layout = LevelLayout(price_key="p", size_key="q", side_key="s", bid_value="bid",
                     ask_value="offer")
mixed = b'[{"s":"bid","p":"2","q":"1"},{"s":"offer","p":"3","q":"1"}]'
store.snapshot(book, Snapshot(market="", mixed=mixed, sequence=1), Keys.of(layout), 1)
assert store.ladder(book, 0, 1) == [(2.0, 1.0)], "the levels went somewhere else"
print({name: count for name, count in known().items() if count != before[name]})
"""


def test_nothing_is_compiled_for_a_list_of_both_sides() -> None:
    found = subprocess.run(
        [sys.executable, "-c", AFTER_WARMING], capture_output=True, text=True, check=True
    )
    assert found.stdout == "{}\n"
