"""``crossbook db``: looking after the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scanner.commands.common import ConfigPath, Database, Json, config_in_use, end

if TYPE_CHECKING:
    from storage.queries.records import Info

MEGABYTE = 1 << 20
db = typer.Typer(
    help="Look after the database: what is in it, upgrades, space, copies.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@db.command()
def info(
    context: typer.Context, db: Database = None, config: ConfigPath = None, json: Json = False
) -> None:
    """Tell what is in the database."""

    def act(url: str) -> None:
        from storage.queries import open_reader

        reader = open_reader(url)
        try:
            found = reader.info()
        finally:
            reader.close()
        if json:
            print(_object(found))
        else:
            print("\n".join(_lines(found)))

    _end(context, db, config, act)


@db.command()
def upgrade(context: typer.Context, db: Database = None, config: ConfigPath = None) -> None:
    """Bring the database to this version, or make it.

    A scan does so by itself; this is for those who want it done before.
    """

    def act(url: str) -> None:
        from storage import admin

        before, after = admin.upgrade(url)
        where = _place(url)
        if before == after:
            print(f"{where}: is of version {after} already")
        else:
            print(f"{where}: " + (f"upgraded from {before} to {after}" if before else "made"))

    _end(context, db, config, act)


@db.command()
def vacuum(context: typer.Context, db: Database = None, config: ConfigPath = None) -> None:
    """Give free space back to the disk, and make queries fast again.

    A file must not be written meanwhile: end the scan first.
    """

    def act(url: str) -> None:
        from storage import admin

        before = _bytes(url)
        admin.vacuum(url)
        print(f"{_place(url)}: {_size(before)} before, {_size(_bytes(url))} now")

    _end(context, db, config, act)


@db.command()
def export(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The new file.")],
    db: Database = None,
    config: ConfigPath = None,
) -> None:
    """Copy all that is in the database at this moment to a new SQLite file.

    A scan may go on. The copy can be asked like any other: --db PATH.
    """

    def act(url: str) -> None:
        from storage import admin

        admin.export(url, path)
        print(f"{_place(url)}: copied to {path} ({_size(path.stat().st_size)})")

    _end(context, db, config, act)


def _end(
    context: typer.Context, asked: str | None, config: Path | None, act: Callable[[str], None]
) -> None:
    """Do it to the database that is meant."""

    def run() -> int:
        settings, _ = config_in_use(context, config)
        from scanner.configuration.places import database_to_read

        act(database_to_read(asked, settings.database.location))
        return 0

    end(context, run)


def _place(url: str) -> str:
    from storage.location import located, place

    return place(located(url))


def _bytes(url: str) -> int | None:
    """What a file takes on disk; None of a server."""
    from storage import wal
    from storage.location import file_of, is_sqlite, located

    where = located(url)
    if not is_sqlite(where):
        return None
    file = file_of(where)
    return (file.stat().st_size if file.exists() else 0) + wal.size(file)


def _size(count: int | None) -> str:
    return "its size is the server's" if count is None else f"{count / MEGABYTE:,.1f} MB"


def _lines(found: Info) -> Iterator[str]:
    from scanner.sinks.formats import rfc3339

    span = "none"
    if found.first is not None and found.last is not None:
        span = f"{rfc3339(found.first)} to {rfc3339(found.last)}"
    yield f"database       {found.place}"
    yield f"version        {found.schema}"
    yield f"size           {_size(found.size)}"
    if found.wal is not None:
        yield f"wal            {_wal(found.wal)}"
    yield f"runs           {found.runs:,}"
    yield f"opportunities  {found.opportunities:,}, of them open: {found.open:,}"
    yield f"opened         {span}"


def _wal(count: int) -> str:
    """The size of the write-ahead log, and what a large one means."""
    from storage import wal

    if count < wal.NOTICE:
        return _size(count)
    return f"{_size(count)}: a program has been reading for long; it shrinks when that ends"


def _object(found: Info) -> str:
    import json

    import msgspec

    from scanner.sinks.formats import rfc3339

    times = {"first": found.first, "last": found.last}
    told = {name: None if at is None else rfc3339(at) for name, at in times.items()}
    return json.dumps(msgspec.structs.asdict(found) | told)
