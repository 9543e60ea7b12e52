"""An engine over a few books that are shown to it as venues would, for the tests of its kinds."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from scanner.books.store import BookStore, Keys
from scanner.engine.bounds import Bounds
from scanner.engine.engine import Engine
from scanner.engine.following import Following
from scanner.engine.ids import Ids
from scanner.engine.rules import Rules
from scanner.engine.tracker import Thresholds
from scanner.events import Opportunity, Survival
from scanner.steps import Snapshot
from scanner.types import BookState, LevelLayout, Market, Proof

KEYS = Keys.of(LevelLayout())
SECOND = 1_000_000_000
AT = 100 * SECOND
Ladder = Sequence[tuple[float, float]]


class Floor:
    """``said`` is all that the engine has told. Books are named ``venue symbol``."""

    def __init__(self, rules: Rules, thresholds: Thresholds | None = None) -> None:
        self.said: list[Opportunity] = []
        self.store = BookStore()
        self.rules = rules
        self.thresholds = thresholds or Thresholds(min_net_bps=5, update_interval=0)
        self.bounds = Bounds(max_age=3 * SECOND, max_skew=SECOND)
        self.survived: list[Survival] = []
        self.following = Following(self.store, self.survived.append)
        self.engine = Engine(
            *(self.store, self.thresholds, self.bounds, Ids(lambda n: 0), self.said.append, rules),
            following=self.following,
        )
        self.books: dict[str, int] = {}
        self._sequence = 0

    def add(self, market: Market, proof: Proof = Proof.CHAINED) -> int:
        book = self.books[f"{market.venue} {market.symbol}"] = self.store.add()
        self.engine.add(book, market, proof)
        return book

    def show(self, name: str, bids: Ladder, asks: Ladder, at: int = AT) -> None:
        """The book is this from now on."""
        self.following.settle(at)
        self._sequence += 1
        sides = {"bids": _text(bids), "asks": _text(asks)}
        step = Snapshot(market="", sequence=self._sequence, **sides)  # type: ignore[arg-type]
        self.store.snapshot(self.books[name], step, KEYS, at)
        self.engine.updated(self.books[name], at)

    def change(self, name: str, **terms: object) -> None:
        """Other terms of its market."""
        book = self.books[name]
        self.engine.revalue(book, replace(self.engine.markets[book], **terms))

    def configure(self, **rules: object) -> None:
        """Other rules."""
        self.rules = replace(self.rules, **rules)
        self.engine.configure(self.thresholds, self.bounds, self.rules)

    def lose(self, name: str, state: BookState = BookState.UNSYNCHRONISED, at: int = AT) -> None:
        """The book is lost, as a lane loses it."""
        self.store.clear(self.books[name], state)
        self.engine.dropped(self.books[name], "gap", at)

    def tick(self, at: int = AT) -> list[Opportunity]:
        """Time goes on to ``at``; what was said in that."""
        self.following.settle(at)
        before = len(self.said)
        self.engine.tick(at)
        return self.said[before:]

    def rejects(self) -> dict[tuple[str, str, str, str], tuple[int, float]]:
        """What was counted, by symbol, buy, sell and gate."""
        return {
            (one.symbol, one.buy, one.sell, one.gate): (
                one.count,
                round(one.best_shortfall_bps, 3),
            )
            for one in self.engine.take_rejects(AT)
        }


def spot(venue: str, symbol: str, fee: float = 0.0, **terms: object) -> Market:
    """A spot market."""
    base, quote = symbol.split("/")
    return Market(
        venue=venue,
        id=symbol,
        symbol=symbol,
        base=base,
        quote=quote,
        taker_fee=fee,
        **terms,  # type: ignore[arg-type]
    )


Fault = Callable[[Floor], None]


def _text(levels: Ladder) -> bytes:
    return json.dumps([[str(price), str(size)] for price, size in levels]).encode()
