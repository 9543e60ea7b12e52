"""The commands as they are typed: a lab in one process, the scanner in another, held to the truth.

What is flagged must recompute from its own line, and no price or size may be named that its venue
did not show within the age limit.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import pytest
from msgspec import Raw, Struct
from msgspec.json import Decoder, decode

from tests.processes import alive, children
from tests.repeats import LONG

ROOT = Path(__file__).parents[1]
CROSSBOOK = [sys.executable, "-c", "from scanner.cli import main; main()"]
LIMIT = 3_000_000_000
CLOCKS = 5_000_000
LONGEST = 80
SPAN = 4_000_000_000
ENOUGH = Counter({"spot-spot": 3, "cross-quote": 1, "multi": 1, "loop": 1})
# How long a starved process may stand still before what it then reads is not believed
# (``Timing.stall``);
# messages without a time of their venue may be older by that.
UNNOTICED = 2_000_000_000

Line = dict[str, Any]
Level = list[float]


class Shown(Struct, gc=False):
    """A book as its venue showed it at ``t``: of the many few are looked at, so that levels stay as
    they were written."""

    t: int
    venue: str
    symbol: str
    bids: Raw
    asks: Raw

    def side(self, name: str) -> list[Level]:
        return decode(getattr(self, name), type=list[Level])


Session = tuple[list[Line], list[Shown], str]


@contextmanager
def running(*arguments: object, stderr: TextIO | None = None) -> Iterator[subprocess.Popen[str]]:
    """A command of ours, ended with SIGTERM when the block is left."""
    command = [*CROSSBOOK, *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True, cwd=ROOT)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [*CROSSBOOK, *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, timeout=90, check=False
    )


def watched(config: Path, log: TextIO) -> list[Line]:
    """What ``watch`` flags, ended by a signal once that is ``enough``."""
    lines: list[Line] = []
    with running("watch", "--config", config, "--json", "--seconds", LONGEST, stderr=log) as watch:
        assert watch.stdout is not None
        for text in watch.stdout:
            lines.append(json.loads(text))
            if enough(lines):
                break
        else:
            pytest.fail(f"{LONGEST} s were not enough: {Counter(line['kind'] for line in lines)}")
        watch.send_signal(signal.SIGTERM)
        lines += map(json.loads, watch.stdout)
    return lines


def enough(lines: list[Line]) -> bool:
    """Whether all is there that the tests look at."""
    opened = Counter(line["kind"] for line in lines if line["event"] == "opened")
    closed = sum(line["event"] == "closed" for line in lines)
    span = nanoseconds(lines[-1]["at"]) - nanoseconds(lines[0]["at"])
    return closed >= 3 and span >= SPAN and opened >= ENOUGH


# One worker alone finds in the same way what two do, and has less to put together.
WORKERS = [
    pytest.param(2, id="two workers"),
    *([pytest.param(1, id="one worker")] if LONG else []),
]


@pytest.fixture(scope="module", params=WORKERS)
def session(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Session:
    """(what was flagged, the truth, what stood on standard error), from a start until every kind of
    pair has opened and some have closed again."""
    folder = tmp_path_factory.mktemp("lab")
    truth, config = folder / "truth.jsonl", folder / "config.yaml"
    with running("lab", "--seed", 7, "--truth", truth, "--write-config", config) as lab:
        assert lab.stdout is not None
        assert lab.stdout.readline().startswith("ready")
        with config.open("a") as file:
            file.write(f"cache_dir: {folder}\nworkers: {request.param}\n")
        errors = folder / "log"
        with errors.open("w") as log:
            flagged = watched(config, log)
    log_text = errors.read_text()
    return flagged, Decoder(Shown).decode_lines(truth.read_bytes()), log_text


def taken(levels: list[Level], size: float) -> float:
    """Quote for ``size`` from the best level on; the levels must hold that much."""
    total = 0.0
    for price, available in levels:
        take = min(size, available)
        total += take * price
        size -= take
    assert size <= 1e-9
    return total


def in_one_currency(lines: list[Line]) -> list[Line]:
    return [line for line in lines if line["kind"] == "spot-spot"]


def legs(line: Line) -> list[tuple[Line, str]]:
    """Each order with the side of the book that it takes."""
    orders = line.get("legs") or [line["buy"], line["sell"], *filter(None, [line["conversion"]])]
    return [(order, "asks" if order["side"] == "buy" else "bids") for order in orders]


def in_base(level: Level, leg: Line) -> tuple[float, float]:
    """A level as its venue shows it, sizes perhaps in contracts, as a leg of ours tells it."""
    price, size = level
    base = size * leg["contract_size"] / (price if leg["inverse"] else 1.0)
    return price / leg["multiplier"], round(base * leg["multiplier"], 9)


def nanoseconds(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1e6) * 1000


def test_spreads_open_and_close_while_one_watches(session: Session) -> None:
    flagged = session[0]
    events = [line["event"] for line in flagged]
    assert events.count("opened") >= 3
    assert events.count("opened") == events.count("closed")
    assert len({line["buy"]["venue"] for line in flagged}) > 1


def test_every_line_recomputes_from_itself(session: Session) -> None:
    for line in in_one_currency(session[0]):
        buy, sell, size = line["buy"], line["sell"], line["size"]
        paid, received = taken(buy["levels"], size), taken(sell["levels"], size)
        cost, proceeds = paid * (1 + buy["fee_rate"]), received * (1 - sell["fee_rate"])
        net = proceeds - cost
        assert line["net_profit"] == pytest.approx(net, rel=1e-9)
        assert line["net_bps"] == pytest.approx(net / cost * 1e4, rel=1e-9)
        assert line["gross_bps"] == pytest.approx((received - paid) / paid * 1e4, rel=1e-9)
        assert net > 0


def test_every_line_across_currencies_recomputes_too(session: Session) -> None:
    for line in session[0]:
        if line["kind"] != "cross-quote":
            continue
        buy, sell, conversion = line["buy"], line["sell"], line["conversion"]
        assert {buy["fee_in"], sell["fee_in"], conversion["fee_in"]} == {"quote"}
        cost = taken(buy["levels"], buy["size"]) * (1 + buy["fee_rate"])
        brought = taken(sell["levels"], sell["size"]) * (1 - sell["fee_rate"])
        worth = taken(conversion["levels"], conversion["size"])
        if conversion["side"] == "sell":
            given, got = conversion["size"], worth * (1 - conversion["fee_rate"])
        else:
            given, got = worth * (1 + conversion["fee_rate"]), conversion["size"]
        assert given <= brought * (1 + 1e-12)
        assert line["net_profit"] == pytest.approx(got - cost, rel=1e-9)


def test_every_line_of_several_venues_recomputes_too(session: Session) -> None:
    lines = [line for line in session[0] if line["kind"] == "multi"]
    assert lines
    for line in lines:
        buys = [leg for leg in line["legs"] if leg["side"] == "buy"]
        sells = [leg for leg in line["legs"] if leg["side"] == "sell"]
        assert len(line["legs"]) == len({leg["venue"] for leg in line["legs"]}) >= 3
        assert line["buy"] == max(buys, key=lambda leg: leg["size"])
        assert line["sell"] == max(sells, key=lambda leg: leg["size"])
        bought, sold = (sum(leg["size"] for leg in side) for side in (buys, sells))
        cost = sum(taken(leg["levels"], leg["size"]) * (1 + leg["fee_rate"]) for leg in buys)
        came = sum(taken(leg["levels"], leg["size"]) * (1 - leg["fee_rate"]) for leg in sells)
        assert line["size"] == pytest.approx(bought, rel=1e-12)
        assert sold <= bought * (1 + 1e-12)
        assert line["net_profit"] == pytest.approx(came - cost, rel=1e-9)
        assert line["net_bps"] == pytest.approx((came / cost - 1) * 1e4, rel=1e-9)
        # No order could be left out, and no two of them exchanged, with a profit.
        worst_ask = max(leg["levels"][-1][0] * (1 + leg["fee_rate"]) for leg in buys)
        worst_bid = min(leg["levels"][-1][0] * (1 - leg["fee_rate"]) for leg in sells)
        assert worst_bid > worst_ask


def test_every_loop_recomputes_too(session: Session) -> None:
    lines = [line for line in session[0] if line["kind"] == "loop"]
    assert lines
    for line in lines:
        way = line["symbol"].split("/")
        assert way[0] == way[-1] == line["currency"]
        amount = line["size"]
        for i, leg in enumerate(line["legs"]):
            base, quote = leg["symbol"].split("/")
            worth = taken(leg["levels"], leg["size"])
            if leg["side"] == "buy":
                assert way[i : i + 2] == [quote, base]
                given, got = worth * (1 + leg["fee_rate"]), leg["size"]
            else:
                assert way[i : i + 2] == [base, quote]
                given, got = leg["size"], worth * (1 - leg["fee_rate"])
            assert given <= amount * (1 + 1e-9)
            amount = got
        assert (line["buy"], line["sell"]) == (line["legs"][0], line["legs"][-1])
        assert line["net_profit"] == pytest.approx(amount - line["size"], rel=1e-9, abs=1e-6)
        assert line["net_bps"] == pytest.approx((amount / line["size"] - 1) * 1e4, abs=1e-6)


def test_every_size_is_the_one_that_pays_most(session: Session) -> None:
    """Nothing more could be taken with a profit from the levels named, and nothing is by a loss."""
    for line in in_one_currency(session[0]):
        buy, sell = line["buy"], line["sell"]
        last_ask, last_bid = buy["levels"][-1][0], sell["levels"][-1][0]
        assert last_bid * (1 - sell["fee_rate"]) > last_ask * (1 + buy["fee_rate"])


def test_no_flag_names_what_its_venue_did_not_show(session: Session) -> None:
    flagged, truth, _ = session
    shown: dict[tuple[str, str], list[Shown]] = {}
    for one in truth:
        shown.setdefault((one.venue, one.symbol), []).append(one)
    # An end repeats the last state, at the time of the end.
    for line in (line for line in flagged if line["event"] != "closed"):
        at = nanoseconds(line["at"])
        for leg, side in legs(line):
            if leg["assumed"]:
                continue
            books = shown[leg["venue"], leg["symbol"]]
            wanted = {(price, round(size, 9)) for price, size in leg["levels"]}
            index = bisect_right(books, at + CLOCKS, key=lambda book: book.t) - 1
            while wanted and index >= 0:
                wanted -= {in_base(level, leg) for level in books[index].side(side)}
                if books[index].t < at - LIMIT - UNNOTICED:
                    break
                index -= 1
            assert not wanted, (line["event"], leg["venue"], leg["symbol"], wanted)
            assert leg["age_ms"] * 1e6 <= LIMIT


def test_all_venues_connect(session: Session) -> None:
    log = session[2]
    connected = {
        line.split(": ")[1].split(" #")[0] for line in log.splitlines() if "connected" in line
    }
    assert connected == {
        "binance",
        "okx",
        "kucoin",
        "bybit",
        "kraken",
        "coinbase",
        "gate",
        "bitget",
        "binanceusdm",
        "hyperliquid",
        "kucoinfutures",
        "krakenfutures",
    }


def test_an_interrupted_demo_says_that_it_is_simulated_and_ends_cleanly(tmp_path: Path) -> None:
    settings = tmp_path / "c.yaml"
    settings.write_text(
        "venues: {okx: {taker_fee: 0}, gate: {taker_fee: 0}}\nworkers: 1\n"
        "thresholds: {min_net_bps: 0.1}\n"
    )
    with (tmp_path / "errors").open("w+") as errors:
        options = ("--json", "--db", "", "--config", settings)
        with running("demo", *options, stderr=errors) as demo:
            assert demo.stdout is not None
            assert json.loads(demo.stdout.readline())["event"] == "opened"
            under = children(demo.pid)
            demo.send_signal(signal.SIGINT)
            rest = [json.loads(line) for line in demo.stdout]
            assert demo.wait(5) == 0
        errors.seek(0)
        told = errors.read()
    assert rest[-1]["reason"] == "the scanner stopped"
    assert "SIMULATED" in told
    assert "Traceback" not in told
    assert len(under) >= 2  # the lab and a worker
    until = time.monotonic() + 3
    while alive(under) and time.monotonic() < until:
        time.sleep(0.05)
    assert alive(under) == set()
