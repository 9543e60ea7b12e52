"""Who may import whom: the shape of the house, read from the source without running it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from scanner.venues.registry import CONTRACTS, VENUES, native

ROOT = Path(__file__).parents[1]
FILES = sorted(path for folder in ("scanner", "storage") for path in (ROOT / folder).rglob("*.py"))
CORE = {
    *(
        "books",
        "carry",
        "counts",
        "derivatives",
        "engine",
        "fast",
        "parity",
        "lane",
        "pipeline",
        "ticker_lane",
        "events",
        "hedge_events",
        "moving",
        "steps",
        "types",
    ),
    *("quiet", "venues", "watch"),
}
IMPURE = {"aiohttp", "asyncio", "ccxt", "random", "requests", "socket", "time", "websockets"}

# A venue whose name is an English word, which means that here.
WORDS = {"gate"}

# Each unit (a folder or a file of scanner, or storage) and the units it may import besides itself.
# These import nothing of ours and may be imported by all but the lab.
PLAIN = {"events", "hedge_events", "moving", "steps", "text", "types"}
COMMANDS = {"clock", "command", "config", "errors", "places"}
MAY_IMPORT: dict[str, set[str]] = {
    "types": set(),
    "steps": set(),
    "events": {"moving"},
    "moving": set(),
    "hedge_events": set(),
    "text": set(),
    "errors": set(),
    "clock": set(),
    # the core, which has no clock and no I/O
    "books": PLAIN,
    "engine": PLAIN | {"books"},
    "carry": PLAIN | {"books", "derivatives", "engine"},
    "parity": PLAIN | {"books", "engine"},
    "venues": PLAIN | {"books.levels"},
    "counts": set(),
    "watch": PLAIN,
    "quiet": PLAIN | {"books", "counts", "venues"},
    "fast": PLAIN | {"books", "counts", "engine", "venues"},
    "derivatives": PLAIN,
    "ticker_lane": PLAIN | {"derivatives", "venues"},
    "lane": PLAIN | {"books", "counts", "fast", "pipeline", "quiet", "venues", "watch"},
    "pipeline": PLAIN
    | {"books", "carry", "counts", "derivatives", "engine", "lane", "ticker_lane", "venues"}
    | {"parity"}
    | {"quiet", "watch"},
    # bytes in, lines and rows out
    "feeds": PLAIN | {"books.jit", "errors", "clock", "pipeline", "venues", "__init__"},
    "frame": PLAIN,
    "redact": set(),
    "sinks": PLAIN | {"alert_config", "frame", "hours", "redact"},
    "storage": PLAIN | {"clock", "errors", "redact"},
    # the user's wishes
    "logs": PLAIN | {"redact"},
    "places": set(),
    "model": set(),
    "hours": set(),
    "since": {"errors"},
    "located": {"errors"},
    "explain": {"errors", "located"},
    "environment": {"explain", "located"},
    "alert_config": {"errors", "explain", "hours", "model"},
    "fee_config": {"model"},
    "venue_config": {"fee_config", "model", "transfer_config", "types"},
    "transfer_config": {"model"},
    "scan_config": {"model"},
    "storage_config": {"model"},
    "identity_config": {"model"},
    "hedge_config": {"model"},
    "hedge_csv": {"errors", "explain", "hedge_config", "located"},
    "hedge_scope": PLAIN | {"config", "hedge_config", "venues"},
    "config": {
        *("alert_config", "environment", "errors", "explain", "fee_config", "identity_config"),
        *(
            "hedge_config",
            "located",
            "model",
            "redact",
            "scan_config",
            "storage_config",
            "transfer_config",
            "types",
            "venue_config",
            "venues",
        ),
    },
    "json_schema": {"config", "venues"},
    "settings": {"config", "engine", "networks", "quiet", "transfer_config"},
    # what is traded where, and what is reached how
    "liquidity": PLAIN,
    "networks": {"located"},
    "wallet_list": PLAIN | {"networks"},
    "wallets": PLAIN | {"networks", "transfer_config", "wallet_list"},
    "metadata": PLAIN | {"liquidity", "venues", "wallet_list"},
    "fees": PLAIN | {"fee_config", "venue_config"},
    "aliases": PLAIN | {"config"},
    "identity": PLAIN | {"identity_config", "liquidity", "located"},
    "markets": PLAIN
    | {
        *("aliases", "clock", "config", "errors", "explain", "fees", "hedge_scope", "identity"),
        *("liquidity", "metadata", "places", "wallets"),
    },
    "fee_table": PLAIN | {"config", "markets"},
    "venue_table": PLAIN | {"config", "fee_table", "logs", "venues"},
    "wallet_table": PLAIN
    | {
        *("clock", "config", "engine", "errors", "hedge_csv", "hedge_scope", "history.table"),
        *("markets", "settings", "sinks.formats"),
    },
    "fleet": PLAIN | {"config", "feeds", "venues"},
    "probe": PLAIN | {"config", "feeds", "fleet", "venues"},
    "check": PLAIN
    | {"clock", "config", "errors", "feeds", "fleet", "hedge_csv", "hedge_scope", "logs"}
    | {"markets", "probe", "venues"},
    "check_text": PLAIN | {"check", "config", "logs", "markets", "redact"},
    # recordings
    "recordings": PLAIN | {"errors"},
    "stage": PLAIN | {"lane", "pipeline", "recordings", "venues"},
    "replay": PLAIN | {"engine", "errors", "pipeline", "recordings", "stage", "venues"},
    # the lab shares no decoder with what it is there to test
    "lab": {"steps", "types"},
    # what looks at a scan, and what a scan is put together from
    "warm": PLAIN | {"books", "engine", "fast", "feeds.frames", "venues"},
    "trend": set(),
    "recent": PLAIN | {"frame"},
    "order_rows": PLAIN | {"engine", "frame"},
    "carry_rows": PLAIN | {"carry", "frame", "order_rows"},
    "view": PLAIN | {"carry_rows", "engine", "feeds", "frame", "order_rows", "pipeline", "trend"},
    "scan_state": PLAIN | {"engine", "feeds", "pipeline"},
    "peg_line": PLAIN | {"frame"},
    "funding": PLAIN | {"clock", "config", "feeds", "fleet", "metadata", "venues"},
    "worst_funding": PLAIN | {"clock", "ending", "errors", "storage"},
    "window": PLAIN | {"frame", "peg_line", "recent", "worst_funding"},
    "event_loop": {"ending"},
    "workers": PLAIN
    | {
        *("alert_config", "clock", "config", "ending", "engine", "event_loop", "feeds", "fleet"),
        *("frame", "hedge", "hedge_config", "logs", "pipeline", "scan_state", "settings", "view"),
        "warm",
    },
    "metrics": PLAIN | {"__init__", "feeds", "scan_state", "sinks", "storage"},
    "metrics_server": {"errors"},
    "reload": PLAIN | {"alert_config", "config", "errors", "logs", "markets"},
    "alerting": PLAIN | {"alert_config", "clock", "engine", "sinks", "storage"},
    "persistence": set(),
    "services": PLAIN
    | {
        *("__init__", "alert_config", "alerting", "clock", "config", "frame", "logs", "sinks"),
        *("storage", "window"),
    },
    # the commands
    "ending": set(),
    "later": set(),
    "command": {"config", "errors", "logs", "places"},
    "history": PLAIN | {"clock", "errors", "parity", "since", "sinks", "storage", "worst_funding"},
    "history_cli": PLAIN | COMMANDS | {"history", "since"},
    "hedge": PLAIN | {"books", "carry", "derivatives", "engine", "hedge_config", "history.table"},
    "glance": PLAIN
    | {"clock", "config", "ending", "engine", "feeds", "fleet", "pipeline", "settings", "warm"},
    "hedge_live": PLAIN
    | {
        *("clock", "config", "errors", "glance", "hedge", "hedge_config", "markets", "pipeline"),
        "venues",
    },
    "hedge_book": PLAIN
    | {
        *("clock", "command", "config", "errors", "event_loop", "hedge", "hedge_config"),
        *("hedge_csv", "hedge_live", "history.table", "logs", "storage"),
    },
    "hedge_watch": PLAIN
    | {
        *("clock", "config", "ending", "errors", "hedge", "hedge_book", "hedge_config"),
        *("hedge_csv", "hedge_scope"),
    },
    "hedge_figures": PLAIN | {"command", "errors", "hedge", "history.table"},
    "hedge_cli": PLAIN
    | COMMANDS
    | {
        *("event_loop", "hedge", "hedge_book", "hedge_figures", "hedge_live", "history.table"),
        *("logs", "since"),
    },
    "parity_live": PLAIN
    | {
        *("aliases", "clock", "config", "engine", "errors", "glance", "markets", "parity"),
        "pipeline",
    },
    "parity_cli": PLAIN
    | COMMANDS
    | {"event_loop", "history", "history_cli", "logs", "parity", "parity_live"},
    "alerts_cli": PLAIN | COMMANDS | {"since", "sinks", "storage"},
    "db_cli": PLAIN | COMMANDS | {"sinks", "storage"},
    "setup_cli": PLAIN | COMMANDS | {"check", "check_text", "json_schema", "storage"},
    "cli": PLAIN
    | COMMANDS
    | {
        *("__init__", "app", "demo", "ending", "history", "lab", "later", "markets"),
        *("replay_command", "venue_table", "wallet_table"),
    },
    "__init__": set(),
}
ROOTS = {"app", "demo", "replay_command"}


def unit(path: Path) -> str:
    """``scanner/books/store.py`` is of the unit ``books``."""
    parts = path.relative_to(ROOT).with_suffix("").parts
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


@pytest.mark.parametrize("path", VENUE_FILES, ids=ids(VENUE_FILES))
def test_a_venue_knows_no_other(path: Path) -> None:
    """Only parts, and files of its own: those whose names begin as the venue's does."""
    found = {ours(module) for module in imports(path)} - {None, "steps", "types"}
    for module in found:
        assert module is not None
        part = module.removeprefix("venues.").split(".")[0]
        assert part in PARTS or path.stem.startswith(part.partition("_")[0]), module


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


@pytest.mark.parametrize("path", GENERIC, ids=ids(GENERIC))
def test_a_generic_file_names_no_venue(path: Path) -> None:
    written = texts(path)
    said = {*written, *identifiers(path)}
    words = {word for text in said for word in re.findall("[a-z0-9]+", text.lower())}
    assert words & names_of_venues() == frozenset()
    assert written & ({*VENUES, *CONTRACTS} - WORDS) == set()
