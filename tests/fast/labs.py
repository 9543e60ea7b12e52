"""The lab without sockets: its venues on a virtual clock, spoken to by both lanes."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit

from scanner.lab.seam import Close, LabVenue, Ping, Reply, Request
from scanner.lab.server import lab_venue
from scanner.lab.world import World
from scanner.pipeline import Action
from scanner.types import Connect, Depth, Fetch, Market, Reconnect, Send
from scanner.venues.protocol import Venue
from scanner.venues.registry import native
from tests.fast.twins import Twin, Twins

MS = 1_000_000
BEGIN = 1_760_000_000_000 * MS
STEP = 10 * MS


class LabLine:
    """One connection to one simulated venue. ``frames``: what it sent, with the times."""

    def __init__(self, twins: Twins, venue: Venue, lab: LabVenue) -> None:
        self.twins = twins
        self.frames: list[tuple[int, bytes]] = []
        self.venue = venue
        self._lab = lab
        self._connection: object = None
        self._due: list[Fetch] = []

    def start(self, at: int) -> None:
        self._do(self.twins.start(at), at)
        while self._connection is None and self._due:
            self._fetch(at)
        self._do(self.twins.opened(at), at)
        self._push(self._connection.opened(at), at)  # type: ignore[attr-defined]

    def step(self, at: int) -> None:
        self._fetch(at)
        self._push(self._connection.due(at), at)  # type: ignore[attr-defined]
        if at // STEP % 25 == 0:
            self._do(self.twins.idle(at), at)

    def _fetch(self, at: int) -> None:
        due, self._due = self._due, []
        for fetch in due:
            parts = urlsplit(fetch.url)
            path, query = parts.path, dict(parse_qsl(parts.query))
            reply = self._lab.rest(Request(fetch.method, path, query), at)
            body = reply.body.encode()
            self._do(self.twins.fetched(fetch.tag, reply.status, body, at), at)

    def _push(self, outs: Sequence[object], at: int) -> None:
        for out in outs:
            assert not isinstance(out, Close), out
            if isinstance(out, Ping):
                continue
            raw = out.encode() if isinstance(out, str) else out
            assert isinstance(raw, bytes)
            self.frames.append((at, raw))
            self._do(self.twins.received(raw, at), at)

    def _do(self, actions: Sequence[Action], at: int) -> None:
        for action in actions:
            assert not isinstance(action, Reconnect), action
            if isinstance(action, Connect):
                parts = urlsplit(action.url)
                path = parts.path or "/"
                connection = self._lab.connect(path, dict(parse_qsl(parts.query)), at)
                assert not isinstance(connection, Reply), connection
                self._connection = connection
            elif isinstance(action, Send):
                self._push(self._connection.received(action.text, at), at)  # type: ignore[attr-defined]
            elif isinstance(action, Fetch):
                self._due.append(action)


def lines(
    world: World, reference: Twin, fast: Twin, names: Sequence[str], depth: Depth
) -> list[LabLine]:
    """A connection to each venue, with all markets that it lists."""
    made: list[LabLine] = []
    for name in names:
        found = native(name)
        assert found is not None
        of = world.venues[name]
        of.base_url, of.ws_url = found.rest, found.ws
        lab = lab_venue(name)(of)
        made.append(
            LabLine(Twins(reference, fast, found, _markets(found, world), depth), found, lab)
        )
    return made


def _markets(venue: Venue, world: World) -> list[Market]:
    found = []
    for book in world.venues[venue.id].books.values():
        market = book.market
        meta = {"id": market.id, "symbol": market.symbol, "info": {}}
        found.append(
            Market(
                venue=venue.id,
                id=venue.stream_id(meta),
                symbol=market.symbol,
                base=market.base,
                quote=market.quote,
                price_tick=float(market.tick),
                lot=float(market.lot),
                taker_fee=float(market.taker),
            )
        )
    return found
