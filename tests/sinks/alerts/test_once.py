"""Never twice: the desk and the log in the database through random hours of outages and crashes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from random import Random

from scanner.events import Alert
from scanner.sinks.alerts.channel import Outcome
from scanner.sinks.alerts.desk import Desk, Job
from scanner.sinks.alerts.log import StoredLog
from scanner.sinks.alerts.rules import Hit
from tests.sinks.alerts.samples import SECOND, START, found, settings

SETTINGS = settings(
    channels={"phone": "json://127.0.0.1:1/x", "desk": "json://127.0.0.1:2/x"},
    rules={"r": {"to": ("phone", "desk"), "cooldown_s": 0.0, "digest": {"after": 1000}}},
)


class World:
    """Runs that crash, a database that is away at times, receivers that answer late or never.

    ``arrived`` counts, by alert, what a receiver has really got.
    """

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.at = START
        self.rows: dict[str, Alert] = {}
        self.away = False
        self.arrived: Counter[str] = Counter()
        self.taken_over = 0
        self.crashes = 0
        self.ids = 0
        self.begin()

    def begin(self) -> None:
        """A run begins. What the one before had in memory is gone, its messages are under way."""
        self.spool: dict[str, Alert] = {}
        self.mine: set[str] = set()
        self.flying: list[tuple[Job, Outcome]] = []
        self.resumed = False
        self.log = StoredLog(
            self.write,
            persisting=self.persisting,
            adopt=self.adopt,
            sent=lambda since: [],
            patience=0.0,
        )
        self.desk = Desk(
            SETTINGS, self.log, new_id=self.new_id, rng=self.rng, clean=lambda text: text
        )

    def new_id(self, at: int) -> str:
        self.ids += 1
        return f"alert-{self.ids}"

    # --- the database ---------------------------------------------------------------------------

    def write(self, alert: Alert) -> None:
        self.spool[alert.id] = alert
        self.mine.add(alert.id)
        if self.rng.random() < 0.5:
            self.commit()

    def commit(self) -> None:
        if not self.away:
            self.rows |= self.spool
            written, self.spool = self.spool, {}
            self.log.committed(written)

    def persisting(self) -> bool:
        return not self.away or self.rng.random() < 0.2  # that it is away is noticed late

    def adopt(self, channels: Collection[str], expired: int) -> Sequence[Alert]:
        if self.away:
            raise OSError("the database is away")
        pending = [row for row in self.rows.values() if row.state == "pending"]
        left = [row for row in pending if row.id not in self.mine]
        self.mine |= {row.id for row in left}
        self.taken_over += len(left)
        return left

    # --- what happens ---------------------------------------------------------------------------

    def step(self) -> None:
        self.at += self.rng.randrange(5 * SECOND)
        chance = self.rng.random()
        if chance < 0.02:
            self.crashes += 1
            self.begin()
        elif chance < 0.06:
            self.away = not self.away
        elif chance < 0.30:
            self.ids += 1
            self.desk.hit(Hit("r", found(self.ids), self.at), self.at)
        elif chance < 0.50:
            self.commit()
        elif chance < 0.80 and self.flying:
            job, outcome = self.flying.pop(self.rng.randrange(len(self.flying)))
            error = "" if outcome is Outcome.SENT else "down"
            self.desk.answered(job.id, outcome, error, self.at)
        self.resumed = self.resumed or self.desk.resume(self.at)
        self.desk.overdue(self.at)
        for job in self.desk.jobs(self.at):
            self.send(job)

    def send(self, job: Job) -> None:
        """It arrives or it does not; what is heard of it, if the run lives to hear it, may leave
        that open."""
        arrives = self.rng.random() < 0.5
        self.arrived[job.id] += arrives
        known = Outcome.SENT if arrives else Outcome.REFUSED
        self.flying.append((job, self.rng.choice((known, known, Outcome.UNKNOWN))))


def test_nothing_arrives_twice() -> None:
    crashes = taken_over = arrived = tried_again = 0
    for seed in range(150):
        world = World(seed)
        for _ in range(400):
            world.step()
        assert max(world.arrived.values()) == 1, seed
        crashes += world.crashes
        taken_over += world.taken_over
        arrived += world.arrived.total()
        tried_again += sum(row.attempts > 1 for row in world.rows.values())
    # The hours were not idle ones.
    assert min(crashes, taken_over, arrived, tried_again) > 500
