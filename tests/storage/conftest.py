"""Databases to test with: a file, and a server where one is installed."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scanner.events import Opportunity
from storage.writer import Limits, Writer
from tests.storage.few import count, two_months
from tests.storage.opportunities import some
from tests.storage.postgres import Server, programs

StartWriter = Callable[..., Writer]
BeginWith = Callable[[str, Callable[[str], object]], None]


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


@pytest.fixture(scope="session")
def prepared() -> dict[tuple[str, str], str]:
    """Databases that several tests begin with, by what they are and their kind."""
    return {}


@pytest.fixture
def begin_with(
    request: pytest.FixtureRequest,
    url: str,
    prepared: dict[tuple[str, str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> BeginWith:
    """``begin_with(name, fill)``: the test's database is what ``fill(url)`` makes of an empty one,
    which it does once for all tests."""

    def copied(name: str, fill: Callable[[str], object]) -> None:
        kind = url.partition(":")[0]
        sample = prepared.get((name, kind))
        server = None if kind == "sqlite" else request.getfixturevalue("server")
        if sample is None:
            sample = server.new() if server else f"{kind}:///{tmp_path_factory.mktemp(name)}/a.db"
            fill(sample)
            prepared[name, kind] = sample
        if server:
            server.copy(sample, url)
        else:
            shutil.copy(sample.partition(":///")[2], url.partition(":///")[2])

    return copied


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


@pytest.fixture
def stored(url: str, begin_with: BeginWith) -> list[Opportunity]:
    """Two months of them in segments; some of the newest are in none, and some are not counted."""
    opportunities = some(1_500)
    begin_with("two months", lambda url: two_months(url, opportunities))
    assert count(url) >= 4
    return opportunities
