"""Reads on while what was read is worked on."""

from __future__ import annotations

from collections.abc import Iterator
from queue import Full, Queue
from threading import Event, Thread
from typing import TypeVar

T = TypeVar("T")
DEPTH = 3
PATIENCE = 0.05


def ahead(items: Iterator[T]) -> Iterator[T]:
    """The items, fetched by a thread of its own while the caller is busy with earlier ones.

    What they come from (a connection, say) must be left alone until this ends.
    """
    waiting: Queue[tuple[bool, T | BaseException | None]] = Queue(DEPTH)
    enough = Event()

    def put(more: bool, item: T | BaseException | None) -> None:
        while not enough.is_set():
            try:
                waiting.put((more, item), timeout=PATIENCE)
                return
            except Full:
                continue

    def fetch() -> None:
        try:
            for item in items:
                put(True, item)
                if enough.is_set():
                    return
        except BaseException as error:
            put(False, error)
        else:
            put(False, None)

    thread = Thread(target=fetch, name="ahead", daemon=True)
    thread.start()
    try:
        while True:
            more, item = waiting.get()
            if more:
                yield item  # type: ignore[misc]
            elif isinstance(item, BaseException):
                raise item
            else:
                return
    finally:
        enough.set()
        thread.join()
