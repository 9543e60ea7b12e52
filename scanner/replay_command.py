"""``crossbook replay``: recordings in, lines out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from scanner import replay, settings
from scanner.app import FORMS, Output
from scanner.config import Config
from scanner.warm import compiled

log = logging.getLogger(__name__)
OUTCOMES = {Output.PLAIN: replay.text_line, Output.JSON: replay.json_line}


def run_replay(paths: Sequence[Path], *, config: Config | None, output: Output) -> int:
    """Print what is flagged on the way and, at the end, what came of each market; the exit code."""
    if not compiled():
        log.info("compiling kernels (some seconds, once on a machine) ...")
    form, outcome_form = FORMS[output], OUTCOMES[output]
    outcomes = replay.replay(
        paths,
        emit=lambda opportunity: print(form(opportunity)),
        say=log.warning,
        thresholds=settings.thresholds(config) if config else None,
        bounds=settings.bounds(config) if config else None,
    )
    for outcome in outcomes:
        print(outcome_form(outcome))
    return 0
