"""Whether the terminal is dark or light, by asking it.

OSC 11 asks for the background; not every terminal answers, so DA1, which every terminal knows, is
asked right behind it: its answer ends the wait. COLORFGBG is what is left where neither comes.
"""

from __future__ import annotations

import os
import re
import select
import sys
import termios
import time
import tty
from collections.abc import Mapping

ASK = b"\x1b]11;?\x1b\\\x1b[c"
COLOUR = re.compile(rb"\]11;rgba?:([0-9a-fA-F]+)/([0-9a-fA-F]+)/([0-9a-fA-F]+)")
END = re.compile(rb"\x1b\[\?[0-9;]*c")
PATIENCE = 0.5


def is_light(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the terminal on standard input and output has a light background."""
    source, target = sys.__stdin__, sys.__stdout__
    answer = b""
    if source is not None and target is not None and source.isatty() and target.isatty():
        answer = _ask(source.fileno(), target.fileno())
    found = brightness(answer)
    if found is not None:
        return found > 0.5
    background = environment.get("COLORFGBG", "").rpartition(";")[2]
    return background in ("7", "15")


def brightness(answer: bytes) -> float | None:
    """How light (0..1) the colour in a terminal's answer is; None if there is none in it."""
    match = COLOUR.search(answer)
    if match is None:
        return None
    red, green, blue = (int(part, 16) / (2.0 ** (4 * len(part)) - 1) for part in match.groups())
    return 0.299 * red + 0.587 * green + 0.114 * blue


def _ask(source: int, target: int) -> bytes:
    """What the terminal answers within ``PATIENCE`` seconds."""
    try:
        before = termios.tcgetattr(source)
        try:
            tty.setcbreak(source, termios.TCSANOW)
            os.write(target, ASK)
            return _answer(source)
        finally:
            termios.tcsetattr(source, termios.TCSANOW, before)
    except (OSError, termios.error):
        return b""


def _answer(source: int) -> bytes:
    answer = b""
    deadline = time.monotonic() + PATIENCE
    while END.search(answer) is None:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([source], [], [], left)[0]:
            break
        data = os.read(source, 1024)
        if not data:
            break
        answer += data
    return answer
