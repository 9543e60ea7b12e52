"""Whole books as ccxt hands them out: the way of the venues that are not spoken natively.

ccxt's WebSocket client keeps the book; each time it returns one, the shell puts it into a small
JSON envelope (``Envelope``) and sends it through here, so that books, trust and engine are the same
for every venue.

The proof is ``Proof.NONE``: whether ccxt checks a sequence or a checksum differs from exchange to
exchange and cannot be seen from outside, and a book that it has kept wrongly looks like any other.
What can be seen is watched: silence, crossed books, prices and sizes that are none.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw, Struct

from scanner.steps import Ack, DerivativeTicker, Fetch, Notice, Reconnect, Refused, Reset, Snapshot
from scanner.types import Depth, Market, Proof
from scanner.venues.cells import Shared
from scanner.venues.parts import SECOND, Known, decode
from scanner.venues.protocol import Limits, Options, Steps, Venue
from scanner.venues.registry import native

# What no venue that we know of minds: markets on a connection, connections a minute, and messages
# a second, of which the strictest allow three to five.
CAREFUL = Limits(markets=50, sends=3, connects=20)

FLOWING = 2 * SECOND
MEMORY = 60 * SECOND
STUBBORN = 3


class Envelope(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A book out of ccxt: rows of ``["price", "size"]``, best first; ``sent_at`` in ns.

    With ``fault`` there is no book, and why; ``refused``: the venue would not give one. With
    ``ticker`` there is none either, but what is said of a contract.
    """

    market: str
    bids: Raw = Raw(b"[]")
    asks: Raw = Raw(b"[]")
    sent_at: int = 0
    fault: str = ""
    refused: bool = False
    ticker: DerivativeTicker | None = None


_envelope = msgspec.json.Decoder(Envelope)


class CcxtBook:
    """One ccxt client. It connects and subscribes by itself; only books come through."""

    def __init__(self, markets: Sequence[Market] | None, options: Options) -> None:
        self.shared = Shared()
        self._known = Known(markets)
        self._heard: dict[str, int] = {}
        self._wrong: dict[str, list[int]] = {}
        self._asked: set[str] = set()

    def start(self, at: int) -> Steps:
        return ()

    def opened(self, at: int) -> Steps:
        """ccxt tells of no acknowledgement, so the first data alone is awaited."""
        return [Ack(market) for market in self._known.ids]

    def received(self, raw: bytes, at: int) -> Steps:
        book = decode(_envelope, raw)
        market = book.market
        if market not in self._known:
            return [Notice(f"book of {market!r}, which was not subscribed")]
        if book.ticker is not None:
            return [book.ticker]
        if book.refused:
            return [Refused(market, book.fault), Reset(market, book.fault)]
        if book.fault:
            return [Reset(market, book.fault)]
        self._heard[market] = at
        return [
            Snapshot(
                market=market,
                bids=bytes(book.bids),
                asks=bytes(book.asks),
                sent_at=book.sent_at,
            )
        ]

    def fetched(self, tag: str, status: int, body: bytes, at: int) -> Steps:
        market = tag.partition(":")[2]
        self._asked.discard(market)
        if status != 200:
            return [Notice(f"{market}: the book was not to be had by REST either")]
        return self.received(body, at)

    def resync(self, market: str, reason: str, at: int) -> Steps:
        """A quiet market is asked for its book by REST. One whose data flows and is wrong again and
        again within a minute is wrong inside ccxt, and only a new client mends that."""
        if at - self._heard.get(market, -FLOWING) < FLOWING and self._stubborn(market, at):
            return [Reconnect(f"{market}: {reason}, again and again")]
        if market in self._asked:
            return ()
        self._asked.add(market)
        return [Fetch(f"book:{market}", f"ccxt:{market}")]

    def idle(self, at: int) -> Steps:
        return ()

    def _stubborn(self, market: str, at: int) -> bool:
        times = [time for time in self._wrong.get(market, ()) if at - time < MEMORY]
        self._wrong[market] = [*times, at]
        return len(times) + 1 >= STUBBORN


def venue(name: str, *, contracts: bool = False) -> Venue:
    """The exchange of this ccxt id, streamed by ccxt: its coins, or the ``contracts`` on them."""
    return Venue(
        id=name,
        name=name,
        rest="",
        ws="",
        make=CcxtBook,
        contracts=contracts,
        limits=_limits(name),
        proof={Depth.TOP: Proof.NONE, Depth.FULL: Proof.NONE},
        channels={Depth.TOP: "as ccxt has it", Depth.FULL: "as ccxt has it"},
        notes=("Read by ccxt: slower, and its sequence checks cannot be seen from outside.",),
    )


def _limits(name: str) -> Limits:
    """Its message limits where we know them, careful ones where we do not."""
    known = native(name)
    if known is None:
        return CAREFUL
    connects = min(known.limits.connects, CAREFUL.connects)
    return Limits(markets=CAREFUL.markets, sends=known.limits.sends, connects=connects)
