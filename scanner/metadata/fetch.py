"""ccxt's metadata as ``Market``, fetched by a process of its own: ``-m scanner.metadata.fetch``.

Importing ccxt takes seconds and a hundred megabytes, which neither the event loop nor the scanner's
memory should bear. The process reads an ``Order`` as JSON from standard input and answers with one
line of ``Listed`` for each venue, as they come.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from decimal import Decimal
from math import isfinite
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from scanner.metadata.liquidity import Traded
from scanner.metadata.one_exchange import read_only_what_is_named
from scanner.metadata.wallet_list import wallets
from scanner.types import FeeIn, FeeSide, Market, MarketKind, Wallet
from scanner.venues.protocol import ccxt_id
from scanner.venues.registry import native

TIMEOUT_MS = 15_000
TICKERS_TIMEOUT_MS = 8_000
LONGEST_NAME = 64
REASON = 200
LISTED = "its list"
UNLISTED = "not listed"
DEEPEST = 10

# ccxt's precision modes: a precision of 0.01 is a step, one of 2 a number of decimals.
DECIMAL_PLACES = 2
TICK_SIZE = 4
MILLISECOND = 1_000_000
LATEST = 2**63 // MILLISECOND

# What ccxt calls a kind of market, and under which names an exchange may be asked for it.
IN_CCXT = {MarketKind.SPOT: "spot", MarketKind.PERPETUAL: "swap", MarketKind.FUTURE: "future"}
OF_CONTRACTS = ("linear", "inverse", "contract")
ASKED_OF_CCXT = {
    MarketKind.SPOT: ("spot",),
    MarketKind.PERPETUAL: ("swap", *OF_CONTRACTS),
    MarketKind.FUTURE: ("future", "delivery", *OF_CONTRACTS),
}


class Wanted(Struct, frozen=True):
    """A venue whose markets of these ``kinds`` are wanted; ``rest`` is where it is reached instead
    ("": as usual)."""

    venue: str
    rest: str
    is_native: bool
    kinds: tuple[MarketKind, ...] = (MarketKind.SPOT,)


class Order(Struct, frozen=True):
    """What is to be fetched; ``tickers``: also how much is traded."""

    wanted: list[Wanted]
    tickers: bool = False


class Listed(Struct, frozen=True):
    """The markets of a venue, or the ``error`` that came instead. ``tickers``: by symbol, as
    far as they could be had; ``wallets`` by coin, where the venue lists them in public."""

    venue: str
    markets: tuple[Market, ...] = ()
    error: str = ""
    tickers: dict[str, Traded] = {}
    wallets: dict[str, Wallet] = {}


def fetch(wanted: Wanted, tickers: bool = False) -> Listed:
    """The markets of one venue by ccxt's REST client; never raises."""
    try:
        import ccxt

        exchange = getattr(ccxt, wanted.venue)({"timeout": TIMEOUT_MS})
        if wanted.rest:
            exchange.urls["api"] = moved(exchange.urls["api"], wanted.rest)
        only(exchange.options, wanted.kinds)
        found = exchange.load_markets().values()
        markets = converted(wanted, found, exchange.precisionMode)
    except Exception as error:  # whatever goes wrong with one venue leaves the others alone
        return Listed(wanted.venue, error=_told(error))
    if not markets:
        return Listed(wanted.venue, error=f"it lists no {' or '.join(wanted.kinds)} market")
    coins = [name for one in markets if not one.is_contract for name in (one.base, one.quote)]
    return Listed(
        wanted.venue,
        markets,
        tickers=traded(exchange, markets) if tickers else {},
        wallets=wallets(exchange.currencies, coins),
    )


def _told(error: Exception) -> str:
    """What went wrong, and what was at the bottom of it: ccxt names only the address."""
    text = f"{type(error).__name__}: {error}"[:REASON]
    root: BaseException = error
    for _ in range(DEEPEST):
        root = root.__cause__ or root.__context__ or root
    return text if root is error else f"{text} ({root})"[: 2 * REASON]


def moved(urls: Any, rest: str) -> Any:
    """``urls`` with scheme and host of every HTTP URL replaced by ``rest``; the paths stay."""
    if isinstance(urls, dict):
        return {name: moved(url, rest) for name, url in urls.items()}
    if isinstance(urls, str) and urls.startswith(("http://", "https://")):
        return rest + urlsplit(urls).path
    return urls


def converted(wanted: Wanted, found: Any, precision_mode: int) -> tuple[Market, ...]:
    """The active markets of the wanted kinds among ccxt's ``found``, each symbol of a stream once,
    and first the one that the stream is named after (a venue may list one book under several
    symbols). Where no taker fee is listed, ``fee_source`` is ``UNLISTED``, and what stands for the
    fee is none."""
    speaks = {
        contracts: native(wanted.venue, contracts=contracts) if wanted.is_native else None
        for contracts in (False, True)
    }
    named: list[tuple[bool, Market]] = []
    for entry in found:
        kind = next((kind for kind in wanted.kinds if entry.get(IN_CCXT[kind])), None)
        if kind is None or entry.get("active") is False:
            continue
        spoken = speaks[kind is not MarketKind.SPOT]
        if spoken is not None and not spoken.carries(entry):
            continue
        stream_id = (spoken.stream_id if spoken else ccxt_id)(entry)
        usual = spoken.fee_side if spoken else None
        market = _market(wanted.venue, stream_id, entry, precision_mode, usual)
        if market is not None and kind is not MarketKind.SPOT:
            market = _contract(market, kind, entry)
        if market is not None:
            named.append((stream_id != ccxt_id(entry), market))
    markets: dict[tuple[bool, str, str], Market] = {}
    for _, market in sorted(named, key=lambda one: one[0]):
        markets.setdefault((market.is_contract, market.id, market.symbol), market)
    return tuple(markets.values())


def traded(exchange: Any, markets: Sequence[Market]) -> dict[str, Traded]:
    """How much was traded of ``markets``, of those of which the venue tells; never raises."""
    try:
        exchange.timeout = TICKERS_TIMEOUT_MS
        exchange.options["defaultType"] = "spot"
        tickers = exchange.fetch_tickers()
        found = {market.symbol: _traded(tickers.get(market.symbol) or {}) for market in markets}
    except Exception:  # it is a preference only: without it, the markets are still of use
        return {}
    return {symbol: one for symbol, one in found.items() if one is not None}


def _traded(ticker: Mapping[str, Any]) -> Traded | None:
    last = _number(ticker.get("last")) or 0.0
    volume = _number(ticker.get("quoteVolume")) or (_number(ticker.get("baseVolume")) or 0.0) * last
    return Traded(last, volume) if last > 0 and volume > 0 else None


def _market(
    venue: str, stream_id: str, entry: Mapping[str, Any], mode: int, usual: FeeSide | None
) -> Market | None:
    names = (stream_id, entry.get("symbol"), entry.get("base"), entry.get("quote"))
    if not all(_is_name(name) for name in names):
        return None
    taker, maker = _number(entry.get("taker")), _number(entry.get("maker"))
    side, known_from = _fee_side(entry, usual)
    precision, limits = entry.get("precision") or {}, entry.get("limits") or {}
    return Market(
        venue=venue,
        id=stream_id,
        symbol=entry["symbol"],
        base=entry["base"],
        quote=entry["quote"],
        price_tick=_step(precision.get("price"), mode),
        lot=_step(precision.get("amount"), mode),
        min_amount=_least(limits.get("amount")),
        min_notional=_least(limits.get("cost")),
        taker_fee=taker or 0.0,
        maker_fee=(taker or 0.0) if maker is None else maker,  # that of a taker is seldom lower
        fee_source=UNLISTED if taker is None else LISTED,
        buy_fee_in=side.on[0],
        sell_fee_in=side.on[1],
        fee_in_source=known_from,
    )


def _contract(market: Market, kind: MarketKind, entry: Mapping[str, Any]) -> Market | None:
    """``market`` as the contract that ccxt's ``entry`` describes; None if what it stands for is not
    said: a size whose unit is unknown is worse than none."""
    size, settle = _number(entry.get("contractSize")), entry.get("settle")
    expiry = _number(entry.get("expiry")) or 0.0
    dated = kind is MarketKind.FUTURE
    if not size or size < 0 or not _is_name(settle) or dated != (0 < expiry < LATEST):
        return None
    if bool(entry.get("linear")) == bool(entry.get("inverse")):
        return None
    return msgspec.structs.replace(
        market,
        kind=kind,
        settle=settle,
        contract_size=size,
        inverse=bool(entry.get("inverse")),
        expiry=int(expiry) * MILLISECOND,
        # A part of its value, for no coin changes hands: ccxt's feeSide means spot, though several
        # of its exchanges have one for all of their markets.
        buy_fee_in=FeeIn.QUOTE,
        sell_fee_in=FeeIn.QUOTE,
        fee_in_source="as contracts are settled",
    )


def _fee_side(entry: Mapping[str, Any], usual: FeeSide | None) -> tuple[FeeSide, str]:
    """Which currency the fee is taken in, and where that is known from."""
    try:
        return FeeSide(str(entry.get("feeSide"))), "ccxt"
    except ValueError:
        return (usual, "the venue's rules") if usual else (FeeSide.QUOTE, "not known")


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_NAME and value.isprintable()


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if isfinite(number) else None


def _least(limit: Any) -> float:
    number = _number(limit.get("min")) if isinstance(limit, dict) else None
    return max(number or 0.0, 0.0)


def _step(precision: Any, mode: int) -> float:
    """The step that a precision stands for; 0 where it stands for none."""
    try:
        if mode == TICK_SIZE:
            step = Decimal(str(precision))
        elif mode == DECIMAL_PLACES:
            step = Decimal(1).scaleb(-int(precision))
        else:
            return 0.0
    except (ArithmeticError, TypeError, ValueError):
        return 0.0
    return float(step) if step.is_finite() and step > 0 else 0.0


def only(options: dict[str, Any], kinds: Sequence[MarketKind]) -> None:
    """Where ccxt can be asked for some kinds of markets alone: those."""
    asked = options.get("fetchMarkets")
    if not isinstance(asked, dict):
        return
    names = {name for kind in kinds for name in ASKED_OF_CCXT[kind]}
    types = [name for name in asked.get("types", ()) if name in names]
    if types:
        options["fetchMarkets"] = {**asked, "types": types}


def fetch_all(order: Order) -> Iterator[Listed]:
    """The markets of all venues at once, as they come."""
    with ThreadPoolExecutor(max_workers=max(len(order.wanted), 1)) as pool:
        for done in as_completed([pool.submit(fetch, one, order.tickers) for one in order.wanted]):
            yield done.result()


def main() -> None:
    """Answers the order on standard input with lines on standard output."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    for listed in fetch_all(order):
        sys.stdout.buffer.write(msgspec.json.encode(listed) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    read_only_what_is_named()
    main()
