"""Alerts on this machine's terminal and bell, from a thread: a terminal may be stopped."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from queue import SimpleQueue

from scanner.sinks.alerts.channel import Outcome
from scanner.sinks.alerts.desk import Job
from scanner.sinks.alerts.wire import Answer

log = logging.getLogger(__name__)


class Here:
    """Gives each job to what its channel stands for, and answers for it."""

    def __init__(
        self, shown: Mapping[str, Callable[[Job], object]], answer: Callable[[Answer], None]
    ) -> None:
        self._shown = shown
        self._answer = answer
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="alerts here", daemon=True)
        self._thread.start()

    def send(self, job: Job) -> None:
        """Have it shown."""
        self._jobs.put(job)

    def close(self) -> None:
        """Nothing more comes; a terminal that is stopped is not waited for."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            outcome, error = Outcome.SENT, ""
            try:
                self._shown[job.channel](job)
            except Exception as failed:  # whatever it is, the next one is shown
                outcome, error = Outcome.IMPOSSIBLE, f"{type(failed).__name__}: {failed}"
                log.warning("the %s cannot be told of an alert: %s", job.channel, error)
            self._answer(Answer(id=job.id, channel=job.channel, outcome=outcome, error=error))
