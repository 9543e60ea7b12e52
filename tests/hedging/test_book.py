"""What a database says of the funding of shorts that are open."""

from __future__ import annotations

from pathlib import Path

from scanner.configuration.hedge import Position
from scanner.hedge.received import Paid
from scanner.hedging.book import stored
from scanner.sinks.formats import rfc3339
from storage import migrate
from storage.batch import BatchWriter
from storage.database import for_writing
from storage.location import located
from storage.retention import HOUR
from storage.spool import Batch
from tests.storage.events import SECOND, START, funding


def test_payments_come_with_the_mark_of_their_boundary(tmp_path: Path) -> None:
    url, paid_at = str(tmp_path / "a.db"), START + 8 * HOUR
    before = funding(paid_at - 60 * SECOND, mark=90.0)
    told = [
        funding(START, mark=50.0),
        before,
        funding(paid_at + 60 * SECOND, mark=99.0, settled=0.0003, settled_at=paid_at),
    ]
    engine = for_writing(located(url))
    with engine.connect() as connection:
        with connection.begin():
            migrate.upgrade(connection)
        with connection.begin():
            BatchWriter("run").write(connection, Batch(since=0, readings=told))
    engine.dispose()
    of = {"venue": before.venue, "symbol": before.symbol, "amount": 1.0, "entry_price": 1.0}
    opened = Position(**of, opened_at=rfc3339(START + HOUR))
    unsaid = Position(**of)
    found = stored(url, [opened, unsaid], paid_at + HOUR)
    assert found == [[Paid(paid_at, 0.0003, before.interval, 90.0)], None]
    assert stored(str(tmp_path / "gone.db"), [opened], paid_at) == [None]
