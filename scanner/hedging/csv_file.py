"""Holdings and shorts from a CSV file; whatever is wrong names the file, the line, the column."""

from __future__ import annotations

import csv
from pathlib import Path

from pydantic import ValidationError

from scanner.configuration.explain import did_you_mean, explained
from scanner.configuration.hedge import MOST, HedgeBook, Holding, Position
from scanner.configuration.located import MAX_BYTES, Located
from scanner.errors import ConfigError

KINDS: dict[str, type[Holding | Position]] = {"holding": Holding, "short": Position}
NUMBERS = ("amount", "price", "contracts", "entry_price", "leverage")
COLUMNS = ("kind", *dict.fromkeys((*Holding.model_fields, *Position.model_fields)))


def whole(book: HedgeBook) -> HedgeBook:
    """The book with what stands in its file. Raises ``ConfigError``."""
    if book.csv is None:
        return book
    path = Path(book.csv).expanduser()
    holdings, shorts = parse(_text(path), str(path))
    return book.model_copy(
        update={"holdings": (*book.holdings, *holdings), "shorts": (*book.shorts, *shorts)}
    )


def parse(text: str, file: str) -> tuple[list[Holding], list[Position]]:
    """The rows of a document with a line of column names first. Raises ``ConfigError``."""
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    holdings: list[Holding] = []
    shorts: list[Position] = []
    names: list[str] = []
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            if not names:
                names = _columns(cells, file, reader.line_num)
                continue
            found = _row(cells, names, file, reader.line_num)
            if isinstance(found, Position):
                shorts.append(found)
            else:
                holdings.append(found)
            if len(holdings) + len(shorts) > MOST:
                raise ConfigError(f"has more than {MOST} rows", file=file, line=reader.line_num)
    except csv.Error as error:
        raise ConfigError(
            f"cannot be read as CSV: {error}", file=file, line=reader.line_num
        ) from None
    if not names:
        raise ConfigError("is empty", file=file, remedy=f"name the columns: {','.join(COLUMNS)}")
    return holdings, shorts


def _text(path: Path) -> str:
    file = str(path)
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"cannot be read ({error.strerror})", file=file, remedy="hedge_book.csv names it"
        ) from None
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"is larger than {MAX_BYTES} bytes", file=file)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            "is not UTF-8 text", file=file, line=line, remedy="save it as UTF-8"
        ) from None


def _columns(cells: list[str], file: str, line: int) -> list[str]:
    if len(cells) == 1 and any(other in cells[0] for other in ";\t|"):
        raise ConfigError(
            "its columns are not separated by commas",
            file=file,
            line=line,
            remedy="save it with commas, and with points in numbers",
        )
    for name in cells:
        if name not in COLUMNS:
            raise ConfigError(
                f"there is no column {name!r:.40}",
                file=file,
                line=line,
                remedy=did_you_mean(name, COLUMNS) or f"known here: {', '.join(COLUMNS)}",
            )
        if cells.count(name) > 1:
            raise ConfigError(f"the column {name!r} stands here twice", file=file, line=line)
    if "kind" not in cells:
        raise ConfigError("the column 'kind' is missing", file=file, line=line)
    return cells


def _row(cells: list[str], names: list[str], file: str, line: int) -> Holding | Position:
    if len(cells) != len(names):
        raise ConfigError(
            f"has {len(cells)} cells, and there are {len(names)} columns", file=file, line=line
        )
    said = {name: cell for name, cell in zip(names, cells, strict=True) if cell}
    kind = said.pop("kind", "")
    model = KINDS.get(kind)
    if model is None:
        told = f"must be holding or short, not {kind!r:.40}"
        raise ConfigError(told, file=file, line=line, key="kind")
    values = {name: _value(name, text) for name, text in said.items()}
    try:
        return model.model_validate(values)
    except ValidationError as invalid:
        raise explained(invalid, Located(file, values, {(): line}), model) from None


def _value(name: str, text: str) -> float | str:
    if name not in NUMBERS or "_" in text:
        return text
    try:
        return float(text)
    except ValueError:
        return text
