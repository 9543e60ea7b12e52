"""Settings for every test, and on how many cores the suite runs."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import settings

from scanner.warm import compiled

MOST_WORKERS = 4
WARM = "from scanner.warm import warm_alone; warm_alone()"

# The machine is shared: how long an example takes says nothing about the code.
settings.register_profile("shared-machine", deadline=None, print_blob=True)
settings.load_profile("shared-machine")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """The whole suite runs on all cores; what is chosen from it here, which starts at once."""
    chosen = config.args_source is pytest.Config.ArgsSource.INVOCATION_DIR
    chosen |= config.args_source is pytest.Config.ArgsSource.ARGS
    if chosen or config.option.keyword or config.option.markexpr or config.getoption("lf", False):
        return 0
    return min(os.cpu_count() or 1, MOST_WORKERS)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Where workers are about to start, the kernels are compiled once for all of them."""
    if session.config.getoption("tx", []) and not compiled():
        print("compiling kernels, once for all workers ...", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-c", WARM], cwd=session.config.rootpath, check=False)
