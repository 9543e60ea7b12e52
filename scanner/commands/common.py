"""What all commands have in common: their options, how they begin and how they end."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from scanner.errors import CrossbookError, UserError

if TYPE_CHECKING:
    from scanner.config import Config


def finite(value: float | None) -> float | None:
    """The callback of options that take a number."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter("must be a finite number")
    return value


def positive(name: str, value: float) -> None:
    """Raises ``UserError`` for what is not above zero."""
    if not (value > 0 and math.isfinite(value)):
        raise UserError(f"{name} must be a positive number")


ConfigPath = Annotated[
    Path | None, typer.Option("--config", metavar="PATH", help="The configuration.")
]
Seconds = Annotated[
    float | None,
    typer.Option(
        "--seconds",
        metavar="N",
        min=0,
        callback=finite,
        help="End by itself after a scan of N seconds.",
    ),
]
Database = Annotated[
    str | None,
    typer.Option("--db", metavar="URL", help="The database: a file, or postgresql://..."),
]
Plain = Annotated[bool, typer.Option("--plain", help="Print a line for each event.")]
Json = Annotated[bool, typer.Option("--json", help="Print a JSON object for each event.")]


def named_config(context: typer.Context, path: Path | None) -> Config | None:
    """The configuration, if one is named; the log starts as it says."""
    from scanner import logs

    logs.start("debug" if context.obj else "info")
    if path is None:
        return None
    from scanner.config import load

    return _in_use(context, load(path))


def config_in_use(context: typer.Context, path: Path | None) -> tuple[Config, Path | None]:
    """The configuration that is named, else ./config.yaml, else the built-in one; and its file."""
    from scanner.configuration.places import CONFIG_FILE

    path = path or (CONFIG_FILE if CONFIG_FILE.exists() else None)
    config = named_config(context, path)
    if config is None:
        from scanner.config import builtin

        config = _in_use(context, builtin())
    return config, path


def print_lines(lines: Iterable[str]) -> None:
    """To standard output."""
    for line in lines:
        print(line)


def end(context: typer.Context, run: Callable[[], int]) -> NoReturn:
    """Run a command to its exit code; one that a signal ends has done what it was asked."""
    try:
        code = run()
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("crossbook: stopped", file=sys.stderr)
        code = 0
    except BrokenPipeError:
        code = 0
        close_output()
    except Exception as error:
        if context.obj:
            _trace()
        code = _tell(first_cause(error))
    raise typer.Exit(code)


def one_form(plain: bool, json: bool) -> None:
    """Both at once is a mistake."""
    if plain and json:
        raise UserError("--plain and --json exclude each other")


def close_output() -> None:
    """Nobody reads any more: what is still buffered goes nowhere, instead of failing at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _in_use(context: typer.Context, config: Config) -> Config:
    from scanner import logs

    logs.hide(config.secrets)
    logs.start("debug" if context.obj else config.log_level)
    return config


def first_cause(error: Exception) -> Exception:
    """What a group of errors came from: one of ours, if there is one in it."""
    if not isinstance(error, ExceptionGroup):
        return error
    ours = error.subgroup(CrossbookError)
    return first_cause((ours or error).exceptions[0])


def _trace() -> None:
    """Where the exception arose that is being handled."""
    from traceback import format_exc

    from scanner.logs import clean

    for line in format_exc().splitlines():
        print(clean(line), file=sys.stderr)


def _tell(error: Exception) -> int:
    from scanner.logs import clean

    if isinstance(error, CrossbookError):
        text, code = str(error), error.exit_code
    else:
        told = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        text, code = f"unexpected {told} ('crossbook --debug ...' shows where it arose)", 1
    print(f"crossbook: {clean(text)}", file=sys.stderr)
    return code
