"""Gate: real payload shapes, exact steps, and each trap of the protocol under its own name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.steps import (
    Ack,
    Best,
    Connect,
    Delta,
    Fetch,
    Notice,
    Reconnect,
    Refused,
    Reset,
    Send,
    Snapshot,
)
from scanner.types import Depth
from scanner.venues.gate import VENUE
from scanner.venues.parts import MILLISECOND, SECOND
from scanner.venues.protocol import VenueProtocol
from tests.venues.harness import build, sent, text

AT = 1_743_673_026 * SECOND
T = 1743673026995


def protocol(*names: str, depth: Depth = Depth.TOP) -> VenueProtocol:
    return build(VENUE, names or ("BTC_USDT",), depth)


def recorded() -> VenueProtocol:
    """A protocol over a recording: any market is taken."""
    return build(VENUE, None)


def update(channel: str, result: object) -> bytes:
    return text({"channel": channel, "result": result, "time_ms": T + 1, "event": "update"})


def whole(u: int, t: int = T, stream: str = "ob.BTC_USDT.50", bid: str = "95000.1") -> bytes:
    levels = {"b": [[bid, "0.2"], ["94999", "1"]], "a": [["95000.2", "0.1"]]}
    return update("spot.obu", {"t": t, "full": True, "s": stream, "u": u, **levels})


def change(first: int, last: int, **sides: object) -> bytes:
    result = {"t": T, "s": "ob.BTC_USDT.50", "U": first, "u": last, **sides}
    return update("spot.obu", result)


def answer(request: dict[str, Any], error: str = "", code: int = 2) -> bytes:
    body: dict[str, Any] = {
        "time": 1743673026,
        "time_ms": 1743673026271,
        "id": request["id"],
        "conn_id": "b61f70b2e6bcca91",
        "trace_id": "d2e2d92c3a7eabc3d5be52514ef508d2",
        "channel": request["channel"],
        "event": request["event"],
        "payload": request["payload"],
        "result": {"status": "fail" if error else "success"},
    }
    if error:
        body["error"] = {"code": code, "message": error}
    return text(body)


def legacy(
    first: int, last: int, bids: Sequence[object] = (), asks: Sequence[object] = ()
) -> bytes:
    result = {
        "t": 1619093532978,
        "e": "depthUpdate",
        "E": 1619093532,
        "s": "HAI_ETH",
        "U": first,
        "u": last,
        "b": list(bids),
        "a": list(asks),
    }
    return text(
        {
            "time": 1619093532,
            "channel": "spot.order_book_update",
            "event": "update",
            "result": result,
        }
    )


def rest_book(number: int) -> bytes:
    levels = {"asks": [["0.00010396", "5876.967"]], "bids": [["0.00010322", "5360.209"]]}
    return text({"id": number, "current": 1619093533700, "update": 1619093532978, **levels})


# --- subscribing --------------------------------------------------------------------------------


def test_the_stream_is_reached_at_its_path() -> None:
    assert list(protocol().start(AT)) == [Connect("wss://api.gateio.ws/ws/v4/")]
    moved = build(VENUE, [], rest="http://h:1/gate", ws="ws://h:1/gate")
    assert list(moved.start(AT)) == [Connect("ws://h:1/gate/ws/v4/")]


@pytest.mark.parametrize(("depth", "levels"), [(Depth.TOP, 50), (Depth.FULL, 400)])
def test_the_book_and_the_best_bid_and_offer_are_subscribed(depth: Depth, levels: int) -> None:
    gate = protocol("BTC_USDT", "ETH_USDT", depth=depth)
    assert sent(gate.opened(AT)) == [
        {
            "time": 1743673026,
            "id": 1,
            "channel": "spot.obu",
            "event": "subscribe",
            "payload": [f"ob.BTC_USDT.{levels}", f"ob.ETH_USDT.{levels}"],
        },
        {
            "time": 1743673026,
            "id": 2,
            "channel": "spot.book_ticker",
            "event": "subscribe",
            "payload": ["BTC_USDT", "ETH_USDT"],
        },
    ]


def test_many_markets_are_subscribed_in_batches() -> None:
    requests = sent(protocol(*[f"C{n}_USDT" for n in range(75)]).opened(AT))
    assert [len(request["payload"]) for request in requests] == [50, 50, 25, 25]
    assert [request["id"] for request in requests] == [1, 2, 3, 4]


def test_an_ack_of_the_book_is_one_for_each_market() -> None:
    gate = protocol("BTC_USDT", "ETH_USDT")
    books, bests = sent(gate.opened(AT))
    assert list(gate.received(answer(bests), AT)) == []
    assert list(gate.received(answer(books), AT)) == [Ack("BTC_USDT"), Ack("ETH_USDT")]


def test_one_unknown_pair_fails_the_batch_and_the_rest_is_tried_one_by_one() -> None:
    gate = protocol("BTC_USDT", "XXX_USDT")
    _, bests = sent(gate.opened(AT))
    again = sent(gate.received(answer(bests, "unknown currency pair: XXX_USDT"), AT))
    assert [(r["channel"], r["payload"]) for r in again] == [
        ("spot.book_ticker", ["BTC_USDT"]),
        ("spot.book_ticker", ["XXX_USDT"]),
    ]
    (step,) = gate.received(answer(again[1], "unknown currency pair: XXX_USDT"), AT)
    assert isinstance(step, Notice)


def test_a_refused_book_is_refused_for_its_market() -> None:
    gate = protocol()
    books, _ = sent(gate.opened(AT))
    assert list(gate.received(answer(books, "invalid stream"), AT)) == [
        Refused("BTC_USDT", "invalid stream (code 2)")
    ]


def test_a_duplicate_subscription_counts_as_accepted() -> None:
    gate = protocol()
    books, _ = sent(gate.opened(AT))
    assert list(gate.received(answer(books, "Alert sub ob.BTC_USDT.50"), AT)) == [Ack("BTC_USDT")]


def test_answers_of_before_ids_were_echoed_are_taken_without_a_word() -> None:
    old = {
        "time": 1619093532,
        "channel": "spot.order_book_update",
        "event": "subscribe",
        "result": {"status": "success"},
    }
    assert list(recorded().received(text(old), AT)) == []
    old["error"] = None
    assert list(recorded().received(text(old), AT)) == []


# --- heartbeat and notices ----------------------------------------------------------------------


def test_the_client_pings_every_ten_seconds_though_data_flows() -> None:
    gate = protocol()
    gate.opened(AT)
    pings = []
    for second in range(1, 35):
        now = AT + second * SECOND
        gate.received(whole(second), now)
        pings += sent(gate.idle(now))
    assert pings == [
        {"time": 1743673026 + seconds, "channel": "spot.ping"} for seconds in (10, 20, 30)
    ]


def test_a_pong_keeps_a_quiet_connection() -> None:
    gate = protocol()
    gate.opened(AT)
    pong = {"time": 1, "time_ms": 1, "channel": "spot.pong", "event": "", "result": None}
    for second in range(1, 60):
        now = AT + second * SECOND
        for step in gate.idle(now):
            assert isinstance(step, Send)
            assert list(gate.received(text({**pong, "error": None}), now)) == []


def test_an_unanswered_ping_ends_the_connection() -> None:
    gate = protocol()
    gate.opened(AT)
    steps = [type(step) for second in range(1, 12) for step in gate.idle(AT + second * SECOND)]
    assert Send in steps
    assert steps[-1] is Reconnect


def test_an_announced_upgrade_asks_for_a_new_connection() -> None:
    notice = update("futures.system", {"type": "upgrade", "msg": "The connection will soon close"})
    assert [type(step) for step in recorded().received(notice, AT)] == [Reconnect]
    other = update("futures.system", {"type": "news", "msg": "hello"})
    assert [type(step) for step in recorded().received(other, AT)] == [Notice]


# --- the book in the stream ---------------------------------------------------------------------


def test_the_whole_book_comes_in_the_stream() -> None:
    assert list(protocol().received(whole(73777715168), AT)) == [
        Snapshot(
            market="BTC_USDT",
            bids=b'[["95000.1","0.2"],["94999","1"]]',
            asks=b'[["95000.2","0.1"]]',
            sequence=73777715168,
            order=73777715168,
            sent_at=T * MILLISECOND,
            depth=50,
        )
    ]


def test_a_change_follows_its_predecessor() -> None:
    gate = protocol()
    gate.received(whole(73777715168), AT)
    raw = change(73777715169, 73777715212, b=[["95001", "0.1"], ["94999", "0"]], a=[])
    assert list(gate.received(raw, AT)) == [
        Delta(
            market="BTC_USDT",
            bids=b'[["95001","0.1"],["94999","0"]]',
            asks=b"[]",
            sequence=73777715212,
            order=73777715212,
            sent_at=T * MILLISECOND,
        )
    ]


@pytest.mark.parametrize("sides", [{}, {"a": None, "b": None}, {"b": []}])
def test_a_change_without_sides_only_advances_the_id(sides: dict[str, Any]) -> None:
    gate = protocol()
    gate.received(whole(10), AT)
    (delta,) = gate.received(change(11, 15, **sides), AT)
    assert isinstance(delta, Delta)
    assert (delta.bids, delta.asks, delta.sequence) == (b"[]", b"[]", 15)
    assert [type(step) for step in gate.received(change(16, 16), AT)] == [Delta]


def test_the_whole_book_may_come_at_any_time_and_replaces() -> None:
    gate = protocol()
    gate.received(whole(10), AT)
    gate.received(change(11, 15), AT)
    (snapshot,) = gate.received(whole(90, t=T + 5, bid="94000"), AT)
    assert isinstance(snapshot, Snapshot) and snapshot.sequence == 90
    assert [type(step) for step in gate.received(change(91, 91), AT)] == [Delta]


def test_a_repeated_whole_book_from_before_is_skipped_and_reset_ids_are_not() -> None:
    gate = protocol()
    gate.received(whole(10), AT)
    gate.received(change(11, 15), AT)
    assert list(gate.received(whole(10), AT)) == []
    assert [type(step) for step in gate.received(change(16, 16), AT)] == [Delta]
    (snapshot,) = gate.received(whole(3, t=T + 5), AT)
    assert isinstance(snapshot, Snapshot) and snapshot.sequence == 3
    assert [type(step) for step in gate.received(change(4, 4), AT)] == [Delta]


def test_repeated_and_older_changes_are_skipped() -> None:
    gate = protocol()
    gate.received(whole(10), AT)
    gate.received(change(11, 15), AT)
    assert list(gate.received(change(11, 15), AT)) == []
    assert list(gate.received(change(5, 6), AT)) == []
    assert [type(step) for step in gate.received(change(16, 16), AT)] == [Delta]


def test_a_gap_resets_the_book_and_subscribes_anew_once() -> None:
    gate = protocol()
    gate.received(whole(10), AT)
    reset, *requests = gate.received(change(12, 13, b=[["95001", "0.1"]]), AT)
    assert reset == Reset("BTC_USDT", "update ids 12..13 do not follow 10")
    (leave,) = sent(requests)
    assert (leave["event"], leave["payload"]) == ("unsubscribe", ["ob.BTC_USDT.50"])
    assert list(gate.received(change(14, 15), AT)) == []
    (join,) = sent(gate.received(answer(leave), AT))
    assert (join["event"], join["payload"]) == ("subscribe", ["ob.BTC_USDT.50"])
    assert list(gate.received(change(16, 17), AT)) == []
    assert list(gate.received(answer(join), AT)) == [Ack("BTC_USDT")]
    assert [type(step) for step in gate.received(whole(20), AT)] == [Snapshot]
    assert [type(step) for step in gate.received(change(21, 22), AT)] == [Delta]
    later = AT + 2 * SECOND
    assert [type(step) for step in gate.received(change(24, 24), later)] == [Reset, Send]


def test_gaps_in_a_row_do_not_become_a_storm_of_requests() -> None:
    gate = protocol()
    gate.opened(AT)
    asked = 0
    for number in range(1, 100):
        now = AT + number * SECOND // 20
        gate.received(whole(10 * number), now)
        steps = [*gate.received(change(10 * number + 2, 10 * number + 3), now), *gate.idle(now)]
        assert steps[0] == Reset("BTC_USDT", steps[0].reason)  # type: ignore[union-attr]
        for request in sent(steps):
            asked += 1
            if request.get("event") == "unsubscribe":
                gate.received(answer(request), now)
    assert asked <= 8


def test_resync_waits_for_the_whole_book_once_at_a_time() -> None:
    gate = protocol()
    gate.opened(AT)
    gate.received(whole(10), AT)
    assert [r["event"] for r in sent(gate.resync("BTC_USDT", "crossed", AT))] == ["unsubscribe"]
    assert list(gate.resync("BTC_USDT", "crossed", AT + SECOND)) == []
    assert list(gate.received(change(11, 12), AT)) == []
    tried = []
    for second in range(1, 13):
        now = AT + second * SECOND
        gate.received(text({"channel": "spot.pong", "event": "", "result": None}), now)
        tried += [r["event"] for r in sent(gate.idle(now)) if "event" in r]
    assert tried == ["subscribe"], "no answer to the first request: there may be none to leave"
    assert [type(step) for step in gate.received(whole(9), AT)] == [Snapshot]
    assert [type(step) for step in gate.received(change(10, 10), AT)] == [Delta]


def test_a_whole_book_that_was_under_way_does_not_end_a_resync() -> None:
    gate = protocol()
    gate.received(whole(10), AT)
    (leave,) = sent(gate.resync("BTC_USDT", "crossed", AT))
    assert [type(step) for step in gate.received(whole(11), AT)] == [Snapshot]
    assert [r["event"] for r in sent(gate.received(answer(leave), AT))] == ["subscribe"]


def test_a_refused_unsubscribe_is_followed_by_the_subscription_too() -> None:
    gate = protocol()
    (leave,) = sent(gate.resync("BTC_USDT", "silent", AT))
    steps = gate.received(answer(leave, "not subscribed"), AT)
    assert [r["event"] for r in sent(steps)] == ["subscribe"]


def test_a_change_before_any_book_resets_nothing() -> None:
    assert [type(step) for step in protocol().received(change(5, 6), AT)] == [Send]


def test_update_ids_above_2_to_the_53_stay_exact() -> None:
    gate = protocol()
    gate.received(whole(2**53 + 1), AT)
    (delta,) = gate.received(change(2**53 + 2, 2**53 + 3), AT)
    assert isinstance(delta, Delta) and delta.sequence == 2**53 + 3


# --- best bid and offer -------------------------------------------------------------------------


def test_book_ticker_is_ordered_by_the_update_id_of_the_book() -> None:
    result = {
        "t": 1606293275123,
        "u": 48733182,
        "s": "BTC_USDT",
        "b": "19177.79",
        "B": "0.0003341504",
        "a": "19179.38",
        "A": "0.09",
    }
    assert list(protocol().received(update("spot.book_ticker", result), AT)) == [
        Best(
            market="BTC_USDT",
            bid_price="19177.79",
            bid_size="0.0003341504",
            ask_price="19179.38",
            ask_size="0.09",
            order=48733182,
            sent_at=1606293275123 * MILLISECOND,
        )
    ]


def test_sizes_of_futures_may_be_numbers_and_an_empty_side_has_no_price() -> None:
    result = {"t": 5, "u": 7, "s": "PHB_USDT", "b": "0.7379", "B": 814, "a": "", "A": 0}
    (best,) = recorded().received(update("futures.book_ticker", result), AT)
    assert isinstance(best, Best)
    assert (best.bid_price, best.bid_size) == ("0.7379", "814")
    assert (best.ask_price, best.ask_size) == ("", "")


def test_best_prices_from_before_the_ids_were_reset_are_left_out() -> None:
    def ticker(u: int, t: int) -> bytes:
        best = {"t": t, "u": u, "s": "BTC_USDT", "b": "1", "B": "2", "a": "3", "A": "4"}
        return update("spot.book_ticker", best)

    gate = protocol()
    gate.received(whole(10), AT)
    (before,) = gate.received(ticker(12, T + 1), AT)
    (book,) = gate.received(whole(3, t=T + 5), AT)
    (delta,) = gate.received(change(4, 4), AT)
    assert list(gate.received(ticker(11, T + 1), AT)) == []
    (after,) = gate.received(ticker(5, T + 6), AT)
    orders = [s.order for s in (before, book, delta, after)]  # type: ignore[union-attr]
    assert orders == [12, 3, 4, 5]


# --- the older channel --------------------------------------------------------------------------


def test_an_older_change_may_precede_its_snapshot() -> None:
    gate = recorded()
    assert list(gate.received(legacy(2691440, 2691447, asks=[["0.00010396", "0"]]), AT)) == [
        Fetch(
            "depth:HAI_ETH",
            "https://api.gateio.ws/api/v4/spot/order_book"
            "?currency_pair=HAI_ETH&limit=100&with_id=true",
        )
    ]
    steps = gate.fetched("depth:HAI_ETH", 200, rest_book(2691446), AT)
    assert list(steps) == [
        Snapshot(
            market="HAI_ETH",
            bids=b'[["0.00010322","5360.209"]]',
            asks=b'[["0.00010396","5876.967"]]',
            sequence=2691446,
            live=False,
        ),
        Delta(
            market="HAI_ETH",
            asks=b'[["0.00010396","0"]]',
            sequence=2691447,
            sent_at=1619093532978 * MILLISECOND,
            received_at=AT,
        ),
    ]
    assert [type(step) for step in gate.received(legacy(2691448, 2691450), AT)] == [Delta]


def test_an_older_change_that_the_snapshot_covers_is_dropped() -> None:
    gate = recorded()
    gate.received(legacy(2691446, 2691446), AT)
    assert len(gate.fetched("depth:HAI_ETH", 200, rest_book(2691446), AT)) == 1
    assert list(gate.received(legacy(2691446, 2691446), AT)) == []


def test_a_gap_of_the_older_channel_fetches_one_snapshot() -> None:
    gate = recorded()
    gate.received(legacy(10, 11), AT)
    gate.fetched("depth:HAI_ETH", 200, rest_book(11), AT)
    gate.received(legacy(12, 12), AT)
    steps = gate.received(legacy(14, 14), AT)
    assert [type(step) for step in steps] == [Reset, Fetch]
    assert list(gate.received(legacy(16, 16), AT)) == []
    assert [type(s) for s in gate.fetched("depth:HAI_ETH", 200, rest_book(15), AT)] == [
        Snapshot,
        Delta,
    ]


def test_a_snapshot_that_is_not_served_or_too_old_is_asked_for_again() -> None:
    gate = recorded()
    gate.opened(AT)
    gate.received(legacy(10, 11), AT)
    assert [type(s) for s in gate.fetched("depth:HAI_ETH", 503, b"", AT)] == [Notice]
    assert [type(s) for s in gate.idle(AT + SECOND)] == [Fetch]
    assert [type(s) for s in gate.fetched("depth:HAI_ETH", 200, rest_book(5), AT)] == [Notice]
    assert [type(s) for s in gate.idle(AT + 3 * SECOND)] == [Fetch]


def test_resync_of_the_older_channel_fetches() -> None:
    gate = recorded()
    gate.received(legacy(10, 11), AT)
    gate.fetched("depth:HAI_ETH", 200, rest_book(11), AT)
    assert [type(step) for step in gate.resync("HAI_ETH", "crossed", AT)] == [Fetch]
    assert list(gate.resync("HAI_ETH", "crossed", AT)) == []


def test_futures_write_levels_as_objects_and_have_a_snapshot_of_their_own() -> None:
    result = {
        "U": 6159963,
        "a": [{"p": "0.7394", "s": 1014}],
        "b": [{"p": "0.7376", "s": "96.5"}],
        "s": "PHB_USDT",
        "t": 1684930165522,
        "u": 6159966,
    }
    gate = recorded()
    assert list(gate.received(update("futures.order_book_update", result), AT)) == [
        Fetch(
            "depth:PHB_USDT",
            "https://api.gateio.ws/api/v4/futures/usdt/order_book"
            "?contract=PHB_USDT&limit=100&with_id=true",
        )
    ]
    body = text({"id": 6159962, "current": 1684930166.957, "update": 1684930165.895, "asks": []})
    (_, delta) = gate.fetched("depth:PHB_USDT", 200, body, AT)
    assert isinstance(delta, Delta)
    assert delta.asks == b'[{"p":"0.7394","s":1014}]'
    assert (VENUE.layout.price_key, VENUE.layout.size_key) == ("p", "s")


# --- what does not belong -----------------------------------------------------------------------


def test_a_market_that_was_not_subscribed_gives_no_book_step() -> None:
    gate = protocol("ETH_USDT")
    ticker = update("spot.book_ticker", {"t": 1, "u": 1, "s": "BTC_USDT", "b": "1", "B": "1"})
    for raw in (whole(10), change(1, 2), legacy(1, 2), ticker):
        assert [type(step) for step in gate.received(raw, AT)] == [Notice]


def test_other_channels_are_ignored_and_other_messages_noticed() -> None:
    trade = update("spot.trades", {"id": 1, "price": "1", "amount": "1"})
    assert list(protocol().received(trade, AT)) == []
    assert [type(step) for step in protocol().received(b'{"event":"x"}', AT)] == [Notice]
    error = text({"channel": "spot.x", "event": "", "error": {"code": 1, "message": "bad"}})
    assert list(protocol().received(error, AT)) == [Refused(None, "bad (code 1)")]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b'{"result":' + b"[" * 100_000,
        b'{"channel":"\xff"}',
        whole(10)[:-5],
        whole(-1),
        whole(2**63),
        whole(10, stream="BTC_USDT"),
        whole(10, stream="ob.BTC_USDT.many"),
        update("spot.obu", {"s": "ob.BTC_USDT.50", "u": 5}),
        update("spot.obu", {"s": "ob.BTC_USDT.50", "u": "5", "full": True}),
        update("spot.book_ticker", {"s": "BTC_USDT", "u": 1.5}),
        update("spot.obu", None),
    ],
)
def test_what_cannot_be_read_raises_and_nothing_else(raw: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        protocol().received(raw, AT)


SHAPES = [
    whole(10),
    change(11, 12, b=[["1", "2"]]),
    legacy(10, 12),
    rest_book(5),
    answer({"id": 1, "channel": "spot.obu", "event": "subscribe", "payload": []}, "no"),
]


@given(st.sampled_from(SHAPES), st.integers(0, 400), st.binary(max_size=6), st.integers(0, 6))
def test_mutilated_messages_raise_nothing_but_decode_errors(
    shape: bytes, place: int, bytes_in: bytes, bytes_out: int
) -> None:
    raw = shape[:place] + bytes_in + shape[place + bytes_out :]
    gate = protocol("BTC_USDT", "HAI_ETH")
    gate.opened(AT)
    for feed in (gate.received, lambda raw, at: gate.fetched("depth:HAI_ETH", 200, raw, at)):
        try:
            feed(raw, AT)
        except msgspec.DecodeError:
            continue
