"""Simulated contracts against an unmodified ccxt and our own feed: one book, one mark, one rate."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any

import ccxt.pro
import pytest

from scanner.feeds.notices import Notices
from scanner.feeds.pacing import Bucket, Pace, Pause
from scanner.feeds.rest import Fetcher
from scanner.funding.schedule import Wanted
from scanner.funding.sources import ByCcxt, Native
from scanner.lab.contract_listings import CONTRACTS
from scanner.lab.server import LabServer
from scanner.types import Depth, Market
from scanner.venues.registry import native
from tests.lab.clients import sides, truth, watch
from tests.lab.conftest import StartNative
from tests.lab.native import NativeFeed, until

MILLISECOND = 10**6
SECOND = 10**9
DAY = 86_400 * SECOND


@pytest.fixture
def lab_contracts() -> bool:
    return True


@pytest.fixture
def lab_venues(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return (request.node.callspec.params["venue"],)


def binanceusdm(lab: LabServer) -> Any:
    exchange = ccxt.pro.binanceusdm()
    exchange.urls["api"]["fapiPublic"] = lab.url("binanceusdm") + "/fapi/v1"
    exchange.urls["api"]["ws"]["linear"] = lab.ws("binanceusdm") + "/ws"
    return exchange


def bybit(lab: LabServer) -> Any:
    exchange = ccxt.pro.bybit({"enableRateLimit": False})
    urls = exchange.urls["api"]
    for key in ("spot", "futures", "v2", "public", "private"):
        urls[key] = lab.url("bybit")
    for category in ("spot", "linear", "inverse", "option"):
        urls["ws"]["public"][category] = f"{lab.ws('bybit')}/v5/public/{category}"
    return exchange


def okx(lab: LabServer) -> Any:
    exchange = ccxt.pro.okx({"enableRateLimit": False})
    exchange.urls["api"]["rest"] = lab.url("okx")
    exchange.urls["api"]["ws"] = lab.ws("okx") + "/ws/v5"
    exchange.options["fetchMarkets"]["types"] = ["spot", "swap", "future"]
    return exchange


def hyperliquid(lab: LabServer) -> Any:
    exchange = ccxt.pro.hyperliquid({"enableRateLimit": False})
    exchange.urls["api"]["public"] = lab.url("hyperliquid")
    exchange.urls["api"]["ws"]["public"] = lab.ws("hyperliquid") + "/ws"
    return exchange


def gate(lab: LabServer) -> Any:
    exchange = ccxt.pro.gate({"enableRateLimit": False})
    urls = exchange.urls["api"]
    for section in urls["public"]:
        urls["public"][section] = lab.url("gate") + "/api/v4"
    urls["spot"] = lab.ws("gate") + "/ws/v4/"
    # ccxt tells futures from spot by such letters in the address.
    urls["swap"] = {"usdt": lab.ws("gate") + "/v4/ws/usdt?fx"}
    return exchange


def bitget(lab: LabServer) -> Any:
    exchange = ccxt.pro.bitget({"enableRateLimit": False})
    urls = exchange.urls["api"]
    for name, url in urls.items():
        if isinstance(url, str):
            urls[name] = lab.url("bitget")
    urls["ws"]["public"] = lab.ws("bitget") + "/v2/ws/public"
    return exchange


def kucoinfutures(lab: LabServer) -> Any:
    exchange = ccxt.pro.kucoinfutures({"enableRateLimit": False})
    urls = exchange.urls["api"]
    urls["public"] = urls["futuresPublic"] = lab.url("kucoinfutures")
    return exchange


def krakenfutures(lab: LabServer) -> Any:
    exchange = ccxt.pro.krakenfutures({"enableRateLimit": False})
    urls = exchange.urls["api"]
    urls["public"] = lab.url("krakenfutures") + "/derivatives/api/"
    urls["ws"] = lab.ws("krakenfutures") + "/ws/v1"
    return exchange


EXCHANGES = {
    "binanceusdm": binanceusdm,
    "bybit": bybit,
    "okx": okx,
    "hyperliquid": hyperliquid,
    "gate": gate,
    "bitget": bitget,
    "kucoinfutures": kucoinfutures,
    "krakenfutures": krakenfutures,
}

# What of the stream names each contract is called there, where it is not its REST id.
SYMBOLS = {
    "binanceusdm": ("BTC/USDT:USDT", "DOGE/USDT:USDT"),
    "bybit": ("BTC/USDT:USDT", "DOGE/USDT:USDT"),
    "okx": ("BTC/USDT:USDT", "BTC/USD:BTC", "XRP/USDT:USDT"),
    "hyperliquid": ("BTC/USDC:USDC", "XRP/USDC:USDC"),
    "gate": ("BTC/USDT:USDT", "DOGE/USDT:USDT"),
    "bitget": ("BTC/USDT:USDT", "DOGE/USDT:USDT"),
    "kucoinfutures": ("BTC/USDT:USDT", "DOGE/USDT:USDT"),
    "krakenfutures": ("BTC/USD:USD", "DOGE/USD:USD"),
}
# How deep ccxt's own book is, and ours from the top channel.
DEPTHS: Mapping[str, tuple[int, int]] = {
    "binanceusdm": (100, 20),
    "bybit": (50, 50),
    "okx": (200, 5),
    "hyperliquid": (20, 5),
    "gate": (50, 50),
    "bitget": (200, 50),
    "kucoinfutures": (100, 50),
    "krakenfutures": (200, 200),
}

# ccxt asks for the slow book, which comes every five seconds.
UPDATES = {"hyperliquid": 1}


async def books_are_one(
    lab: LabServer, exchange: Any, feeds: list[NativeFeed], venue: str, symbol: str
) -> None:
    """ccxt's book and ours are the lab's, of the frozen market."""
    of_ccxt, of_top = DEPTHS[venue]
    book = lab.book(venue, symbol)

    def shown() -> bool:
        found = sides(exchange.orderbooks[symbol])
        return [side[:of_ccxt] for side in found] == truth(book, of_ccxt)

    await until(shown, 8)
    full, top = feeds
    await full.settled(symbol, min(of_ccxt, 200), 8)
    await top.settled(symbol, of_top)
    fetched = await exchange.fetch_order_book(symbol, of_ccxt)
    assert [side[:of_ccxt] for side in sides(fetched)] == truth(book, of_ccxt)


async def marks_are_one(lab: LabServer, exchange: Any, feed: NativeFeed, symbol: str) -> None:
    """What ccxt fetches of mark, index and funding is what we know."""
    contract = lab.world.venues[exchange.id].contract(symbol)  # type: ignore[union-attr]
    said = contract.said
    await until(lambda: feed.known(symbol).mark == float(said.mark), 5)
    await until(lambda: feed.known(symbol).interval is not None, 5)
    await until(lambda: feed.known(symbol).funding_rate == float(said.rate), 8)
    known = feed.known(symbol)
    assert (known.index, known.funding_rate) == (float(said.index), float(said.rate))
    assert (known.next_funding_at, known.interval) == (said.next_at, said.interval)
    rate = await exchange.fetch_funding_rate(symbol)
    assert rate["fundingRate"] == pytest.approx(known.funding_rate, rel=1e-9)
    if rate["fundingTimestamp"]:
        assert rate["fundingTimestamp"] * 10**6 == known.next_funding_at
    for key, value in (("markPrice", known.mark), ("indexPrice", known.index)):
        assert rate[key] in (None, value)


@pytest.mark.parametrize("venue", EXCHANGES)
async def test_an_unmodified_ccxt_and_our_feed_see_the_same(
    lab: LabServer, start_native: StartNative, venue: str
) -> None:
    symbols = SYMBOLS[venue]
    feeds = [start_native(venue, symbols, depth) for depth in (Depth.FULL, Depth.TOP)]
    async with EXCHANGES[venue](lab) as exchange:
        markets = await exchange.load_markets()
        assert lab.world is not None
        contracts = lab.world.venues[venue].contracts.values()
        listed = {contract.market.symbol for contract in contracts}
        assert {s for s, market in markets.items() if market["contract"]} == listed
        for contract in contracts:
            market = markets[contract.market.symbol]
            assert market["contractSize"] == float(contract.market.contract_size)
            assert market["precision"]["amount"] == float(contract.market.lot)
            assert market["precision"]["price"] == float(contract.market.tick)
            assert market["inverse"] is contract.market.inverse
        watched = [watch(exchange, symbol, UPDATES.get(venue, 8)) for symbol in symbols]
        await asyncio.gather(*(feed.live() for feed in feeds), *watched)
        lab.freeze()
        for symbol in symbols:
            await books_are_one(lab, exchange, feeds, venue, symbol)
            if not lab.book(venue, symbol).market.expiry:
                await marks_are_one(lab, exchange, feeds[1], symbol)


@pytest.mark.parametrize("venue", EXCHANGES)
async def test_an_unmodified_ccxt_and_our_own_reading_know_the_same_settlements(
    lab: LabServer, venue: str
) -> None:
    assert lab.world is not None
    spoken = native(venue, contracts=True)
    assert spoken is not None and spoken.funding_history is not None
    history = spoken.funding_history
    now = lab.clock()
    since = now - 20 * DAY
    async with fetcher(venue) as fetching, EXCHANGES[venue](lab) as exchange:
        source = Native(history, lab.url(venue), fetching)
        markets = await exchange.load_markets()
        symbol = SYMBOLS[venue][0]
        contract = lab.world.venues[venue].contract(symbol)
        market = Market(
            venue=venue, id=contract.market.id, symbol=symbol, base="BTC", quote="", taker_fee=0.0
        )
        found = (await source.ask([Wanted(market, since)], now))[market.id]
        assert not found.error
        rows = await exchange.fetch_funding_rate_history(
            symbol, since // MILLISECOND, 100 if venue == "bitget" else None
        )
        assert markets[symbol]["id"].upper() == market.id.upper() or venue == "hyperliquid"
        told = {round(row["timestamp"] / 60_000) * 60: row["fundingRate"] for row in rows}
        begins = history.begins // SECOND
        ours = {one.at // SECOND - begins: one.rate for one in found.settled}
        assert len(told) > 50 and ours.keys() >= told.keys()
        assert {at: ours[at] for at in told} == told
        true = {one.at: one.rate for one in contract.settled if one.at >= since}
        assert {one.at: one.rate for one in found.settled} == true
        marks = {one.mark is not None for one in found.settled}
        assert marks == {bool(history.mark)}


def fetcher(venue: str) -> Fetcher:
    log = logging.getLogger(__name__)
    return Fetcher(
        venue,
        now=time.monotonic_ns,
        pace=Pace(Bucket(50), time.monotonic_ns),
        pause=Pause(),
        notices=Notices(log, time.monotonic_ns),
        timeout=5.0,
    )


@pytest.mark.parametrize("venue", ["gate", "hyperliquid"])
async def test_a_venue_by_ccxt_is_asked_in_a_process_of_its_own(lab: LabServer, venue: str) -> None:
    assert lab.world is not None
    now = lab.clock()
    since = now - 9 * DAY
    contracts = [lab.world.venues[venue].contract(symbol) for symbol in SYMBOLS[venue]]
    wanted = [
        Wanted(
            Market(venue=venue, id=name, symbol="", base="", quote="", taker_fee=0.0),
            since,
        )
        for name in [*(ccxt_name(venue, c.market.base) for c in contracts), "NONE"]
    ]
    found = await ByCcxt(venue, lab.url(venue)).ask(wanted, now)
    for contract, one in zip(contracts, wanted, strict=False):
        true = {paid.at: paid.rate for paid in contract.settled if paid.at >= since}
        got = found[one.market.id]
        assert not got.error
        assert {paid.at: paid.rate for paid in got.settled} == true
    assert "no perpetual is called 'NONE'" in found["NONE"].error


def ccxt_name(venue: str, base: str) -> str:
    """Hyperliquid's contracts are numbered, for ccxt."""
    return (
        str(("BTC", "ETH", "SOL", "XRP").index(base)) if venue == "hyperliquid" else f"{base}_USDT"
    )


def test_every_venue_of_the_table_is_tried() -> None:
    assert set(EXCHANGES) == set(CONTRACTS)
