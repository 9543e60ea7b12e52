"""What a command has to import before it can answer: ``--help`` is there at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HELP = """
import sys
import typer
before = set(sys.modules)
sys.argv[1:] = {arguments!r}
from scanner.cli import cli
try:
    cli()
finally:
    print(*sorted(set(sys.modules) - before), file=sys.stderr)
"""


def imported(*arguments: str) -> set[str]:
    """The modules that a command takes beside those of typer."""
    command = (sys.executable, "-c", HELP.format(arguments=list(arguments)))
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout
    return {name for name in done.stderr.split() if not name.startswith("typer.")}


@pytest.mark.parametrize("arguments", [("--help",), ("--version",)])
def test_help_and_version_take_little_beside_the_library_of_commands(
    arguments: tuple[str, ...],
) -> None:
    assert imported(*arguments) <= {
        "gc",  # part of the interpreter
        "scanner",
        "scanner.cli",
        "scanner.commands",
        "scanner.commands.common",
        "scanner.ending",
        "scanner.errors",
        "scanner.commands.later",
    }


def test_help_of_a_command_does_not_take_what_it_runs_with() -> None:
    heavy = {"aiohttp", "alembic", "ccxt", "numba", "numpy", "sqlalchemy", "textual"}
    for command in ("history", "check", "db"):
        assert imported(command, "--help").isdisjoint(heavy)
