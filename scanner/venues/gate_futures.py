"""Gate USDT futures: perpetuals, in contracts.

https://www.gate.com/docs/developers/futures/ws/en/

Books as spot has them (``gate``), on channels that begin with ``futures`` and on a stream of their
own; sizes are numbers or, of contracts that may be split, texts. ``futures.tickers`` tells of
marks, rates and open interest: ``funding_rate`` is paid next, ``funding_rate_indicative`` is the
forecast of the one after. When that is, and how long from one to the next, the contract's REST
answer says (``funding_next_apply``, ``funding_interval``, in seconds).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Raw, Struct

from scanner.steps import DerivativeTicker, Notice
from scanner.types import Depth, LevelLayout, Market, Proof
from scanner.venues.boundaries import PREFIX, Boundaries, Boundary
from scanner.venues.funding_history import FundingHistory, Pages
from scanner.venues.gate import Gate, Line
from scanner.venues.parts import SECOND, Known, decode, number_text
from scanner.venues.protocol import Limits, Options, Steps, Venue
from scanner.venues.rest_book import RestBook

TICKERS = "futures.tickers"
NONE = Raw(b"null")


class _Ticker(Struct):
    contract: str
    mark_price: Raw = NONE
    index_price: Raw = NONE
    funding_rate: Raw = NONE
    funding_rate_indicative: Raw = NONE
    total_size: Raw = NONE


class _Contract(Struct):
    name: str
    funding_next_apply: float = 0
    funding_interval: float = 0


_tickers = msgspec.json.Decoder(list[_Ticker] | _Ticker)
_contract = msgspec.json.Decoder(_Contract)


class GateFutures:
    """One connection: the books, and what is said beside them."""

    def __init__(self, markets: Sequence[Market] | None, options: Options) -> None:
        self._known = Known(markets)
        self._options = options
        self._boundaries = Boundaries(self._contract_url)
        line = Line("futures", "/v4/ws/usdt", TICKERS, self._told)
        self._books = Gate(markets, options, line)
        self.shared = self._books.shared
        self._at = 0

    def start(self, at: int) -> Steps:
        return self._books.start(at)

    def opened(self, at: int) -> Steps:
        self._boundaries.start(self._known.ids, at)
        return self._books.opened(at)

    def received(self, raw: bytes, at: int) -> Steps:
        self._at = at
        return self._books.received(raw, at)

    def fetched(self, tag: str, status: int, body: bytes, at: int) -> Steps:
        if not tag.startswith(PREFIX):
            return self._books.fetched(tag, status, body, at)
        market = tag.removeprefix(PREFIX)
        if status != 200:
            self._boundaries.failed(market, at)
            return [Notice(f"{market}: no contract details (HTTP {status}), asking again")]
        contract = decode(_contract, body)
        if contract.name != market:
            raise msgspec.ValidationError(f"details of {contract.name!r:.40}, not of {market!r}")
        boundary = Boundary(
            _nanoseconds(contract.funding_next_apply), _nanoseconds(contract.funding_interval)
        )
        self._boundaries.found(market, boundary, at)
        return ()

    def resync(self, market: str, reason: str, at: int) -> Steps:
        return self._books.resync(market, reason, at)

    def idle(self, at: int) -> Steps:
        return [*self._books.idle(at), *self._boundaries.due(at)]

    def _told(self, result: Raw) -> Steps:
        found = decode(_tickers, result)
        tickers = found if isinstance(found, list) else [found]
        return [self._step(ticker) for ticker in tickers if ticker.contract in self._known]

    def _step(self, ticker: _Ticker) -> DerivativeTicker:
        boundary = self._boundaries.of(ticker.contract, self._at)
        return DerivativeTicker(
            market=ticker.contract,
            mark=number_text(ticker.mark_price),
            index=number_text(ticker.index_price),
            funding_rate=number_text(ticker.funding_rate),
            predicted=number_text(ticker.funding_rate_indicative),
            next_funding_at=boundary.at,
            interval=boundary.interval,
            open_interest=number_text(ticker.total_size),
        )

    def _contract_url(self, market: str) -> str:
        return f"{self._options.rest}/api/v4/futures/usdt/contracts/{quote(market, safe='')}"


def _nanoseconds(seconds: float) -> int:
    """Whole seconds; what cannot be such a time is none."""
    return int(seconds) * SECOND if 0 < seconds < 1 << 33 else 0


def _carries(market: Mapping[str, Any]) -> bool:
    return bool(market.get("swap")) and market.get("settle") == "USDT"


VENUE = Venue(
    id="gate",
    name="Gate USDT futures",
    rest="https://api.gateio.ws",
    ws="wss://fx-ws.gateio.ws",
    make=GateFutures,
    contracts=True,
    carries=_carries,
    limits=Limits(markets=75, sends=5, connects=30, fetches=10),
    proof={Depth.TOP: Proof.CHAINED, Depth.FULL: Proof.CHAINED},
    channels={
        Depth.TOP: "futures.obu 50 + futures.book_ticker + futures.tickers",
        Depth.FULL: "futures.obu 400 + futures.book_ticker + futures.tickers",
    },
    layout=LevelLayout(price_key="p", size_key="s"),
    recorded_as=("gate/usdt-futures",),
    rest_book=RestBook(
        path="/api/v4/futures/usdt/order_book?contract={id}&limit=100",
        made=("current",),
        layout=LevelLayout(price_key="p", size_key="s"),
    ),
    funding_history=FundingHistory(
        path="/api/v4/futures/usdt/funding_rate?contract=[id]&from=[since]&to=[until]&limit=1000",
        pages=Pages.BACKWARD,
        at="t",
        rate="r",
        unit=SECOND,
        limit=1000,
        limits="200 requests in 10 s",
    ),
    notes=(
        "Sizes are contracts of quanto_multiplier coins, as numbers or as texts.",
        "When funding is paid next is said over REST alone, and asked for after each payment.",
        "A subscription of an unknown contract's book is acknowledged and stays silent.",
    ),
)
