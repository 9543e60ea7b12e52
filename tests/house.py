"""The shape of the house: what may import what (``test_imports``)."""

from __future__ import annotations

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
