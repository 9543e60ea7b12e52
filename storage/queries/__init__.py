"""Questions to a database and their answers: ``open_reader`` is where to begin."""

from storage.queries.filter import By, Filter, Sort
from storage.queries.grouping import Group
from storage.queries.reader import Reader, TooSlow, open_reader
from storage.queries.records import (
    Detail,
    Info,
    RouteFigures,
    Sample,
    SpreadPoint,
    State,
    Stored,
)
from storage.queries.survival import Latency, Moment

__all__ = [
    "By",
    "Detail",
    "Filter",
    "Group",
    "Info",
    "Latency",
    "Moment",
    "Reader",
    "RouteFigures",
    "Sample",
    "Sort",
    "SpreadPoint",
    "State",
    "Stored",
    "TooSlow",
    "open_reader",
]
