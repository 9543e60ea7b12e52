"""The commands on a database of the test's own."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner, Result

from scanner.commands import history as history_cli
from scanner.events import Opportunity
from storage.writer import Limits, Writer
from tests.storage.events import START, until

DAY = "2026-09-21"  # of START

# Read by each command, and quickly: not what stands in the folder that the tests run in.
BRIEF = Path(__file__).parent / "brief.yaml"


@cache
def app(name: str) -> typer.Typer:
    """One command of the group; of all of them the options would be made up anew for each call."""
    group = typer.Typer(pretty_exceptions_enable=False)
    history_cli.register(group)
    commands = group.registered_commands
    group.registered_commands = [
        one for one in commands if one.callback and one.callback.__name__ == name
    ]
    assert group.registered_commands, name
    group.callback()(lambda: None)
    return group


def call(database: Path | str, *arguments: str, columns: int = 80, lines: int = 24) -> Result:
    """A command's exit code and what it printed."""
    env = {"COLUMNS": str(columns), "LINES": str(lines)}
    options = ["--db", str(database), "--config", str(BRIEF)]
    return CliRunner().invoke(app(arguments[0]), [*arguments, *options], env=env)


def printed(database: Path, *arguments: str, columns: int = 80, lines: int = 24) -> list[str]:
    """The lines of a command that went well."""
    result = call(database, *arguments, columns=columns, lines=lines)
    assert result.exit_code == 0, result.stderr
    return result.stdout.splitlines()


def objects(database: Path, *arguments: str) -> list[dict[str, Any]]:
    """What it printed as JSON."""
    found: list[dict[str, Any]] = json.loads("\n".join(printed(database, *arguments)))
    return found


def refusal(database: Path | str, *arguments: str) -> tuple[int, str]:
    """The exit code, and the one line that says why."""
    result = call(database, *arguments)
    told = [line for line in result.stderr.splitlines() if line]
    assert result.stdout == "" and len(told) == 1, result.output
    return result.exit_code, told[0]


def store(database: Path, events: Iterable[object], *, one_by_one: bool = False) -> None:
    """What the scanner has found, by way of the writer; each in a batch of its own, or together."""
    writer = Writer(
        str(database),
        version="1.2.3",
        config_text="",
        now=lambda: START,
        limits=Limits(batch_seconds=0.01),
    )
    writer.start()
    for event in events:
        writer(event)
        until(lambda: not (one_by_one and writer.state().waiting))
    until(lambda: not writer.state().waiting)
    writer.close()


__all__ = ["DAY", "Opportunity", "call", "objects", "printed", "refusal", "store"]
