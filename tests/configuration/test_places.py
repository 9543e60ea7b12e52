"""Which database is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanner.configuration.places import (
    cache_folder,
    database_file,
    database_to_read,
    database_to_write,
    log_file,
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DATA", "CACHE", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    return tmp_path


def test_everything_lies_in_the_users_folders(folder: Path) -> None:
    assert database_file() == folder / "data" / "crossbook" / "crossbook.db"
    assert database_file(simulated=True) == folder / "data" / "crossbook" / "demo.db"
    assert cache_folder() == folder / "cache" / "crossbook"
    assert log_file().is_relative_to(folder)


@pytest.mark.parametrize("simulated", [False, True])
def test_a_scan_writes_where_it_is_told(simulated: bool) -> None:
    assert database_to_write("a.db", "b.db", simulated=simulated) == "a.db"
    assert database_to_write("", "b.db", simulated=simulated) == ""


def test_a_demo_never_writes_where_real_scans_do() -> None:
    demo, real = str(database_file(simulated=True)), str(database_file())
    assert database_to_write(None, "", simulated=True) == demo
    assert database_to_write(None, "b.db", simulated=True) == demo
    assert database_to_write(None, "b.db") == "b.db"
    assert database_to_write(None, "") == real


def test_a_question_goes_to_the_demos_while_nothing_real_is_there(
    caplog: pytest.LogCaptureFixture,
) -> None:
    demo, real = database_file(simulated=True), database_file()
    assert database_to_read(None, "") == str(real)
    demo.parent.mkdir(parents=True)
    demo.touch()
    assert database_to_read(None, "") == str(demo)
    assert "SIMULATED" in caplog.text
    caplog.clear()
    assert database_to_read("a.db", "") == "a.db"
    assert database_to_read(None, "b.db") == "b.db"
    real.touch()
    assert database_to_read(None, "") == str(real)
    assert caplog.text == ""
