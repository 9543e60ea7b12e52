"""Broken servers: what is said, how soon, and what has become of the rows afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.storage.conftest import StartWriter
from tests.storage.events import until
from tests.storage.postgres import Server
from tests.storage.watching import all_written, goes_on, ready, trouble


@pytest.fixture
def lively(server: Server) -> Iterator[Server]:
    """A server that a test may stop."""
    yield server
    server.pause(False)


def test_a_server_that_goes_and_comes_back(lively: Server, start: StartWriter) -> None:
    url = lively.new()
    writer = start(url)
    ready(writer)
    lively.stop()
    try:
        state = trouble(writer)  # also when there is nothing to write
        goes_on(writer)
        where = url.replace("pass%20word", "***").replace("postgresql:", "postgresql+psycopg:")
        assert state.error.startswith(f"{where}: ")
        assert "server" in state.error or "connection" in state.error
        assert "pass" not in state.error
        until(lambda: "the server cannot be reached" in writer.state().error, 10)
    finally:
        lively.start()
    until(lambda: writer.state().persisting, 10)
    ready(writer)
    all_written(url, 5)


def test_a_server_that_hangs(lively: Server, start: StartWriter) -> None:
    url = lively.new()
    writer = start(url)
    ready(writer)
    lively.pause()
    goes_on(writer)
    state = trouble(writer)
    assert "no answer for" in state.error
    assert state.remedy
    lively.pause(False)
    ready(writer)
    all_written(url, 5)


def test_a_wrong_password(server: Server, start: StartWriter) -> None:
    writer = start(server.url("postgres", password="open%20sesame"))
    state = trouble(writer)
    assert "password authentication failed" in state.error
    assert "sesame" not in state.error


def test_no_such_database(server: Server, start: StartWriter) -> None:
    state = trouble(start(server.url("nowhere")))
    assert 'database "nowhere" does not exist' in state.error


def test_a_server_that_may_not_be_written(server: Server, start: StartWriter) -> None:
    url = server.new()
    writer = start(url)
    ready(writer)
    name = url.rpartition("/")[2]
    server.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    server.execute(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    )
    goes_on(writer)
    until(lambda: "it is read-only" in writer.state().error)
    server.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = off")
    ready(writer)
    all_written(url, 5)
