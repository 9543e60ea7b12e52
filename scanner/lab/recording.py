"""Serving a recording as the venue that sent it.

The simulated venue answers for everything that a recording does not hold: metadata, tokens,
welcomes, acknowledgements, heartbeats. Its books are empty and what it would say of them is left
out; the recorded frames are played instead, to each connection from its first subscription on, and
recorded order-book snapshots are served where a client asks for one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from scanner.lab.book import LabBook, LabMarket
from scanner.lab.listings import LISTINGS
from scanner.lab.seam import Connection, HearsPongs, LabVenue, Out, Reply, Request, VenueWorld
from scanner.lab.tape import Tape, currencies, decimal_tree, read_tapes
from scanner.lab.venues import lab_venue, market_id

SAMPLE = 10_000
MOST_A_TICK = 100
MARKET_KEYS = ("s", "symbol", "instId", "product_id", "currency_pair")
ROW_KEYS = (("price", "qty"), ("price_level", "new_quantity"))
BOOK_KEYS = {"bids", "asks", "b", "a", "updates", "changes", "bestAsk"}
# The counter of every frame of a connection: the recorded one stands.
COUNTER = "sequence_num"
NUMBER = re.compile(r"\d+(?:\.(\d+))?")


def recorded_venues(
    paths: Sequence[Path], speed: float = 1.0
) -> dict[str, tuple[VenueWorld, LabVenue]]:
    """The venues of the recordings at ``paths``, played ``speed`` times as fast as they came in.

    Raises ``tape.RecordingError`` for what cannot be served.
    """
    venues: dict[str, tuple[VenueWorld, LabVenue]] = {}
    for tape in read_tapes(paths):
        world = VenueWorld(tape.venue, _books(tape))
        venues[tape.venue] = world, RecordedVenue(world, tape, speed)
    return venues


class RecordedVenue:
    """A recording behind the front of its simulated venue."""

    def __init__(self, world: VenueWorld, tape: Tape, speed: float) -> None:
        self.id = tape.venue
        self._front = lab_venue(tape.venue)(world)
        self._tape = tape
        self._speed = speed

    def rest(self, request: Request, at: int) -> Reply:
        if "depth" in request.path or "book" in request.path.lower():
            asked = {*request.query.values(), *request.path.split("/")}
            for answer in self._tape.answers:
                if answer.markets & asked and _about_book(decimal_tree(answer.body)):
                    return Reply(200, answer.body)
        return self._front.rest(request, at)

    def connect(self, path: str, query: dict[str, str], at: int) -> Connection | Reply:
        front = self._front.connect(path, query, at)
        if isinstance(front, Reply):
            return front
        begun = at if "streams" in query else None
        return RecordedConnection(front, self._tape, self._speed, begun)


class RecordedConnection:
    """One client that is played the recording, from its first subscription (or ``begun``) on."""

    def __init__(self, front: Connection, tape: Tape, speed: float, begun: int | None) -> None:
        self._front = front
        self._frames = tape.frames
        self._speed = speed
        self._begun = begun
        self._played = 0

    def opened(self, at: int) -> list[Out]:
        return _without_books(self._front.opened(at))

    def received(self, text: str, at: int) -> list[Out]:
        if self._begun is None and "subscri" in text.lower():
            self._begun = at
        return _without_books(self._front.received(text, at))

    def ponged(self, payload: bytes, at: int) -> list[Out]:
        front = self._front
        return front.ponged(payload, at) if isinstance(front, HearsPongs) else []

    def due(self, at: int) -> list[Out]:
        outs = _without_books(self._front.due(at))
        if self._begun is None:
            return outs
        position = (at - self._begun) * self._speed
        frames, last = self._frames, min(len(self._frames), self._played + MOST_A_TICK)
        while self._played < last and frames[self._played].after <= position:
            outs.append(frames[self._played].data)
            self._played += 1
        return outs


def _without_books(outs: list[Out]) -> list[Out]:
    """What the front says, except of its books and under a counter of its own."""
    return [
        out
        for out in outs
        if not isinstance(out, str | bytes)
        or not (_about_book(tree := decimal_tree(out)) or _counted(tree))
    ]


def _about_book(tree: Any) -> bool:
    return any(not BOOK_KEYS.isdisjoint(each) for each in _objects(tree))


def _counted(tree: Any) -> bool:
    return isinstance(tree, dict) and COUNTER in tree


def _objects(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for each in tree:
            if isinstance(each, dict | list):
                yield from _objects(each)


def _books(tape: Tape) -> dict[str, LabBook]:
    """Empty books of the markets that the recording names, with as many decimals as it shows."""
    decimals: dict[str, list[int]] = {}
    for frame in tape.frames[:SAMPLE]:
        _collect(decimal_tree(frame.data), "", decimals)
    books: dict[str, LabBook] = {}
    for name, places in decimals.items():
        if pair := currencies(name):
            market = _market(tape.venue, *pair, places)
            books[market.id] = LabBook(market)
    return books


def _collect(tree: Any, market: str, decimals: dict[str, list[int]]) -> None:
    """Note the decimals of every level below ``tree``, under the market it is said to be of."""
    if isinstance(tree, dict):
        market = _market_name(tree) or market
        for price, size in ROW_KEYS:
            if market and price in tree and size in tree:
                _note(decimals.setdefault(market, [0, 0]), tree[price], tree[size])
        tree = list(tree.values())
    if not isinstance(tree, list):
        return
    if market and len(tree) >= 2 and all(isinstance(each, str) for each in tree[:2]):
        _note(decimals.setdefault(market, [0, 0]), tree[0], tree[1])
    for each in tree:
        if isinstance(each, dict | list):
            _collect(each, market, decimals)


def _note(places: list[int], price: object, size: object) -> None:
    found = [NUMBER.fullmatch(text) if isinstance(text, str) else None for text in (price, size)]
    for i, match in enumerate(found):
        if all(found) and match is not None:
            places[i] = max(places[i], len(match[1] or ""))


def _market_name(tree: dict[str, Any]) -> str:
    inner = tree.get("arg")
    for place in (tree, inner if isinstance(inner, dict) else {}):
        for key in MARKET_KEYS:
            if isinstance(name := place.get(key), str) and name:
                return name
    stream = tree.get("stream")
    return stream.partition("@")[0].upper() if isinstance(stream, str) else ""


def _market(venue: str, base: str, quote: str, places: list[int]) -> LabMarket:
    listing = LISTINGS[venue]
    tick, lot = (f"{10.0**-decimals:.{decimals}f}" for decimals in places)
    return LabMarket(
        id=market_id(venue, base, quote),
        base=base,
        quote=quote,
        price_decimals=places[0],
        size_decimals=places[1],
        tick=tick,
        lot=lot,
        min_amount=lot,
        min_notional=listing.min_notional,
        taker=listing.taker,
        maker=listing.maker,
    )
