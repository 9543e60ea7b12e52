"""The event loop that a process runs on."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeAlias

from scanner import ending

Run: TypeAlias = Callable[[Coroutine[Any, Any, int]], int]


def fastest() -> Run:
    """What runs a coroutine to its end on the fastest event loop there is."""
    run: Run = import_module("uvloop" if find_spec("uvloop") else "asyncio").run
    return run


def run(main: Coroutine[Any, Any, int]) -> int:
    """Run a command's coroutine, which begins with a ``stop_event``, to its end."""
    try:
        with ending.held():
            return int(fastest()(main))
    finally:
        main.close()
