"""Alerts put together: the settings, the log in the database, the ids, the clock."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from scanner import clock
from scanner.configuration.alerts import AlertSettings
from scanner.engine.ids import Ids
from scanner.events import Alert
from scanner.sinks.alerts.delivery import Alerts
from scanner.sinks.alerts.desk import Job
from scanner.sinks.alerts.log import AlertLog, StoredLog, ToldLog

if TYPE_CHECKING:
    from storage.writer import Writer

MOST_REMEMBERED = 1_000


def stored_log(writer: Writer, url: str) -> StoredLog:
    """The log that records through ``writer``.

    The writer's ``committed`` is to pass the alerts of each batch on to the log's, from the start.
    """

    def sent(since: int) -> Sequence[Alert]:
        from storage.queries import open_reader

        reader = open_reader(url)
        try:
            return reader.alerts(since=since, states=("sent",), limit=MOST_REMEMBERED)
        finally:
            reader.close()

    def adopt(channels: Collection[str], expired: int) -> Sequence[Alert] | None:
        from storage.alerts import adopt

        return adopt(url, writer.run_id, channels, expired)

    return StoredLog(writer, persisting=lambda: writer.state().persisting, adopt=adopt, sent=sent)


def alerts(
    settings: AlertSettings,
    records: AlertLog,
    *,
    show: Callable[[Job], object],
    ring: Callable[[Job], object],
    tell: Callable[[Alert], object] | None = None,
) -> Alerts:
    """The alerts of a run; see ``Alerts``. ``tell`` is a sink for ``Alert``: it is given each as it
    comes to be and as it changes, for what shows them."""
    return Alerts(
        settings,
        ToldLog(records, tell) if tell else records,
        show=show,
        ring=ring,
        new_id=Ids(random.SystemRandom().getrandbits).new,
        now=clock.now,
        rng=random.Random(),
    )
