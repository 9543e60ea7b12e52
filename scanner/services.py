"""What runs beside the scan, in threads of its own: the database and the alerts."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from scanner import __version__, clock
from scanner.alerting import alerts, stored_log
from scanner.config import Config
from scanner.configuration.alerts import AlertSettings
from scanner.logs import clean
from scanner.sinks.alerts.delivery import Alerts
from scanner.sinks.alerts.desk import Job
from scanner.sinks.alerts.log import AlertLog, MemoryLog, StoredLog
from scanner.sinks.fanout import Fanout
from scanner.view.frame import Kind, ServiceLine
from scanner.view.window import Window

if TYPE_CHECKING:
    from storage.spool import Batch
    from storage.writer import Writer

log = logging.getLogger(__name__)


class Services:
    """The database writer (None: nothing is kept) and the alerts of a run."""

    def __init__(self, writer: Writer | None, told: Alerts) -> None:
        self.writer = writer
        self.alerts = told

    def banner(self) -> str:
        """What must not be overlooked; empty when all is well."""
        if self.writer is None:
            return ""
        state = self.writer.state()
        if state.persisting:
            return ""
        lost = f", {state.dropped} rows lost" if state.dropped else ""
        return f"NOT PERSISTING: {state.error}; {state.remedy} ({state.waiting} rows wait{lost})"

    def database_line(self) -> ServiceLine:
        """The health of the database."""
        if self.writer is None:
            return ServiceLine("database", True, "none: nothing is kept")
        state = self.writer.state()
        text = state.error or f"{state.written} rows written, {state.waiting} wait"
        return ServiceLine("database", state.persisting, text)

    def alerts_line(self) -> ServiceLine:
        """The health of the receivers of alerts; of those that fail, the first is named."""
        state = self.alerts.state()
        if state.failing:
            channel = state.failing[0]
            return ServiceLine("alerts", False, f"{channel.name}: {channel.error}")
        sent = sum(channel.sent for channel in state.channels)
        waiting = sum(channel.waiting for channel in state.channels)
        return ServiceLine("alerts", True, f"{sent} sent, {waiting} wait")


@contextmanager
def services(config: Config, database: str, fanout: Fanout, view: Window) -> Iterator[Services]:
    """Both, running while the block does, and listening to ``fanout``.

    ``database``: where to keep what is found (empty: nowhere). Raises ``CrossbookError`` if that
    names no database; one that cannot be reached is no error, only a banner.
    """
    writer, records = _database(config, database)
    told = _alerts(config.alerts, records, view)
    running = Services(writer, told)
    if writer is not None:
        fanout.add(writer)
        writer.start()
    fanout.add(told)
    told.start()
    try:
        yield running
    finally:
        told.close(2.0)
        if writer is not None:
            writer.close(2.0)


def _database(config: Config, url: str) -> tuple[Writer | None, AlertLog]:
    if not url:
        return None, MemoryLog()
    from storage.retention import Keep
    from storage.writer import Writer

    kept: list[StoredLog] = []

    def committed(batch: Batch) -> None:
        for each in kept:
            each.committed(batch.alerts)

    writer = Writer(
        url,
        version=__version__,
        config_text=clean(config.model_dump_json()),
        now=clock.now,
        keep=Keep(days=config.database.retention_days, max_mb=config.database.max_size_mb),
        committed=committed,
    )
    log.info("keeping what is found in %s", writer.place)
    kept.append(stored_log(writer, url))
    return writer, kept[0]


def _alerts(settings: AlertSettings, records: AlertLog, view: Window) -> Alerts:
    def show(job: Job) -> None:
        log.info("alert %s: %s", job.rule, job.text.partition("\n")[0])
        view.say(Kind.ALERT, job.rule, job.text, job.at)

    def ring(job: Job) -> None:
        view.ring()

    return alerts(settings, records, show=show, ring=ring, tell=view)
