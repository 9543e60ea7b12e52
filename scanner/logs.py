"""Where the log goes: standard error, one line a record, nothing in it that moves a cursor."""

from __future__ import annotations

import logging
import sys
import time

from scanner.text import printable


class Lines(logging.Formatter):
    """``2026-11-22T10:00:00.123Z warning: text``; a traceback stays on its own, indented lines."""

    def format(self, record: logging.LogRecord) -> str:
        """One record as a line, and an indented line for each line of its traceback."""
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = f"{at}.{int(record.msecs):03d}Z {record.levelname.lower()}: "
        line += printable(record.getMessage())
        if record.exc_info:
            trace = self.formatException(record.exc_info)
            line += "".join(f"\n    {printable(part)}" for part in trace.splitlines())
        return line


def start(level: str) -> None:
    """Log ``level`` (debug, info, warning, error) and above to standard error from here on."""
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler.formatter, Lines)]:
        root.removeHandler(handler)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines())
    root.addHandler(handler)
    root.setLevel(level.upper())
    logging.raiseExceptions = False  # a closed terminal must not end the program
    logging.captureWarnings(True)
