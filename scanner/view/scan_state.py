"""How a scan is doing, as plain data: of one process, or of several together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from scanner.feeds.health import Health
from scanner.types import BookState

if TYPE_CHECKING:
    from scanner.engine.overview import Overview
    from scanner.pipeline import Pipeline


class Feed(Protocol):
    """Whatever knows the health of its connections."""

    def health(self) -> tuple[Health, ...]: ...


class ScanState(Struct, frozen=True, kw_only=True):
    """One moment. ``books``: how many, by venue and state; ``gaps``: books lost on a connection
    that went on; ``lags``: median ms from a venue's timestamps to ours, where it has any; ``open``:
    opportunities that are."""

    connections: tuple[Health, ...] = ()
    books: dict[str, dict[str, int]] = {}
    gaps: dict[str, int] = {}
    lags: dict[str, float] = {}
    open: int = 0


class WorkersState(Struct, frozen=True, kw_only=True):
    """How many worker processes run, how often one was started again, and how many frames for the
    screen were given up because the parent did not take them in time."""

    running: int
    restarts: int
    frames_dropped: int


def brief(feeds: Sequence[Feed]) -> ScanState:
    """What costs nothing to know."""
    return ScanState(connections=tuple(health for feed in feeds for health in feed.health()))


def full(pipeline: Pipeline, overview: Overview, feeds: Sequence[Feed]) -> ScanState:
    """Everything; looks at every book."""
    health = tuple(health for feed in feeds for health in feed.health())
    books: dict[str, dict[str, int]] = {}
    for book, market in pipeline.markets.items():
        states = books.setdefault(market.venue, {state.name.lower(): 0 for state in BookState})
        states[pipeline.store.state(book).name.lower()] += 1
    trust = overview.trust()
    return ScanState(
        connections=health,
        books=books,
        gaps={venue: pipeline.breaks[venue] for venue in books},
        lags={venue: t.lag_ms for venue, t in trust.items() if t.lag_ms is not None},
        open=pipeline.engine.open_count,
    )


def together(states: Iterable[ScanState]) -> ScanState:
    """Sums; of medians, the mean."""
    states = list(states)
    books: dict[str, Counter[str]] = {}
    gaps: Counter[str] = Counter()
    lags: dict[str, list[float]] = {}
    for state in states:
        for venue, counts in state.books.items():
            books.setdefault(venue, Counter()).update(counts)
        gaps.update(state.gaps)
        for venue, lag in state.lags.items():
            lags.setdefault(venue, []).append(lag)
    return ScanState(
        connections=tuple(health for state in states for health in state.connections),
        books={venue: dict(counts) for venue, counts in books.items()},
        gaps=dict(gaps),
        lags={venue: fmean(each) for venue, each in lags.items()},
        open=sum(state.open for state in states),
    )
