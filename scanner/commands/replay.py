"""``crossbook replay``: recordings in, lines out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from scanner.app import FORMS, Output
from scanner.config import Config
from scanner.configuration import settings
from scanner.errors import RecordingError
from scanner.replay import replay
from scanner.replay.recordings import find
from scanner.warm import compiled

log = logging.getLogger(__name__)
OUTCOMES = {Output.PLAIN: replay.text_line, Output.JSON: replay.json_line}


def run_replay(paths: Sequence[Path], *, config: Config | None, output: Output) -> int:
    """Print what is flagged on the way and, at the end, what came of each market; the exit code,
    which is 1 if a recording could not be read: the others are replayed all the same."""
    find(paths)  # what is not there is said before anything takes time
    if not compiled():
        log.info("compiling kernels (up to a minute, once per machine) ...")
    form, outcome_form = FORMS[output], OUTCOMES[output]
    broken: list[RecordingError] = []

    def fail(error: RecordingError) -> None:
        broken.append(error)
        log.error("left out: %s", error)

    outcomes = replay.replay(
        paths,
        emit=lambda opportunity: print(form(opportunity)),
        say=log.warning,
        thresholds=settings.thresholds(config) if config else None,
        bounds=settings.bounds(config) if config else None,
        fail=fail,
    )
    for outcome in outcomes:
        print(outcome_form(outcome))
    return RecordingError.exit_code if broken else 0
