"""Level lists: the kernel and the slow way agree, and what is no level list is refused."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.books import layout as L
from scanner.books import parse, slow
from scanner.books.store import BookStore, Keys
from scanner.types import LevelLayout

PAIRS = Keys.of(LevelLayout())
OBJECTS = Keys.of(LevelLayout(price_key="price", size_key="qty"))
SIDED = Keys.of(
    LevelLayout(
        price_key="price_level",
        size_key="new_quantity",
        side_key="side",
        bid_value="bid",
        ask_value="offer",
    )
)
SKIPPING = Keys.of(LevelLayout(zero_price_skips=True))


def kernel(
    text: bytes, keys: Keys = PAIRS, side: int = 0, after: int = 0
) -> int | list[tuple[object, ...]]:
    """The rows the kernel makes, or its error code."""
    store = BookStore()
    count = parse.parse(store.context, text, side, 0, keys.array, after, parse.POWERS)
    if count < 0:
        return int(count)
    columns = [store.array(slot)[:count].tolist() for slot in range(L.ROW_PRICE, L.ROW_SIDE + 1)]
    return list(zip(*columns, strict=True))


def test_pairs_of_text() -> None:
    assert kernel(b'[["100.10","2"],["0.00001234","0"]]') == [
        (100.1, 2.0, 10010, 2, 2, 0),
        (0.00001234, 0.0, 1234, 0, 8, 0),
    ]


def test_more_columns_and_json_numbers_and_blanks() -> None:
    text = b' [ [ 41006.8 , "0.60038921" , "0", 1 ] , [7,3,null,true] ] '
    assert kernel(text, side=1) == [
        (41006.8, 0.60038921, 410068, 60038921, 1 | 8 << 8, 1),
        (7.0, 3.0, 7, 3, 0, 1),
    ]


def test_objects() -> None:
    text = b'[{"price":0.5666,"qty":4831.75496356},{"qty":"1","x":"a\\"b","price":"2.50"}]'
    assert kernel(text, OBJECTS) == [
        (0.5666, 4831.75496356, 5666, 483175496356, 4 | 8 << 8, 0),
        (2.5, 1.0, 250, 1, 2, 0),
    ]


def test_sides_in_the_levels() -> None:
    text = (
        b'[{"side":"bid","event_time":"1970-01-01T00:00:00Z","price_level":"21921.73",'
        b'"new_quantity":"0.06317902"},{"side":"offer","event_time":"x",'
        b'"price_level":"21921.74","new_quantity":"0"}]'
    )
    assert kernel(text, SIDED, side=2) == [
        (21921.73, 0.06317902, 2192173, 6317902, 2 | 8 << 8, 0),
        (21921.74, 0.0, 2192174, 0, 2, 1),
    ]


@pytest.mark.parametrize(
    "says", [b'"buy"', b'"b"', b'"x"', b'""', b'"bidx"', b'"ask"', b'"Offer"', b"null", b"1"]
)
def test_a_side_is_one_of_the_two_words_and_nothing_else(says: bytes) -> None:
    text = b'[{"side":%b,"price_level":"21921.73","new_quantity":"1"}]' % says
    assert kernel(text, SIDED, side=2) == L.SYNTAX
    with pytest.raises(slow.BadLevels, match="side"):
        slow.rows(text, 2, SIDED.layout)
    for word, side in ((b'"bid"', 0), (b'"offer"', 1)):
        good = text.replace(says, word, 1)
        assert [row[5] for row in kernel(good, SIDED, side=2)] == [side]
        assert [row.side for row in slow.rows(good, 2, SIDED.layout)] == [side]


def test_rows_already_in_the_snapshot_are_left_out() -> None:
    text = b'[["1","1","100"],["2","2","101"],["3","3",102]]'
    assert kernel(text, after=100) == [(2.0, 2.0, 2, 2, 0, 0), (3.0, 3.0, 3, 3, 0, 0)]


def test_zero_price_is_skipped_only_where_the_venue_means_it() -> None:
    text = b'[["0","0","14103845"],["18906","0.00331","14103846"]]'
    assert kernel(text, SKIPPING) == [(18906.0, 0.00331, 18906, 331, 5 << 8, 0)]
    assert kernel(text) == L.NUMBER


def test_empty_list() -> None:
    assert kernel(b"[]") == []
    assert kernel(b" [ ] ") == []


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[",
        b"{}",
        b"null",
        b"[[]]",
        b'[["1"]]',
        b'[["1","2"',
        b'[["1","2"],]',
        b'[["1","2"]]x',
        b'[["1","2"]',
        b'[["1","2",[]]]',
        b'[["1" "2"]]',
        b'[["-1","2"]]',
        b'[["1","-2"]]',
        b'[["NaN","2"]]',
        b"[[NaN,2]]",
        b'[["Infinity","2"]]',
        b'[["","2"]]',
        b'[[".5","2"]]',
        b'[["1.","2"]]',
        b'[["1.2.3","2"]]',
        b'[["1","2]]',
        b'[["0","2"]]',
        b'[["1","\xff\xfe"]]',
        b'[{"price":1}]',
        b'[{"price":1,"qty":}]',
        b'[{"price":1,"qty":2]',
        b"[1,2]",
    ],
)
def test_malformed(text: bytes) -> None:
    keys = OBJECTS if b"{" in text else PAIRS
    assert kernel(text, keys) in (L.SYNTAX, L.NUMBER)
    with pytest.raises(slow.BadLevels):
        slow.rows(text, 0, keys.layout)


@pytest.mark.parametrize(
    "text",
    [b'[["1e-7","1"]]', b'[["1","9007199254740993"]]', b'[["1","12345678901234567890.5"]]'],
)
def test_what_a_double_cannot_hold_goes_the_slow_way(text: bytes) -> None:
    assert kernel(text) == L.INEXACT


def test_slow_way_is_exact() -> None:
    assert slow.rows(b'[["1e-7","1234567890.12345678"]]', 0, LevelLayout()) == [
        (1e-7, 1234567890.12345678, 1, 123456789012345678, 7, 8, 0)
    ]


@pytest.mark.parametrize("value", ["1e400", "1e-400", "9" * 60, "1" * 10_000, "1_0", " 1", "0x1"])
def test_slow_way_refuses_what_is_out_of_bounds(value: str) -> None:
    with pytest.raises(slow.BadLevels):
        slow.rows(json.dumps([[value, "1"]]).encode(), 0, LevelLayout())


decimals = st.decimals(
    min_value=Decimal("0.000000000001"), max_value=Decimal("90000000"), places=8
).filter(lambda d: d > 0)


@given(st.lists(st.tuples(decimals, decimals), max_size=20))
def test_kernel_and_slow_way_agree(levels: list[tuple[Decimal, Decimal]]) -> None:
    text = json.dumps([[f"{p:f}", f"{s:f}"] for p, s in levels]).encode()
    rows = slow.rows(text, 1, LevelLayout())
    expected = [(*row[:4], row.price_decimals | row.size_decimals << 8, 1) for row in rows]
    assert kernel(text, side=1) == expected
    assert [row.price for row in rows] == [float(f"{p:f}") for p, _ in levels]


@given(st.binary(max_size=60))
def test_any_bytes_are_a_list_or_an_error(text: bytes) -> None:
    result = kernel(b"[" + text)
    if isinstance(result, list):
        json.loads(b"[" + text)
