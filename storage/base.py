"""What all tables share."""

from __future__ import annotations

from sqlalchemy import MetaData, String
from sqlalchemy.types import TypeEngine

metadata = MetaData()


def key() -> TypeEngine[str]:
    """Text compared byte by byte, on every database: ids sort by time, prefixes use the index."""
    return String().with_variant(String(collation="C"), "postgresql")
