"""``crossbook db`` as it is typed."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from storage import wal
from storage.migrate import HEAD
from storage.writer import Writer
from tests.storage.events import SECOND, START, closed, opened, until
from tests.test_cli import _log_as_before, crossbook  # noqa: F401 (a fixture)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A database of one run with two opportunities, of which one is closed."""
    path = tmp_path / "a.db"
    writer = Writer(str(path), version="1", config_text="", now=time.time_ns)
    writer.start()
    for event in (opened(1), closed(opened(1), START + SECOND), opened(2, START + 5 * SECOND)):
        writer(event)
    until(lambda: writer.state().written and not writer.state().waiting)
    writer.close()
    return path


def test_info_tells_what_is_there(filled: Path) -> None:
    result = crossbook("db", "info", "--db", str(filled))
    assert (result.exit_code, result.stderr) == (0, "")
    lines = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert lines["database"] == str(filled)
    assert (lines["version"], lines["runs"]) == (HEAD, "1")
    assert lines["opportunities"].startswith("2, of them open: ")
    assert lines["opened"] == "2026-09-21T14:13:20.000000Z to 2026-09-21T14:13:25.000000Z"


def test_info_tells_of_a_large_write_ahead_log(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told() -> str:
        lines = crossbook("db", "info", "--db", str(filled)).stdout.splitlines()
        return next(line for line in lines if line.startswith("wal "))

    assert told() == "wal            0.0 MB"
    with closing(sqlite3.connect(filled)) as other:
        other.execute("CREATE TABLE more AS SELECT randomblob(2097152)")
        other.commit()
        assert told() == "wal            2.0 MB"
        monkeypatch.setattr(wal, "NOTICE", 2 << 20)
        assert told() == (
            "wal            2.0 MB: a program has been reading for long; it shrinks when that ends"
        )


def test_info_for_programs(filled: Path) -> None:
    found = json.loads(crossbook("db", "info", "--json", "--db", str(filled)).stdout)
    assert (found["opportunities"], found["runs"], found["schema"]) == (2, 1, HEAD)
    assert found["first"] == "2026-09-21T14:13:20.000000Z"
    assert found["size"] > 0


def test_the_configuration_names_the_database_and_the_command_line_another(filled: Path) -> None:
    Path("c.yaml").write_text(f"venues: {{okx: }}\ndatabase: {{url: {filled}}}")
    assert f"{filled}\n" in crossbook("db", "info", "--config", "c.yaml").stdout
    result = crossbook("db", "info", "--config", "c.yaml", "--db", "b.db")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("crossbook: b.db: there is no such database yet; ")


def test_upgrade_makes_what_is_not_there_and_leaves_what_is_current() -> None:
    made = crossbook("db", "upgrade", "--db", "b.db")
    assert (made.exit_code, made.stdout) == (0, "b.db: made\n")
    again = crossbook("db", "upgrade", "--db", "b.db")
    assert again.stdout == f"b.db: is of version {HEAD} already\n"


def test_vacuum_says_what_came_of_it(filled: Path) -> None:
    result = crossbook("db", "vacuum", "--db", str(filled))
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{filled}: ")
    assert result.stdout.endswith(" MB now\n")


def test_a_copy_can_be_asked_like_any_other(filled: Path) -> None:
    result = crossbook("db", "export", "copy.db", "--db", str(filled))
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{filled}: copied to copy.db (")
    found = json.loads(crossbook("db", "info", "--json", "--db", "copy.db").stdout)
    assert found["opportunities"] == 2
    again = crossbook("db", "export", "copy.db", "--db", str(filled))
    assert (again.exit_code, again.stderr) == (
        2,
        "crossbook: copy.db: it is there already; name a new file\n",
    )


@pytest.mark.parametrize("command", ["info", "upgrade", "vacuum"])
def test_what_is_no_database_of_ours_is_left_alone(command: str) -> None:
    other = sqlite3.connect("other.db")
    other.execute("CREATE TABLE mail (text)")
    other.commit()
    before = Path("other.db").read_bytes()
    result = crossbook("db", command, "--db", "other.db")
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert Path("other.db").read_bytes() == before


def test_a_password_is_in_no_error() -> None:
    url = "postgresql://me:correct-horse@127.0.0.1:1/name"
    result = crossbook("db", "info", "--db", url)
    assert result.exit_code == 1
    assert "127.0.0.1" in result.stderr
    assert "horse" not in result.output
