"""A share of the worlds, and each guard switched off in turn: the worlds must show it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from scanner.books import layout as L
from scanner.books.lag import ConnectionClock
from scanner.books.store import BookStore
from scanner.engine.bounds import Bounds, Probing
from scanner.feeds.driver import Driver
from scanner.feeds.shell import Shell, Timing
from scanner.lane import Lane
from scanner.steps import Delta, Snapshot
from scanner.types import BookState, ChecksumRule, Depth
from scanner.venues.protocol import Venue
from scanner.venues.registry import native
from scanner.venues.sequence import Bridge, Chained, Verdict
from tests.faults import faults, link, run
from tests.faults.link import Link
from tests.faults.run import Outcome, Plan, Run
from tests.faults.truth import net_bps
from tests.repeats import repeats

Patch = pytest.MonkeyPatch
LONG = 1 << 60


def no_chain(patch: Patch) -> None:
    def delta(self: Chained, previous: int, sequence: int) -> Verdict:
        self.last = sequence
        return Verdict.APPLY

    patch.setattr(Chained, "delta", delta)


def no_checksum(patch: Patch) -> None:
    def unchecked(name: str) -> Venue:
        venue = native(name)
        assert venue is not None
        return replace(venue, checksum=ChecksumRule.NONE)

    patch.setattr(run, "native", unchecked)


def neither_age_nor_quiet(patch: Patch) -> None:
    """A book that stands still is caught by its age, and by what the venue shows over REST."""
    no_age(patch)
    patch.setattr(run, "Probing", lambda: Probing(rate=0.0))


def no_age(patch: Patch) -> None:
    patch.setattr(run, "Bounds", lambda: Bounds(max_age=LONG))


def no_comparison(patch: Patch) -> None:
    """Whatever the venue shows over REST makes a silent book as good as new."""
    patch.setattr(BookStore, "shows", lambda *args: True)


def no_skew(patch: Patch) -> None:
    patch.setattr(run, "Bounds", lambda: Bounds(max_skew=LONG))


def no_drop(patch: Patch) -> None:
    patch.setattr(Lane, "closed", lambda self, reason, at: None)


def no_crossed(patch: Patch) -> None:
    def crossed(self: Lane, market: str, at: int) -> None:
        book = self.books[market]
        self._store.set_state(book, BookState.LIVE)
        self._pipeline.engine.updated(book, at)

    patch.setattr(Lane, "_crossed", crossed)


def no_seam(patch: Patch) -> None:
    def snapshot(self: Bridge, sequence: int, step: Snapshot) -> list[Snapshot | Delta]:
        waiting = list(self._waiting)
        self._waiting.clear()
        self.last = waiting[-1][1] if waiting else sequence
        self._bridged = True
        return [step, *(entry[3] for entry in waiting)]

    patch.setattr(Bridge, "snapshot", snapshot)


def no_stall(patch: Patch) -> None:
    made = link.Shell

    def lenient(**options: object) -> Shell:
        return made(timing=Timing(stall=1e9), **options)  # type: ignore[arg-type]

    patch.setattr(link, "Shell", lenient)


def no_clock(patch: Patch) -> None:
    patch.setattr(ConnectionClock, "told", lambda self, sent_at, at: at)


def neither_clock_nor_stall(patch: Patch) -> None:
    """A process that stood still is caught by either."""
    no_clock(patch)
    no_stall(patch)


def no_lag(patch: Patch) -> None:
    received = Driver.received

    def forgetful(self: Driver, raw: bytes) -> None:
        store = self._lane._store  # type: ignore[attr-defined]
        store.array(L.META)[L.BEHIND_SINCE :: L.META_WIDTH] = 0
        received(self, raw)

    patch.setattr(Driver, "received", forgetful)


class AllFrozen(faults.Frozen):
    """No book of any venue changes: nothing is skewed, all is old."""

    lasts = (6.0, 6.0)

    def step(self, run: Run, link: Link, now: int) -> None:
        super().step(run, link, now)
        for one in run.links.values():
            one.fault = self


class ManyGaps(faults.Gap):
    """A slow channel loses enough of them."""

    share = 0.5
    lasts = (3.0, 3.0)


GUARDS: tuple[tuple[Callable[[Patch], None], type[faults.Fault], str, Depth, int], ...] = (
    (no_chain, faults.Gap, "okx", Depth.FULL, 1),
    (no_checksum, ManyGaps, "kraken", Depth.FULL, 1),
    (neither_age_nor_quiet, AllFrozen, "bybit", Depth.FULL, 1),
    (no_comparison, AllFrozen, "bybit", Depth.FULL, 1),
    (no_skew, faults.Frozen, "okx", Depth.FULL, 1),
    (no_drop, faults.Cut, "gate", Depth.TOP, 1),
    (no_crossed, faults.Crossed, "okx", Depth.FULL, 1),
    (no_seam, faults.Stale, "binance", Depth.FULL, 1),
    (no_clock, faults.Backlog, "binance", Depth.TOP, 1),
    (neither_clock_nor_stall, faults.Stall, "binance", Depth.TOP, 1),
    (no_lag, faults.Backlog, "kucoin", Depth.FULL, 1),
)


def test_a_book_that_is_frozen_is_caught_by_rest_alone(monkeypatch: Patch) -> None:
    no_age(monkeypatch)
    assert not outcome(AllFrozen, "bybit", Depth.FULL, 1).false


def outcome(fault: type[faults.Fault], venue: str, depth: Depth, seed: int) -> Outcome:
    return Run(Plan(seed, fault, venue, depth)).play()


class _Seen(Exception):
    """A flag was false."""


class _UntilFalse(Run):
    """A world that ends once a flag was false."""

    def _episodes(self, now: int) -> None:
        if self.outcome.false:
            raise _Seen
        super()._episodes(now)


@pytest.mark.parametrize(
    ("switch_off", "fault", "venue", "depth", "seed"),
    GUARDS,
    ids=[guard[0].__name__ for guard in GUARDS],
)
def test_without_the_guard_flags_are_false(
    monkeypatch: Patch,
    switch_off: Callable[[Patch], None],
    fault: type[faults.Fault],
    venue: str,
    depth: Depth,
    seed: int,
) -> None:
    switch_off(monkeypatch)
    with pytest.raises(_Seen):
        _UntilFalse(Plan(seed, fault, venue, depth)).play()


@pytest.mark.parametrize("switch_off", [no_clock, no_stall])
def test_one_of_two_guards_is_enough(
    monkeypatch: Patch, switch_off: Callable[[Patch], None]
) -> None:
    switch_off(monkeypatch)
    assert not outcome(faults.Stall, "binance", Depth.TOP, 1).false


@pytest.mark.parametrize("seed", range(3, 99, repeats(32, 16)))
def test_a_share_of_the_worlds(seed: int) -> None:
    found = run.play(seed)
    assert found.flags
    assert not found.false
    assert not found.missed


def test_what_a_trade_leaves() -> None:
    """The seed's own case: 10 bps a side eat 200 of 100,000 and a little more."""
    asks, bids = [("100000", "1")], [("100200", "1")]
    assert net_bps(asks, bids, 0.001) == 0.0
    assert net_bps(asks, bids, 0.0005) * 100_050 * 1e-4 == pytest.approx(99.90)
