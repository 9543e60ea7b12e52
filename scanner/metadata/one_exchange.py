"""Of ccxt the exchanges that are asked for, without the hundred others.

``import ccxt`` reads all of them, which takes most of a second and a hundred megabytes. A process
that asks one exchange and ends needs one module of that.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from typing import Any

PACKAGE = "ccxt"


def read_only_what_is_named() -> None:
    """From here on ``import ccxt`` reads nothing, and ``ccxt.name`` the module of that name. What
    is in none makes it read the whole package after all. For a process that does nothing else."""
    spec = find_spec(PACKAGE)
    if PACKAGE in sys.modules or spec is None or spec.loader is None:
        return
    package, loader = module_from_spec(spec), spec.loader

    def found(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            one = getattr(import_module(f"{PACKAGE}.{name}"), name)
            vars(package)[name] = one  # where the import has put the module of that name
            return one
        except (ImportError, AttributeError):
            vars(package).pop("__getattr__", None)
            loader.exec_module(package)
            return getattr(package, name)

    vars(package)["__getattr__"] = found
    sys.modules[PACKAGE] = package
