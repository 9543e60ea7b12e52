"""``crossbook history``: what was found, to the digit."""

from __future__ import annotations

import csv
import io
import json
import random
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from scanner.events import Leg, Opportunity
from scanner.sinks.formats import to_json
from tests.history_commands import DAY, call, objects, printed, refusal, store
from tests.storage.events import START, closed, opened, updated
from tests.storage.opportunities import some, write

SECOND = 1_000_000_000


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 of them over ten days; the commands only read it."""
    path = tmp_path_factory.mktemp("found") / "found.db"
    write(str(path), some(120, days=10))
    return path


def lives(count: int) -> list[Opportunity]:
    """The events of some opportunities, with figures that have every digit they can have."""
    rng, events = random.Random(1), []
    for number in range(count):
        at = START + rng.randrange(10**12)

        def leg(venue: str) -> Leg:
            levels = tuple((rng.lognormvariate(0, 9), rng.expovariate(1)) for _ in range(3))
            return Leg(
                venue=venue,
                symbol="BTC/USDT",
                levels=levels,
                fee_rate=rng.random() / 900,
                age_ms=rng.random() * 1000,
            )

        def state(last: Opportunity, at: int) -> Opportunity:
            return replace(
                updated(last, at, rng.lognormvariate(2, 1)),
                size=rng.random() / 3,
                gross_bps=rng.random() * 100,
                net_profit=rng.lognormvariate(0, 5),
                buy=leg("alpha"),
                sell=leg("beta"),
            )

        first = replace(state(opened(number, at), at), event="opened")
        events.append(first)
        last = first
        for _ in range(rng.randrange(4)):
            last = state(last, last.at + rng.randrange(1, 10**10))
            events.append(last)
        if rng.random() < 0.8:
            events.append(closed(last, last.at + rng.randrange(10**10), "net fell"))
    return events


@pytest.mark.parametrize("one_by_one", [False, True])
def test_it_shows_what_watch_printed_to_the_digit(tmp_path: Path, one_by_one: bool) -> None:
    events = lives(40)
    store(tmp_path / "db", events, one_by_one=one_by_one)
    lines = [to_json(event) for event in events]  # what watch --json prints
    last = {json.loads(line)["id"]: line for line in lines}
    text = "\n".join(printed(tmp_path / "db", "history", "--format", "json"))
    shown = {one["id"]: one for one in json.loads(text, parse_float=str)}
    assert shown.keys() == last.keys()
    for key, line in last.items():
        told = json.loads(line, parse_float=str)
        assert {name: shown[key][name] for name in told} == told
        own = {"opened_at", "closed_at", "duration_ms", "peak_net_bps", "peak_net_profit"}
        own |= {"survival"}
        assert shown[key].keys() - told.keys() == own
        first = next(e for e in events if e.id == key)
        newest = [e for e in events if e.id == key][-1]
        assert shown[key]["opened_at"] == json.loads(to_json(first))["at"]
        assert shown[key]["peak_net_bps"] == repr(newest.peak_net_bps)
        assert shown[key]["peak_net_profit"] == repr(newest.peak_net_profit)
        if newest.event == "closed":
            assert shown[key]["closed_at"] == told["at"]
            assert float(shown[key]["duration_ms"]) == (newest.at - first.at) / 1e6
        else:
            assert shown[key]["closed_at"] is None and shown[key]["duration_ms"] is None


def test_the_newest_come_first(database: Path) -> None:
    times = [one["opened_at"] for one in objects(database, "history", "--format", "json")]
    assert len(times) == 120
    assert times == sorted(times, reverse=True)


def test_filters_order_and_limit(database: Path) -> None:
    every = objects(database, "history", "--format", "json")

    def some_of(*options: str) -> list[dict[str, object]]:
        return objects(database, "history", "--format", "json", *options)

    assert some_of("--symbol", "eth/usdt") == [o for o in every if o["symbol"] == "ETH/USDT"]
    assert some_of("--symbol", "ETH/USDT", "--symbol", "ETH/BTC") == [
        o for o in every if o["symbol"].startswith("ETH/")
    ]
    of_alpha = [o for o in every if "alpha" in (o["buy"]["venue"], o["sell"]["venue"])]
    bought = [o for o in every if o["buy"]["venue"] == "alpha"]
    assert some_of("--venue", "alpha") == of_alpha
    assert some_of("--venue", "alpha", "--side", "buy") == bought == some_of("--buy", "alpha")
    assert some_of("--venue", "alpha", "--side", "sell") == some_of("--sell", "alpha")
    assert some_of("--kind", "spot-spot") == every
    assert some_of("--min-net-bps", "9.5") == [o for o in every if o["peak_net_bps"] >= 9.5]
    assert some_of("--min-profit", "2") == [o for o in every if o["peak_net_profit"] >= 2]
    lasted = [o for o in every if (o["duration_ms"] or 0) >= 1500]
    assert some_of("--min-duration", "1.5s") == lasted == some_of("--min-duration", "1500ms")
    best = sorted(every, key=lambda o: o["peak_net_profit"])
    assert some_of("--sort", "profit", "--limit", "3") == best[:-4:-1]
    assert some_of("--sort", "profit", "--limit", "3", "--reverse") == best[:3]
    days = [o for o in every if "2026-09-23" <= o["opened_at"] < "2026-09-25"]
    assert some_of("--since", "2026-09-23", "--until", "2026-09-24") == days
    assert some_of("--since", "2026-09-23T00:00:00Z", "--until", "2026-09-25T02:00+02:00") == days


def test_relative_times_are_from_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(str(tmp_path / "db"), some(50, days=10))
    monkeypatch.setattr("scanner.clock.now", lambda: START + 10 * 24 * 3600 * SECOND)
    every = objects(tmp_path / "db", "history", "--format", "json")
    of_a_day = objects(tmp_path / "db", "history", "--format", "json", "--since", "24h")
    assert of_a_day == every[: len(of_a_day)]
    assert 0 < len(of_a_day) < 15


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_the_table_fits(database: Path, width: int) -> None:
    lines = printed(database, "history", columns=width)
    assert len(lines) == 52
    assert width < 60 or max(map(len, lines)) <= width
    assert lines[0] == "by time; times UTC; bps and profit net, at the peak"
    assert lines[1].split()[:3] == (
        ["opened", "lasted", "symbol"] if width > 60 else lines[1].split()[:3]
    )


def test_the_table_to_the_character(tmp_path: Path) -> None:
    first = opened(1, START, 10.0)
    end = closed(updated(first, START + SECOND, 12.345), START + 3_961 * 10**6)
    store(tmp_path / "db", [first, end, opened(2, START + 60 * SECOND, 1234.5)])
    assert printed(tmp_path / "db", "history", columns=110) == [
        "by time; times UTC of 2026-09-21; bps and profit net, at the peak",
        "opened    lasted  symbol    buy    sell       bps  profit        id",
        "14:14:20    open  BTC/USDT  alpha  beta  +1234.50   12.35  USDT  "
        "01a0c2de-1800-7000-8000-000000000002",
        "14:13:20   4.0 s  BTC/USDT  alpha  beta    +12.35    0.12  USDT  "
        "01a0c2de-1800-7000-8000-000000000001",
    ]


def test_the_id_that_is_shown_is_enough_for_explain(database: Path) -> None:
    shown = [line.split()[-1] for line in printed(database, "history", "--limit", "0")[2:]]
    assert len(set(shown)) == 120
    assert call(database, "explain", shown[7]).exit_code == 0


def test_a_table_is_of_fifty_unless_asked(database: Path) -> None:
    assert len(printed(database, "history")) == 52
    assert len(printed(database, "history", "--limit", "60")) == 62
    assert len(printed(database, "history", "--limit", "0")) == 122


def test_csv(database: Path) -> None:
    text = "\n".join(printed(database, "history", "--format", "csv"))
    rows = list(csv.DictReader(io.StringIO(text)))
    for row, one in zip(rows, objects(database, "history", "--format", "json"), strict=True):
        assert (row["id"], row["opened_at"]) == (one["id"], one["opened_at"])
        assert float(row["net_profit"]) == one["net_profit"]
        assert json.loads(row["buy_levels"]) == one["buy"]["levels"]
        assert row["sell_venue"] == one["sell"]["venue"]
        assert row["duration_ms"] == (
            "" if one["duration_ms"] is None else repr(one["duration_ms"])
        )
        assert row["reason"] == one.get("reason", "")


def test_parquet(database: Path, tmp_path: Path) -> None:
    from pyarrow import parquet

    out = tmp_path / "found.parquet"
    assert printed(database, "history", "--format", "parquet", "--out", str(out)) == []
    rows = parquet.read_table(out).to_pylist()
    for row, one in zip(rows, objects(database, "history", "--format", "json"), strict=True):
        assert row["id"] == one["id"]
        assert row["opened_at"].strftime("%Y-%m-%dT%H:%M:%S.%fZ") == one["opened_at"]
        assert row["duration_ms"] == one["duration_ms"]
        levels = [[level["price"], level["size"]] for level in row["buy_levels"]]
        assert levels == one["buy"]["levels"]
    assert [path.name for path in tmp_path.iterdir() if "part" in path.name] == []


def test_parquet_without_its_library(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    code, told = refusal(database, "history", "--format", "parquet")
    assert code == 2
    assert told == (
        "crossbook: parquet needs the library pyarrow: pip install 'crossbook[parquet]', "
        "or take --format csv"
    )


def test_a_file_is_whole_or_not_there(database: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    assert printed(database, "history", "--format", "json", "--out", str(out)) == []
    assert json.loads(out.read_text()) == objects(database, "history", "--format", "json")
    code, told = refusal(database, "history", "--out", str(tmp_path / "no" / "out.txt"))
    assert code == 2
    assert told == f"crossbook: there is no folder {tmp_path}/no for out.txt; make it first"


def test_nothing_found(database: Path) -> None:
    result = call(database, "history", "--symbol", "BTC/USTD")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "nothing of BTC/USTD is stored; did you mean BTC/USDT?" in result.stderr
    assert objects(database, "history", "--venue", "alphb", "--format", "json") == []
    assert "did you mean alpha?" in call(database, "history", "--venue", "alphb").stderr
    assert call(database, "history", "--min-net-bps", "1e9").stderr.endswith("nothing found\n")
    pegs = call(database, "history", "--kind", "parity").stderr
    assert "nothing found\n" in pegs and pegs.endswith("crossbook parity --since 24h\n")


# --- groups ------------------------------------------------------------------------------------


def test_groups(database: Path) -> None:
    every = objects(database, "history", "--format", "json")
    found = objects(database, "history", "--by", "symbol", "--format", "json")
    assert [row["count"] for row in found] == sorted((r["count"] for r in found), reverse=True)
    for row in found:
        theirs = [o for o in every if o["symbol"] == row["symbol"]]
        assert row["count"] == len(theirs)
        assert row["currency"] == theirs[0]["currency"]
        assert row["total_profit"] == pytest.approx(sum(o["peak_net_profit"] for o in theirs))
        best = max(theirs, key=lambda o: o["peak_net_profit"])
        assert (row["best_profit"], row["best_id"]) == (best["peak_net_profit"], best["id"])
        assert row["exact"] is True


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("symbol", {"symbol"}),
        ("route", {"buy", "sell"}),
        ("venue", {"venue"}),
        ("hour", {"hour"}),
        ("weekday", {"weekday"}),
    ],
)
def test_every_grouping_in_every_form(database: Path, by: str, names: set[str]) -> None:
    found = objects(database, "history", "--by", by, "--format", "json")
    assert names <= found[0].keys()
    assert sum(row["count"] for row in found) == (240 if by == "venue" else 120)
    rows = list(csv.DictReader(printed(database, "history", "--by", by, "--format", "csv")))
    assert [int(row["count"]) for row in rows] == [row["count"] for row in found]
    lines = printed(database, "history", "--by", by)
    assert len(lines) == len(found) + 1
    assert max(map(len, lines)) <= 80
    bars = printed(database, "history", "--by", by, "--plot")
    assert len(bars) == len(found) and max(map(len, bars)) <= 80


def test_days_are_in_the_order_of_the_week(database: Path) -> None:
    found = objects(
        database, "history", "--by", "weekday", "--symbol", "BTC/USDT", "--format", "json"
    )
    week = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    days = [row["weekday"] for row in found]
    assert days == [day for day in week if day in days]


@pytest.mark.parametrize(
    ("sort", "figure"),
    [
        ("count", "count"),
        ("total", "total_profit"),
        ("profit", "best_profit"),
        ("net-bps", "best_net_bps"),
        ("duration", "median_duration_ms"),
        ("name", "symbol"),
    ],
)
def test_groups_are_sorted(database: Path, sort: str, figure: str) -> None:
    options = ("history", "--by", "symbol", "--sort", sort, "--format", "json")
    found = [row[figure] for row in objects(database, *options)]
    assert found == sorted(found, reverse=sort != "name")
    assert [row[figure] for row in objects(database, *options, "--reverse")] == found[::-1]
    assert [row[figure] for row in objects(database, *options, "--limit", "2")] == found[:2]


def test_what_is_not_exact_says_so(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.queries.tally.EXACT_ROWS", 10)
    lines = printed(database, "history", "--by", "venue", columns=100)
    assert lines[-1] == "~ within 1 %"
    assert all("~" in line for line in lines[1:])
    [row, *_] = objects(database, "history", "--by", "venue", "--format", "json")
    assert row["exact"] is False


# --- plots, hostile text, refusals ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "kind", "last"),
    [("history", "carry", "basis, funding"), ("verify", "basis", "spot-future, parity")],
)
def test_a_kind_that_there_is_not_is_refused(
    database: Path, command: str, kind: str, last: str
) -> None:
    code, told = refusal(database, command, "--kind", kind)
    assert code == 2
    assert f"--kind '{kind}': there are spot-spot, " in told and told.rstrip().endswith(last)


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (200, 60), (20, 5)])
def test_the_plot_fits(database: Path, columns: int, lines: int) -> None:
    shown = printed(database, "history", "--plot", columns=columns, lines=lines)
    assert shown[0].startswith("peak net bps of 120 opportunities")
    assert len(shown) <= max(lines, 7)
    assert columns < 30 or max(map(len, shown[1:])) <= columns
    assert any(ord(character) >= 0x2800 for character in "".join(shown))


def test_hostile_text_is_escaped(tmp_path: Path) -> None:
    nasty = "al\x1b[2Jpha\u202e\x07"
    one = opened()
    one = replace(
        one,
        symbol="B\x1bC/US\nDT",
        currency="US\x9bT",
        kind="sp\rot",
        buy=replace(one.buy, venue=nasty),
        sell=replace(one.sell, venue="=cmd()"),
    )
    store(tmp_path / "db", [one, closed(one, START + SECOND, "gone\x1b]0;x\x07")])
    for options in (
        ("history",),
        ("history", "--by", "route"),
        ("history", "--by", "venue", "--plot"),
        ("history", "--by", "symbol"),
        ("explain", one.id),
        ("history", "--format", "json"),
        ("explain", one.id, "--format", "json"),
    ):
        lines = printed(tmp_path / "db", *options, columns=300)
        assert all(line.isprintable() for line in lines), options
        assert options[0] == "explain" or any(
            "al\\x1b[2Jpha" in s or "\\u001b" in s or "B\\x1bC" in s for s in lines
        )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--since", "yesterday"), "'yesterday' is no time; they look like 30m, 24h, 7d"),
        (("--until", "2026-13-01"), "'2026-13-01' is no time"),
        (("--since", "2026-09-22", "--until", "2026-09-21"), "--since 2026-09-22 is not before"),
        (("--min-duration", "long"), "'long' is no duration; they look like 250ms, 2s"),
        (("--min-duration", "-1s"), "'-1s' is no duration"),
        (("--symbol", "BTC"), "'BTC' is no symbol; they look like BTC/USDT"),
        (("--venue", ""), "--venue: '' is no name"),
        (("--side", "buy"), "--side says on which side --venue stands: name a venue too"),
        (("--sort", "count"), "--sort count is for groups: name one with --by"),
        (("--by", "hour", "--sort", "opened"), "--sort opened is for opportunities"),
        (("--plot", "--format", "json"), "--plot and --format json exclude each other"),
    ],
)
def test_what_cannot_be_asked(database: Path, options: tuple[str, ...], told: str) -> None:
    code, line = refusal(database, "history", *options)
    assert code == 2
    assert line.startswith(f"crossbook: {told}")


@pytest.mark.parametrize(
    "options",
    [("--min-net-bps", "nan"), ("--min-profit", "x"), ("--by", "moon"), ("--limit", "-1")],
)
def test_what_cannot_be_parsed(database: Path, options: tuple[str, ...]) -> None:
    result = call(database, "history", *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Invalid value" in result.stderr


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    code, told = refusal(tmp_path / "none.db", "history")
    assert code == 1
    assert told.startswith(f"crossbook: {tmp_path / 'none.db'}: there is no such database yet; ")


def test_a_database_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(b"no database at all" * 1000)
    for command in (("history",), ("explain", "01a0"), ("spreads", "BTC/USDT")):
        code, told = refusal(path, *command)
        assert code == 1
        assert f"{path}: it is not a SQLite database; move it away" in told


def test_an_url_that_is_none() -> None:
    code, told = refusal("mysql://localhost/x", "history")
    assert code == 2
    assert "give a file" in told


def test_dates_are_those_of_the_events(database: Path) -> None:
    assert objects(database, "history", "--format", "json")[-1]["opened_at"].startswith(DAY)
