"""The benchmarks' command, the shape of its rows, and that what is compared is the same. Nothing
here is timed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from benchmarks import __main__ as command
from benchmarks import peers
from benchmarks.corpus import books_only, simulated
from benchmarks.cpu import same
from benchmarks.rows import Row, rows, write
from scanner.types import Depth
from scanner.venues.registry import native

ROOT = Path(__file__).parents[1]


def test_the_command_lists_every_benchmark() -> None:
    asked = [sys.executable, "-m", "benchmarks", "--list"]
    told = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True)
    assert [line.split()[0] for line in told.stdout.splitlines()] == list(command.BENCHES)


@pytest.mark.parametrize("name", command.BENCHES)
def test_each_can_be_run(name: str) -> None:
    assert callable(command.bench(name))


def test_an_unknown_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks", "nothing"])
    with pytest.raises(SystemExit, match="2"):
        command.main()


def test_rows_hold_medians_and_ratios_to_ours(tmp_path: Path) -> None:
    found = {"ours": [1.0, 9.0, 2.0], "peer": [8.0]}
    write(tmp_path / "rows", rows("cpu", "a venue", "us/message", found, "ours"))
    told = [json.loads(line) for line in (tmp_path / "rows").read_text().splitlines()]
    shared = {"bench": "cpu", "case": "a venue", "unit": "us/message"}
    assert told == [
        {**shared, "subject": "ours", "median": 2.0, "ratio_to_ours": 1.0},
        {**shared, "subject": "peer", "median": 8.0, "ratio_to_ours": 4.0},
    ]
    (alone,) = rows("memory", "all", "MB", {"process": [5.0]}, None)
    assert alone == Row("memory", "all", "process", 5.0, "MB", None)


def test_books_differ_by_a_level_that_is_missing_or_another() -> None:
    ours = [(100.0, 1.0), (99.0, 2.0)]
    assert same(ours, [(100.0, 1.0), (99.0, 2.0 + 1e-12)])
    assert not same(ours, [(100.0, 1.0)])
    assert not same(ours, [(100.0, 1.0), (99.0, 2.1)])


def test_a_session_is_written_for_programs(tmp_path: Path) -> None:
    """Best bids and offers of another channel are left out, and what is measured comes last."""
    venue = native("binance")
    assert venue is not None
    session = simulated(venue, Depth.FULL, 0.5)
    only = books_only(session)
    assert any(b"@bookTicker" in a[0] for _, a in session.calls if isinstance(a[0], bytes))
    peers.write_session(only, tmp_path / "session", ["BTCUSDT"])
    lines = [line.split("\t", 2) for line in (tmp_path / "session").read_text().splitlines()]
    assert lines[0] == ["market", "BTCUSDT", "BTC/USDT"]
    assert "bookTicker" not in (tmp_path / "session").read_text()
    assert [text.encode() for kind, _, text in lines if kind == "timed"] == only.frames
    kinds = [kind for kind, _, _ in lines]
    assert kinds == sorted(kinds, key=["market", "seed", "frame", "timed"].index)
    assert "lastUpdateId" in msgspec.json.decode(next(t for k, _, t in lines if k == "seed"))
