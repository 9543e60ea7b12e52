"""A client of a simulated venue without sockets, on whatever clock it is given.

The same market can then be had again to the byte, as fast as it can be computed: for tests that
compare, and for benchmarks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from scanner.lab.seam import Close, Connection, LabVenue, Ping, Reply, Request
from scanner.steps import Connect, Fetch, Reconnect, Send, Step

IDLE = 250_000_000


class Speaker(Protocol):
    """Who speaks to the venue: a lane (``scanner.pipeline``), or something like it."""

    def start(self, at: int) -> Sequence[Step]: ...
    def opened(self, at: int) -> Sequence[Step]: ...
    def received(self, raw: bytes, at: int) -> Sequence[Step]: ...
    def fetched(self, tag: str, status: int, body: bytes, at: int) -> Sequence[Step]: ...
    def idle(self, at: int) -> Sequence[Step]: ...


class OfflineError(Exception):
    """The venue or its client ended the connection."""


class Offline:
    """One connection. Requests over HTTP are answered at the next ``step``."""

    def __init__(self, venue: LabVenue, speaker: Speaker) -> None:
        self._venue = venue
        self._speaker = speaker
        self._connection: Connection | None = None
        self._asked: list[Fetch] = []
        self._idle_at = 0

    def start(self, at: int) -> None:
        """Connect and subscribe. Raises ``OfflineError`` if the venue takes no connection."""
        self._do(self._speaker.start(at), at)
        while self._connection is None and self._asked:
            self._answer(at)
        if self._connection is None:
            raise OfflineError("the client does not connect")
        self._do(self._speaker.opened(at), at)
        self._push(self._connection.opened(at), at)

    def step(self, at: int) -> None:
        """What the venue says at this moment. Raises ``OfflineError`` when either side ends it."""
        if self._connection is None:
            raise OfflineError("not connected")
        self._answer(at)
        self._push(self._connection.due(at), at)
        if at - self._idle_at >= IDLE:
            self._idle_at = at
            self._do(self._speaker.idle(at), at)

    def _answer(self, at: int) -> None:
        asked, self._asked = self._asked, []
        for fetch in asked:
            url = urlsplit(fetch.url)
            request = Request(fetch.method, url.path, dict(parse_qsl(url.query)))
            reply = self._venue.rest(request, at)
            body = reply.body.encode()
            self._do(self._speaker.fetched(fetch.tag, reply.status, body, at), at)

    def _push(self, outs: Sequence[object], at: int) -> None:
        for out in outs:
            if isinstance(out, Close):
                raise OfflineError(f"closed by the venue: {out.reason}")
            if isinstance(out, str | bytes):
                raw = out.encode() if isinstance(out, str) else out
                self._do(self._speaker.received(raw, at), at)
            else:
                assert isinstance(out, Ping)

    def _do(self, steps: Sequence[Step], at: int) -> None:
        for step in steps:
            if isinstance(step, Connect):
                url = urlsplit(step.url)
                answer = self._venue.connect(url.path or "/", dict(parse_qsl(url.query)), at)
                if isinstance(answer, Reply):
                    raise OfflineError(f"refused with HTTP {answer.status}")
                self._connection = answer
            elif isinstance(step, Send) and self._connection is not None:
                self._push(self._connection.received(step.text, at), at)
            elif isinstance(step, Fetch):
                self._asked.append(step)
            elif isinstance(step, Reconnect):
                raise OfflineError(f"given up by the client: {step.reason}")


class Remembered:
    """Passes everything on to ``speaker``, and keeps it in ``calls``: the method and its
    arguments, the time last."""

    def __init__(self, speaker: Speaker) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self._speaker = speaker

    def start(self, at: int) -> Sequence[Step]:
        return self._call("start", at)

    def opened(self, at: int) -> Sequence[Step]:
        return self._call("opened", at)

    def received(self, raw: bytes, at: int) -> Sequence[Step]:
        return self._call("received", raw, at)

    def fetched(self, tag: str, status: int, body: bytes, at: int) -> Sequence[Step]:
        return self._call("fetched", tag, status, body, at)

    def idle(self, at: int) -> Sequence[Step]:
        return self._call("idle", at)

    def _call(self, method: str, *arguments: Any) -> Sequence[Step]:
        self.calls.append((method, arguments))
        steps: Sequence[Step] = getattr(self._speaker, method)(*arguments)
        return steps
