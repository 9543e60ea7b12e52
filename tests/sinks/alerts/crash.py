"""A process with alerts and a database, to be killed: ``crash.py URL HOOK FIRST COUNT``.

It finds COUNT opportunities, a few milliseconds apart, with ids from FIRST on, prints ``begun``
once the first is found, and goes on until it is killed or its input ends.
"""

from __future__ import annotations

import sys
import time

from scanner import clock
from scanner.alerting import alerts, stored_log
from scanner.sinks.alerts.log import StoredLog
from storage.spool import Batch
from storage.writer import Limits, Writer
from tests.sinks.alerts.samples import found, settings


def main(url: str, hook: str, first: int, count: int) -> None:
    records: StoredLog

    def committed(batch: Batch) -> None:
        records.committed(batch.alerts)

    writer = Writer(
        url,
        version="1",
        config_text="",
        now=clock.now,
        committed=committed,
        limits=Limits(batch_seconds=0.02),
    )
    records = stored_log(writer, url)
    rule = {"to": ("hook",), "cooldown_s": 0.0, "digest": {"after": 1000}}
    asked = settings(channels={"hook": hook}, timeout_s=2.0, rules={"r": rule})
    told = alerts(asked, records, show=print, ring=print)
    writer.start()
    told.start()
    for number in range(first, first + count):
        at = clock.now()
        told(found(number, at=at, opened_at=at))
        if number == first:
            print("begun", flush=True)
        time.sleep(0.005)
    sys.stdin.read()
    told.close(5.0)
    writer.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
