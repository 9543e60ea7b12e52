"""``crossbook check`` and ``crossbook init``: the configuration before it is used."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scanner.commands.common import ConfigPath, Json, config_in_use, end
from scanner.errors import UserError, unwritable


def check(
    context: typer.Context,
    config: ConfigPath = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Do not try whether the exchanges can be reached.")
    ] = False,
    json: Json = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON schema for editors, and nothing else.")
    ] = False,
) -> None:
    """Check the configuration, and whether its exchanges can be reached.

    Shows what would be subscribed to. Exit code 1: no exchange can be reached.
    """

    def run() -> int:
        if schema:
            from scanner.configuration.json_schema import text

            print(text(), end="")
            return 0
        return _check(context, config, offline, json)

    end(context, run)


def init(
    context: typer.Context,
    path: Annotated[
        Path, typer.Argument(metavar="[PATH]", help="The new file.", show_default=True)
    ] = Path("config.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
) -> None:
    """Write a configuration to begin with, every key explained."""

    def run() -> int:
        from scanner.config import starter

        write_new(path, starter(), force=force)
        print(f"{path} is written; 'crossbook check --config {path}' tells what comes of it")
        return 0

    end(context, run)


def write_new(path: Path, text: str, *, force: bool) -> None:
    """Write a file that is not there yet, unless ``force``d; raises ``CrossbookError``."""
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UserError(f"{path} is there already; --force overwrites it") from None
    except OSError as error:
        raise unwritable(path, error) from None


def _check(context: typer.Context, path: Path | None, offline: bool, json: bool) -> int:
    config, source = config_in_use(context, path)
    import asyncio
    import logging

    from scanner.commands.check import examine
    from scanner.commands.check_text import to_json, to_lines
    from scanner.configuration.places import database_to_write
    from storage.location import located, place

    database = place(located(database_to_write(None, config.database.location)))
    if not context.obj:  # what goes wrong stands in the report
        logging.getLogger("scanner.feeds").setLevel(logging.CRITICAL)
    report = asyncio.run(examine(config, offline=offline))
    named = str(source or "the built-in configuration")
    if json:
        print(to_json(report, config, named, database))
    else:
        print("\n".join(to_lines(report, config, named, database)))
    return report.exit_code
