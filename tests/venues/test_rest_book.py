"""What each venue shows over REST is read as it documents it, and held against a book as it is."""

from __future__ import annotations

import json

import msgspec
import pytest

from scanner.books.store import BookStore, Keys
from scanner.steps import Snapshot
from scanner.types import LevelLayout
from scanner.venues.registry import CONTRACTS, VENUES, native
from scanner.venues.rest_book import RestBook, Shown

TWO = '[["100.10","2"],["99.5","0.5"]]', '[["100.20","3.25"]]'
NUMBERS = "[[100.10,2],[99.5,0.5]]", "[[100.20,3.25]]"


def filled(text: str, sides: tuple[str, str] = TWO) -> str:
    return text.replace("BIDS", sides[0]).replace("ASKS", sides[1])


OKX = (
    '{"code":"0","msg":"","data":[{"asks":[["100.20","3.25","0","2"]],'
    '"bids":[["100.10","2","0","1"],["99.5","0.5","0","4"]],"ts":"1629966436396"}]}'
)
BYBIT = filled(
    '{"retCode":0,"retMsg":"OK","result":{"s":"BTCUSDT","a":ASKS,"b":BIDS,"ts":1716863719031,'
    '"u":230704,"seq":1432604333,"cts":1716863718905},"retExtInfo":{},"time":1716863719382}'
)
BITGET = filled(
    '{"code":"00000","msg":"success","requestTime":1698303884579,"data":{"asks":ASKS,"bids":BIDS,'
    '"ts":"1698303884584"}}'
)

ANSWERS = {
    "binance": (
        "BTCUSDT",
        "https://api.binance.com/api/v3/depth?symbol=BTCUSDT&limit=100",
        filled('{"lastUpdateId":1027024,"bids":BIDS,"asks":ASKS}'),
        "",
    ),
    "okx": (
        "BTC-USDT",
        "https://www.okx.com/api/v5/market/books?instId=BTC-USDT&sz=100",
        OKX,
        '"1629966436396"',
    ),
    "kucoin": (
        "BTC-USDT",
        "https://api.kucoin.com/api/v1/market/orderbook/level2_100?symbol=BTC-USDT",
        filled(
            '{"code":"200000","data":{"time":1729176273859,"sequence":"14610502970",'
            '"bids":BIDS,"asks":ASKS}}'
        ),
        "1729176273859",
    ),
    "bybit": (
        "BTCUSDT",
        "https://api.bybit.com/v5/market/orderbook?category=spot&symbol=BTCUSDT&limit=100",
        BYBIT,
        "1716863719031",
    ),
    "kraken": (
        "BTC/USD",
        "https://api.kraken.com/0/public/Depth?pair=XBTUSD&count=100",
        '{"error":[],"result":{"XXBTZUSD":{"asks":[["100.20000","3.250",1616663113]],'
        '"bids":[["100.10000","2.000",1616663112],["99.50000","0.500",1616663050]]}}}',
        "",
    ),
    "coinbase": (
        "BTC-USD",
        "https://api.coinbase.com/api/v3/brokerage/market/product_book?product_id=BTC-USD&limit=100",
        '{"pricebook":{"product_id":"BTC-USD","bids":[{"price":"100.1","size":"2"},'
        '{"price":"99.5","size":"0.5"}],"asks":[{"price":"100.2","size":"3.25"}],'
        '"time":"2024-10-17T14:44:34.012345Z"},"last":"100.1","mid_market":"100.15",'
        '"spread_bps":"10","spread_absolute":"0.1"}',
        "",
    ),
    "gate": (
        "BTC_USDT",
        "https://api.gateio.ws/api/v4/spot/order_book?currency_pair=BTC_USDT&limit=100",
        filled('{"current":1623898993123,"update":1623898993121,"bids":BIDS,"asks":ASKS}'),
        "1623898993123",
    ),
    "bitget": (
        "BTCUSDT",
        "https://api.bitget.com/api/v2/spot/market/orderbook?symbol=BTCUSDT&type=step0&limit=100",
        BITGET,
        '"1698303884584"',
    ),
}
CONTRACT_ANSWERS = {
    "binanceusdm": (
        "BTCUSDT",
        "https://fapi.binance.com/fapi/v1/depth?symbol=BTCUSDT&limit=100",
        filled(
            '{"lastUpdateId":1027024,"E":1589436922972,"T":1589436922959,"bids":BIDS,"asks":ASKS}'
        ),
        "1589436922972",
    ),
    "okx": (
        "BTC-USDT-SWAP",
        "https://www.okx.com/api/v5/market/books?instId=BTC-USDT-SWAP&sz=100",
        OKX,
        '"1629966436396"',
    ),
    "kucoinfutures": (
        "XBTUSDTM",
        "https://api-futures.kucoin.com/api/v1/level2/depth100?symbol=XBTUSDTM",
        filled(
            '{"code":"200000","data":{"sequence":1697895963339,"symbol":"XBTUSDTM",'
            '"bids":BIDS,"asks":ASKS,"ts":1729168101216000000}}',
            NUMBERS,
        ),
        "1729168101216000000",
    ),
    "bybit": (
        "BTCUSDT",
        "https://api.bybit.com/v5/market/orderbook?category=linear&symbol=BTCUSDT&limit=100",
        BYBIT,
        "1716863719031",
    ),
    "gate": (
        "BTC_USDT",
        "https://api.gateio.ws/api/v4/futures/usdt/order_book?contract=BTC_USDT&limit=100",
        '{"current":1623898993.123,"update":1623898993.121,"asks":[{"p":"100.20","s":3.25}],'
        '"bids":[{"p":"100.10","s":2},{"p":"99.5","s":"0.5"}]}',
        "1623898993.123",
    ),
    "bitget": (
        "BTCUSDT",
        "https://api.bitget.com/api/v2/mix/market/merge-depth"
        "?productType=usdt-futures&symbol=BTCUSDT&limit=100",
        BITGET.replace('"100.10","2"', "100.10,2").replace('"ts"', '"isMaxPrecision":"NO","ts"'),
        '"1698303884584"',
    ),
    "krakenfutures": (
        "PF_XBTUSD",
        "https://futures.kraken.com/derivatives/api/v3/orderbook?symbol=PF_XBTUSD",
        filled(
            '{"result":"success","orderBook":{"bids":BIDS,"asks":ASKS},'
            '"serverTime":"2023-04-10T13:55:51.560Z"}',
            NUMBERS,
        ),
        '"2023-04-10T13:55:51.560Z"',
    ),
}
CASES = [
    *((name, False, *answer) for name, answer in ANSWERS.items()),
    *((name, True, *answer) for name, answer in CONTRACT_ANSWERS.items()),
]
PLAIN = Keys.of(LevelLayout())


def rest_book(name: str, contracts: bool = False) -> tuple[RestBook, str]:
    venue = native(name, contracts=contracts)
    assert venue is not None
    assert venue.rest_book is not None
    return venue.rest_book, venue.rest


def book(bids: str, asks: str) -> tuple[BookStore, int]:
    store = BookStore()
    number = store.add()
    snapshot = Snapshot(market="", bids=bids.encode(), asks=asks.encode())
    store.snapshot(number, snapshot, PLAIN, 1)
    return store, number


def holds(request: RestBook, shown: Shown, bids: str, asks: str) -> bool:
    store, number = book(bids, asks)
    keys = Keys.of(request.layout)
    return store.shows(number, shown.bids, shown.asks, keys, request.levels, request.step)


@pytest.mark.parametrize(("name", "contracts", "market", "url", "body", "made"), CASES)
def test_the_answer_of_each_venue(
    name: str, contracts: bool, market: str, url: str, body: str, made: str
) -> None:
    request, rest = rest_book(name, contracts)
    assert request.url(rest, market) == url
    json.loads(body)
    shown = request.read(body.encode())
    assert shown.made.decode() == made
    assert holds(request, shown, *TWO)
    assert not holds(request, shown, TWO[0].replace("0.5", "0.4"), TWO[1])
    assert not holds(request, shown, TWO[0], TWO[1].replace("100.20", "100.21"))


def test_every_venue_whose_books_stand_in_an_answer_to_get_is_asked() -> None:
    """(One takes the question in a body alone.)"""
    without = [
        venue.id
        for contracts, names in ((False, VENUES), (True, CONTRACTS))
        for name in names
        if (venue := native(name, contracts=contracts)) is not None and venue.rest_book is None
    ]
    assert without == ["hyperliquid"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"data":[]}',
        b'{"data":{}}',
        b'{"data":[1]}',
        b'{"data":[{"asks":[],"bids":[]}]}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_answer(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        rest_book("okx")[0].read(body)


def test_an_object_with_one_key_of_any_name_has_no_second() -> None:
    with pytest.raises(msgspec.DecodeError):
        rest_book("kraken")[0].read(b'{"result":{"A":{},"B":{}}}')


def rows(*levels: tuple[float, float]) -> str:
    return json.dumps(levels)


def shows(ours: tuple[str, str], theirs: tuple[str, str], levels: int) -> bool:
    store, number = book(*ours)
    bids, asks = (text.encode() for text in theirs)
    return store.shows(number, bids, asks, PLAIN, levels)


def test_levels_that_were_not_asked_for_and_levels_beyond_a_channel_do_not_matter() -> None:
    ask = rows((11, 1))
    one, two = rows((10, 1)), rows((10, 1), (9, 1))
    assert shows((two, ask), (one, ask), 1)
    assert shows((one, ask), (two, ask), 2)
    assert shows((two, ask), (two, ask), 0)


def test_a_list_that_ends_early_is_all_that_there_is() -> None:
    ask = rows((11, 1))
    one, two = rows((10, 1)), rows((10, 1), (9, 1))
    assert not shows((two, ask), (one, ask), 2)
    assert not shows((two, ask), (one, ask), 0)


def test_an_empty_side() -> None:
    bid, ask, none = rows((10, 1)), rows((11, 1)), "[]"
    assert shows((bid, none), (bid, none), 5)
    assert not shows((bid, none), (bid, ask), 5)
    assert not shows((bid, ask), (bid, none), 5)


def test_sizes_may_be_rounded_and_prices_may_not() -> None:
    ask = rows((11, 1))
    ours = (rows((10, 0.0704)), ask)
    for theirs, same in (((10, 0.07), True), ((10, 0.071), True), ((10, 0.069), False)):
        store, number = book(*ours)
        lists = rows(theirs).encode(), ask.encode()
        assert store.shows(number, *lists, PLAIN, 1, 0.001) is same
        assert not store.shows(number, *lists, PLAIN, 1)
    store, number = book(*ours)
    assert not store.shows(number, rows((10.0001, 0.07)).encode(), ask.encode(), PLAIN, 1, 0.001)
