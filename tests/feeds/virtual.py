"""Coroutines on a clock of their own: who sleeps is woken at once, and the clock has moved."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from scanner.venues.parts import SECOND

T = TypeVar("T")
LONGEST = 10.0


class _Loop(asyncio.SelectorEventLoop):
    """Where nothing is to be done, time passes instead of being waited for."""

    def __init__(self) -> None:
        self._passed = 0.0
        selector = selectors.DefaultSelector()
        wait = selector.select

        def select(timeout: float | None = None) -> Any:
            if timeout is None:
                return wait(LONGEST) or _stuck()
            found = wait(0)
            if not found:
                self._passed += timeout
            return found

        selector.select = select  # type: ignore[method-assign]
        super().__init__(selector)

    def time(self) -> float:
        return self._passed


def _stuck() -> None:
    raise AssertionError("everybody waits, and nobody for a time")


def virtually(main: Coroutine[Any, Any, T]) -> T:
    """What ``main`` gives. It may sleep as long as it likes. What it waits for must come from
    within, or from a thread while nobody sleeps."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(main)


def now() -> int:
    """Nanoseconds since the loop began."""
    return round(asyncio.get_running_loop().time() * SECOND)
