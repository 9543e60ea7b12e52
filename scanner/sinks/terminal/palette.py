"""The looks: dark, light, and without any colour.

Whatever colour says is also said by a sign, a word or a place; ``PLAIN`` has to do with bold, dim
and reverse. Every style names its ground, since nothing lies below the lines that are drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from rich.style import Style


@dataclass(frozen=True)
class Palette:
    """Styles by what they mean. ``*_tint``: on a row that pays; ``*_here``: on the selected row."""

    name: str
    text: Style
    dim: Style
    strong: Style
    accent: Style
    up: Style
    down: Style
    warn: Style
    rule: Style
    bar: Style
    taken: Style
    banner: Style
    brand: Style
    tint: Style
    here: Style

    def on_tint(self, style: Style) -> Style:
        """The style on a row that pays; the same object for the same style."""
        return _on(style, self.tint)

    def on_here(self, style: Style) -> Style:
        """The style on the selected row; likewise."""
        return _on(style, self.here)


@cache
def _on(style: Style, ground: Style) -> Style:
    return style + ground


def _coloured(name: str, ground: str, **colours: str) -> Palette:
    def ink(colour: str, *, bold: bool = False) -> Style:
        return Style(color=colours[colour], bgcolor=ground, bold=bold or None)

    return Palette(
        name=name,
        text=ink("text"),
        dim=ink("dim"),
        strong=ink("text", bold=True),
        accent=ink("accent", bold=True),
        up=ink("up", bold=True),
        down=ink("down"),
        warn=ink("warn", bold=True),
        rule=ink("rule"),
        bar=ink("bar"),
        taken=ink("up", bold=True),
        banner=Style(color=ground, bgcolor=colours["warn"], bold=True),
        brand=Style(color=ground, bgcolor=colours["accent"], bold=True),
        tint=Style(bgcolor=colours["tint"]),
        here=Style(bgcolor=colours["here"]),
    )


DARK = _coloured(
    "dark",
    "#0d1117",
    text="#d6dde6",
    dim="#8b96a5",
    accent="#6cb6ff",
    up="#4bd06a",
    down="#ff8078",
    warn="#e8b33c",
    rule="#4a5565",
    bar="#5d6f86",
    tint="#10301b",
    here="#264061",
)
LIGHT = _coloured(
    "light",
    "#fbfcfd",
    text="#1c2228",
    dim="#57606b",
    accent="#0a52b5",
    up="#0b6325",
    down="#b01f2b",
    warn="#8a5500",
    rule="#aab4bf",
    bar="#8d9aa8",
    tint="#d7f5df",
    here="#c4dcfa",
)
PLAIN = Palette(
    name="plain",
    text=Style(),
    dim=Style(),
    strong=Style(bold=True),
    accent=Style(bold=True),
    up=Style(bold=True),
    down=Style(),
    warn=Style(bold=True),
    rule=Style(dim=True),
    bar=Style(dim=True),
    taken=Style(bold=True),
    banner=Style(reverse=True, bold=True),
    brand=Style(reverse=True, bold=True),
    tint=Style(bold=True),
    here=Style(reverse=True),
)
