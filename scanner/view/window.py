"""What is to be seen of a scan that runs in other processes: their frames put together.

It is a sink too (call it with every event): what has happened is noted here, where all of it comes
by. A frame is the newest that each worker has sent, so it is never waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from scanner.events import Peg
from scanner.hedge_events import HedgedCoin, HedgeState
from scanner.hedging.worst_funding import Known, worst
from scanner.types import Market
from scanner.view.frame import Detail, Frame, Kind, Link, Query, Row, ServiceLine, Totals, VenueLine
from scanner.view.peg_line import PegLine
from scanner.view.recent import Recent

Look = Callable[[Query], Sequence[Frame]]


class Window:
    """``look`` gives the newest frame of each part of the scan, and asks for the next.

    ``services``: further things whose health is shown, each asked for it with every frame.
    """

    def __init__(
        self,
        look: Look,
        markets: Sequence[Market],
        *,
        services: Sequence[Callable[[], ServiceLine]] = (),
    ) -> None:
        self._look = look
        self._services = services
        self._recent = Recent()
        self._pegs = PegLine()
        self._extremes: Known = {}
        self._hedge: tuple[HedgedCoin, ...] = ()
        self._since = 0
        self.watch(markets)

    def watch(self, markets: Sequence[Market]) -> None:
        """These are the markets from now on."""
        self._subscribed: dict[str, int] = {}
        self._rows: dict[str, Row] = {}
        for market in markets:
            self._subscribed[market.venue] = self._subscribed.get(market.venue, 0) + 1
            empty = Row(symbol=market.symbol, base=market.base, quote=market.quote)
            self._rows.setdefault(market.symbol, empty)

    def __call__(self, event: object) -> None:
        """Take note of an event; what is not worth showing is left out."""
        if isinstance(event, Peg):
            self._pegs(event)
            return
        if isinstance(event, HedgeState):
            self._hedge = event.coins
            return
        self._recent(event)

    def know(self, extremes: Known) -> None:
        """This is known of funding that was paid."""
        self._extremes = extremes

    def say(self, kind: Kind, subject: str, text: str, at: int) -> None:
        """Show something as a recent event, once. May be called from any thread."""
        self._recent.say(kind, subject, text, at)

    def ring(self) -> None:
        """Ring the bell of whoever looks. May be called from any thread."""
        self._recent.ring()

    def frame(self, at: int, query: Query) -> Frame:
        """What is to be seen now."""
        self._since = self._since or at
        frames = self._look(query)
        found = {row.symbol: row for frame in frames for row in frame.rows}
        rows = {symbol: found.get(symbol, empty) for symbol, empty in self._rows.items()}
        rows |= {symbol: row for symbol, row in found.items() if row.kind}
        details = {one.symbol: self._with_worst(one) for frame in frames for one in frame.details}
        venues = tuple(self._venues(frames))
        return Frame(
            at=at,
            rows=tuple(rows.values()),
            details=tuple(details[symbol] for symbol in rows if symbol in details),
            venues=venues,
            services=(*(service() for service in self._services), *self._peg_lines(at)),
            events=self._recent.newest(),
            bells=self._recent.bells,
            totals=self._totals(frames, venues),
            hedge=self._hedge,
        )

    def _with_worst(self, detail: Detail) -> Detail:
        if detail.carry is None:
            return detail
        buy, sell = ((order.venue, order.symbol) for order in detail.orders)
        return replace(detail, worst=tuple(worst(detail.carry, buy, sell, self._extremes)))

    def _peg_lines(self, at: int) -> Iterable[ServiceLine]:
        line = self._pegs.line(at)
        return () if line is None else (line,)

    def _venues(self, frames: Iterable[Frame]) -> Iterable[VenueLine]:
        parts: dict[str, list[VenueLine]] = {venue: [] for venue in self._subscribed}
        for frame in frames:
            for line in frame.venues:
                parts.setdefault(line.venue, []).append(line)
        for venue, lines in parts.items():
            yield together(venue, lines, self._subscribed.get(venue, 0))

    def _totals(self, frames: Iterable[Frame], venues: Sequence[VenueLine]) -> Totals:
        best_bps, best_symbol = self._recent.best
        return Totals(
            since=self._since,
            books=sum(line.subscribed for line in venues),
            live=sum(line.live for line in venues),
            rate=sum(line.rate for line in venues),
            open=sum(frame.totals.open for frame in frames),
            opened=self._recent.opened,
            best_bps=best_bps,
            best_symbol=best_symbol,
        )


def together(venue: str, lines: Sequence[VenueLine], subscribed: int) -> VenueLine:
    """One venue in several processes: sums, the worst lag, the newest message and the first
    error. ``subscribed``: to how many markets, carried by one of them now or not; as many are live
    at most."""
    lags = [line.lag_ms for line in lines if line.lag_ms is not None]
    silences = [line.silent_ms for line in lines if line.silent_ms is not None]
    # Books that convert are in several processes.
    live = min(sum(line.live for line in lines), subscribed)
    return VenueLine(
        venue=venue,
        link=_link([line.link for line in lines], live >= subscribed),
        open=sum(line.open for line in lines),
        connections=sum(line.connections for line in lines),
        rate=sum(line.rate for line in lines),
        lag_ms=max(lags, default=None),
        gaps=sum(line.gaps for line in lines),
        reconnects=sum(line.reconnects for line in lines),
        live=live,
        subscribed=subscribed,
        silent_ms=min(silences, default=None),
        last_error=next((line.last_error for line in lines if line.last_error), ""),
    )


def _link(links: Sequence[Link], all_live: bool) -> Link:
    if Link.LIVE in links or Link.PARTLY in links:
        return Link.LIVE if all_live and set(links) == {Link.LIVE} else Link.PARTLY
    return Link.DOWN if Link.DOWN in links else Link.CONNECTING
