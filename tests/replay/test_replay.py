"""Recordings written here, in the shapes the venues send, through ``scanner.replay.replay``."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from scanner.errors import UserError
from scanner.events import Opportunity
from scanner.replay.replay import json_line, replay, text_line
from scanner.replay.stage import Outcome
from tests.oracle.book import Book, digits_10, interleaved_25

DAY = 1_760_000_000.0  # 2025-10-09T08:53:20Z
DATE = "2025-10-09"
BINANCE_WS = "wss://stream.binance.com:9443/stream?streams=btcusdt@depth@100ms"
BINANCE_REST = "https://api.binance.com/api/v3/depth?symbol={}&limit=1000"

Line = dict[str, Any]


def line(raw: Any, n: int | None = None, t: float | None = None, **more: Any) -> Line:
    """One recorded message; ``t`` is in seconds after the start of the recording."""
    text = raw if isinstance(raw, str) else json.dumps(raw)
    told: Line = {"t": None if t is None else DAY + t, "dir": "in", "url": None, "raw": text}
    return told | ({} if n is None else {"n": n}) | more


def write(path: Path, lines: Sequence[Line]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(one) + "\n" for one in lines)
    return path


def run(*paths: Path, **settings: Any) -> tuple[list[Outcome], list[str], list[Opportunity]]:
    said: list[str] = []
    flagged: list[Opportunity] = []
    outcomes = replay(paths, emit=flagged.append, say=said.append, **settings)
    return outcomes, said, flagged


def depth(first: int, last: int, bids: list, asks: list, symbol: str = "BTCUSDT") -> Line:
    event = {"e": "depthUpdate", "E": 1760000000000, "s": symbol, "U": first, "u": last}
    stream = f"{symbol.lower()}@depth@100ms"
    return {"stream": stream, "data": event | {"b": bids, "a": asks}}


def ticker(u: int, bid: list[str], ask: list[str], symbol: str = "BTCUSDT") -> Line:
    data = {"u": u, "s": symbol, "b": bid[0], "B": bid[1], "a": ask[0], "A": ask[1]}
    return {"stream": f"{symbol.lower()}@bookTicker", "data": data}


def binance_rest(last: int, bids: list, asks: list, symbol: str = "BTCUSDT", **more: Any) -> Line:
    body = {"lastUpdateId": last, "bids": bids, "asks": asks}
    return line(body, url=BINANCE_REST.format(symbol), **more)


def binance(folder: Path) -> Path:
    """Two channels in two files, the snapshot from REST in between."""
    write(
        folder / f"binance/spot.depth.{DATE}.jsonl",
        [
            line(depth(101, 104, [["50000.00", "1"]], []), n=0, t=0.0),
            line(depth(105, 107, [["50000.10", "2.5"]], [["50001.00", "0"]]), n=2, t=0.2),
            line(depth(108, 109, [], [["50001.50", "0.75"]]), n=4, t=0.4),
        ],
    )
    write(
        folder / f"binance/spot.bookTicker.{DATE}.jsonl.gz",
        [
            line(ticker(106, ["50000.10", "2.5"], ["50001.20", "3"]), n=1, t=0.1),
            line(ticker(112, ["50000.20", "1"], ["50001.20", "3"]), n=5, t=0.5),
        ],
    )
    write(
        folder / f"rest/binance.spot.depth-snapshot.{DATE}.jsonl",
        [
            binance_rest(104, [["50000.00", "1"]], [["50001.00", "4"], ["50001.20", "3"]], t=0.15),
        ],
    )
    return folder / "binance"


def test_the_json_line_is_the_contract(tmp_path: Path) -> None:
    (outcome,), said, _ = run(binance(tmp_path))
    assert json.loads(json_line(outcome)) == {
        "event": "book",
        "venue": "binance",
        "market": "BTCUSDT",
        "messages": 5,
        "snapshots": 1,
        "deltas": 2,
        "gaps": 0,
        "tickers": 0,
        "checksums_ok": 0,
        "checksums_bad": 0,
        "bids": [[50000.1, 2.5], [50000.0, 1.0]],
        "asks": [[50001.2, 3.0], [50001.5, 0.75]],
    }
    assert said == []


def test_no_more_than_ten_levels_a_side_are_told(tmp_path: Path) -> None:
    bids = [[str(1000 - i), "1"] for i in range(30)]
    asks = [[str(2000 + i), "1"] for i in range(30)]
    path = write(
        tmp_path / "binance/one.jsonl",
        [binance_rest(1, bids, asks), line(depth(2, 2, [], []))],
    )
    (outcome,), _, _ = run(path)
    assert [price for price, _ in outcome.bids] == [float(1000 - i) for i in range(10)]
    assert [price for price, _ in outcome.asks] == [float(2000 + i) for i in range(10)]


def test_the_text_line_names_what_came_of_the_market(tmp_path: Path) -> None:
    (outcome,), _, _ = run(binance(tmp_path))
    told = text_line(outcome).split()
    assert " ".join(told[:10]) == "binance BTCUSDT 5 messages 1 snapshots 2 deltas 0 gaps"
    assert "bid 50000.1 x 2.5" in text_line(outcome)


def test_what_a_terminal_would_obey_is_escaped(tmp_path: Path) -> None:
    name = "BTC\x1b[2JUSDT"
    path = write(
        tmp_path / "binance/one.jsonl",
        [binance_rest(1, [["1", "1"]], [["2", "1"]], symbol="BTC%1B[2JUSDT")],
    )
    (outcome,), _, _ = run(path)
    assert outcome.market == name
    assert text_line(outcome).isprintable()


# --- every venue's shape ------------------------------------------------------------------------


def okx() -> list[Line]:
    """A checksum that is not zero is verified; ids chain."""
    arg = {"channel": "books", "instId": "BTC-USDT"}
    bids, asks = [["100.1", "2", "0", "3"], ["100", "1.50", "0", "1"]], [["100.2", "7", "0", "2"]]
    book = Book(bids, asks)
    first = {"bids": bids, "asks": asks, "ts": "1760000000000", "checksum": interleaved_25(book)}
    book = Book([["100", "1.50"]], [["100.2", "7"], ["100.3", "0.10"]])
    second = {
        "bids": [["100.1", "0", "0", "0"]],
        "asks": [["100.3", "0.10", "0", "1"]],
        "ts": "1760000000100",
        "checksum": interleaved_25(book),
    }
    return [
        line({"event": "subscribe", "arg": arg}),
        line({"arg": arg, "action": "snapshot", "data": [first | {"seqId": 5, "prevSeqId": -1}]}),
        line({"arg": arg, "action": "update", "data": [second | {"seqId": 9, "prevSeqId": 5}]}),
        line("pong"),
    ]


def kraken() -> list[Line]:
    """Numbers with their trailing zeros, a depth of ten that is cut to, a checksum each time."""
    bids = [f'{{"price":{100 - i}.0,"qty":0.1000000{i}}}' for i in range(10)]
    asks = [f'{{"price":{101 + i}.0,"qty":1.00000000}}' for i in range(10)]
    book = Book(
        [(f"{100 - i}.0", f"0.1000000{i}") for i in range(10)],
        [(f"{101 + i}.0", "1.00000000") for i in range(10)],
    )
    ack = {"channel": "book", "depth": 10, "snapshot": True, "symbol": "BTC/USD"}
    begin = (
        '{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD","bids":['
        + ",".join(bids)
        + '],"asks":['
        + ",".join(asks)
        + f'],"checksum":{digits_10(book)},"timestamp":"2025-10-09T08:53:20.000001Z"}}]}}'
    )
    book.bids[Decimal("100.5")] = Decimal("2.00000000")
    book.truncate(10)
    change = (
        '{"channel":"book","type":"update","data":[{"symbol":"BTC/USD",'
        '"bids":[{"price":100.5,"qty":2.00000000}],"asks":[],'
        f'"checksum":{digits_10(book)},"timestamp":"2025-10-09T08:53:21.000001Z"}}]}}'
    )
    return [
        line({"method": "subscribe", "result": ack, "success": True}, n=0),
        line('{"channel":"heartbeat"}', n=1),
        line(begin, n=2),
        line(change, n=3),
    ]


def kucoin() -> list[Line]:
    """Rows at price 0 only count; a row not above the snapshot's sequence is skipped."""

    def changed(first: int, last: int, bids: list, asks: list) -> Line:
        data = {"sequenceStart": first, "sequenceEnd": last, "symbol": "BTC-USDT"}
        return {
            "type": "message",
            "topic": "/market/level2:BTC-USDT",
            "subject": "trade.l2update",
            "data": data | {"changes": {"bids": bids, "asks": asks}},
        }

    url = "https://api.kucoin.com/api/v1/market/orderbook/level2_100?symbol=BTC-USDT"
    book = {"time": 1760000000000, "sequence": "12", "bids": [["9", "1"]], "asks": [["10", "2"]]}
    return [
        line({"id": "a", "type": "welcome"}),
        line(changed(11, 13, [["8", "5", "11"], ["8.5", "5", "13"]], [])),
        line({"code": "200000", "data": book}, url=url),
        line(changed(14, 14, [], [["0", "0", "14"]])),
        line(changed(15, 16, [], [["10", "0", "15"], ["10.5", "3", "16"]])),
    ]


def bybit() -> list[Line]:
    def book(kind: str, u: int, bids: list, asks: list) -> Line:
        data = {"s": "BTCUSDT", "b": bids, "a": asks, "u": u, "seq": u * 10}
        return {
            "topic": "orderbook.200.BTCUSDT",
            "type": kind,
            "ts": 1760000000000,
            "data": data,
            "cts": 1760000000000,
        }

    return [
        line(book("snapshot", 7, [["64000.1", "1"]], [["64000.2", "2"]])),
        line(book("delta", 8, [["64000.1", "0"], ["63999", "4"]], [])),
    ]


def coinbase() -> list[Line]:
    def frame(number: int, channel: str, events: list) -> Line:
        told = {"channel": channel, "timestamp": "2025-10-09T08:53:20.123456789Z"}
        return told | {"sequence_num": number, "events": events}

    def row(side: str, price: str, size: str) -> Line:
        event_time = "1970-01-01T00:00:00Z"
        return {"side": side, "event_time": event_time, "price_level": price, "new_quantity": size}

    begin = [row("bid", "64000.01", "0.5"), row("offer", "64000.02", "0.25")]
    change = [row("bid", "64000.01", "0"), row("bid", "64000", "1"), row("offer", "64001", "2")]
    product = {"product_id": "BTC-USD"}
    return [
        line(frame(0, "subscriptions", [{"subscriptions": {"level2": ["BTC-USD"]}}])),
        line(frame(1, "l2_data", [product | {"type": "snapshot", "updates": begin}])),
        line(frame(2, "heartbeats", [{"current_time": "x", "heartbeat_counter": 1}])),
        line(frame(3, "l2_data", [product | {"type": "update", "updates": change}])),
    ]


def gate() -> list[Line]:
    def changed(first: int, last: int, bids: list, asks: list) -> Line:
        result = {"t": 1760000000000, "e": "depthUpdate", "s": "BTC_USDT", "U": first, "u": last}
        return {
            "time": 1760000000,
            "channel": "spot.order_book_update",
            "event": "update",
            "result": result | {"b": bids, "a": asks},
        }

    url = "https://api.gateio.ws/api/v4/spot/order_book?currency_pair=BTC_USDT&with_id=true"
    book = {"id": 21, "bids": [["9", "1"]], "asks": [["10", "2"]]}
    return [
        line(changed(20, 21, [["1", "1"]], [])),
        line(book, url=url),
        line(changed(22, 25, [["9.5", "3"]], [["10", "0"], ["11", "1"]])),
    ]


def bitget() -> list[Line]:
    """The first generation: a checksum, no ids."""
    arg = {"instType": "sp", "channel": "books", "instId": "BTCUSDT"}
    bids, asks = [["100.10", "2.0"]], [["100.20", "7"]]
    first = {"bids": bids, "asks": asks, "ts": "1760000000000"}
    first["checksum"] = interleaved_25(Book(bids, asks))
    second = {"bids": [["100.10", "0"], ["100.00", "3"]], "asks": [], "ts": "1760000000200"}
    second["checksum"] = interleaved_25(Book([["100.00", "3"]], asks))
    return [
        line({"action": "snapshot", "arg": arg, "data": [first]}),
        line({"action": "update", "arg": arg, "data": [second]}),
    ]


@pytest.mark.parametrize(
    ("folder", "lines", "market", "counts", "bids", "asks"),
    [
        ("okx", okx(), "BTC-USDT", (2, 1, 1, 2), [(100, 1.5)], [(100.2, 7), (100.3, 0.1)]),
        (
            "kraken-v2",
            kraken(),
            "BTC/USD",
            (2, 1, 1, 2),
            [(100.5, 2), *((100.0 - i, float(f"0.1000000{i}")) for i in range(9))],
            [(101.0 + i, 1) for i in range(10)],
        ),
        ("kucoin", kucoin(), "BTC-USDT", (4, 1, 3, 0), [(9, 1), (8.5, 5)], [(10.5, 3)]),
        ("bybit", bybit(), "BTCUSDT", (2, 1, 1, 0), [(63999, 4)], [(64000.2, 2)]),
        (
            "coinbase",
            coinbase(),
            "BTC-USD",
            (2, 1, 1, 0),
            [(64000, 1)],
            [(64000.02, 0.25), (64001, 2)],
        ),
        ("gate", gate(), "BTC_USDT", (2, 1, 1, 0), [(9.5, 3), (9, 1)], [(11, 1)]),
        ("bitget", bitget(), "BTCUSDT", (2, 1, 1, 2), [(100, 3)], [(100.2, 7)]),
    ],
    ids=["okx", "kraken", "kucoin", "bybit", "coinbase", "gate", "bitget"],
)
def test_each_venues_messages_become_its_book(
    tmp_path: Path,
    folder: str,
    lines: list[Line],
    market: str,
    counts: tuple[int, int, int, int],
    bids: list[tuple[float, float]],
    asks: list[tuple[float, float]],
) -> None:
    path = write(tmp_path / folder / f"spot.book.{DATE}.jsonl.gz", lines)
    (outcome,), said, _ = run(path)
    told = (outcome.messages, outcome.snapshots, outcome.deltas, outcome.checksums_ok)
    assert (outcome.market, told) == (market, counts)
    assert (outcome.bids, outcome.asks) == (bids, asks)
    assert (outcome.gaps, outcome.checksums_bad) == (0, 0)
    assert said == []


# --- files into connections ---------------------------------------------------------------------


def test_files_of_one_connection_are_merged_by_ordinal_not_by_time(tmp_path: Path) -> None:
    write(
        tmp_path / f"binance/spot.depth.{DATE}.jsonl",
        [line(depth(5, 5, [["3", "1"]], []), n=3, t=0), line(depth(4, 4, [], []), n=2, t=9)],
    )
    write(
        tmp_path / f"binance/spot.other.{DATE}.jsonl",
        [binance_rest(3, [["1", "1"]], [["9", "1"]], n=1, t=5)],
    )
    (outcome,), _, _ = run(tmp_path)
    assert (outcome.gaps, outcome.deltas, outcome.bids[0]) == (0, 2, (3, 1))


def test_answers_kept_apart_join_by_ordinal_where_they_have_one(tmp_path: Path) -> None:
    """By its time it would come first, be joined by the first change, and lose it again."""
    write(
        tmp_path / f"binance/spot.depth.{DATE}.BTCUSDT.jsonl",
        [line(depth(i, i, [[str(i), "1"]], []), n=2 * i, t=i) for i in range(1, 5)],
    )
    write(
        tmp_path / f"rest/binance.spot.depth-snapshot.{DATE}.BTCUSDT.jsonl",
        [binance_rest(3, [["0.5", "1"]], [["9", "1"]], n=7, t=0)],
    )
    (outcome,), said, _ = run(tmp_path / "binance")
    assert (outcome.snapshots, outcome.deltas, outcome.gaps) == (1, 1, 0)
    assert outcome.bids == [(4, 1), (0.5, 1)]
    assert said == []


def test_answers_may_be_named_on_the_command_line(tmp_path: Path) -> None:
    binance(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    (tmp_path / "rest").rename(elsewhere)
    stream = tmp_path / "binance"
    outcomes, _, _ = run(stream)
    assert [(outcome.snapshots, outcome.bids) for outcome in outcomes] == [(0, [])]
    (outcome,), said, _ = run(stream, elsewhere)
    assert (outcome.snapshots, said) == (1, [])


@pytest.mark.parametrize(
    "name",
    [
        "binance.spot.depth-snapshot.2025-10-10.jsonl",
        f"binance.usdm.depth-snapshot.{DATE}.jsonl",
        f"okx.spot.depth-snapshot.{DATE}.jsonl",
    ],
)
def test_answers_of_another_day_market_or_venue_are_not_used(tmp_path: Path, name: str) -> None:
    binance(tmp_path)
    (kept,) = (tmp_path / "rest").iterdir()
    kept.rename(kept.with_name(name))
    (outcome,), said, _ = run(tmp_path)
    assert outcome.snapshots == 0
    assert any(name in one and "left out" in one for one in said)


def test_answers_without_a_book_are_left_out_by_name(tmp_path: Path) -> None:
    binance(tmp_path)
    write(tmp_path / f"rest/binance.spot.exchangeInfo.{DATE}.jsonl", [line({})])
    (outcome,), said, _ = run(tmp_path)
    assert outcome.snapshots == 1
    assert len(said) == 1
    assert "exchangeInfo" in said[0]


def test_a_file_given_twice_counts_once(tmp_path: Path) -> None:
    folder = binance(tmp_path)
    (outcome,), _, _ = run(folder, folder, *folder.iterdir())
    assert outcome.messages == 5


def test_lines_without_ordinals_are_ordered_by_time(tmp_path: Path) -> None:
    write(
        tmp_path / f"binance/spot.depth.{DATE}.jsonl",
        [line(depth(5, 5, [["3", "1"]], []), t=3), line(depth(4, 4, [], []), t=2)],
    )
    write(
        tmp_path / f"rest/binance.spot.depth-snapshot.{DATE}.jsonl",
        [binance_rest(3, [["1", "1"]], [["9", "1"]], t=1)],
    )
    (outcome,), _, _ = run(tmp_path)
    assert (outcome.gaps, outcome.deltas) == (0, 2)


def test_what_was_sent_is_not_taken_for_received(tmp_path: Path) -> None:
    lines = [binance_rest(3, [["1", "1"]], [["9", "1"]])]
    lines.append(line(depth(4, 4, [["5", "1"]], []), dir="out"))
    (outcome,), _, _ = run(write(tmp_path / "binance/one.jsonl", lines))
    assert (outcome.deltas, outcome.bids) == (0, [(1, 1)])


def test_a_binary_frame_is_decoded_from_base64(tmp_path: Path) -> None:
    lines = [
        one | {"raw": base64.b64encode(one["raw"].encode()).decode(), "b64": True}
        for one in bybit()
    ]
    (outcome,), _, _ = run(write(tmp_path / "bybit/one.jsonl", lines))
    assert outcome.bids == [(63999, 4)]


def test_control_frames_of_every_market_belong_to_all_connections_of_the_day(
    tmp_path: Path,
) -> None:
    control, *rest = okx()
    write(tmp_path / f"okx/all.control.{DATE}.jsonl", [control | {"n": 0}])
    write(tmp_path / f"okx/spot.books.{DATE}.jsonl", [one | {"n": n} for n, one in enumerate(rest)])
    (outcome,), _, _ = run(tmp_path)
    assert outcome.recording == f"okx/all.{DATE}"


def test_the_same_id_on_two_kinds_of_market_is_two_books(tmp_path: Path) -> None:
    for market, price in (("spot", "5"), ("usdm", "6")):
        change = depth(4, 4, [], [])
        change["data"] |= {"pu": 3} if market == "usdm" else {}
        write(
            tmp_path / f"binance/{market}.depth.{DATE}.jsonl",
            [binance_rest(3, [[price, "1"]], [["9", "1"]], t=0), line(change, t=1)],
        )
    outcomes, _, _ = run(tmp_path)
    assert {outcome.recording: outcome.bids for outcome in outcomes} == {
        f"binance/spot.{DATE}": [(5, 1)],
        f"binance/usdm.{DATE}": [(6, 1)],
    }


# --- which venue --------------------------------------------------------------------------------


def test_the_venue_is_known_by_the_address_where_the_folder_says_nothing(tmp_path: Path) -> None:
    lines = [one | {"url": one["url"] or BINANCE_WS} for one in binance_lines()]
    (outcome,), said, _ = run(write(tmp_path / "mine/today.jsonl", lines))
    assert (outcome.venue, outcome.recording, said) == ("binance", "mine/today.jsonl", [])


def binance_lines() -> list[Line]:
    return [
        line(depth(2, 2, [], [])),
        binance_rest(2, [["1", "1"]], [["9", "1"]]),
        line(depth(3, 3, [], [])),
    ]


@pytest.mark.parametrize(
    ("folder", "url", "reason"),
    [
        ("bitfinex", "wss://api-pub.bitfinex.com/ws/2", "api-pub.bitfinex.com"),
        ("kraken-v1", "wss://ws.kraken.com", "only wss://ws.kraken.com/v2 is spoken"),
        ("nowhere", None, "no venue that is spoken natively"),
    ],
)
def test_what_is_not_spoken_is_left_out_and_named(
    tmp_path: Path, folder: str, url: str | None, reason: str
) -> None:
    write(tmp_path / folder / f"spot.book.{DATE}.jsonl", [line([0, [1, 2, 3]], url=url)])
    (outcome,), said, _ = run(tmp_path / folder, binance(tmp_path))
    assert outcome.venue == "binance"
    assert len(said) == 1
    assert said[0].startswith(f"{folder}/spot.{DATE}: left out: ")
    assert reason in said[0]
    with pytest.raises(UserError, match="none of these files"):
        run(tmp_path / folder)


def test_a_file_of_something_else_in_a_folder_is_left_out(tmp_path: Path) -> None:
    other = tmp_path / "frames/vectors.jsonl"
    write(other, [{"raw": None, "vector": 1}])
    (outcome,), said, _ = run(binance(tmp_path), other.parent)
    assert outcome.venue == "binance"
    assert len(said) == 1
    assert "frames/vectors.jsonl: left out" in said[0]


def test_a_recording_of_another_format_is_said_to_have_no_book(tmp_path: Path) -> None:
    path = write(tmp_path / "binance/spot.odd.2025-10-09.jsonl", [line("[1]"), line("{")])
    outcomes, said, _ = run(path)
    assert outcomes == []
    assert any("could not be read" in one for one in said)
    assert said[-1] == "binance/spot.2025-10-09: no order book in it"


# --- what goes wrong on the wire ----------------------------------------------------------------


def test_a_gap_is_counted_and_said_and_empties_the_book(tmp_path: Path) -> None:
    lines = [*binance_lines(), line(depth(9, 9, [["4", "1"]], []))]
    (outcome,), said, _ = run(write(tmp_path / "binance/one.jsonl", lines))
    assert (outcome.gaps, outcome.bids, outcome.asks) == (1, [], [])
    assert said == ["binance/one.jsonl: BTCUSDT: update ids 9..9 do not follow the last one"]


def test_a_recorded_snapshot_after_a_gap_brings_the_book_back(tmp_path: Path) -> None:
    lines = [*binance_lines(), line(depth(9, 9, [["4", "1"]], []))]
    lines.append(binance_rest(8, [["2", "1"]], [["9", "1"]]))
    (outcome,), _, _ = run(write(tmp_path / "binance/one.jsonl", lines))
    assert (outcome.gaps, outcome.snapshots, outcome.deltas) == (1, 2, 2)
    assert outcome.bids == [(4, 1), (2, 1)]


def test_a_wrong_checksum_is_counted_and_the_book_is_gone(tmp_path: Path) -> None:
    lines = okx()
    lines[2]["raw"] = lines[2]["raw"].replace('"0.10"', '"0.11"')
    (outcome,), said, _ = run(write(tmp_path / "okx/one.jsonl", lines))
    assert (outcome.checksums_ok, outcome.checksums_bad) == (1, 1)
    assert outcome.bids == []
    assert said == ["okx/one.jsonl: BTC-USDT: the checksum does not match"]


def test_after_nonsense_the_rest_goes_to_a_fresh_connection(tmp_path: Path) -> None:
    lines = [*bybit(), line('{"topic": "orderbook.200.BTCUSDT", "data": 7}'), *bybit()]
    (outcome,), said, _ = run(write(tmp_path / "bybit/one.jsonl", lines))
    assert (outcome.messages, outcome.snapshots, outcome.deltas) == (4, 2, 2)
    assert outcome.gaps == 1
    assert outcome.bids == [(63999, 4)]
    assert any("could not be read" in one for one in said)


def test_complaints_without_end_are_cut(tmp_path: Path) -> None:
    lines = [*binance_lines()]
    for i in range(10, 100, 2):
        lines += [line(depth(i, i, [], [])), binance_rest(i, [["1", "1"]], [["9", "1"]])]
    (outcome,), said, _ = run(write(tmp_path / "binance/one.jsonl", lines))
    assert outcome.gaps == 45
    assert len(said) == 11
    assert said[-1] == "binance/one.jsonl: there is more that is not shown"


# --- what is flagged ----------------------------------------------------------------------------


def quote(venue: str, market: str, bid: str, ask: str, u: int) -> Line:
    """A whole book of one level a side, of venues that send such."""
    levels = {"bids": [[bid, "1", "0", "1"]], "asks": [[ask, "1", "0", "1"]]}
    if venue == "okx":
        data = levels | {"ts": "1760000000000", "seqId": u, "prevSeqId": -1}
        arg = {"channel": "books", "instId": market}
        return {"arg": arg, "action": "snapshot", "data": [data]}
    result = {"t": 1760000000000, "full": True, "s": f"ob.{market}.50", "u": u}
    result |= {"b": [[bid, "1"]], "a": [[ask, "1"]]}
    return {"channel": "spot.obu", "event": "update", "result": result, "time_ms": 1760000000000}


def two_venues(folder: Path, kind: str = "spot", market: str = "BTC") -> Path:
    """OKX offers at 100 what Gate bids 101 for, from 1.0 s on, until OKX's price rises at 2.0 s."""
    write(
        folder / f"okx/{kind}.books.{DATE}.jsonl",
        [
            line(quote("okx", f"{market}-USDT", "101", "102", 1), t=0.0),
            line(quote("okx", f"{market}-USDT", "99", "100", 2), t=1.0),
            line(quote("okx", f"{market}-USDT", "101", "102", 3), t=2.0),
        ],
    )
    write(
        folder / f"gate/{kind}.obu.{DATE}.jsonl",
        [
            line(quote("gate", f"{market}_USDT", "101", "102", 1), t=0.5),
            line({"time": 1760000000, "channel": "spot.pong", "event": ""}, t=7200),
        ],
    )
    return folder


def test_books_of_two_venues_meet_in_the_engine(tmp_path: Path) -> None:
    _, said, (opened, *_, closed) = run(two_venues(tmp_path), fee=0.002)
    assert (opened.event, closed.event) == ("opened", "closed")
    assert (opened.symbol, opened.buy.venue, opened.sell.venue) == ("BTC/USDT", "okx", "gate")
    assert (opened.buy.fee_rate, opened.sell.fee_rate) == (0.002, 0.002)
    assert opened.net_profit == pytest.approx(101 * 0.998 - 100 * 1.002, abs=1e-12)
    assert (opened.at, closed.at) == (round((DAY + 1) * 1e9), round((DAY + 2) * 1e9))
    assert said == []


def test_the_fee_decides_what_is_flagged(tmp_path: Path) -> None:
    assert run(two_venues(tmp_path), fee=0.006)[2] == []


def test_time_that_passes_in_the_recording_closes_what_has_become_too_old(tmp_path: Path) -> None:
    two_venues(tmp_path)
    path = tmp_path / f"okx/spot.books.{DATE}.jsonl"
    first, second, _ = path.read_text().splitlines(keepends=True)
    late = json.dumps(line(quote("okx", "ETH-USDT", "1", "2", 1), t=3600))
    path.write_text(first + second + late + "\n")
    _, _, (*_, closed) = run(tmp_path)
    assert closed.event == "closed"
    assert DAY + 1.5 <= closed.at / 1e9 <= DAY + 5


def test_the_end_of_a_recording_takes_its_books_out_of_the_game(tmp_path: Path) -> None:
    two_venues(tmp_path)
    path = tmp_path / f"okx/spot.books.{DATE}.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))
    _, _, (opened, *_, closed) = run(tmp_path)
    assert (opened.event, closed.event) == ("opened", "closed")
    assert closed.reason == "the recording is over"


@pytest.mark.parametrize("kind", ["swap", "futures", "usdt-futures"])
def test_only_spot_is_scanned(tmp_path: Path, kind: str) -> None:
    outcomes, _, flagged = run(two_venues(tmp_path, kind=kind))
    assert (len(outcomes), flagged) == (2, [])


def test_an_id_without_a_separator_is_replayed_but_not_scanned(tmp_path: Path) -> None:
    two_venues(tmp_path)
    (tmp_path / f"okx/spot.books.{DATE}.jsonl").unlink()
    write(
        tmp_path / f"binance/spot.depth.{DATE}.jsonl",
        [
            binance_rest(1, [["99", "1"]], [["100", "1"]], symbol="BTCUSDT", t=0.4),
            line(depth(2, 2, [], []), t=0.6),
        ],
    )
    outcomes, _, flagged = run(tmp_path)
    assert {outcome.market for outcome in outcomes} == {"BTCUSDT", "BTC_USDT"}
    assert flagged == []


def test_a_venue_is_not_compared_with_itself(tmp_path: Path) -> None:
    """Two connections of one venue that carry the same market at the same time."""
    for name, ask in (("a", "100"), ("b", "102")):
        write(
            tmp_path / f"okx/{name}.jsonl",
            [line(quote("okx", "BTC-USDT", str(int(ask) - 1), ask, 1), t=1)] * 3,
        )
    outcomes, _, flagged = run(tmp_path)
    assert sorted(outcome.asks[0][0] for outcome in outcomes) == [100, 102]
    assert flagged == []


def test_many_recordings_of_one_market_one_after_the_other_share_its_place(
    tmp_path: Path,
) -> None:
    for day in range(70):
        write(
            tmp_path / f"okx/spot.books.2025-{1 + day // 28:02}-{1 + day % 28:02}.jsonl",
            [line(quote("okx", "BTC-USDT", "99", "100", 1), t=day * 86400.0)],
        )
    outcomes, _, _ = run(tmp_path)
    assert len(outcomes) == 70
    assert all(outcome.bids == [(99, 1)] for outcome in outcomes)


def test_a_replay_repeats_itself_to_the_last_bit(tmp_path: Path) -> None:
    first, second = run(two_venues(tmp_path)), run(tmp_path)
    assert first == second
