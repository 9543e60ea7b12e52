"""How often what is random is repeated: less in the suite than with ``CROSSBOOK_LONG=1``."""

from __future__ import annotations

import os

LONG = bool(os.environ.get("CROSSBOOK_LONG"))


def repeats(usual: int, long: int) -> int:
    """``usual`` in the suite, ``long`` where it is asked for."""
    return long if LONG else usual
