"""The log: one safe line a record, without secrets, on standard error or in a file."""

from __future__ import annotations

import json
import logging
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scanner import logs
from scanner.logs import Lines, Objects, hide, set_level, start, to_file


@pytest.fixture(autouse=True)
def _log_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The log of this process is the tests'."""
    monkeypatch.setattr(logs, "_redact", logs.Redactor())
    root = logging.getLogger()
    handlers, level, raising = root.handlers[:], root.level, logging.raiseExceptions
    yield
    for handler in [handler for handler in root.handlers if handler not in handlers]:
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.raiseExceptions = raising
    logging.captureWarnings(False)


def record(text: str, *arguments: object, failed: bool = False) -> logging.LogRecord:
    error = None
    if failed:
        try:
            raise ValueError("\x1b[2J of hunter2-the-second")
        except ValueError:
            error = sys.exc_info()
    made = logging.LogRecord("n", logging.WARNING, "f", 1, text, arguments, error)
    made.created, made.msecs = 1_700_000_000.25, 250.0
    return made


def test_a_log_line_has_its_time_and_nothing_that_moves_a_cursor() -> None:
    told = Lines().format(record("%s: \x1b[2J\nno", "okx"))
    assert told == "2023-11-14T22:13:20.250Z warning: okx: \\x1b[2J\\nno"


def test_starting_the_log_again_does_not_double_it(capsys: pytest.CaptureFixture[str]) -> None:
    start("info")
    start("warning")
    logging.getLogger("x").info("unheard")
    logging.getLogger("x").warning("heard")
    assert capsys.readouterr().err.count("\n") == 1


def test_a_traceback_in_the_log_is_indented() -> None:
    first, *rest = Lines().format(record("failed", failed=True)).splitlines()
    assert first.endswith(" warning: failed")
    assert rest[-1] == "    ValueError: \\x1b[2J of hunter2-the-second"
    assert all(line.startswith("    ") for line in rest)


@pytest.mark.parametrize("form", [Lines(), Objects()])
def test_secrets_are_in_no_record(form: logging.Formatter) -> None:
    hide(["hunter2-the-second"])
    told = form.format(record("%s at postgresql://me:pw0rd@h/d", "hunter2-the-second", failed=True))
    assert "hunter2" not in told
    assert "pw0rd" not in told
    assert "*** at postgresql://me:***@h/d" in told


def test_in_the_file_a_record_is_an_object() -> None:
    told = json.loads(Objects().format(record("%s: \x1b[2J \u00fc", "okx", failed=True)))
    assert told.pop("trace")[-1] == "ValueError: \\x1b[2J of hunter2-the-second"
    assert told == {
        "at": "2023-11-14T22:13:20.250Z",
        "level": "warning",
        "logger": "n",
        "text": "okx: \\x1b[2J \u00fc",
    }
    assert "trace" not in json.loads(Objects().format(record("fine")))


def test_while_it_goes_to_a_file_standard_error_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start("info")
    path = tmp_path / "new" / "crossbook.log"
    assert to_file(path) == path
    logging.getLogger("x").warning("one")
    assert capsys.readouterr().err == ""
    start("info")
    logging.getLogger("x").warning("two")
    assert capsys.readouterr().err.endswith(" warning: two\n")
    assert [json.loads(line)["text"] for line in path.read_text().splitlines()] == ["one"]


def test_the_level_can_change_and_where_to_stays(tmp_path: Path) -> None:
    start("warning")
    path = to_file(tmp_path / "a.log")
    assert path is not None
    for level in ("info", "error"):
        set_level(level)
        logging.getLogger("x").info(level)
    assert [json.loads(line)["text"] for line in path.read_text().splitlines()] == ["info"]


def test_a_file_that_has_grown_is_put_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "FILE_BYTES", 2000)
    start("info")
    to_file(tmp_path / "a.log")
    for number in range(400):
        logging.getLogger("x").info("%d", number)
    files = sorted(file.name for file in tmp_path.iterdir())
    assert files == ["a.log", *(f"a.log.{n}" for n in range(1, logs.OLD_FILES + 1))]
    assert max(file.stat().st_size for file in tmp_path.iterdir()) <= logs.FILE_BYTES


def test_where_the_file_cannot_be_it_goes_to_a_folder_of_our_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    start("info")
    path = to_file(tmp_path / "file" / "crossbook.log")
    assert path is not None and path.parent.parent == tmp_path
    assert stat.S_IMODE(path.parent.stat().st_mode) == stat.S_IRWXU
    logging.getLogger("x").info("kept")
    assert "kept" in path.read_text()


def test_where_no_file_can_be_the_log_is_lost_and_the_program_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    start("info")
    assert to_file(tmp_path / "file" / "crossbook.log") is None
    logging.getLogger("x").error("lost")
    assert capsys.readouterr().err == ""


def test_what_another_process_logs_is_logged_here_as_it_was(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told: list[tuple[int, str, str, tuple[str, ...]]] = []
    logs.forward(lambda *record: told.append(record), "info")
    logging.getLogger("n").debug("unheard")
    try:
        raise ValueError("\x1b[2J hunter2-the-second")
    except ValueError:
        logging.getLogger("n").exception("%s failed", "okx")
    assert capsys.readouterr().err == ""
    [(level, logger, text, trace)] = told
    assert (level, logger, text) == (logging.ERROR, "n", "okx failed")
    hide(["hunter2-the-second"])
    start("info")
    logs.repeat(level, logger, text, trace)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].endswith("error: okx failed")
    assert lines[1] == "    Traceback (most recent call last):"
    assert lines[-1] == "    ValueError: \\x1b[2J ***"
