"""Databases to test with: a file, and a server where one is installed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from storage.writer import Limits, Writer
from tests.storage.postgres import Server, programs

StartWriter = Callable[..., Writer]


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server."""
    folder = programs()
    if folder is None:
        pytest.skip("no PostgreSQL server is installed")
    running = Server(folder)
    yield running
    running.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'crossbook.db'}"
    found: Server = request.getfixturevalue("server")
    return found.new()


@pytest.fixture
def start() -> Iterator[StartWriter]:
    """Starts writers that are closed when the test ends."""
    writers: list[Writer] = []

    def started(url: str, **settings: Any) -> Writer:
        defaults: dict[str, Any] = {
            "version": "1.2.3",
            "config_text": "venues: {}\n",
            "now": time.time_ns,
            "limits": Limits(batch_seconds=0.02),
        }
        writer = Writer(url, **(defaults | settings))
        writers.append(writer)
        writer.start()
        return writer

    yield started
    for writer in writers:
        writer.close(0.3)
