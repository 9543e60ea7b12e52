"""How a writer is watched while its database is broken."""

from __future__ import annotations

import time

from storage.records import WriterState
from storage.writer import Writer
from tests.storage.events import (
    SECOND,
    START,
    count,
    feed_event,
    minute,
    opened,
    rows,
    until,
    updated,
)


def ready(writer: Writer) -> None:
    until(lambda: writer._link and writer.state().persisting and not writer.state().waiting, 10)


def trouble(writer: Writer) -> WriterState:
    """What it says once it says that it does not persist; that has to be within 2 s."""
    began = time.monotonic()
    until(lambda: not writer.state().persisting, 2.0)
    state = writer.state()
    assert state.error
    assert state.remedy
    assert time.monotonic() - began < 2.0
    return state


def goes_on(writer: Writer, first: int = 10) -> None:
    """The scanner's side of it: events are taken at once, whatever happens on the other side."""
    for number in range(first, first + 5):
        began = time.perf_counter()
        last = opened(number)
        writer(last)
        writer(updated(last, START + SECOND, 20.0))
        writer(minute(START + number))
        writer(feed_event())
        assert time.perf_counter() - began < 0.1


def all_written(url: str, opportunities: int) -> None:
    assert count(url, "opportunity") == opportunities
    assert len(rows(url, "SELECT DISTINCT opportunity_id FROM evidence")) == opportunities
    assert count(url, "feed_event") == count(url, "route_minute") == 5
