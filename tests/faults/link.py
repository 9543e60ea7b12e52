"""One venue of the lab joined to the scanner over a wire that takes time, and that faults touch."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from random import Random
from urllib.parse import parse_qsl, urlsplit

from scanner.feeds.backoff import Backoff
from scanner.feeds.driver import Deed, Driver
from scanner.feeds.health import Meter
from scanner.feeds.notices import Notices
from scanner.feeds.shell import Shell
from scanner.lab.seam import Close, Connection, HearsPongs, LabVenue, Ping, Reply, Request
from scanner.lab.venues import lab_venue
from scanner.lab.world import World
from scanner.pipeline import Pipeline
from scanner.steps import Connect, Fetch
from scanner.types import Depth, Market
from scanner.venues.protocol import Options, Venue
from tests.faults.faults import MILLISECOND, SECOND, Fault, Piece

LATENCY = (2, 30)
AGAIN = SECOND // 2
RECOVERY = 4 * SECOND
LOG = logging.getLogger("faults")
LOG.setLevel(logging.ERROR)


class Link:
    """``told``: by symbol, up to which moment what arrived unharmed has told of its book.
    ``sick``: spans of true time in which nobody can expect its books. ``skew``: how far the
    scanner's clock is ahead of the true one."""

    def __init__(
        self,
        world: World,
        venue: Venue,
        markets: Sequence[Market],
        pipeline: Pipeline,
        depth: Depth,
        fault: Fault | None,
        random: Random,
        skew: int,
    ) -> None:
        self.venue = venue
        self.markets = markets
        self.fault = fault
        self.random = random
        self.connected = False
        self.told: dict[str, int] = {}
        self.sick: list[tuple[int, int]] = []
        self.messages = 0
        self.skew = skew
        of = world.venues[venue.id]
        of.base_url, of.ws_url = venue.rest, venue.ws
        self._lab: LabVenue = lab_venue(venue.id)(of)
        self._pipeline = pipeline
        depth = Depth.TOP if depth in venue.partly else depth
        self._options = Options(depth=depth, rest=venue.rest, ws=venue.ws)
        self._names = [(market.symbol, _names(market.id)) for market in markets]
        self._driver: Driver | None = None
        self._deeds: deque[Deed] = deque()
        self._now = 0
        self._shell = Shell(now=lambda: self._now + skew, rng=random)
        self._connection: Connection | None = None
        self._frames: deque[tuple[int, bytes, int]] = deque()
        self._answers: list[tuple[int, str, int, bytes]] = []
        self._last_due = 0
        self._reopen_at = 0
        self.opened_at = 0
        self.cut_soon = False
        self.held = False

    def produce(self, now: int, stalled: bool) -> None:
        """What the venue says at this moment goes on its way; we may be ``stalled`` ourselves."""
        self._now = now
        if self._driver is None and now >= self._reopen_at and not stalled:
            self._start(now)
        if self._connection is not None:
            self._push(self._connection.due(now), now)
        if self.cut_soon:
            self.cut_soon = False
            self.cut("the fault, again", now)

    def deliver(self, now: int, most: int) -> None:
        """What has arrived by now reaches the scanner, ``most`` messages at most."""
        if self.held:
            return
        for answer in [answer for answer in self._answers if answer[0] <= now]:
            if self._driver is not None and answer in self._answers:
                self._answers.remove(answer)
                self._driver.fetched(*answer[1:])
                self._act(now)
        while most and self._frames and self._frames[0][0] <= now and self._driver is not None:
            most -= 1
            _, raw, sent = self._frames.popleft()
            self.messages += 1
            self._driver.received(raw)
            self._act(now)
            if sent and self.connected:
                self._note(raw, sent)

    def beat(self, now: int) -> None:
        """The heart of the connection beats."""
        if self._driver is not None:
            self._driver.beat()
            self._act(now)

    def cut(self, reason: str, now: int, pause: int = AGAIN) -> None:
        """The connection is gone."""
        if self._driver is not None:
            self._driver.end(reason)
            self._ended(now, pause)

    def ill(self, since: int, until: int) -> None:
        """Nothing can be expected from ``since`` until a while after ``until``."""
        self.sick.append((since, until + RECOVERY))

    def healthy(self, since: int, until: int) -> bool:
        """Whether nothing was wrong in that span."""
        return all(end < since or start > until for start, end in self.sick)

    def _ended(self, now: int, pause: int) -> None:
        self.connected = False
        self._driver = self._connection = None
        for waiting in (self._frames, self._answers, self.told, self._deeds):
            waiting.clear()  # type: ignore[attr-defined]
        self._reopen_at = now + pause
        if self.fault is not None:
            self.fault.ended()

    def _start(self, now: int) -> None:
        self._last_due = now
        self._driver = Driver(
            self._pipeline.lane(self.venue, self.markets, self._options),
            self._shell,
            meter=Meter(self.venue.id, 1, len(self.markets)),
            notices=Notices(LOG, self._shell.now),
            backoff=Backoff(first=1.0, cap=1.0, steady=1.0, rng=self.random),
            carry_out=self._deeds.append,
        )
        self._driver.start()
        self._act(now)

    def _open(self, url: str, now: int) -> None:
        parts = urlsplit(url)
        answer = self._lab.connect(parts.path or "/", dict(parse_qsl(parts.query)), now)
        if isinstance(answer, Reply):
            self.cut(f"refused with HTTP {answer.status}", now)
            return
        assert self._driver is not None
        self._connection, self.connected, self.opened_at = answer, True, now
        self._driver.opened()
        self._push(answer.opened(now), now)

    def _act(self, now: int) -> None:
        """Do what the scanner asks for, and see whether it has given up."""
        while self._deeds:
            deed = self._deeds.popleft()
            if isinstance(deed, Connect):
                self._open(deed.url, now)
            elif isinstance(deed, Fetch):
                self._fetch(deed, now)
            elif self._connection is not None:
                self._push(self._connection.received(deed.text, now), now)
        if self._driver is not None and self._driver.reason is not None:
            self._ended(now, AGAIN)

    def _fetch(self, fetch: Fetch, now: int) -> None:
        url = urlsplit(fetch.url)
        reply = self._lab.rest(Request(fetch.method, url.path, dict(parse_qsl(url.query))), now)
        body, delay = reply.body.encode(), self._delay()
        if self.fault is not None:
            body, more = self.fault.answer(self, fetch.url, body, now)
            delay += more
        self._answers.append((now + delay, fetch.tag, reply.status, body))

    def _push(self, outs: Sequence[object], now: int) -> None:
        for out in outs:
            if isinstance(out, Close):
                self.cut(f"closed by the venue: {out.reason}", now)
                return
            if isinstance(out, Ping):
                if isinstance(self._connection, HearsPongs):
                    self._connection.ponged(out.payload, now)
                continue
            raw = out.encode() if isinstance(out, str) else bytes(out)  # type: ignore[arg-type]
            pieces = [Piece(raw)] if self.fault is None else self.fault.frame(self, raw, now)
            for piece in pieces:
                self._last_due = max(self._last_due, now + self._delay()) + piece.delay
                self._frames.append((self._last_due, piece.raw, now if piece.clean else 0))

    def _delay(self) -> int:
        return self.random.randrange(*LATENCY) * MILLISECOND

    def _note(self, raw: bytes, sent: int) -> None:
        head = raw[:400]
        for symbol, names in self._names:
            if any(name in head for name in names):
                self.told[symbol] = sent


def _names(market: str) -> tuple[bytes, bytes]:
    return market.encode(), market.lower().encode()
