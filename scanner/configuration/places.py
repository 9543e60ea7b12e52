"""Where things of the user are kept, unless the command line or the configuration says otherwise.

What the demo finds never mixes with what real exchanges showed: it has a database of its own.
"""

from __future__ import annotations

import logging
from pathlib import Path

import platformdirs

log = logging.getLogger(__name__)
NAME = "crossbook"
CONFIG_FILE = Path("config.yaml")


def cache_folder() -> Path:
    """What may be lost at any time: compiled kernels, the venues' market lists."""
    return platformdirs.user_cache_path(NAME)


def log_file() -> Path:
    """The log of a run while something else has the terminal."""
    return platformdirs.user_log_path(NAME) / "crossbook.log"


def database_file(*, simulated: bool = False) -> Path:
    """Where what a scan finds is kept."""
    return platformdirs.user_data_path(NAME) / ("demo.db" if simulated else "crossbook.db")


def database_to_write(asked: str | None, configured: str, *, simulated: bool = False) -> str:
    """The database of a scan: what the command line asks for (None: nothing), else, for real
    exchanges, what the configuration names ("": nothing), else the user's file."""
    if asked is not None:
        return asked
    if simulated or not configured:
        return str(database_file(simulated=simulated))
    return configured


def database_to_read(asked: str | None, configured: str) -> str:
    """The database of a question: that of a scan; but while there is none, and the demo has run,
    the demo's, and the log says so."""
    real, demo = database_file(), database_file(simulated=True)
    if asked is None and not configured and demo.exists() and not real.exists():
        log.warning("nothing real has been scanned yet: this is the demo's, SIMULATED (%s)", demo)
        return str(demo)
    return database_to_write(asked, configured)
