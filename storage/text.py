"""What can be written as text."""

from __future__ import annotations

from typing import Any, TypeAlias

Row: TypeAlias = tuple[Any, ...]
LONGEST = 4000
LONGEST_NAME = 200  # of which three fit into an entry of PostgreSQL's indexes (2704 bytes)


def name(text: str) -> str:
    """A name that every database takes, also in an index."""
    return clean(text, LONGEST_NAME)


def clean(text: str, longest: int = LONGEST) -> str:
    """Text that every database takes: bounded, no NUL, no half of a surrogate pair."""
    if len(text) > longest:
        text = text[: longest - 1] + "…"
    if text.isprintable():
        return text
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
