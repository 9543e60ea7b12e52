"""Recordings that are not there, empty, cut off or damaged; the good ones beside them count."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanner.app import Output
from scanner.commands.replay import run_replay
from scanner.errors import CrossbookError, RecordingError, UserError
from tests.replay.test_replay import DATE, binance, gate, kucoin, okx, run, write


def test_a_missing_path_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing-here: no such file or folder"):
        run(tmp_path / "nothing-here")
    with pytest.raises(UserError, match="no recordings in it"):
        run(tmp_path)


def test_it_is_said_before_anything_takes_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr("scanner.commands.replay.compiled", lambda: False)
    with pytest.raises(UserError, match="no such file or folder"):
        run_replay([tmp_path / "nothing-here"], config=None, output=Output.PLAIN)
    assert caplog.messages == []


def test_an_empty_file_is_said_to_be_empty(tmp_path: Path) -> None:
    for name in ("empty.jsonl", "empty.jsonl.gz"):
        path = write(tmp_path / "okx" / name, [])
        with pytest.raises(CrossbookError, match=r"empty\.jsonl\S*: there is nothing in it"):
            run(path)


@pytest.mark.parametrize(
    "broken",
    [
        b'{"t": 1, "dir": "in", "raw": ',
        b'{"t": 1, "dir": "in"}',
        b'{"t": 1, "dir": "sideways", "raw": ""}',
        b'{"t": 1e300, "dir": "in", "raw": ""}',
        b'{"t": 1, "dir": "in", "raw": "!!", "b64": true}',
        b'{"t": 1, "dir": "in", "raw": "\xff"}',
        b'{"t": 1, "dir": "in", "raw": "", "url": "http://[?symbol=A"}',
        b'{"t": 1, "dir": "in", "raw": "", "x": ' + b"[" * 100_000,
        b"not json",
    ],
)
def test_a_broken_line_is_told_by_file_and_number(tmp_path: Path, broken: bytes) -> None:
    path = write(tmp_path / "okx/spot.jsonl", okx()[:2])
    path.write_bytes(path.read_bytes() + b"\n" + broken + b"\n")
    with pytest.raises(CrossbookError, match=r"spot\.jsonl:4: not a line of a recording"):
        run(path)


def test_a_truncated_gzip_file_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "okx/spot.jsonl.gz", okx() * 50)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CrossbookError, match=r"spot\.jsonl\.gz: broken after line \d+"):
        run(path)
    path.write_bytes(b"plain text")
    with pytest.raises(CrossbookError, match=r"spot\.jsonl\.gz: broken after line 0"):
        run(path)


def cut_off(path: Path) -> Path:
    """A recording whose end was not written."""
    path.write_bytes(path.read_bytes()[:-30])
    return path


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 0, 1)])
@pytest.mark.parametrize("where", ["last line", "first line", "answers", "gzip"])
def test_the_good_ones_beside_a_damaged_recording_are_replayed(
    tmp_path: Path, where: str, order: tuple[int, ...]
) -> None:
    good = write(tmp_path / "gate/spot.jsonl", gate())
    last = write(tmp_path / "okx/spot.jsonl.gz", okx())
    match where:
        case "last line":
            bad = cut_off(write(tmp_path / "kucoin/spot.jsonl", kucoin()[:2]))
            place = "kucoin/spot.jsonl:2: not a line of a recording"
        case "first line":
            bad = cut_off(write(tmp_path / "kucoin/spot.jsonl", kucoin()[:1]))
            place = "kucoin/spot.jsonl:1: not a line of a recording"
        case "gzip":
            bad = cut_off(write(tmp_path / "kucoin/spot.jsonl.gz", kucoin() * 20))
            place = "kucoin/spot.jsonl.gz: broken after line "
        case _:
            bad = binance(tmp_path)
            cut_off(next((tmp_path / "rest").iterdir()))
            place = f"depth-snapshot.{DATE}.jsonl:1: not a line of a recording"
    paths = [good, bad, last]
    failed: list[RecordingError] = []
    outcomes, _, _ = run(*(paths[number] for number in order), fail=failed.append)
    assert {outcome.venue for outcome in outcomes} == {"gate", "okx"}
    assert all(outcome.bids for outcome in outcomes)
    (error,) = failed
    assert place in str(error)
    assert str(error).endswith(", or leave it out")


def test_the_command_fails_for_a_damaged_recording_once_it_has_replayed_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    good = write(tmp_path / "gate/spot.jsonl", gate())
    bad = cut_off(write(tmp_path / "kucoin/spot.jsonl", kucoin()[:2]))
    assert run_replay([good], config=None, output=Output.JSON) == 0
    whole = capsys.readouterr().out
    assert run_replay([bad, good], config=None, output=Output.JSON) == 1
    assert capsys.readouterr().out == whole
    assert f"left out: {bad}:2: not a line of a recording" in caplog.text
    assert run_replay([bad], config=None, output=Output.JSON) == 1
    assert capsys.readouterr().out == ""
