"""Who may import whom: the shape of the house, read from the source without running it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

from scanner.venues.registry import CONTRACTS, VENUES, native
from tests.house import CORE, IMPURE, MAY_IMPORT, ROOMS, ROOTS

ROOT = Path(__file__).parents[1]
FILES = sorted(path for folder in ("scanner", "storage") for path in (ROOT / folder).rglob("*.py"))
# A venue whose name is an English word, which means that here.
WORDS = {"gate"}


def unit(path: Path) -> str:
    """``scanner/books/store.py`` is of the unit ``books``; of a room each file is one."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    if parts[0] == "scanner" and parts[1] in ROOMS and len(parts) > 2:
        return f"{parts[1]}.{parts[2]}"
    return parts[0] if parts[0] != "scanner" else parts[1]


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text())))


@cache
def imports(path: Path) -> frozenset[str]:
    """The full names of the modules that a file imports, wherever in it that stands."""
    return frozenset(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            assert node.module is not None
            if is_package(node.module):
                yield from (f"{node.module}.{name.name}" for name in node.names)
            else:
                yield node.module


@cache
def is_package(module: str) -> bool:
    return (ROOT / module.replace(".", "/")).is_dir()


@cache
def ours(module: str) -> str | None:
    """The module's name within scanner (``books.store``), or storage; None for another's."""
    first, _, rest = module.partition(".")
    if first == "storage":
        return "storage"
    if first != "scanner":
        return None
    exists = any(
        (ROOT / "scanner" / rest.split(".")[0]).with_suffix(s).exists() for s in ("", ".py")
    )
    return rest if exists else "__init__"


def found(wrong: Callable[[Path], Iterable[object]], paths: Iterable[Path]) -> dict[str, list[str]]:
    """What is wrong, by file. (Hundreds of files make one test, not each its own: to tell of a test
    takes longer than to look at a file.)"""
    told = {str(path.relative_to(ROOT)): sorted(map(str, wrong(path))) for path in paths}
    return {name: here for name, here in told.items() if here}


def not_allowed(path: Path) -> Iterator[str]:
    own = unit(path)
    if own in ROOTS or not imports(path):
        return
    if own not in MAY_IMPORT:
        yield f"say in MAY_IMPORT what {own} may import"
        return
    allowed = MAY_IMPORT[own] | {own}
    for module in imports(path):
        name = ours(module)
        if name is not None and name not in allowed and name.split(".")[0] not in allowed:
            yield module


def test_a_file_imports_only_what_its_place_allows() -> None:
    assert len(FILES) > 400
    assert found(not_allowed, FILES) == {}


def test_the_core_has_no_clock_no_chance_and_no_io() -> None:
    core = [path for path in FILES if unit(path) in CORE]
    assert len(core) > 100
    assert found(lambda path: {m.split(".")[0] for m in imports(path)} & IMPURE, core) == {}


MODULES = sorted({*VENUES.values(), *CONTRACTS.values()})
VENUE_FILES = [ROOT / f"{module.replace('.', '/')}.py" for module in MODULES]
PARTS = {
    *(
        "boundaries",
        "bridged",
        "cells",
        "combined_stream",
        "funding_history",
        "horizon",
        "linked",
        "parts",
    ),
    *("protocol", "rest_book", "sequence", "wire"),
}


def of_another(path: Path) -> Iterator[str]:
    """What is neither a part nor a file of its own: one whose name begins as the venue's does."""
    for module in {ours(module) for module in imports(path)} - {None, "steps", "types"}:
        assert module is not None
        part = module.removeprefix("venues.").split(".")[0]
        if part not in PARTS and not path.stem.startswith(part.partition("_")[0]):
            yield module


def test_a_venue_knows_no_other() -> None:
    assert len(VENUE_FILES) == 16
    assert found(of_another, VENUE_FILES) == {}


@cache
def names_of_venues() -> frozenset[str]:
    venues = [venue for name in VENUES if (venue := native(name)) is not None]
    venues += [v for name in CONTRACTS if (v := native(name, contracts=True)) is not None]
    first = (venue.name.split()[0].lower() for venue in venues)
    return frozenset({*VENUES, *CONTRACTS, *first} - WORDS)


def texts(path: Path) -> set[str]:
    """The texts in the code; docstrings, which may cite a source, left out."""
    told = {id(node.value) for node in nodes(path) if isinstance(node, ast.Expr)}
    return {
        node.value
        for node in nodes(path)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told
    }


def identifiers(path: Path) -> Iterator[str]:
    for node in nodes(path):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.alias(name=name):
                yield name


GENERIC = [
    path
    for path in FILES
    if path.relative_to(ROOT).parts[1] != "venues"
    and "lab/venues" not in path.as_posix()
    and not path.name.endswith("listings.py")  # the lab's tables of what each venue lists
]


def venues_named(path: Path) -> set[str]:
    written = texts(path)
    said = {*written, *identifiers(path)}
    words = {word for text in said for word in re.findall("[a-z0-9]+", text.lower())}
    return (words & names_of_venues()) | (written & ({*VENUES, *CONTRACTS} - WORDS))


def test_a_generic_file_names_no_venue() -> None:
    assert len(GENERIC) > 350
    assert found(venues_named, GENERIC) == {}
