"""The commands. This file parses and hands over; what is heavy is imported where it is used."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scanner import __version__, ending
from scanner.commands.common import (
    ConfigPath,
    Database,
    Json,
    Plain,
    Seconds,
    config_in_use,
    end,
    finite,
    first_cause,
    named_config,
    one_form,
    print_lines,
)
from scanner.commands.later import Commands
from scanner.errors import UserError

if TYPE_CHECKING:
    from scanner.app import Output

INTERRUPTED = 130
NEW_OBJECTS = 20_000
cli = typer.Typer(
    cls=Commands,
    help="Compares live order books across exchanges and tells of spreads that pay after fees."
    " Without a command: watch; where no exchange can be reached, demo.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Seed = Annotated[
    int, typer.Option("--seed", metavar="N", min=0, help="Which simulated market it is.")
]
Truth = Annotated[
    Path | None,
    typer.Option("--truth", metavar="PATH", help="Write every book as published to this file."),
]
Metrics = Annotated[
    int | None,
    typer.Option(
        "--metrics",
        metavar="PORT",
        min=0,
        max=65535,
        help="Serve Prometheus metrics on 127.0.0.1; 0: any free port.",
    ),
]


def _version(asked: bool) -> None:
    if asked:
        print(f"crossbook {__version__}")
        raise typer.Exit


@cli.callback(invoke_without_command=True)
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
    if context.invoked_subcommand is None:
        end(context, lambda: _watch_or_demo(context))


@cli.command()
def demo(
    context: typer.Context,
    seed: Seed = 1,
    seconds: Seconds = None,
    config: ConfigPath = None,
    truth: Truth = None,
    db: Database = None,
    metrics: Metrics = None,
    plain: Plain = False,
    json: Json = False,
) -> None:
    """Scan a simulated market; needs no network."""

    def run() -> int:
        settings = named_config(context, config)
        output = _output(plain, json)
        from scanner.demo import demo as simulate

        return simulate(
            settings,
            seed=seed,
            seconds=seconds,
            output=output,
            truth=truth,
            db=db,
            metrics=metrics,
            source=config,
        )

    end(context, run)


@cli.command()
def watch(
    context: typer.Context,
    seconds: Seconds = None,
    config: ConfigPath = None,
    db: Database = None,
    metrics: Metrics = None,
    plain: Plain = False,
    json: Json = False,
) -> None:
    """Scan the exchanges of the configuration.

    That is ./config.yaml, unless --config names another; where there is none, what crossbook init
    would write.
    """

    def run() -> int:
        settings, source = config_in_use(context, config)
        output = _output(plain, json)
        from scanner.app import watch as scan

        return scan(settings, seconds=seconds, output=output, db=db, metrics=metrics, source=source)

    end(context, run)


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
            callback=finite,
            help="Pace of recordings: 1 is own.",
        ),
    ] = 1.0,
    write_config: Annotated[
        Path | None,
        typer.Option(
            "--write-config", metavar="PATH", help="Write a configuration that points at the lab."
        ),
    ] = None,
    depeg: Annotated[
        bool, typer.Option("--depeg", help="Let a stablecoin lose its peg for a while.")
    ] = False,
    config: ConfigPath = None,
) -> None:
    """Serve simulated exchanges on this machine.

    They speak the real protocols, REST and WebSocket, on the loopback interface. A line that
    starts with "ready" tells when and where.
    """

    def run() -> int:
        if more and not serve:
            raise UserError(f"unexpected argument {str(more[0])!r}")
        named_config(context, config)
        from scanner.lab.command import run_lab

        return run_lab(
            seed=seed,
            port=port,
            truth=truth,
            serve=[*(serve or ()), *(more or ())],
            speed=speed,
            write_config=write_config,
            depeg=depeg,
        )

    end(context, run)


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
        settings = named_config(context, config)
        output = _lines(plain, json)
        from scanner.commands.replay import run_replay

        return run_replay(paths, config=settings, output=output)

    end(context, run)


@cli.command()
def venues(
    context: typer.Context,
    suspects: Annotated[
        bool,
        typer.Option("--suspects", help="List what the database knows to be kept apart, and why."),
    ] = False,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="Suspects from when on; 24h, if not said."),
    ] = None,
    config: ConfigPath = None,
    db: Database = None,
    transfers: Annotated[
        bool, typer.Option("--transfers", help="What moving coins costs, and what is closed.")
    ] = False,
    coin: Annotated[
        str, typer.Option("--coin", metavar="NAME", help="With --transfers: of this coin.")
    ] = "",
    json: Json = False,
) -> None:
    """List the exchanges that are spoken natively.

    With --config, also how that configuration uses them.
    """

    def run() -> int:
        if suspects:
            in_use, _ = config_in_use(context, config)
            from scanner import clock
            from scanner.configuration import places
            from scanner.history.suspects import run_suspects

            url = places.database_to_read(db, in_use.database.location)
            return run_suspects(url, since, json=json, now=clock.now())
        if since is not None or db is not None:
            raise UserError("--since and --db are for --suspects")
        if transfers or coin:
            from scanner.commands import wallet_table

            in_use, _ = config_in_use(context, config)
            told = wallet_table.json_lines if json else wallet_table.lines
            print_lines(told(in_use, coin))
            return 0
        settings = named_config(context, config)
        from scanner.commands.venue_table import json_lines, table

        print_lines(json_lines(settings) if json else table(settings))
        return 0

    end(context, run)


def _lines(plain: bool, json: bool) -> Output:
    """Lines in one of their two forms."""
    one_form(plain, json)
    from scanner.app import Output

    return Output.JSON if json else Output.PLAIN


def _output(plain: bool, json: bool) -> Output:
    """The screen, where there is one and no lines are asked for."""
    lines = _lines(plain, json)
    from scanner.app import Output

    on_screen = not (plain or json) and sys.stdin.isatty() and sys.stdout.isatty()
    return Output.SCREEN if on_screen else lines


def _watch_or_demo(context: typer.Context) -> int:
    """What happens without a command."""
    settings, source = config_in_use(context, None)
    import logging

    from scanner.app import watch as scan
    from scanner.markets import NoMarkets

    output = _output(plain=False, json=False)
    try:
        return scan(settings, seconds=None, output=output, db=None, metrics=None, source=source)
    except Exception as error:
        if not isinstance(first_cause(error), NoMarkets):
            raise
        log = logging.getLogger(__name__)
        log.warning("NO EXCHANGE CAN BE REACHED, so this is the demo: %s", first_cause(error))
    from scanner.demo import demo as simulate

    own = settings if source else None
    return simulate(own, seed=1, seconds=None, output=output, source=source)


def main() -> None:
    """The entry point; ends the process."""
    # Imports make objects by the hundred thousand, all of which stay: to look for garbage among
    # them each time that some hundreds are there takes a tenth of the start.
    gc.set_threshold(NEW_OBJECTS)
    ending.on_signals()
    try:
        cli()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0
    ending.leave(0 if code == INTERRUPTED else code)
