"""Text from outside, made safe for a terminal or a log."""

from __future__ import annotations


def printable(text: str, longest: int | None = None) -> str:
    """``text`` with everything a terminal would act on escaped, cut to ``longest`` characters."""
    if longest is not None and len(text) > longest:
        text = text[: longest - 1] + "…"
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
