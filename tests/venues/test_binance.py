"""Binance spot, message by message."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.steps import (
    Ack,
    Best,
    Clock,
    Connect,
    Delta,
    Fetch,
    Notice,
    Reconnect,
    Refused,
    Reset,
    Snapshot,
    Step,
)
from scanner.types import Depth
from scanner.venues.binance import VENUE
from scanner.venues.parts import SECOND
from scanner.venues.protocol import VenueProtocol
from tests.venues.harness import build, sent

AT = 1_723_161_254 * SECOND
E = 1_723_161_255_208
BIDS = '[["61837.63000000","3.78826000"],["61837.62000000","0.61700000"]]'
ASKS = '[["61837.64000000","1.54698000"]]'
URL = "http://r/api/v3/depth?symbol=BTCUSDT&limit=1000"


def protocol(*ids: str, depth: Depth = Depth.TOP) -> VenueProtocol:
    return build(VENUE, ids or None, depth, rest="http://r", ws="ws://w")


def stream(name: str, data: str) -> bytes:
    return f'{{"stream":"{name}","data":{data}}}'.encode()


def best(u: int, market: str = "BTCUSDT") -> bytes:
    return stream(
        f"{market.lower()}@bookTicker",
        f'{{"u":{u},"s":"{market}","b":"61837.63000000","B":"3.78826000",'
        f'"a":"61837.64000000","A":"1.54698000"}}',
    )


def partial(last: int, market: str = "BTCUSDT") -> bytes:
    book = f'{{"lastUpdateId":{last},"bids":{BIDS},"asks":{ASKS}}}'
    return stream(f"{market.lower()}@depth20@100ms", book)


def diff(first: int, last: int, market: str = "BTCUSDT") -> bytes:
    return stream(
        f"{market.lower()}@depth@100ms",
        f'{{"e":"depthUpdate","E":{E},"s":"{market}","U":{first},"u":{last},'
        f'"b":[["61737.63000000","0.00000000"]],"a":{ASKS}}}',
    )


def delta(last: int, received_at: int = 0) -> Delta:
    return Delta(
        market="BTCUSDT",
        bids=b'[["61737.63000000","0.00000000"]]',
        asks=ASKS.encode(),
        sequence=last,
        sent_at=E * 1_000_000,
        received_at=received_at,
    )


def rest(last: int) -> bytes:
    return f'{{"lastUpdateId":{last},"bids":{BIDS},"asks":{ASKS}}}'.encode()


def fetched_book(last: int) -> Snapshot:
    return Snapshot(
        market="BTCUSDT", bids=BIDS.encode(), asks=ASKS.encode(), sequence=last, live=False
    )


def fetch() -> Fetch:
    return Fetch("depth:BTCUSDT", URL)


def joined() -> VenueProtocol:
    """A full-depth book that stands at update id 110."""
    made = protocol("BTCUSDT", depth=Depth.FULL)
    made.received(diff(101, 105), AT)
    steps = made.fetched("depth:BTCUSDT", 200, rest(102), AT)
    assert [step.sequence for step in steps if isinstance(step, Snapshot | Delta)] == [102, 105]
    assert list(made.received(diff(106, 110), AT)) == [delta(110)]
    return made


# --- connection and subscriptions -------------------------------------------------------------


def test_connects_to_the_combined_stream_which_names_the_symbol() -> None:
    assert protocol("BTCUSDT").start(AT) == [Connect("ws://w/stream")]


def test_top_subscribes_the_partial_book_and_the_best_prices_in_lower_case() -> None:
    assert sent(protocol("BTCUSDT", "ETHUSDT").opened(AT)) == [
        {
            "method": "SUBSCRIBE",
            "params": [
                "btcusdt@depth20@100ms",
                "btcusdt@bookTicker",
                "ethusdt@depth20@100ms",
                "ethusdt@bookTicker",
            ],
            "id": 1,
        },
        {"method": "SUBSCRIBE", "params": ["btcusdt@aggTrade"], "id": 2},
    ]


def test_full_subscribes_the_differences() -> None:
    (request,) = sent(protocol("BTCUSDT", depth=Depth.FULL).opened(AT))
    assert request["params"] == ["btcusdt@depth@100ms", "btcusdt@bookTicker"]


def test_many_markets_are_spread_over_requests() -> None:
    requests = sent(protocol(*(f"C{i}USDT" for i in range(120))).opened(AT))
    assert [len(request["params"]) for request in requests] == [100, 100, 40, 1]
    assert [request["id"] for request in requests] == [1, 2, 3, 4]
    assert 2 * VENUE.limits.markets <= 1024


def test_an_ack_is_for_all_markets_of_its_request_once() -> None:
    made = protocol("BTCUSDT", "ETHUSDT")
    made.opened(AT)
    ack = b'{"result":null,"id":1}'
    assert made.received(ack, AT) == [Ack("BTCUSDT"), Ack("ETHUSDT")]
    assert not made.received(ack, AT)
    assert not made.received(b'{"result":null,"id":77}', AT)


@pytest.mark.parametrize(
    "error",
    [
        b'{"code":2,"msg":"Invalid request: nope","id":1}',
        b'{"error":{"code":2,"msg":"Invalid request: nope"},"id":1}',
    ],
)
def test_both_shapes_of_refusal(error: bytes) -> None:
    made = protocol("BTCUSDT")
    made.opened(AT)
    assert made.received(error, AT) == [Refused("BTCUSDT", "Invalid request: nope (code 2)")]


def test_a_refusal_without_a_number_is_for_no_market() -> None:
    made = protocol("BTCUSDT")
    made.opened(AT)
    steps = made.received(b'{"code":3,"msg":"Invalid JSON"}', AT)
    assert steps == [Refused(None, "Invalid JSON (code 3)")]


def test_a_refused_batch_is_asked_one_by_one() -> None:
    made = protocol("BTCUSDT", "ETHUSDT")
    made.opened(AT)
    steps = made.received(b'{"error":{"code":2,"msg":"no"},"id":1}', AT)
    requests = sent(steps)
    assert [request["params"][1] for request in requests] == [
        "btcusdt@bookTicker",
        "ethusdt@bookTicker",
    ]
    assert made.received(b'{"result":null,"id":3}', AT) == [Ack("BTCUSDT")]
    refusal = made.received(b'{"error":{"code":2,"msg":"no"},"id":4}', AT)
    assert refusal == [Refused("ETHUSDT", "no (code 2)")]


@pytest.mark.parametrize("name", ["", "serverShutdown", "!serverShutdown"])
def test_an_announced_end_is_not_waited_for(name: str) -> None:
    event = '{"e":"serverShutdown","E":1770123456789}'
    raw = stream(name, event) if name else event.encode()
    (step,) = protocol("BTCUSDT").received(raw, AT)
    assert isinstance(step, Reconnect)


TRADE = (
    '{"e":"aggTrade","E":1672515782136,"s":"BTCUSDT","a":26129,"p":"61837.63000000",'
    '"q":"0.00100000","f":100,"l":105,"T":1672515782135,"m":true,"M":true}'
)


def test_the_trades_of_the_busiest_market_tell_the_time() -> None:
    steps = protocol("ETHUSDT").received(stream("btcusdt@aggTrade", TRADE), AT)
    assert steps == [Clock(1_672_515_782_136_000_000)]


# --- best bid and offer -----------------------------------------------------------------------


def test_best_prices_have_an_id_and_no_time() -> None:
    expected = Best(
        market="BTCUSDT",
        bid_price="61837.63000000",
        bid_size="3.78826000",
        ask_price="61837.64000000",
        ask_size="1.54698000",
        order=50_093_239_212,
    )
    raw = best(50_093_239_212)
    assert protocol("BTCUSDT").received(raw, AT) == [expected]
    bare = raw.partition(b'"data":')[2][:-1]
    assert protocol("BTCUSDT").received(bare, AT) == [expected]
    typed = bare.replace(b'{"u"', b'{"e":"bookTicker","E":1,"T":1,"u"')
    wrapped = b'{"stream":"btcusdt@bookTicker","data":' + typed + b"}"
    assert protocol("BTCUSDT").received(wrapped, AT) == [expected]


# --- top: whole books -------------------------------------------------------------------------


def test_a_partial_book_is_named_by_its_stream_alone() -> None:
    assert protocol("BTCUSDT").received(partial(160), AT) == [
        Snapshot(market="BTCUSDT", bids=BIDS.encode(), asks=ASKS.encode(), sequence=160)
    ]


def test_an_older_partial_book_is_skipped() -> None:
    made = protocol("BTCUSDT", "ETHUSDT")
    assert len(made.received(partial(160), AT)) == 1
    assert not made.received(partial(159), AT)
    assert len(made.received(partial(160), AT)) == 1, "unchanged, yet proof that it is current"
    assert len(made.received(partial(12, "ETHUSDT"), AT)) == 1, "each symbol has ids of its own"


def test_top_resync_subscribes_anew_and_takes_any_id() -> None:
    made = protocol("BTCUSDT")
    made.opened(AT)
    made.received(partial(160), AT)
    requests = sent(made.resync("BTCUSDT", "crossed", AT))
    assert [request["method"] for request in requests] == ["UNSUBSCRIBE", "SUBSCRIBE"]
    assert not made.received(b'{"result":null,"id":3}', AT)
    assert made.received(b'{"result":null,"id":4}', AT) == [Ack("BTCUSDT")]
    assert not made.resync("BTCUSDT", "crossed", AT + SECOND)
    assert len(made.received(partial(5), AT + SECOND)) == 1
    assert len(made.resync("BTCUSDT", "crossed", AT + SECOND)) == 2


def test_an_unanswered_top_resync_is_repeated() -> None:
    made = protocol("BTCUSDT")
    made.resync("BTCUSDT", "silent", AT)
    assert not made.idle(AT + 10 * SECOND)
    assert not made.idle(AT + 11 * SECOND)
    assert [r["method"] for r in sent(made.idle(AT + 12 * SECOND))] == ["UNSUBSCRIBE", "SUBSCRIBE"]


# --- full: differences joined to a snapshot ---------------------------------------------------


def test_the_first_difference_asks_for_the_snapshot_once() -> None:
    made = protocol("BTCUSDT", depth=Depth.FULL)
    assert made.received(diff(101, 105), AT) == [fetch()]
    assert not made.received(diff(106, 110), AT)


def test_the_snapshot_is_joined_to_what_waited() -> None:
    made = protocol("BTCUSDT", depth=Depth.FULL)
    for first, last in ((96, 100), (101, 105), (106, 110)):
        made.received(diff(first, last), AT)
    steps = made.fetched("depth:BTCUSDT", 200, rest(102), AT)
    assert steps == [fetched_book(102), delta(105, AT), delta(110, AT)]
    assert made.received(diff(111, 111), AT) == [delta(111)]


def test_a_snapshot_older_than_the_stream_is_fetched_again() -> None:
    made = protocol("BTCUSDT", depth=Depth.FULL)
    made.received(diff(101, 105), AT)
    (step,) = made.fetched("depth:BTCUSDT", 200, rest(99), AT)
    assert isinstance(step, Notice)
    assert not made.idle(AT)
    assert made.idle(AT + SECOND) == [fetch()]
    steps = made.fetched("depth:BTCUSDT", 200, rest(104), AT + SECOND)
    assert steps == [fetched_book(104), delta(105, AT)]


@pytest.mark.parametrize("status", [0, 429, 418, 503])
def test_a_snapshot_that_is_not_served_is_fetched_again_later_each_time(status: int) -> None:
    made = protocol("BTCUSDT", depth=Depth.FULL)
    made.received(diff(101, 105), AT)
    at, pauses = AT, []
    for _ in range(4):
        (step,) = made.fetched("depth:BTCUSDT", status, b"<html>", at)
        assert isinstance(step, Notice)
        begun = at
        while not made.idle(at):
            at += SECOND // 4
        pauses.append((at - begun) / SECOND)
    assert pauses == [0.5, 1, 2, 4]


def test_a_snapshot_that_never_comes_is_fetched_again() -> None:
    made = protocol("BTCUSDT", depth=Depth.FULL)
    made.received(diff(101, 105), AT)
    made.idle(AT + 11 * SECOND)
    assert made.idle(AT + 12 * SECOND) == [fetch()]


@pytest.mark.parametrize(("status", "last"), [(200, 108), (200, 500), (0, 0)])
def test_a_second_answer_does_not_disturb_a_book_that_stands(status: int, last: int) -> None:
    made = joined()
    assert not made.fetched("depth:BTCUSDT", status, rest(last), AT)
    assert not made.idle(AT + 60 * SECOND)
    assert made.received(diff(111, 112), AT) == [delta(112)]


def test_a_gap_resets_the_book_and_starts_over_with_what_came() -> None:
    made = joined()
    steps = made.received(diff(113, 115), AT)
    assert isinstance(steps[0], Reset)
    assert steps[0].market == "BTCUSDT"
    assert steps[1:] == [fetch()]
    assert not made.received(diff(117, 118), AT), "one request in flight, one reset"
    assert len(made.fetched("depth:BTCUSDT", 200, rest(116), AT)) == 2
    assert made.received(diff(119, 119), AT) == [delta(119)]


def test_duplicates_and_older_differences_are_skipped() -> None:
    made = joined()
    assert not made.received(diff(106, 110), AT)
    assert not made.received(diff(101, 105), AT)
    assert made.received(diff(111, 111), AT) == [delta(111)]


def test_a_gap_in_one_book_leaves_the_others_alone() -> None:
    made = protocol("BTCUSDT", "ETHUSDT", depth=Depth.FULL)
    for market in ("BTCUSDT", "ETHUSDT"):
        made.received(diff(101, 105, market), AT)
        made.fetched(f"depth:{market}", 200, rest(105), AT)
    made.received(diff(107, 107), AT)
    (step,) = made.received(diff(106, 106, "ETHUSDT"), AT)
    assert isinstance(step, Delta)


def test_full_resync_fetches_anew_and_revives_the_stream() -> None:
    made = joined()
    steps = made.resync("BTCUSDT", "silent", AT)
    assert [request["method"] for request in sent(steps)] == ["SUBSCRIBE"]
    assert steps[1] == fetch()
    assert not made.received(diff(111, 112), AT), "it waits for the snapshot"
    assert not made.resync("BTCUSDT", "silent", AT), "one in flight, and what waits is kept"
    steps = made.fetched("depth:BTCUSDT", 200, rest(110), AT + 1)
    assert steps == [fetched_book(110), delta(112, AT)]


def test_full_resync_that_finds_no_server_keeps_fetching() -> None:
    made = joined()
    made.resync("BTCUSDT", "silent", AT)
    made.fetched("depth:BTCUSDT", 0, b"", AT)
    assert made.idle(AT + SECOND) == [fetch()]


def test_differences_outside_the_combined_stream() -> None:
    made = protocol("BTCUSDT", depth=Depth.FULL)
    bare = diff(101, 105).partition(b'"data":')[2][:-1]
    assert made.received(bare, AT) == [fetch()]


def test_futures_differences_name_their_predecessor() -> None:
    made = protocol("BTCUSDT", depth=Depth.FULL)
    raw = diff(101, 105).replace(b'"b":', b'"pu":99,"b":')
    made.received(raw, AT)
    made.received(diff(120, 130).replace(b'"b":', b'"pu":105,"b":'), AT)
    steps = made.fetched("depth:BTCUSDT", 200, rest(103), AT)
    assert steps == [fetched_book(103), delta(105, AT), delta(130, AT)]


# --- what does not belong ---------------------------------------------------------------------


@pytest.mark.parametrize("raw", [best(1, "XYZUSDT"), partial(1, "XYZUSDT"), diff(1, 2, "XYZUSDT")])
def test_markets_that_were_not_subscribed_are_noticed(raw: bytes) -> None:
    (step,) = protocol("BTCUSDT", depth=Depth.FULL).received(raw, AT)
    assert isinstance(step, Notice)
    assert not isinstance(protocol().received(raw, AT)[0], Notice), "unless any is taken"


def test_other_streams_are_ignored_and_other_events_noticed() -> None:
    made = protocol("BTCUSDT")
    assert not made.received(stream("ethusdt@aggTrade", '{"e":"aggTrade","s":"ETHUSDT"}'), AT)
    assert not made.received(stream("!ticker@arr", "[]"), AT)
    (step,) = made.received(b'{"e":"trade","s":"BTCUSDT"}', AT)
    assert isinstance(step, Notice)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"pong",
        b"[]",
        partial(1)[:-9],
        partial(1).replace(b'"lastUpdateId":1', b'"lastUpdateId":"1"'),
        partial(1).replace(b'"lastUpdateId":1', b'"lastUpdateId":9223372036854775808'),
        partial(1).replace(b'"asks"', b'"arse"'),
        best(1).replace(b'"u":1', b'"u":1.5'),
        best(1).replace(b'"61837.63000000"', b"61837.63"),
        diff(1, 2).replace(str(E).encode(), b"99999999999999999999"),
        diff(1, 2).replace(str(E).encode(), b"-1"),
        diff(1, 2).replace(b'"s":"BTCUSDT"', b'"s":null'),
        diff(1, 2).replace(b'"s":"BTCUSDT"', b'"s":"\xff"'),
        diff(1, 2).replace(b'"b":[', b'"b":' + b"[" * 100_000),
    ],
)
def test_what_cannot_be_decoded_is_raised(raw: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        protocol("BTCUSDT", depth=Depth.FULL).received(raw, AT)


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"code":-1121,"msg":"Invalid symbol."}'])
def test_an_unreadable_snapshot_is_raised(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        protocol("BTCUSDT", depth=Depth.FULL).fetched("depth:BTCUSDT", 200, body, AT)


@given(
    whole=st.sampled_from([best(7), partial(7), diff(7, 8), b'{"result":null,"id":1}']),
    cut=st.integers(0, 400),
    junk=st.binary(max_size=6),
)
def test_no_damage_raises_anything_else(whole: bytes, cut: int, junk: bytes) -> None:
    made = protocol("BTCUSDT", depth=Depth.FULL)
    for raw in (whole[:cut], whole[:cut] + junk + whole[cut:]):
        try:
            steps = made.received(raw, AT)
        except msgspec.DecodeError:
            continue
        assert all(isinstance(step, Step) for step in steps)
