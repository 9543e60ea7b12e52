"""``crossbook check`` and ``crossbook init`` as they are typed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from scanner.commands.check import Report
from scanner.config import Config, load, starter
from scanner.configuration import json_schema
from tests.test_cli import _log_as_before, crossbook  # noqa: F401 (a fixture)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def examined(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Config, bool]]:
    """What is examined, in place of doing it."""
    calls: list[tuple[Config, bool]] = []

    async def examine(config: Config, *, offline: bool) -> Report:
        calls.append((config, offline))
        return Report(symbols=(), venues=(), offline=offline)

    monkeypatch.setattr("scanner.commands.check.examine", examine)
    return calls


def test_init_writes_what_is_valid_and_says_so() -> None:
    result = crossbook("init")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("config.yaml is written; 'crossbook check")
    assert Path("config.yaml").read_text() == starter()
    assert len(load(Path("config.yaml")).enabled) == 8


def test_init_overwrites_only_when_forced() -> None:
    mine = Path("mine.yaml")
    mine.write_text("venues: {okx: }")
    result = crossbook("init", "mine.yaml")
    assert result.exit_code == 2
    assert result.stderr == "crossbook: mine.yaml is there already; --force overwrites it\n"
    assert mine.read_text() == "venues: {okx: }"
    assert crossbook("init", "mine.yaml", "--force").exit_code == 0
    assert mine.read_text() == starter()


@pytest.mark.parametrize(
    ("path", "code", "told"),
    [
        ("no/such/c.yaml", 2, "there is no folder no/such for c.yaml; make it first"),
        (".", 2, ". is a folder; name a file in it"),
        ("x" * 300, 1, f"{'x' * 300} cannot be written (File name too long)"),
    ],
)
def test_init_where_nothing_can_be_written(path: str, code: int, told: str) -> None:
    result = crossbook("init", path, "--force")
    assert (result.exit_code, result.stderr) == (code, f"crossbook: {told}\n")


def test_init_follows_no_link_to_what_is_there() -> None:
    Path("target").write_text("kept")
    os.symlink("target", "config.yaml")
    assert crossbook("init").exit_code == 2
    assert Path("target").read_text() == "kept"


def test_check_takes_this_folders_file_or_the_built_in_one(
    examined: list[tuple[Config, bool]],
) -> None:
    result = crossbook("check", "--offline")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("the built-in configuration is valid.\n")
    Path("config.yaml").write_text("venues: {htx: }")
    assert crossbook("check").exit_code == 1
    (built_in, offline), (own, online) = examined
    assert (len(built_in.venues), offline) == (8, True)
    assert (list(own.venues), online) == (["htx"], False)


def test_check_for_programs(examined: list[tuple[Config, bool]]) -> None:
    Path("c.yaml").write_text("venues: {okx: }\ndatabase: {url: 'postgres://me:secret@h/d'}")
    result = crossbook("check", "--json", "--config", "c.yaml")
    assert result.exit_code == 1
    found: dict[str, Any] = json.loads(result.stdout)
    assert (found["config"], found["reachable"]) == ("c.yaml", 0)
    assert found["database"] == "postgresql+psycopg://me:***@h/d"


def test_check_prints_the_schema_and_looks_at_nothing(
    examined: list[tuple[Config, bool]],
) -> None:
    Path("config.yaml").write_text("nonsense")
    result = crossbook("check", "--schema")
    assert (result.exit_code, result.stdout) == (0, json_schema.text())
    assert examined == []


def test_check_of_a_database_that_is_none(examined: list[tuple[Config, bool]]) -> None:
    Path("config.yaml").write_text("venues: {okx: }\ndatabase: {url: 'sqlite:///:memory:'}")
    result = crossbook("check")
    assert result.exit_code == 2
    assert "SQLite needs the path of a file" in result.stderr
