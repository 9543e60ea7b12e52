"""A question about groups, on its way to the answer."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from sqlalchemy.engine import Connection

from storage.columns import Array
from storage.queries.filter import By, Filter
from storage.queries.labels import Labels
from storage.queries.tally import Tally
from storage.series import Series


class Question(Struct, frozen=True):
    """What is asked of whom, and where it is added up. ``taken``: the series that the filter takes,
    by their numbers, also wider ones; ``numbers``: from the number of a series to that of its key,
    -1 where it is not asked for."""

    connection: Connection
    asked: Filter
    by: By
    taken: Mapping[Series, int]
    labels: Labels
    numbers: Array
    tally: Tally
