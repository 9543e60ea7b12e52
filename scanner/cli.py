"""The commands. This file parses and hands over; what is heavy is imported where it is used."""

from __future__ import annotations

import logging
import math
import os
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from scanner import __version__
from scanner.errors import CrossbookError, UserError
from scanner.logs import start as start_log
from scanner.text import printable

if TYPE_CHECKING:
    from scanner.app import Output
    from scanner.config import Config

log = logging.getLogger(__name__)
cli = typer.Typer(
    help="Compares live order books across exchanges and tells of spreads that pay after fees.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _finite(value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter("must be a finite number")
    return value


def _version(asked: bool) -> None:
    if asked:
        print(f"crossbook {__version__}")
        raise typer.Exit


ConfigPath = Annotated[
    Path | None, typer.Option("--config", metavar="PATH", help="The configuration.")
]
Seconds = Annotated[
    float | None,
    typer.Option(
        "--seconds", metavar="N", min=0, callback=_finite, help="End by itself after N seconds."
    ),
]
Database = Annotated[
    str | None, typer.Option("--db", metavar="URL", help="A database URL; not in use yet.")
]
Plain = Annotated[bool, typer.Option("--plain", help="Print a line for each event.")]
Json = Annotated[bool, typer.Option("--json", help="Print a JSON object for each event.")]
Seed = Annotated[
    int, typer.Option("--seed", metavar="N", min=0, help="Which simulated market it is.")
]
Truth = Annotated[
    Path | None,
    typer.Option("--truth", metavar="PATH", help="Write every book as published to this file."),
]


@cli.callback()
def _common(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version and end."
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Log everything; show where an unexpected error arose.")
    ] = False,
) -> None:
    context.obj = debug


@cli.command()
def demo(
    context: typer.Context,
    seed: Seed = 1,
    seconds: Seconds = None,
    config: ConfigPath = None,
    truth: Truth = None,
    db: Database = None,
    plain: Plain = False,
    json: Json = False,
) -> None:
    """Scan a simulated market; needs no network."""

    def run() -> int:
        settings = _config(context, config)
        output = _output(plain, json, db)
        from scanner.demo import demo as simulate

        return simulate(settings, seed=seed, seconds=seconds, output=output, truth=truth)

    _end(context, run)


@cli.command()
def watch(
    context: typer.Context,
    seconds: Seconds = None,
    config: ConfigPath = None,
    db: Database = None,
    plain: Plain = False,
    json: Json = False,
) -> None:
    """Scan the exchanges of the configuration.

    That is ./config.yaml, unless --config names another.
    """

    def run() -> int:
        settings = _config(context, config or Path("config.yaml"))
        assert settings is not None
        output = _output(plain, json, db)
        from scanner.app import watch as scan

        return scan(settings, seconds=seconds, output=output)

    _end(context, run)


@cli.command()
def lab(
    context: typer.Context,
    seed: Seed = 1,
    port: Annotated[
        int,
        typer.Option("--port", metavar="N", min=0, max=65535, help="Where to listen; 0: any free."),
    ] = 0,
    truth: Truth = None,
    serve: Annotated[
        list[Path] | None,
        typer.Option(
            "--serve", metavar="RECORDING...", help="Serve recordings instead of a simulation."
        ),
    ] = None,
    more: Annotated[list[Path] | None, typer.Argument(hidden=True, metavar="RECORDING")] = None,
    speed: Annotated[
        float,
        typer.Option(
            "--speed",
            metavar="X",
            min=0.001,
            callback=_finite,
            help="Pace of recordings: 1 is own.",
        ),
    ] = 1.0,
    write_config: Annotated[
        Path | None,
        typer.Option(
            "--write-config", metavar="PATH", help="Write a configuration that points at the lab."
        ),
    ] = None,
    config: ConfigPath = None,
) -> None:
    """Serve simulated exchanges on this machine.

    They speak the real protocols, REST and WebSocket, on the loopback interface. A line that
    starts with "ready" tells when and where.
    """

    def run() -> int:
        if more and not serve:
            raise UserError(f"unexpected argument {str(more[0])!r}")
        _config(context, config)
        from scanner.lab.command import run_lab

        return run_lab(
            seed=seed,
            port=port,
            truth=truth,
            serve=[*(serve or ()), *(more or ())],
            speed=speed,
            write_config=write_config,
        )

    _end(context, run)


@cli.command()
def replay(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files or folders.")],
    config: ConfigPath = None,
    plain: Plain = False,
    json: Json = False,
) -> None:
    """Run recordings through the scanner.

    Prints what is flagged on the way and, at the end, what came of each market.
    """

    def run() -> int:
        settings = _config(context, config)
        output = _output(plain, json)
        from scanner.replay_command import run_replay

        return run_replay(paths, config=settings, output=output)

    _end(context, run)


@cli.command()
def venues(context: typer.Context, config: ConfigPath = None, json: Json = False) -> None:
    """List the exchanges that are spoken natively.

    With --config, also how that configuration uses them.
    """

    def run() -> int:
        settings = _config(context, config)
        from scanner.venue_table import json_lines, table

        _print(json_lines(settings) if json else table(settings))
        return 0

    _end(context, run)


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)


def _output(plain: bool, json: bool, db: str | None = None) -> Output:
    if plain and json:
        raise UserError("--plain and --json exclude each other")
    if db is not None:
        log.warning("--db is not in use yet: nothing is kept")
    from scanner.app import Output

    return Output.JSON if json else Output.PLAIN


def _config(context: typer.Context, path: Path | None) -> Config | None:
    """The configuration, if one is named; the log starts as it says."""
    start_log("debug" if context.obj else "info")
    if path is None:
        return None
    from scanner.config import load

    config = load(path)
    start_log("debug" if context.obj else config.log_level)
    return config


def _end(context: typer.Context, run: Callable[[], int]) -> NoReturn:
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
            raise
        code = _tell(_first(error))
    raise typer.Exit(code)


def close_output() -> None:
    """Nobody reads any more: what is still buffered goes nowhere, instead of failing at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _first(error: Exception) -> Exception:
    """What a group of errors came from: one of ours, if there is one in it."""
    if not isinstance(error, ExceptionGroup):
        return error
    ours = error.subgroup(CrossbookError)
    return _first((ours or error).exceptions[0])


def _tell(error: Exception) -> int:
    if isinstance(error, CrossbookError):
        text, code = str(error), error.exit_code
    else:
        told = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        text, code = f"unexpected {told} ('crossbook --debug ...' shows where it arose)", 1
    print(f"crossbook: {printable(text)}", file=sys.stderr)
    return code


def main() -> None:
    """The entry point; ends the process."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    cli()
