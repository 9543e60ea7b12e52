"""What waits, within its bound."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scanner.events import Opportunity
from storage.draft import Draft
from storage.spool import Batch, Spool
from tests.storage.events import ID, SECOND, START, closed, feed_event, minute, opened, updated


def spool(limit: int = 1000) -> Spool:
    return Spool(limit, lambda: START)


def test_nothing_waits_at_first() -> None:
    waiting = spool()
    assert waiting.take(10) is None
    assert waiting.waiting() == (0, 0)


def test_many_events_of_one_are_one_draft() -> None:
    waiting = spool()
    last = opened()
    waiting.add(last)
    for n in range(100):
        last = updated(last, START + n, 9.0)
        waiting.add(last)
    assert waiting.waiting()[0] == 1 + 2 + 1  # itself, two states, one sample
    batch = waiting.take(1000)
    assert batch is not None
    draft = batch.drafts[ID.format(1)]
    assert (draft.updates, draft.opened, draft.peak, draft.last) == (100, opened(), None, last)
    assert batch.rows == 4


def test_what_is_taken_still_waits_until_it_is_written() -> None:
    waiting = spool()
    waiting.add(minute())
    waiting.take(10)
    assert waiting.waiting() == (1, START)
    waiting.written()
    assert waiting.waiting() == (0, 0)


def test_a_batch_has_about_as_many_rows_as_asked_for() -> None:
    waiting = spool()
    for n in range(10):
        waiting.add(minute(START + n))
        waiting.add(feed_event())
    sizes = []
    while (batch := waiting.take(8)) is not None:
        sizes.append((len(batch.feed_events), len(batch.readings)))
        waiting.written()
    assert sizes == [(8, 0), (2, 6), (0, 4)]


def test_what_comes_back_goes_first() -> None:
    waiting = spool()
    for n in range(4):
        waiting.add(minute(START + n))
    waiting.take(2)
    waiting.add(minute(START + 9))
    waiting.given_back()
    batch = waiting.take(10)
    assert batch is not None
    assert [one.at - START for one in batch.readings] == [0, 1, 2, 3, 9]


def test_a_draft_that_comes_back_keeps_its_opening_and_takes_the_newer_end() -> None:
    waiting = spool()
    first = opened()
    higher = updated(first, START + SECOND, 12.0)
    end = closed(higher, START + 2 * SECOND)
    waiting.add(first)
    waiting.add(higher)
    waiting.take(100)
    waiting.add(end)
    waiting.given_back()
    batch = waiting.take(100)
    assert batch is not None
    draft = batch.drafts[first.id]
    assert (draft.opened, draft.peak, draft.last) == (first, higher, end)
    assert draft.updates == 1
    assert waiting.waiting()[0] == batch.rows


def test_samples_go_first_and_opportunities_last() -> None:
    waiting = spool(8)
    waiting.add(opened(1))  # three rows: itself, its state, its sample
    waiting.add(feed_event())
    waiting.add(minute(START))
    waiting.add(minute(START + 1))
    assert waiting.losses == {}
    waiting.add(opened(2))
    assert waiting.losses == {"sample": 1}
    waiting.add(feed_event())
    assert waiting.losses == {"sample": 2}
    waiting.add(feed_event())
    waiting.add(feed_event())
    assert waiting.losses == {"sample": 2, "route_minute": 2}
    waiting.add(opened(3))
    assert waiting.losses == {"sample": 3, "route_minute": 2, "feed_event": 2}
    waiting.add(opened(4))
    assert waiting.losses == {"sample": 4, "route_minute": 2, "feed_event": 4}
    waiting.add(opened(5))
    assert waiting.losses["opportunity"] == 1
    batch = waiting.take(100)
    assert batch is not None
    assert list(batch.drafts) == [ID.format(n) for n in (2, 3, 4, 5)]


def test_it_knows_which_are_open_or_still_to_be_closed() -> None:
    waiting = spool()
    for n in (1, 2, 3):
        waiting.add(opened(n))
    waiting.add(closed(opened(2), START + 1))
    waiting.take(100)
    waiting.add(closed(opened(3), START + 1))
    assert waiting.open_ids() == {ID.format(n) for n in (1, 2, 3)}
    waiting.written()
    assert waiting.open_ids() == {ID.format(n) for n in (1, 3)}


def test_what_it_does_not_know_it_ignores() -> None:
    assert spool().add("something else") == 0


class Table:
    """What a database would hold after the same batches."""

    def __init__(self) -> None:
        self.last: dict[str, Opportunity] = {}
        self.states: dict[tuple[str, str], Opportunity] = {}
        self.updates: dict[str, int] = {}
        self.samples: dict[tuple[str, int], object] = {}

    def write(self, batch: Batch) -> None:
        for key, draft in batch.drafts.items():
            self.last[key], self.updates[key] = draft.last, draft.updates
            for name in ("opened", "peak"):
                if (state := getattr(draft, name)) is not None:
                    self.states[key, name] = state
        self.samples |= {(sample[0], sample[1]): sample for sample in batch.samples}


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("event"), st.integers(1, 3), st.integers(0, 30)),
        st.tuples(st.just("take"), st.integers(1, 12), st.booleans()),
    ),
    max_size=60,
)


@given(ACTIONS)
def test_however_it_is_cut_into_batches_the_same_is_written(actions: list[tuple]) -> None:  # type: ignore[type-arg]
    """Batches that fail and come back, at any place, change nothing of the outcome."""
    cut, whole = spool(), spool()
    table, expected = Table(), Table()
    lives: dict[int, Opportunity] = {}
    at = START
    for what, *values in actions:
        if what == "event":
            number, bps = values
            at += SECOND // 3
            event = _next(lives, number, float(bps), at)
            cut.add(event)
            whole.add(event)
        else:
            limit, works = values
            batch = cut.take(limit)
            if batch is not None:
                table.write(batch)  # the commit may have come through without our knowing
            if works:
                cut.written()
            else:
                cut.given_back()
    for source, target in ((cut, table), (whole, expected)):
        while (batch := source.take(5)) is not None:
            target.write(batch)
            source.written()
        assert source.waiting() == (0, 0)
    assert vars(table) == vars(expected)


def _next(lives: dict[int, Opportunity], number: int, bps: float, at: int) -> Opportunity:
    last = lives.pop(number, None)
    if last is None:
        # A new life under a new id, as the engine does it.
        lives[number] = opened(number + 3 * ((at - START) // (SECOND // 3)), at, bps)
        return lives[number]
    if bps < 5:
        return closed(last, at)
    lives[number] = updated(last, at, bps)
    return lives[number]


@given(st.lists(st.integers(0, 5), max_size=80), st.integers(1, 20))
def test_never_more_waits_than_allowed(kinds: list[int], limit: int) -> None:
    waiting = spool(limit)
    given_in = 0
    for n, kind in enumerate(kinds):
        match kind:
            case 0:
                waiting.add(opened(n))
            case 1:
                waiting.add(closed(opened(n), START + 1))
            case 2:
                waiting.add(minute(START + n))
            case 3:
                waiting.add(feed_event())
            case 4:
                waiting.take(3)
            case 5:
                waiting.given_back()
        given_in += kind < 4
        assert waiting._rows <= max(limit, 0)
    batch = waiting.take(10**6)
    if batch is not None:
        assert waiting._rows == 0
        assert batch.rows <= limit


def test_drafts_count_their_rows() -> None:
    first = opened()
    assert Draft(first, 0, opened=first).rows == 2
    higher = updated(first, START + 1, 12.0)
    assert Draft(higher, 1, opened=first, peak=higher).rows == 4
    assert Draft(higher, 1).rows == 2
