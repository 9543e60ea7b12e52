"""Market lists: what is made of ccxt's metadata, the cache, and which markets are scanned."""

from __future__ import annotations

import json
import logging
import os
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from scanner.config import Config, Endpoints, Feed, VenueConfig
from scanner.configuration.fees import FeeRates
from scanner.configuration.identity import Asset
from scanner.configuration.transfers import NetworkFacts
from scanner.errors import ConfigError, CrossbookError
from scanner.lab.server import Clock, LabServer
from scanner.lab.venues import VENUES
from scanner.lab.world import World
from scanner.markets import (
    DAY,
    Cache,
    Kept,
    NoMarkets,
    age_text,
    at_hand,
    choose,
    chosen_from,
    kept_sources,
    load,
    renewed,
    sources,
)
from scanner.metadata.fetch import (
    DECIMAL_PLACES,
    REASON,
    TICK_SIZE,
    UNLISTED,
    Wanted,
    converted,
    fetch,
    moved,
    traded,
)
from scanner.metadata.liquidity import Traded
from scanner.types import Market, Network, Wallet
from tests.feeds.test_rest import server

SECOND = 1_000_000_000
SIGNIFICANT_DIGITS = 3


def market(venue: str, symbol: str, fee: float = 0.001) -> Market:
    base, quote = symbol.split("/")
    return Market(
        venue=venue, id=base + quote, symbol=symbol, base=base, quote=quote, taker_fee=fee
    )


def listed(**symbols: str) -> dict[str, list[Market]]:
    return {
        venue: [market(venue, symbol) for symbol in names.split()]
        for venue, names in symbols.items()
    }


def kept(venue: str, at: int) -> Kept:
    return Kept(at, (market(venue, "X/Q"),))


def config(*venues: str, **settings: Any) -> Config:
    return Config(venues={venue: VenueConfig() for venue in venues}, **settings)


def entry(**changes: Any) -> dict[str, Any]:
    """One market as ccxt's ``load_markets`` gives it."""
    return {
        "id": "BTC-USDT",
        "symbol": "BTC/USDT",
        "base": "BTC",
        "quote": "USDT",
        "spot": True,
        "active": True,
        "taker": 0.001,
        "maker": 0.0008,
        "precision": {"price": 0.01, "amount": 1e-08},
        "limits": {"amount": {"min": 0.0001, "max": None}, "cost": {"min": 5.0}},
        "info": {},
    } | changes


def without_wallets(markets: list[Market]) -> list[Market]:
    return [msgspec.structs.replace(m, wallet=Wallet(), quote_wallet=Wallet()) for m in markets]


def convert(*entries: dict[str, Any], mode: int = TICK_SIZE) -> tuple[Market, ...]:
    return converted(Wanted("somewhere", "", False), entries, mode)


def test_a_market_is_made_of_what_ccxt_knows() -> None:
    assert convert(entry()) == (
        Market(
            venue="somewhere",
            id="BTC-USDT",
            symbol="BTC/USDT",
            base="BTC",
            quote="USDT",
            price_tick=0.01,
            lot=1e-08,
            min_amount=0.0001,
            min_notional=5.0,
            taker_fee=0.001,
            maker_fee=0.0008,
            fee_source="its list",
            fee_in_source="not known",
        ),
    )


@pytest.mark.parametrize(
    ("side", "buy", "sell"),
    [
        ("get", "base", "quote"),
        ("give", "quote", "base"),
        ("base", "base", "base"),
        ("quote", "quote", "quote"),
        ("other", "token", "token"),
        (None, "quote", "quote"),
    ],
)
def test_what_fees_are_taken_in(side: str | None, buy: str, sell: str) -> None:
    [made] = convert(entry(feeSide=side))
    assert (made.buy_fee_in, made.sell_fee_in) == (buy, sell)
    assert made.fee_in_source == ("ccxt" if side else "not known")


def test_a_native_venue_says_what_it_takes_fees_in_where_ccxt_does_not() -> None:
    found = {
        venue: converted(Wanted(venue, "", True), [entry(info={"symbol": "BTCUSDT"})], TICK_SIZE)
        for venue in ("okx", "kucoin")
    }
    [okx], [kucoin] = found["okx"], found["kucoin"]
    assert (okx.buy_fee_in, okx.sell_fee_in, kucoin.buy_fee_in) == ("base", "quote", "quote")
    assert okx.fee_in_source == "the venue's rules"


def test_what_converts_comes_with_symbols_of_two_quotes() -> None:
    lists = listed(
        a="BTC/USDT ETH/USDT USDC/USDT EUR/USDT", b="BTC/USDC ETH/USDT BTC/USDT", c="BTC/USDC"
    )

    def scanned(**settings: Any) -> list[str]:
        wanted = config("okx", symbols=("BTC/USDT", "BTC/USDC", "ETH/USDT"), **settings)
        return list(dict.fromkeys(m.symbol for m in choose(lists, wanted)))

    assert scanned() == ["BTC/USDT", "BTC/USDC", "ETH/USDT", "USDC/USDT"]
    assert scanned(kinds=("spot-spot",)) == ["BTC/USDT", "BTC/USDC", "ETH/USDT"]


def test_precisions_are_steps_or_decimals_as_the_venue_counts() -> None:
    precise = entry(precision={"price": 2, "amount": 8})
    assert [(m.price_tick, m.lot) for m in convert(precise, mode=DECIMAL_PLACES)] == [(0.01, 1e-08)]
    assert [(m.price_tick, m.lot) for m in convert(precise, mode=SIGNIFICANT_DIGITS)] == [
        (0.0, 0.0)
    ]


def test_only_active_spot_markets_with_plain_names_are_taken() -> None:
    assert (
        convert(
            entry(spot=False),
            entry(active=False),
            entry(symbol="BTC/US\x1b[2J"),
            entry(id="x" * 100),
            entry(quote=None),
        )
        == ()
    )
    assert len(convert(entry(active=None))) == 1


@pytest.mark.parametrize("fee", [None, "soon", float("nan")])
def test_a_market_whose_fee_is_not_listed_says_so(fee: Any) -> None:
    [made] = convert(entry(taker=fee))
    assert made.fee_source == UNLISTED


def test_a_maker_fee_that_is_not_listed_is_not_taken_for_none() -> None:
    [made] = convert(entry(maker=None))
    assert (made.taker_fee, made.maker_fee) == (0.001, 0.001)


def test_one_stream_under_two_symbols_is_first_what_it_is_named_after() -> None:
    alias = entry(id="BTC-USDC", symbol="BTC/USDC", quote="USDC", info={"alias": "BTC-USD"})
    original = entry(id="BTC-USD", symbol="BTC/USD", quote="USD", info={"alias": ""})
    made = converted(Wanted("coinbase", "", True), [alias, original, original], TICK_SIZE)
    assert [(m.id, m.symbol) for m in made] == [("BTC-USD", "BTC/USD"), ("BTC-USD", "BTC/USDC")]


def test_steps_and_limits_that_are_no_numbers_are_unknown() -> None:
    odd = entry(
        precision={"price": "soon", "amount": float("inf")},
        limits={"amount": {"min": float("nan")}, "cost": None},
    )
    [made] = convert(odd)
    assert (made.price_tick, made.lot, made.min_amount, made.min_notional) == (0, 0, 0, 0)


def test_the_rest_address_moves_and_the_paths_stay() -> None:
    urls = {
        "public": "https://api.{hostname}/api/v3",
        "nested": {"spot": "http://one.example"},
        "ws": {"spot": "wss://stream.example/ws"},
        "version": 3,
    }
    assert moved(urls, "http://127.0.0.1:9/x") == {
        "public": "http://127.0.0.1:9/x/api/v3",
        "nested": {"spot": "http://127.0.0.1:9/x"},
        "ws": {"spot": "wss://stream.example/ws"},
        "version": 3,
    }


class Exchange:
    """What ``traded`` needs of ccxt."""

    def __init__(self, tickers: dict[str, Any] | Exception) -> None:
        self.timeout = 0
        self.options: dict[str, Any] = {"defaultType": "swap"}
        self.tickers = tickers

    def fetch_tickers(self) -> dict[str, Any]:
        assert (self.timeout > 0, self.options["defaultType"]) == (True, "spot")
        if isinstance(self.tickers, Exception):
            raise self.tickers
        return self.tickers


def test_how_much_is_traded_is_asked_for_and_may_be_missing() -> None:
    markets = [market("a", symbol) for symbol in ("A/Q", "B/Q", "C/Q", "D/Q", "E/Q")]
    tickers = {
        "A/Q": {"last": 2.0, "quoteVolume": 500.0, "baseVolume": 1.0},
        "B/Q": {"last": "2.5", "quoteVolume": None, "baseVolume": "4"},
        "C/Q": {"last": None, "quoteVolume": 7.0},
        "D/Q": {"last": float("nan"), "quoteVolume": float("inf")},
        "F/Q": {"last": 1.0, "quoteVolume": 1.0},
    }
    found = traded(Exchange(tickers), markets)
    assert found == {"A/Q": Traded(2.0, 500.0), "B/Q": Traded(2.5, 10.0)}
    assert traded(Exchange(ValueError("no")), markets) == {}


def test_what_goes_wrong_with_a_list_is_told_to_the_bottom() -> None:
    answer = fetch(Wanted("gate", "http://127.0.0.1:1", True))
    assert answer.markets == ()
    assert answer.error.startswith("NetworkError: gate GET http://127.0.0.1:1/")
    assert answer.error.endswith("Connection refused)")
    assert len(answer.error) <= 2 * REASON


def test_auto_takes_what_two_venues_list_and_what_most_list_first() -> None:
    found = listed(a="X/Q Y/Q Z/Q", b="Y/Q Z/Q", c="Z/Q W/Q")
    chosen = choose(found, config("a", "b", "c"))
    assert [(m.symbol, m.venue) for m in chosen] == [
        ("Z/Q", "a"),
        ("Z/Q", "b"),
        ("Z/Q", "c"),
        ("Y/Q", "a"),
        ("Y/Q", "b"),
    ]


def test_auto_keeps_to_the_quotes_and_to_the_most_symbols() -> None:
    found = listed(a="X/Q Y/Q X/R", b="X/Q Y/Q X/R")
    both = ("a", "b")
    assert {m.symbol for m in choose(found, config(*both, quotes=("R",)))} == {"X/R"}
    assert {m.symbol for m in choose(found, config(*both, max_symbols=1))} == {"X/Q"}


def test_auto_prefers_what_is_traded_most_on_its_second_venue() -> None:
    found = listed(a="X/USDT Y/USDT Z/USDT", b="X/USDT Y/USDT Z/USDT", c="Z/USDT")
    tickers = {
        "a": {"X/USDT": Traded(1, 9e9), "Y/USDT": Traded(1, 5e6)},
        "b": {"X/USDT": Traded(1, 10.0), "Y/USDT": Traded(1, 4e6)},
    }
    settings = config("a", "b", "c", max_symbols=2)
    chosen = choose(found, settings, tickers)
    assert list(dict.fromkeys(m.symbol for m in chosen)) == ["Y/USDT", "X/USDT"]


def test_auto_with_nothing_in_common_is_an_error() -> None:
    with pytest.raises(CrossbookError, match="no symbol in R is listed by two of the venues: a, b"):
        choose(listed(a="X/Q X/R", b="X/Q"), config("a", "b", quotes=("R",)))


def test_named_symbols_come_in_their_order(caplog: pytest.LogCaptureFixture) -> None:
    found = listed(a="X/Q Y/Q", b="X/Q")
    chosen = choose(found, config("a", "b", symbols=("Y/Q", "X/QQ", "X/Q")))
    assert [(m.symbol, m.venue) for m in chosen] == [("Y/Q", "a"), ("X/Q", "a"), ("X/Q", "b")]
    assert caplog.messages == [
        "Y/Q: only a lists it, so there is no pair",
        "X/QQ: no configured venue lists it; did you mean 'X/Q'?",
    ]


def test_named_symbols_that_nobody_lists_are_an_error_of_the_configuration() -> None:
    with pytest.raises(ConfigError, match="symbols: none of them is listed by any of: a, b"):
        choose(listed(a="X/Q", b="X/Q"), config("a", "b", symbols=("Y/Q",)))


def test_the_cache_gives_back_what_it_was_given(tmp_path: Path) -> None:
    cache, wanted = Cache(tmp_path / "new"), Wanted("okx", "", True)
    given = Kept(5 * SECOND, (market("okx", "X/Q"),), {"X/Q": Traded(2.5, 1e6)})
    cache.write(wanted, given)
    assert cache.read(wanted) == given


def test_another_address_or_client_has_a_list_of_its_own(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.write(Wanted("okx", "", True), kept("okx", 1))
    assert cache.read(Wanted("okx", "http://127.0.0.1:1", True)) is None
    assert cache.read(Wanted("okx", "", False)) is None


@pytest.mark.parametrize("damage", [b"", b"{", b'{"at":1,"markets":[{"venue":5}]}', b"\xff"])
def test_a_damaged_cache_file_is_ignored_with_a_line(
    damage: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache, wanted = Cache(tmp_path), Wanted("okx", "", True)
    cache.write(wanted, kept("okx", 1))
    cache.path(wanted).write_bytes(damage)
    assert cache.read(wanted) is None
    assert "okx: ignoring the damaged cache file" in caplog.text


def test_a_cache_that_cannot_be_written_costs_a_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "markets").write_text("in the way")
    Cache(tmp_path).write(Wanted("okx", "", True), kept("okx", 1))
    assert "okx: the market list could not be kept" in caplog.text


def test_lists_that_nobody_renews_are_forgotten_after_a_month(tmp_path: Path) -> None:
    cache, old, new = Cache(tmp_path), Wanted("okx", "", True), Wanted("gate", "", True)
    at = time.time_ns()
    cache.write(old, kept("okx", at))
    month_ago = (at - 31 * DAY) / SECOND
    os.utime(cache.path(old), (month_ago, month_ago))
    cache.write(new, kept("gate", at))
    assert [path.name for path in (tmp_path / "markets").iterdir()] == [cache.path(new).name]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-1, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (200_000, "2 days")],
)
def test_an_age_is_told_in_its_largest_unit(seconds: int, said: str) -> None:
    assert age_text(seconds * SECOND) == said


def lab_config(lab: LabServer, cache: Path, **changes: Any) -> Config:
    venues = {
        name: VenueConfig(
            feed=Feed.NATIVE, endpoints=Endpoints(rest=lab.url(name), ws=lab.ws(name)), **changes
        )
        for name in lab.venues
    }
    return Config(venues=venues, cache_dir=cache)


async def test_the_lists_of_all_venues_arrive_and_stay_usable_without_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    world = World(7, time.time_ns(), tuple(VENUES))
    async with LabServer(world, clock=Clock()) as lab:
        settings = lab_config(lab, tmp_path)
        loaded = await load(settings)
        assert caplog.messages[0] == "loading markets of 8 venues ..."
        assert {m.venue for m in loaded} == set(VENUES)
        for found in loaded:
            true = world.book(found.venue, found.symbol).market
            assert found.price_tick == float(true.tick), found
            assert found.lot == float(true.lot), found
            assert found.taker_fee == float(true.taker), found
            assert (found.base, found.quote) == (true.base, true.quote)
    caplog.clear()
    assert await load(settings) == loaded
    for name in VENUES:
        assert f"{name}: markets from the cache, " in caplog.text
    for source in (await sources(settings, fetch=False)).values():
        assert source.markets and source.at and not source.error
    with pytest.raises(NoMarkets, match="neither from it nor from the cache"):
        await load(settings.model_copy(update={"cache_dir": tmp_path / "other"}))


async def test_a_venue_without_a_list_is_left_out_and_the_others_go_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    names = list(VENUES)[:3]
    async with LabServer(World(7, time.time_ns(), names[:2]), clock=Clock()) as lab:
        settings = lab_config(lab, tmp_path, taker_fee=0.0007)
        lost = VenueConfig(feed=Feed.NATIVE, endpoints=Endpoints(rest="http://127.0.0.1:1"))
        settings = settings.model_copy(update={"venues": {**settings.venues, names[2]: lost}})
        loaded = await load(settings)
    assert {m.venue for m in loaded} == set(names[:2])
    assert {m.taker_fee for m in loaded} == {0.0007}
    assert f"{names[2]}: left out: no markets (" in caplog.text


SYMBOLS_OF_A_VENUE = {
    f"{base}-USD": {
        "base_currency": base,
        "base_currency_scale": 8,
        "counter_currency": "USD",
        "counter_currency_scale": 2,
        "min_price_increment": 1,
        "min_price_increment_scale": 2,
        "min_order_size": 5,
        "min_order_size_scale": 4,
        "max_order_size": 0,
        "max_order_size_scale": 8,
        "lot_size": 1,
        "lot_size_scale": 8,
        "status": "open",
        "id": 1,
    }
    for base in ("BTC", "ETH", "SOL")
}


async def test_markets_whose_fees_are_not_listed_need_one_of_the_configuration(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """ccxt's own client, of an exchange of which it knows no fees."""

    async def handler(request: web.Request) -> web.Response:
        assert request.path.endswith("/symbols")
        return web.json_response(SYMBOLS_OF_A_VENUE)

    def feeless(url: str, **changes: Any) -> Config:
        venue = VenueConfig(feed=Feed.CCXT, endpoints=Endpoints(rest=url), **changes)
        symbols = ("BTC/USD", "SOL/USD")
        return Config(venues={"blockchaincom": venue}, cache_dir=tmp_path, symbols=symbols)

    def warnings() -> list[str]:
        return [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]

    remedy = (
        "it does not list their fees; say yours with venues.blockchaincom.taker_fee in the"
        " configuration"
    )
    async with server(handler) as url:
        with pytest.raises(NoMarkets):
            await load(feeless(url))
        assert warnings() == [f"blockchaincom: 3 of its 3 markets are left out: {remedy}"]
        loaded = await load(feeless(url, taker_fee=0.0042))
        assert [(m.symbol, m.taker_fee, m.lot) for m in loaded] == [
            ("BTC/USD", 0.0042, 1e-08),
            ("SOL/USD", 0.0042, 1e-08),
        ]
        caplog.clear()
        some = feeless(url, fees={"BTC/*": FeeRates(taker=0.001)})
        assert [m.symbol for m in await load(some)] == ["BTC/USD"]
        assert f"blockchaincom: 2 of its 3 markets are left out: {remedy}" in caplog.messages
    kept = await sources(feeless("http://127.0.0.1:1"), fetch=False)
    assert kept["blockchaincom"].feeless == 0, "another address, another list"
    kept = await sources(feeless(url), fetch=False)
    assert (kept["blockchaincom"].feeless, kept["blockchaincom"].markets) == (3, [])


async def test_lists_of_the_last_day_are_at_hand_and_are_renewed(tmp_path: Path) -> None:
    async with LabServer(World(7, time.time_ns(), ("okx", "gate")), clock=Clock()) as lab:
        asked = lab_config(lab, tmp_path)
        assert await at_hand(asked) is None
        fresh = await load(asked)
        assert await at_hand(asked) == fresh
        stale = [msgspec.structs.replace(fresh[0], taker_fee=0.5), *fresh[1:]]
        gone = msgspec.structs.replace(fresh[0], id="gone")
        again = await renewed(asked, [*stale, gone])
        assert without_wallets(again) == without_wallets(fresh)
        assert again[1].wallet.listed_at > fresh[1].wallet.listed_at > 0
    assert await renewed(asked, [*stale, gone]) == [*again, gone]  # nobody answers any more
    cache = Cache(tmp_path)
    wanted = Wanted("gate", asked.venues["gate"].endpoints.rest or "", True)
    kept = cache.read(wanted)
    assert kept is not None
    cache.write(wanted, msgspec.structs.replace(kept, at=kept.at - DAY))
    assert await at_hand(asked) is None


def test_a_list_of_before_wallets_were_kept_is_still_read(tmp_path: Path) -> None:
    cache, wanted = Cache(tmp_path), Wanted("okx", "", True)
    cache.write(wanted, kept("okx", 5))
    path = cache.path(wanted)
    old = json.loads(path.read_text())
    del old["wallets"]
    for one in old["markets"]:
        del one["wallet"], one["quote_wallet"]
    path.write_text(json.dumps(old))
    assert cache.read(wanted) == kept("okx", 5)


def test_markets_come_with_what_is_kept_and_stated_of_their_wallets(tmp_path: Path) -> None:
    """Of what the venue lists, and what the user says; the user's names go before addresses."""
    facts = {"Q": {"N": NetworkFacts(withdraw_fee=2.0)}}
    asked = Config(
        venues={"okx": VenueConfig(transfers=facts), "gate": VenueConfig()},
        cache_dir=tmp_path,
        identity={"Y@okx": Asset(coin="Y")},
    )
    network = Network(name="N", withdraw=True, contract="0x" + "ab" * 20)
    coin = Wallet(networks=(network,), listed_at=7)
    listed = (market("okx", "X/Q"), market("okx", "Y/Q"))
    Cache(tmp_path).write(Wanted("okx", "", True), Kept(7, listed, {}, {"X": coin, "Y": coin}))
    source = kept_sources(asked)["okx"]
    one, other = source.markets
    assert one.wallet == coin
    assert other.wallet.networks == (msgspec.structs.replace(network, contract=""),)
    assert one.quote_wallet == Wallet(networks=(Network(name="N", fee=2.0),))
    assert set(source.wallets) == {"X", "Y", "Q"}


def test_markets_are_listed_under_the_coins_that_are_meant(tmp_path: Path) -> None:
    asked = config("okx", "gate", cache_dir=tmp_path, identity={"ABC@gate": Asset()})
    for wanted in (Wanted("okx", "", True), Wanted("gate", "", True)):
        symbols = ("1000PEPE/USDT", "ABC/USDT", "NEIRO/USDT")
        listed = tuple(market(wanted.venue, symbol) for symbol in symbols)
        tickers = {symbol: Traded(2.0, 1e6) for symbol in symbols}
        Cache(tmp_path).write(wanted, Kept(5 * SECOND, listed, tickers))
    found = kept_sources(asked)
    assert {name: [one.symbol for one in source.markets] for name, source in found.items()} == {
        "okx": ["PEPE/USDT", "ABC/USDT", "NEIRO/USDT"],
        "gate": ["PEPE/USDT", "ABC@gate/USDT", "NEIRO@gate/USDT"],
    }
    assert [one.multiplier for one in found["okx"].markets] == [1000, 1, 1]
    assert found["okx"].tickers["PEPE/USDT"] == Traded(0.002, 1e6)
    assert {one.symbol for one in chosen_from(found, asked)} == {"PEPE/USDT"}
