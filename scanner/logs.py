"""Where the log goes: standard error, or a file while something else has the terminal.

A record is one line with nothing in it that moves a cursor and no secret; in the file it is a JSON
object. Each Python process has one log, and so does this module.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from scanner.redact import Redactor
from scanner.text import printable

FILE_BYTES = 5 << 20
OLD_FILES = 4
TRACE = "trace_lines"

_redact = Redactor()


def hide(secrets: Iterable[str]) -> None:
    """From here on these are not to be read in anything that passes through here."""
    _redact.learn(secrets)


def clean(text: str) -> str:
    """``text`` without secrets, and safe for a terminal."""
    return printable(_redact(text))


def _at(record: logging.LogRecord) -> str:
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{at}.{int(record.msecs):03d}Z"


def _trace(record: logging.LogRecord, form: logging.Formatter) -> list[str]:
    told: Sequence[str] = getattr(record, TRACE, ())
    if told:  # of another process
        return [clean(line) for line in told]
    if not record.exc_info:
        return []
    return [clean(line) for line in form.formatException(record.exc_info).splitlines()]


class Lines(logging.Formatter):
    """``2026-11-22T10:00:00.123Z warning: text``; a traceback stays on its own, indented lines."""

    def format(self, record: logging.LogRecord) -> str:
        """One record as a line, and an indented line for each line of its traceback."""
        line = f"{_at(record)} {record.levelname.lower()}: {clean(record.getMessage())}"
        return line + "".join(f"\n    {part}" for part in _trace(record, self))


class Objects(logging.Formatter):
    """``{"at", "level", "logger", "text"}`` and, with an exception, ``"trace"``: its lines."""

    def format(self, record: logging.LogRecord) -> str:
        """One record as a JSON object on one line."""
        told: dict[str, object] = {
            "at": _at(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": clean(record.getMessage()),
        }
        if trace := _trace(record, self):
            told["trace"] = trace
        return json.dumps(told, ensure_ascii=False)


def start(level: str) -> None:
    """Log ``level`` (debug, info, warning, error) and above to standard error from here on."""
    _use(logging.StreamHandler(sys.stderr), Lines())
    set_level(level)
    logging.captureWarnings(True)


class Forward(logging.Handler):
    """Hands on every record: its level, its logger, its text, the lines of its traceback."""

    def __init__(self, take: Callable[[int, str, str, tuple[str, ...]], object]) -> None:
        super().__init__()
        self._take = take

    def emit(self, record: logging.LogRecord) -> None:
        """Any thread may log."""
        trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
        self._take(record.levelno, record.name, record.getMessage(), tuple(trace.splitlines()))


def forward(take: Callable[[int, str, str, tuple[str, ...]], object], level: str) -> None:
    """Hand on what is logged from here on, to where ``repeat`` logs it."""
    _use(Forward(take), Lines())
    set_level(level)
    logging.captureWarnings(True)


def repeat(level: int, logger: str, text: str, trace: tuple[str, ...]) -> None:
    """Log what another process has handed on."""
    logging.getLogger(logger).log(level, "%s", text, extra={TRACE: trace})


def set_level(level: str) -> None:
    """The least that is logged from here on; where to stays as it is."""
    logging.getLogger().setLevel(level.upper())


def level() -> str:
    """The least that is logged."""
    return logging.getLevelName(logging.getLogger().level).lower()


def to_file(path: Path) -> Path | None:
    """Log to the file at ``path`` from here on, a few old files beside it, and nothing to standard
    error any more. Where it cannot be written, to one in a folder for temporary files; the path of
    the one in use, or None where there is none and the log is lost."""
    handler, place = _file(lambda: path) or _file(_temporary) or (logging.NullHandler(), None)
    _use(handler, Objects())
    return place


def _temporary() -> Path:
    import tempfile

    return Path(tempfile.mkdtemp(prefix="crossbook-")) / "crossbook.log"


def _file(place: Callable[[], Path]) -> tuple[logging.Handler, Path] | None:
    from logging.handlers import RotatingFileHandler

    try:
        path = place()
        path.parent.mkdir(parents=True, exist_ok=True)
        return RotatingFileHandler(
            path, maxBytes=FILE_BYTES, backupCount=OLD_FILES, encoding="utf-8"
        ), path
    except OSError:
        return None


def _use(handler: logging.Handler, form: logging.Formatter) -> None:
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old.formatter, Lines | Objects)]:
        root.removeHandler(old)
        old.close()
    handler.setFormatter(form)
    root.addHandler(handler)
    logging.raiseExceptions = False  # a closed terminal or a full disk must not end the program
