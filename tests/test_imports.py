"""Who may import whom: the shape of the house, read from the source without running it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from scanner.venues.registry import VENUES, native

ROOT = Path(__file__).parents[1]
FILES = sorted(path for folder in ("scanner", "storage") for path in (ROOT / folder).rglob("*.py"))
CORE = {"books", "engine", "pipeline", "types", "venues", "watch"}
IMPURE = {"aiohttp", "asyncio", "ccxt", "random", "requests", "socket", "time", "websockets"}

# Each unit (a folder or a file of scanner, or storage) and the units it may import besides itself.
# ``types`` and ``text`` import nothing of ours and may be imported by all but the lab.
PLAIN = {"types", "text"}
MAY_IMPORT: dict[str, set[str]] = {
    "types": set(),
    "text": set(),
    "errors": set(),
    "clock": set(),
    # the core, which has no clock and no I/O
    "books": PLAIN,
    "engine": PLAIN | {"books"},
    "venues": PLAIN | {"books.levels"},
    "watch": PLAIN,
    "pipeline": PLAIN | {"books", "engine", "venues", "watch"},
    # bytes in, lines out
    "feeds": PLAIN | {"errors", "clock", "pipeline", "venues", "__init__"},
    "sinks": PLAIN,
    "storage": PLAIN | {"errors", "clock"},
    # the user's wishes, and what is traded where
    "logs": PLAIN,
    "located": {"errors"},
    "explain": {"errors", "located"},
    "config": {"errors", "explain", "located", "types", "venues"},
    "settings": {"config", "engine"},
    "metadata": PLAIN | {"venues"},
    "markets": PLAIN | {"clock", "config", "errors", "explain", "metadata"},
    "venue_table": PLAIN | {"config", "venues"},
    # recordings
    "recordings": PLAIN | {"errors"},
    "stage": PLAIN | {"pipeline", "recordings", "venues"},
    "replay": PLAIN | {"engine", "errors", "pipeline", "recordings", "stage", "venues"},
    # the lab shares no decoder with what it is there to test
    "lab": {"types"},
    # what puts it all together
    "warm": PLAIN | {"books", "engine"},
    "cli": {
        *PLAIN,
        *("__init__", "app", "config", "demo", "errors", "lab", "logs", "replay_command"),
        *("storage", "venue_table"),
    },
    "__init__": set(),
}
ROOTS = {"app", "demo", "replay_command"}


def unit(path: Path) -> str:
    """``scanner/books/store.py`` is of the unit ``books``."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[0] if parts[0] != "scanner" else parts[1]


def imports(path: Path) -> Iterator[str]:
    """The full names of the modules that a file imports, wherever in it that stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            assert node.module is not None
            if is_package(node.module):
                yield from (f"{node.module}.{name.name}" for name in node.names)
            else:
                yield node.module


def is_package(module: str) -> bool:
    return (ROOT / module.replace(".", "/")).is_dir()


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


def ids(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


@pytest.mark.parametrize("path", FILES, ids=ids(FILES))
def test_a_file_imports_only_what_its_place_allows(path: Path) -> None:
    own = unit(path)
    if own in ROOTS:
        return
    assert own in MAY_IMPORT, f"say in MAY_IMPORT what {own} may import"
    allowed = MAY_IMPORT[own] | {own}
    for module in imports(path):
        name = ours(module)
        if name is not None:
            assert name in allowed or name.split(".")[0] in allowed, f"{path.name}: {module}"


CORE_FILES = [path for path in FILES if unit(path) in CORE]


@pytest.mark.parametrize("path", CORE_FILES, ids=ids(CORE_FILES))
def test_the_core_has_no_clock_no_chance_and_no_io(path: Path) -> None:
    assert {module.split(".")[0] for module in imports(path)} & IMPURE == set()


VENUE_FILES = [ROOT / "scanner" / "venues" / f"{name}.py" for name in VENUES]


@pytest.mark.parametrize("path", VENUE_FILES, ids=ids(VENUE_FILES))
def test_a_venue_is_one_file_that_knows_no_other(path: Path) -> None:
    shared = {"types", "venues.protocol", "venues.parts", "venues.horizon", "venues.sequence"}
    found = {ours(module) for module in imports(path)} - {None}
    assert found <= shared


def names_of_venues() -> set[str]:
    venues = [venue for name in VENUES if (venue := native(name)) is not None]
    return {*VENUES, *(venue.name.split()[0].lower() for venue in venues)}


def words(tree: ast.Module) -> set[str]:
    """The words in identifiers and texts; docstrings, which may cite a source, left out."""
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = []
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in told:
                texts.append(text)
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                texts.append(name)
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.alias(name=name):
                texts.append(name)
    return {word for text in texts for word in re.findall("[a-z0-9]+", text.lower())}


GENERIC = [
    path
    for path in FILES
    if path.relative_to(ROOT).parts[1] != "venues"
    and "lab/venues" not in path.as_posix()
    and path.name != "listings.py"  # the lab's table of what each venue lists
]


@pytest.mark.parametrize("path", GENERIC, ids=ids(GENERIC))
def test_a_generic_file_names_no_venue(path: Path) -> None:
    assert words(ast.parse(path.read_text())) & names_of_venues() == set()
