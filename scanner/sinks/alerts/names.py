"""Names and times as alerts write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PLAIN = frozenset(" /:.-+")
LONGEST_NAME = 40


def name(text: str) -> str:
    """A name from outside with all but letters, digits and ``/:.-+`` escaped, and not too long."""
    if len(text) > LONGEST_NAME:
        text = text[: LONGEST_NAME - 1] + "…"
    return "".join(
        c if c.isalnum() or c in PLAIN or c == "…" else ascii(c)[1:-1] if ord(c) > 126 else _hex(c)
        for c in text
    )


def when(at: int) -> str:
    """RFC 3339 in UTC, to the millisecond."""
    moment = EPOCH + timedelta(microseconds=at // 1000)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _hex(c: str) -> str:
    return f"\\x{ord(c):02x}"
