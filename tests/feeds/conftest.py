"""The event loops of the tests: where a socket is put to the test, the one the program takes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop

from scanner.feeds.frames import Run


def pytest_asyncio_loop_factories(
    item: pytest.Item,
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if "way" in getattr(item, "fixturenames", ()):
        return {"uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}


@pytest.fixture(scope="session", autouse=True)
def _compiled() -> None:
    """What is compiled on first use is, before anything is timed."""
    Run(2).find(0, 2, 0)
