"""Rows to a stream: as a JSON array, as CSV, or as a parquet file; one by one, however many."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any

from scanner.errors import UserError, unwritable
from scanner.history.options import Form
from scanner.history.shapes import Fields, flat, text
from scanner.text import printable

BATCH = 10_000
TIMES = {"at", "opened_at", "closed_at"}


def write(form: Form, rows: Iterable[Fields], names: Sequence[str], out: Path | None) -> None:
    """Write the rows to ``out``, or else to standard output.

    ``names`` are the columns of the flat formats, of which a row may lack some. Raises
    ``UserError`` and ``CrossbookError``.
    """
    if form is Form.PARQUET:
        check_parquet(out)
    with opened(out, binary=form is Form.PARQUET) as stream:
        WRITERS[form](stream, rows, names)


def check_parquet(out: Path | None) -> None:
    """See that parquet can be written, before anything is asked. Raises ``UserError``."""
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise UserError(
            "parquet needs the library pyarrow: pip install 'crossbook[parquet]', "
            "or take --format csv"
        ) from None
    if out is None and sys.stdout.isatty():
        raise UserError("parquet is nothing for a terminal: name a file with --out")


@contextmanager
def opened(out: Path | None, *, binary: bool = False) -> Iterator[IO[Any]]:
    """The file, complete or not there at all; or standard output."""
    if out is None:
        yield sys.stdout.buffer if binary else sys.stdout
        return
    unfinished = out.with_name(f"{out.name}.{os.getpid()}.part")
    try:
        with (
            unfinished.open("wb") if binary else unfinished.open("w", encoding="utf-8", newline="")
        ) as stream:
            yield stream
        unfinished.replace(out)
    except OSError as error:
        raise unwritable(out, error) from error
    finally:
        unfinished.unlink(missing_ok=True)


def as_json(stream: IO[str], rows: Iterable[Fields], names: Sequence[str]) -> None:
    """An array, an object a line."""
    between = "[\n"
    for row in rows:
        stream.write(between + json.dumps(row, separators=(",", ":"), allow_nan=False))
        between = ",\n"
    stream.write("[]\n" if between == "[\n" else "\n]\n")


def as_csv(stream: IO[str], rows: Iterable[Fields], names: Sequence[str]) -> None:
    """A line of names, then a line for each row; lists are JSON."""
    on_terminal = stream.isatty()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        columns = flat(row)
        cells = [text(columns.get(name)) for name in names]
        if on_terminal:
            cells = [printable(cell) if isinstance(cell, str) else cell for cell in cells]
        writer.writerow(cells)


def as_parquet(stream: IO[bytes], rows: Iterable[Fields], names: Sequence[str]) -> None:
    """Columns of numbers, texts, times (microseconds, UTC) and lists of levels."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(name, _type(pa, name)) for name in names])
    remaining = iter(rows)
    with pq.ParquetWriter(stream, schema) as writer:
        while some := [flat(row) for row in islice(remaining, BATCH)]:
            columns = [[_value(name, row.get(name)) for row in some] for name in names]
            writer.write_table(pa.table(columns, schema=schema))


WRITERS: Mapping[Form, Callable[[Any, Iterable[Fields], Sequence[str]], None]] = {
    Form.JSON: as_json,
    Form.CSV: as_csv,
    Form.PARQUET: as_parquet,
}


def _type(pa: Any, name: str) -> Any:
    if name in TIMES:
        return pa.timestamp("us", tz="UTC")
    if name in WHOLE or name.endswith(COUNTS):
        return pa.int64()
    if name.endswith("_levels"):
        return pa.list_(pa.struct([("price", pa.float64()), ("size", pa.float64())]))
    if name == "exact":
        return pa.bool_()
    return pa.float64() if name in NUMBERS or name.endswith(ENDINGS) else pa.string()


WHOLE = {"count", "samples", "positive", "minutes", "hour"}
COUNTS = ("_followed", "_known", "_hits")
NUMBERS = {"size"}
ENDINGS = ("_bps", "_ms", "_rate", "_profit")


def _value(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in TIMES:
        return datetime.fromisoformat(value).astimezone(UTC)
    if name.endswith("_levels"):
        return [{"price": price, "size": size} for price, size in value]
    return value
