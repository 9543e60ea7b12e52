"""What each venue has settled of funding is asked for and read as it documents it, page by page."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from scanner.venues.funding_history import (
    DAY,
    MOST_PAGES,
    Ask,
    Course,
    FundingHistory,
    Pages,
    Settled,
    payments,
)
from scanner.venues.registry import CONTRACTS, native

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
SINCE = 1_789_948_800 * SECOND  # 2026-09-21T00:00:00Z
UNTIL = SINCE + 7 * DAY
EIGHT = 1_789_977_600 * SECOND

# By venue: the market, the request for its first page, an answer, and what that says.
ANSWERS: dict[str, tuple[str, Ask, str, list[Settled]]] = {
    "binanceusdm": (
        "BTCUSDT",
        Ask(
            "https://fapi.binance.com/fapi/v1/fundingRate"
            "?symbol=BTCUSDT&startTime=1789948800000&limit=1000"
        ),
        '[{"symbol":"BTCUSDT","fundingTime":1789948800003,"fundingRate":"0.00010000",'
        '"markPrice":"76794.51000000"},{"symbol":"BTCUSDT","fundingTime":1789977600000,'
        '"fundingRate":"-0.03750000","markPrice":""}]',
        [Settled(SINCE, 0.0001, 76794.51), Settled(EIGHT, -0.0375)],
    ),
    "bybit": (
        "BTCUSDT",
        Ask(
            "https://api.bybit.com/v5/market/funding/history?category=linear&symbol=BTCUSDT"
            "&startTime=1789948800000&endTime=1790553600000&limit=200"
        ),
        '{"retCode":0,"retMsg":"OK","result":{"category":"linear","list":[{"symbol":"BTCUSDT",'
        '"fundingRate":"0.00006418","fundingRateTimestamp":"1789977600000"},{"symbol":"BTCUSDT",'
        '"fundingRate":"-0.0001","fundingRateTimestamp":"1789948800000"}]},"retExtInfo":{},'
        '"time":1790000051897}',
        [Settled(SINCE, -0.0001), Settled(EIGHT, 0.00006418)],
    ),
    "okx": (
        "BTC-USDT-SWAP",
        Ask(
            "https://www.okx.com/api/v5/public/funding-rate-history"
            "?instId=BTC-USDT-SWAP&after=1790553600000&limit=100"
        ),
        '{"code":"0","msg":"","data":[{"instType":"SWAP","instId":"BTC-USDT-SWAP",'
        '"formulaType":"withRate","fundingRate":"0.018","realizedRate":"0.017",'
        '"fundingTime":"1789977600000","method":"current_period"}]}',
        [Settled(EIGHT, 0.017)],
    ),
    "kucoinfutures": (
        "XBTUSDTM",
        Ask(
            "https://api-futures.kucoin.com/api/v1/contract/funding-rates"
            "?symbol=XBTUSDTM&from=1789948800000&to=1790553600000"
        ),
        '{"code":"200000","data":[{"symbol":"XBTUSDTM","fundingRate":7.6E-5,'
        '"timepoint":1789977600000},{"symbol":"XBTUSDTM","fundingRate":-0.00025,'
        '"timepoint":1789948800000}]}',
        [Settled(SINCE, -0.00025), Settled(EIGHT, 0.000076)],
    ),
    "gate": (
        "BTC_USDT",
        Ask(
            "https://api.gateio.ws/api/v4/futures/usdt/funding_rate"
            "?contract=BTC_USDT&from=1789948800&to=1790553600&limit=1000"
        ),
        '[{"r":"0.000157","t":1789977600},{"r":"-0.0001","t":1789948800}]',
        [Settled(SINCE, -0.0001), Settled(EIGHT, 0.000157)],
    ),
    "bitget": (
        "BTCUSDT",
        Ask(
            "https://api.bitget.com/api/v2/mix/market/history-fund-rate"
            "?productType=USDT-FUTURES&symbol=BTCUSDT&pageSize=100&pageNo=1"
        ),
        '{"code":"00000","msg":"success","requestTime":1790000728393,"data":[{"symbol":"BTCUSDT",'
        '"fundingRate":"-0.0003","fundingTime":"1789977600000"}]}',
        [Settled(EIGHT, -0.0003)],
    ),
    # fundingRate is money per contract; the time is that at which the hour began.
    "krakenfutures": (
        "PF_XBTUSD",
        Ask(
            "https://futures.kraken.com/derivatives/api/v3/historical-funding-rates"
            "?symbol=PF_XBTUSD"
        ),
        '{"result":"success","serverTime":"2026-09-21T09:29:04.243Z","rates":['
        '{"timestamp":"2026-09-21T07:00:00.000Z","fundingRate":-0.64158,'
        '"relativeFundingRate":-0.000016898883333333}]}',
        [Settled(EIGHT, -0.000016898883333333)],
    ),
    "hyperliquid": (
        "BTC",
        Ask(
            "https://api.hyperliquid.xyz/info",
            '{"type":"fundingHistory","coin":"BTC","startTime":1789948800000}',
        ),
        '[{"coin":"BTC","fundingRate":"0.0000125","premium":"0.00057962","time":1789977600031}]',
        [Settled(EIGHT, 0.0000125)],
    ),
}


def history_of(venue: str) -> FundingHistory:
    spoken = native(venue, contracts=True)
    assert spoken is not None and spoken.funding_history is not None
    return spoken.funding_history


def test_every_venue_with_contracts_has_one() -> None:
    assert ANSWERS.keys() == CONTRACTS.keys()


@pytest.mark.parametrize("venue", ANSWERS)
def test_it_is_asked_for_and_read(venue: str) -> None:
    market, ask, answer, settled = ANSWERS[venue]
    spoken = native(venue, contracts=True)
    assert spoken is not None
    assert history_of(venue).ask(spoken.rest, market, SINCE, UNTIL, 1) == ask
    assert history_of(venue).read(answer.encode(), market) == settled


@pytest.mark.parametrize("venue", [v for v in ANSWERS if history_of(v).market])
def test_what_is_about_another_market_is_no_answer(venue: str) -> None:
    market, _, answer, _ = ANSWERS[venue]
    with pytest.raises(msgspec.ValidationError, match=f"a row of '{market}', not of 'OTHER'"):
        history_of(venue).read(answer.encode(), "OTHER")


def changed(venue: str, key: str, value: Any) -> bytes:
    """The answer of ``venue`` with ``value`` as ``key`` of its first row (None: without it)."""
    _, _, answer, _ = ANSWERS[venue]
    whole = json.loads(answer)
    rows = whole
    for name in history_of(venue).within:
        rows = rows[name]
    rows[0][key] = value
    if value is None:
        del rows[0][key]
    return json.dumps(whole).encode()


@pytest.mark.parametrize("venue", ANSWERS)
@pytest.mark.parametrize("rate", ["NaN", "inf", "", "1", "-1.5", "1e400", "0.0_1", "x" * 70, None])
def test_a_rate_that_is_none_spoils_the_answer(venue: str, rate: str | None) -> None:
    market = ANSWERS[venue][0]
    with pytest.raises(msgspec.DecodeError, match=r"no rate of funding|a row without"):
        history_of(venue).read(changed(venue, history_of(venue).rate, rate), market)


@pytest.mark.parametrize("venue", ANSWERS)
@pytest.mark.parametrize("at", ["", "-1", "0", "soon", "9" * 40, "2026-09-21T07:00:00", None])
def test_a_time_that_is_none_spoils_the_answer(venue: str, at: str | None) -> None:
    market = ANSWERS[venue][0]
    with pytest.raises(msgspec.DecodeError):
        history_of(venue).read(changed(venue, history_of(venue).at, at), market)


@pytest.mark.parametrize("venue", ANSWERS)
@pytest.mark.parametrize(
    "body", [b"", b"{}", b"null", b"<html>", b'{"rates":1}', b'"x"', b"[1]", b"\xff", b"[" * 5000]
)
def test_what_is_no_list_of_rows_is_no_answer(venue: str, body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        history_of(venue).read(body, ANSWERS[venue][0])


@pytest.mark.parametrize("venue", [v for v in ANSWERS if history_of(v).code[0]])
def test_an_error_of_the_venue_is_told(venue: str) -> None:
    market, _, answer, _ = ANSWERS[venue]
    key = history_of(venue).code[0]
    whole = json.loads(answer) | {key: "50011"}
    with pytest.raises(msgspec.DecodeError, match=f"{key} '50011'"):
        history_of(venue).read(json.dumps(whole).encode(), market)


def test_a_mark_that_is_none_is_left_out() -> None:
    history = history_of("binanceusdm")
    for mark in ("nan", "-5", "0", "much"):
        (first, _) = history.read(changed("binanceusdm", "markPrice", mark), "BTCUSDT")
        assert first == Settled(SINCE, 0.0001)


# --- pages ----------------------------------------------------------------------------------------


class Venue:
    """One that has settled each hour, and gives what it is asked for in ``pages`` of ``limit``."""

    def __init__(self, pages: Pages, limit: int, hours: int = 24) -> None:
        self.settled = [SINCE + number * HOUR for number in range(hours)]
        self.history = FundingHistory(
            path="/[id]?[since]&[until]&[page]", pages=pages, at="t", rate="r", limit=limit
        )
        self.limit = limit
        self.asked: list[str] = []

    def course(self, since: int, until: int) -> list[Settled]:
        course = Course(self.history, "X", since, until)
        while not course.done:
            course.read(self.answer(course.ask("").url.partition("?")[2]))
        return course.found

    def answer(self, query: str) -> bytes:
        self.asked.append(query)
        since, until, page = (int(part) for part in query.split("&"))
        found = self.settled
        match self.history.pages:
            case Pages.FORWARD:
                found = [at for at in found if at >= since * 1_000_000][: self.limit]
            case Pages.BACKWARD:
                found = [at for at in found[::-1] if since <= at // 1_000_000 <= until]
                found = found[: self.limit or 5]
            case Pages.NUMBERED:
                found = found[::-1][(page - 1) * self.limit : page * self.limit]
        return json.dumps([{"t": at // 1_000_000, "r": "0.0001"} for at in found]).encode()


@pytest.mark.parametrize(
    ("pages", "limit", "requests"),
    [
        (Pages.FORWARD, 10, 2),
        (Pages.FORWARD, 17, 2),
        (Pages.BACKWARD, 10, 2),
        (Pages.BACKWARD, 0, 4),
        (Pages.NUMBERED, 10, 2),
        (Pages.WHOLE, 0, 1),
    ],
)
def test_it_is_asked_page_by_page_until_all_is_there(
    pages: Pages, limit: int, requests: int
) -> None:
    venue = Venue(pages, limit)
    found = venue.course(SINCE + 7 * HOUR, SINCE + 24 * HOUR)
    assert [one.at for one in found] == venue.settled[7:]
    assert len(venue.asked) == requests


@pytest.mark.parametrize("pages", list(Pages))
def test_what_is_new_takes_one_request(pages: Pages) -> None:
    venue = Venue(pages, 0 if pages is Pages.WHOLE else 10)
    found = venue.course(venue.settled[-2], SINCE + 24 * HOUR)
    assert [one.at for one in found] == venue.settled[-2:]
    assert len(venue.asked) == 1


@pytest.mark.parametrize("pages", [Pages.FORWARD, Pages.BACKWARD, Pages.NUMBERED])
def test_it_ends_somewhere(pages: Pages) -> None:
    venue = Venue(pages, 10, hours=24 * 30)
    found = venue.course(SINCE, SINCE + 30 * DAY)
    assert len(venue.asked) == MOST_PAGES
    of = slice(0, 200) if pages is Pages.FORWARD else slice(-200, None)
    assert [one.at for one in found] == venue.settled[of]


def test_a_venue_that_repeats_itself_is_left() -> None:
    venue = Venue(Pages.NUMBERED, 10)
    course = Course(venue.history, "X", SINCE, UNTIL)
    page = venue.answer("0&0&1")
    course.read(page)
    assert not course.done
    course.read(page)
    assert course.done and len(course.found) == 10


# --- what each was for ----------------------------------------------------------------------------


def test_each_is_for_the_time_since_the_one_before() -> None:
    times = (0, 8, 16, 20, 24, 25)
    found = [Settled(SINCE + hour * HOUR, hour / 1e5) for hour in times]
    told = [(one.rate, length // HOUR) for one, length in payments(found, 0, UNTIL)]
    assert told == [(8e-5, 8), (16e-5, 8), (20e-5, 4), (24e-5, 4), (25e-5, 1)]


def test_on_a_venue_with_one_interval_a_hole_stays_one() -> None:
    found = [Settled(SINCE + hour * HOUR, 1e-5) for hour in (0, 1, 3)]
    assert [length // HOUR for _, length in payments(found, HOUR, UNTIL)] == [1, 1, 1]


def test_what_is_not_paid_yet_and_what_follows_a_long_gap_is_left_out() -> None:
    found = [Settled(SINCE + hour * HOUR, 1e-5) for hour in (0, 30, 31, 32)]
    paid = [(one.at - SINCE) // HOUR for one, _ in payments(found, 0, SINCE + 31 * HOUR)]
    assert paid == [31]
