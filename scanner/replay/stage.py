"""What a replay is made of: recorded connections, each playing its frames into one pipeline."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from scanner.lane import Action, Lane
from scanner.pipeline import Pipeline
from scanner.replay.recordings import EVERY_MARKET, Connection, Frame, first_line, frames
from scanner.steps import Notice, Reconnect, Refused, Reset
from scanner.types import Depth, Market, MarketKind, Side
from scanner.venues.protocol import Options, Venue

TOLD_LEVELS = 10
MARKET_PARAMETERS = ("symbol", "currency_pair", "contract", "product_id", "instId", "pair")
SPELT_OUT = re.compile(r"([A-Z0-9]+)[-_/]([A-Z0-9]+)")
SPOT = ("spot", EVERY_MARKET, "")
COMPLAINTS = 10

Say = Callable[[str], None]


class Outcome(Struct, frozen=True, kw_only=True):
    """What came of one market of one recorded connection, with the best levels as its depth channel
    had them at the end: (price, size), best first. ``recording`` names the connection."""

    event: str = "book"
    venue: str
    market: str
    messages: int
    snapshots: int
    deltas: int
    gaps: int
    tickers: int
    checksums_ok: int
    checksums_bad: int
    bids: list[tuple[float, float]]
    asks: list[tuple[float, float]]
    recording: str


class Stage:
    """What the connections of a replay share: the pipeline, and who has which market."""

    def __init__(self, pipeline: Pipeline, fee: float) -> None:
        self.pipeline = pipeline
        self._fee = fee
        self._taken: set[str] = set()
        self._owners: dict[tuple[str, str], str] = {}

    def take(self, venue: Venue, market: str) -> Venue:
        """The venue under a name that no running connection has: its books are its own."""
        wanted = venue.id if market in SPOT else f"{venue.id}.{market}"
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted}.{number}"
        self._taken.add(name)
        return replace(venue, id=name)

    def release(self, name: str) -> None:
        """The connection of this name has ended."""
        self._taken.discard(name)
        self._owners = {key: owner for key, owner in self._owners.items() if owner != name}

    def market(self, venue: str, name: str, market_id: str) -> Market | None:
        """Which market an id means, if it says so and no other connection has it."""
        spelt = SPELT_OUT.fullmatch(market_id)
        if spelt is None or self._owners.setdefault((venue, market_id), name) != name:
            return None
        base, quote = spelt.groups()
        return Market(
            venue=venue,
            id=market_id,
            symbol=f"{base}/{quote}",
            base=base,
            quote=quote,
            taker_fee=self._fee,
        )


class Play:
    """One recorded connection on its way through the pipeline: ``step`` until it answers None, then
    ``finish``.

    Where a live connection would have been given up (``Reconnect``), what follows goes to a fresh
    one, as it would; the counts of all of them add up.
    """

    def __init__(
        self, stage: Stage, venue: Venue, connection: Connection, answers: list[Path], say: Say
    ) -> None:
        self.begins = first_line(connection)[0]
        self._stage = stage
        self._venue = venue
        self._connection = connection
        self._answers = answers
        self._say = say
        self._said: set[str] = set()
        self._frames: Iterator[Frame] = iter(())
        self._next: Frame | None = None
        self._lanes: list[Lane] = []
        self._named = venue

    @property
    def lane(self) -> Lane:
        """The lane that takes the frames now."""
        return self._lanes[-1]

    def step(self) -> int | None:
        """First connect, then take one frame a call; when the next is due, or None.

        The first call raises ``RecordingError`` if the recording cannot be read.
        """
        if not self._lanes:
            self._frames = iter(frames(self._connection, self._answers))
            self._named = self._stage.take(self._venue, self._connection.market)
            self._next = next(self._frames, None)
            self._connect(self.begins)
        elif self._next is not None:
            self._take(self._next)
            self._next = next(self._frames, None)
        return self._next.at if self._next is not None else None

    def finish(self, at: int) -> list[Outcome]:
        """The recording is over: what came of its markets. Its books leave the game."""
        markets = dict.fromkeys(market for lane in self._lanes for market in lane.books)
        outcomes = [self._outcome(market) for market in markets]
        if not outcomes:
            self._complain("no order book in it")
        self.lane.closed("the recording is over", at)
        self._stage.release(self._named.id)
        return outcomes

    def _connect(self, at: int) -> None:
        known = self._connection.market in SPOT or self._venue.contracts
        options = Options(depth=Depth.FULL, rest=self._venue.rest, ws=self._venue.ws)
        lane = self._stage.pipeline.lane(
            self._named, None, options, self._identify if known else None
        )
        self._lanes.append(lane)
        lane.start(at)
        lane.opened(at)

    def _identify(self, market_id: str) -> Market | None:
        if self._venue.contracts:
            # What it stands for is not recorded; contracts are not scanned.
            return Market(
                venue=self._venue.id,
                id=market_id,
                symbol=market_id,
                base="",
                quote="",
                taker_fee=0.0,
                kind=MarketKind.PERPETUAL,
            )
        return self._stage.market(self._venue.id, self._named.id, market_id)

    def _take(self, frame: Frame) -> None:
        if not frame.answer:
            self._act(self.lane.received(frame.raw, frame.at), frame.at)
        elif market := _asked_for(frame.url):
            tag = f"depth:{market}"
            self._act(self.lane.fetched(tag, 200, frame.raw, frame.at), frame.at)

    def _act(self, actions: Sequence[Action], at: int) -> None:
        for action in actions:
            if isinstance(action, Notice):
                self._complain(action.text)
            elif isinstance(action, Reset | Refused):
                about = f"{action.market}: " if action.market else ""
                self._complain(f"{about}{action.reason}")
        for action in actions:
            if isinstance(action, Reconnect):
                self._complain(f"connection given up: {action.reason}")
                self.lane.closed(action.reason, at)
                self._connect(at)
                break

    def _complain(self, text: str) -> None:
        if text in self._said or len(self._said) > COMPLAINTS:
            return
        self._said.add(text)
        if len(self._said) > COMPLAINTS:
            text = "there is more that is not shown"
        self._say(f"{self._connection.name}: {text}")

    def _outcome(self, market: str) -> Outcome:
        lanes = [lane for lane in self._lanes if market in lane.books]
        counts = [lane.counts[market] for lane in lanes]
        book, store = lanes[-1].books[market], self._stage.pipeline.store
        bids, asks = (store.depth(book, side, TOLD_LEVELS) for side in (Side.BID, Side.ASK))
        return Outcome(
            venue=self._venue.id,
            market=market,
            messages=sum(count.messages for count in counts),
            snapshots=sum(count.snapshots for count in counts),
            deltas=sum(count.deltas for count in counts),
            gaps=sum(count.gaps for count in counts),
            tickers=sum(count.tickers for count in counts),
            checksums_ok=sum(count.checksums_ok for count in counts),
            checksums_bad=sum(count.checksums_bad for count in counts),
            bids=bids,
            asks=asks,
            recording=self._connection.name,
        )


def _asked_for(url: str) -> str:
    """The market a request was about; empty if it named none."""
    query = parse_qs(urlsplit(url).query)
    return next((query[key][0] for key in MARKET_PARAMETERS if key in query), "")
