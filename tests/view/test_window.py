"""The frames of several processes as one, and what is noted beside them."""

from __future__ import annotations

from msgspec.structs import replace

from scanner.events import Alert, FeedEvent
from scanner.hedge_events import HedgedCoin, HedgeState
from scanner.types import Market
from scanner.view.frame import (
    Detail,
    Frame,
    Kind,
    Link,
    Query,
    Row,
    ServiceLine,
    Standing,
    VenueLine,
)
from scanner.view.window import Window, together
from tests.workers.examples import FRAME, opportunity

NOW = 1_000_000_000_000
LINE = VenueLine(
    venue="okx",
    link=Link.LIVE,
    open=1,
    connections=1,
    rate=10.0,
    lag_ms=5.0,
    gaps=1,
    reconnects=2,
    live=3,
    subscribed=3,
    silent_ms=4.0,
    last_error="",
)


def market(symbol: str, venue: str = "okx") -> Market:
    base, _, quote = symbol.partition("/")
    return Market(venue=venue, id=symbol, symbol=symbol, base=base, quote=quote, taker_fee=0.0)


MARKETS = [market(symbol, venue) for symbol in ("A/Q", "B/Q", "C/Q") for venue in ("okx", "gate")]


def frame(symbol: str, *venues: VenueLine, opened: int = 0) -> Frame:
    row = Row(symbol=symbol, base="?", quote="?", standing=Standing.PAYS)
    return replace(
        FRAME,
        rows=(row,),
        details=(Detail(symbol=symbol),),
        venues=venues,
        totals=replace(FRAME.totals, open=opened),
    )


def window(*frames: Frame) -> Window:
    return Window(lambda query: frames, MARKETS)


def test_rows_stand_in_the_order_of_the_markets_whoever_scans_them() -> None:
    seen = window(frame("C/Q"), frame("A/Q")).frame(NOW, Query())
    assert [(row.symbol, row.standing) for row in seen.rows] == [
        ("A/Q", Standing.PAYS),
        ("B/Q", Standing.NONE),
        ("C/Q", Standing.PAYS),
    ]
    assert [detail.symbol for detail in seen.details] == ["A/Q", "C/Q"]


def test_what_no_worker_tells_of_is_there_without_prices() -> None:
    seen = window().frame(NOW, Query())
    assert [(row.symbol, row.base, row.standing) for row in seen.rows] == [
        (f"{base}/Q", base, Standing.NONE) for base in "ABC"
    ]
    assert [(line.venue, line.link, line.subscribed) for line in seen.venues] == [
        ("okx", Link.CONNECTING, 3),
        ("gate", Link.CONNECTING, 3),
    ]


def test_the_query_is_passed_on() -> None:
    asked: list[Query] = []

    def look(query: Query) -> list[Frame]:
        asked.append(query)
        return []

    Window(look, MARKETS).frame(NOW, Query(venue="okx"))
    assert asked == [Query(venue="okx")]


def test_a_venue_in_two_processes_is_one_line() -> None:
    other = replace(LINE, rate=2.5, lag_ms=9.0, silent_ms=1.0, live=2, last_error="x")
    assert together("okx", [LINE, other], 6) == VenueLine(
        venue="okx",
        link=Link.PARTLY,
        open=2,
        connections=2,
        rate=12.5,
        lag_ms=9.0,
        gaps=2,
        reconnects=4,
        live=5,
        subscribed=6,
        silent_ms=1.0,
        last_error="x",
    )


def test_a_venue_is_live_only_if_all_its_parts_are() -> None:
    def link(subscribed: int, *links: Link) -> Link:
        return together("okx", [replace(LINE, link=each) for each in links], subscribed).link

    assert link(6, Link.LIVE, Link.LIVE) is Link.LIVE
    assert link(7, Link.LIVE, Link.LIVE) is Link.PARTLY
    assert link(6, Link.LIVE, Link.DOWN) is Link.PARTLY
    assert link(6, Link.CONNECTING, Link.DOWN) is Link.DOWN
    assert link(6, Link.CONNECTING) is Link.CONNECTING


def test_events_and_totals() -> None:
    look = window(frame("A/Q", LINE, opened=2), frame("B/Q", LINE, opened=1))
    opened = replace(opportunity(1), peak_net_bps=9.99)
    look(opened)
    closed = replace(opened, event="closed", at=2_000_000_001, opened_at=1, reason="the end")
    look(closed)
    look.say(Kind.ALERT, "X/Q", "sent", NOW)
    seen = look.frame(NOW, Query())
    assert [(event.kind, event.subject) for event in seen.events] == [
        (Kind.ALERT, "X/Q"),
        (Kind.CLOSED, "X/Q"),
        (Kind.OPENED, "X/Q"),
    ]
    assert "+9.99 bps at best, 2.0 s, okx → okx: the end" in seen.events[1].text
    totals = seen.totals
    assert (totals.opened, totals.open) == (1, 3)
    assert (totals.best_bps, totals.best_symbol) == (9.99, "X/Q")
    assert (totals.books, totals.live, totals.rate, totals.since) == (6, 3, 20.0, NOW)


def test_events_are_bounded() -> None:
    look = window()
    look.say(Kind.ALERT, "rule", "what a storm of another kind does not push out", NOW)
    for i in range(1000):
        look.say(Kind.FEED, "a", str(i), NOW + 1)
    events = look.frame(NOW, Query()).events
    assert (len(events), events[0].text) == (101, "999")


def test_services_are_asked_with_every_frame() -> None:
    look = Window(lambda query: (), (), services=[lambda: ServiceLine("alerts", False, "dead")])
    assert look.frame(NOW, Query()).services == (ServiceLine("alerts", False, "dead"),)


def test_other_markets_after_a_change_of_configuration() -> None:
    look = window(frame("A/Q", LINE))
    look.watch([market("D/Q", "kraken")])
    seen = look.frame(NOW, Query())
    assert [row.symbol for row in seen.rows] == ["D/Q"]
    assert [(line.venue, line.subscribed) for line in seen.venues] == [("kraken", 1), ("okx", 0)]


def test_feeds_and_alerts_are_told_of_too() -> None:
    look = window()
    look(FeedEvent(at=NOW, venue="a", connection=2, kind="reset", market="X", reason="gap"))
    sent = Alert(id="1", rule="big", channel="phone", at=NOW + 1, text="+9 bps", state="pending")
    look(sent)
    look(replace(sent, state="sent"))
    look(replace(sent, state="sent", channel="mail"))
    look(replace(sent, state="failed", at=NOW + 2, error="refused"))
    told = [(event.kind, event.subject, event.text) for event in look.frame(NOW, Query()).events]
    assert told == [
        (Kind.ALERT, "big", "not sent to phone: refused"),
        (Kind.ALERT, "big", "+9 bps"),
        (Kind.FEED, "a", "#2 reset X gap"),
    ]


def test_the_bell_is_counted() -> None:
    look = window()
    assert look.frame(NOW, Query()).bells == 0
    look.ring()
    assert look.frame(NOW, Query()).bells == 1


def test_a_row_that_is_there_for_a_while_stands_behind_the_others() -> None:
    part = frame("A/Q", LINE)
    passing = replace(part.rows[0], symbol="A/Q multi", kind="multi")
    look = window(replace(part, rows=(passing, *part.rows)))
    assert [row.symbol for row in look.frame(NOW, Query()).rows][-2:] == ["C/Q", "A/Q multi"]


def test_the_hedge_book_is_shown_as_it_was_told_last() -> None:
    one = HedgedCoin(coin="BTC", quote="USDT", amount=1.0)
    seen = window()
    assert seen.frame(NOW, Query()).hedge == ()
    seen(HedgeState(at=NOW, coins=(one,)))
    assert seen.frame(NOW, Query()).hedge == (one,)
    seen(HedgeState(at=NOW + 1, coins=()))
    assert seen.frame(NOW + 1, Query()).hedge == ()
