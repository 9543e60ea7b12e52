"""Who may import whom: the shape of the house, read from the source without running it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

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
# Of what has many parts each file is a unit: ``commands.db``.
ROOMS = {"commands", "configuration", "hedging", "metadata", "replay", "view"}
# These import nothing of ours and may be imported by all but the lab.
PLAIN = {"events", "hedge_events", "moving", "steps", "text", "types"}
COMMANDS = {"clock", "commands.common", "config", "errors", "configuration.places"}
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
    "quiet": PLAIN | {"books", "counts", "engine", "venues"},
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
    "view.frame": PLAIN,
    "redact": set(),
    "sinks": PLAIN | {"configuration.alerts", "view.frame", "configuration.hours", "redact"},
    "storage": PLAIN | {"clock", "errors", "redact"},
    # the user's wishes
    "logs": PLAIN | {"redact"},
    "configuration.places": set(),
    "configuration.model": set(),
    "configuration.hours": set(),
    "since": {"errors"},
    "configuration.located": {"errors"},
    "configuration.explain": {"errors", "configuration.located"},
    "configuration.environment": {"configuration.explain", "configuration.located"},
    "configuration.alerts": {
        "errors",
        "configuration.explain",
        "configuration.hours",
        "configuration.model",
    },
    "configuration.fees": {"configuration.model"},
    "configuration.venues": {
        "configuration.fees",
        "configuration.model",
        "configuration.transfers",
        "types",
    },
    "configuration.transfers": {"configuration.model"},
    "configuration.scan": {"configuration.model"},
    "configuration.storage": {"configuration.model"},
    "configuration.identity": {"configuration.model"},
    "configuration.hedge": {"configuration.model"},
    "hedging.csv_file": {
        "errors",
        "configuration.explain",
        "configuration.hedge",
        "configuration.located",
    },
    "hedging.scope": PLAIN | {"config", "configuration.hedge", "venues"},
    "config": {
        *(
            "configuration.alerts",
            "configuration.environment",
            "errors",
            "configuration.explain",
            "configuration.fees",
            "configuration.identity",
        ),
        *(
            "configuration.hedge",
            "configuration.located",
            "configuration.model",
            "redact",
            "configuration.scan",
            "configuration.storage",
            "configuration.transfers",
            "types",
            "configuration.venues",
            "venues",
        ),
    },
    "configuration.json_schema": {"config", "venues"},
    "configuration.settings": {
        "config",
        "engine",
        "metadata.networks",
        "quiet",
        "configuration.transfers",
    },
    # what is traded where, and what is reached how
    "metadata.liquidity": PLAIN,
    "metadata.networks": {"configuration.located"},
    "metadata.wallet_list": PLAIN | {"metadata.networks"},
    "metadata.wallets": PLAIN
    | {"metadata.networks", "configuration.transfers", "metadata.wallet_list"},
    "metadata.one_exchange": set(),
    "metadata.fetch": PLAIN
    | {"metadata.liquidity", "metadata.one_exchange", "venues", "metadata.wallet_list"},
    "metadata.fees": PLAIN | {"configuration.fees", "configuration.venues"},
    "metadata.aliases": PLAIN | {"config"},
    "metadata.identity": PLAIN
    | {"configuration.identity", "metadata.liquidity", "configuration.located"},
    "aside": set(),
    "markets": PLAIN
    | {
        *(
            "aside",
            "metadata.aliases",
            "clock",
            "config",
            "errors",
            "configuration.explain",
            "metadata.fees",
            "hedging.scope",
            "metadata.identity",
        ),
        *("metadata.liquidity", "metadata.fetch", "configuration.places", "metadata.wallets"),
    },
    "commands.fee_table": PLAIN | {"config", "markets"},
    "commands.venue_table": PLAIN | {"config", "commands.fee_table", "logs", "venues"},
    "commands.wallet_table": PLAIN
    | {
        *(
            "clock",
            "config",
            "engine",
            "errors",
            "hedging.csv_file",
            "hedging.scope",
            "history.table",
        ),
        *("markets", "configuration.settings", "sinks.formats"),
    },
    "fleet": PLAIN | {"config", "feeds", "venues"},
    "probe": PLAIN | {"config", "feeds", "fleet", "venues"},
    "commands.check": PLAIN
    | {"clock", "config", "errors", "feeds", "fleet", "hedging.csv_file", "hedging.scope", "logs"}
    | {"markets", "probe", "venues"},
    "commands.check_text": PLAIN | {"commands.check", "config", "logs", "markets", "redact"},
    # recordings
    "replay.recordings": PLAIN | {"errors"},
    "replay.stage": PLAIN | {"lane", "pipeline", "replay.recordings", "venues"},
    "replay.replay": PLAIN
    | {"engine", "errors", "pipeline", "replay.recordings", "replay.stage", "venues"},
    # the lab shares no decoder with what it is there to test
    "lab": {"event_loop", "steps", "types"},
    # what looks at a scan, and what a scan is put together from
    "warm": PLAIN | {"books", "engine", "fast", "feeds.frames", "venues"},
    "view.trend": set(),
    "view.recent": PLAIN | {"view.frame"},
    "view.order_rows": PLAIN | {"engine", "view.frame"},
    "view.carry_rows": PLAIN | {"carry", "view.frame", "view.order_rows"},
    "view.view": PLAIN
    | {
        "view.carry_rows",
        "engine",
        "feeds",
        "view.frame",
        "view.order_rows",
        "pipeline",
        "view.trend",
    },
    "view.scan_state": PLAIN | {"engine", "feeds", "pipeline"},
    "view.peg_line": PLAIN | {"view.frame"},
    "funding": PLAIN
    | {"aside", "clock", "config", "feeds", "fleet", "metadata.fetch", "metadata.one_exchange"}
    | {"venues"},
    "hedging.worst_funding": PLAIN | {"clock", "ending", "errors", "storage"},
    "view.window": PLAIN | {"view.frame", "view.peg_line", "view.recent", "hedging.worst_funding"},
    "event_loop": {"ending"},
    "workers": PLAIN
    | {
        *(
            "configuration.alerts",
            "clock",
            "config",
            "ending",
            "engine",
            "event_loop",
            "feeds",
            "fleet",
        ),
        *(
            "view.frame",
            "hedge",
            "configuration.hedge",
            "logs",
            "pipeline",
            "view.scan_state",
            "configuration.settings",
            "view.view",
        ),
        "warm",
    },
    "metrics": PLAIN | {"__init__", "feeds", "view.scan_state", "sinks", "storage"},
    "metrics_server": {"errors"},
    "reload": PLAIN | {"configuration.alerts", "config", "errors", "logs", "markets"},
    "alerting": PLAIN | {"configuration.alerts", "clock", "engine", "sinks", "storage"},
    "persistence": set(),
    "services": PLAIN
    | {
        *(
            "__init__",
            "configuration.alerts",
            "alerting",
            "clock",
            "config",
            "view.frame",
            "logs",
            "sinks",
        ),
        *("storage", "view.window"),
    },
    # the commands
    "ending": set(),
    "commands.later": set(),
    "commands.common": {"config", "errors", "logs", "configuration.places"},
    "history": PLAIN
    | {"clock", "errors", "parity", "since", "sinks", "storage", "hedging.worst_funding"},
    "commands.history": PLAIN | COMMANDS | {"history", "since"},
    "hedge": PLAIN
    | {"books", "carry", "derivatives", "engine", "configuration.hedge", "history.table"},
    "hedging.glance": PLAIN
    | {
        "clock",
        "config",
        "ending",
        "engine",
        "feeds",
        "fleet",
        "pipeline",
        "configuration.settings",
        "warm",
    },
    "hedging.live": PLAIN
    | {
        *(
            "clock",
            "config",
            "errors",
            "hedging.glance",
            "hedge",
            "configuration.hedge",
            "markets",
            "pipeline",
        ),
        "venues",
    },
    "hedging.book": PLAIN
    | {
        *(
            "clock",
            "commands.common",
            "config",
            "errors",
            "event_loop",
            "hedge",
            "configuration.hedge",
        ),
        *("hedging.csv_file", "hedging.live", "history.table", "logs", "storage"),
    },
    "hedging.watch": PLAIN
    | {
        *("clock", "config", "ending", "errors", "hedge", "hedging.book", "configuration.hedge"),
        *("hedging.csv_file", "hedging.scope"),
    },
    "hedging.figures": PLAIN | {"commands.common", "errors", "hedge", "history.table"},
    "commands.hedge": PLAIN
    | COMMANDS
    | {
        *(
            "event_loop",
            "hedge",
            "hedging.book",
            "hedging.figures",
            "hedging.live",
            "history.table",
        ),
        *("logs", "since"),
    },
    "hedging.pegs": PLAIN
    | {
        *(
            "metadata.aliases",
            "clock",
            "config",
            "engine",
            "errors",
            "hedging.glance",
            "markets",
            "parity",
        ),
        "pipeline",
    },
    "commands.parity": PLAIN
    | COMMANDS
    | {"event_loop", "history", "commands.history", "logs", "parity", "hedging.pegs"},
    "commands.alerts": PLAIN | COMMANDS | {"since", "sinks", "storage"},
    "commands.db": PLAIN | COMMANDS | {"sinks", "storage"},
    "commands.setup": PLAIN
    | COMMANDS
    | {"commands.check", "commands.check_text", "configuration.json_schema", "storage"},
    "cli": PLAIN
    | COMMANDS
    | {
        *("__init__", "app", "demo", "ending", "history", "lab", "commands.later", "markets"),
        *("commands.replay", "commands.venue_table", "commands.wallet_table"),
    },
    "__init__": set(),
}
ROOTS = {"app", "demo", "commands.replay"}


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
