"""Messages that exchanges once sent, out of the recordings that ``CROSSBOOK_WIRE`` names."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

WIRE = os.environ.get("CROSSBOOK_WIRE", "")
needs_wire = pytest.mark.skipif(not WIRE, reason="CROSSBOOK_WIRE names no folder of recordings")


def recorded(name: str, *words: str) -> list[bytes]:
    """What came in, in order, of the file ``name``; only messages that hold all ``words``."""
    path = Path(WIRE) / name
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    return [
        line["raw"].encode()
        for line in lines
        if line.get("dir", "in") == "in" and all(word in line["raw"] for word in words)
    ]
