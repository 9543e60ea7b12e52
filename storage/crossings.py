"""What two orders of a segment have in common: counts, sums and bests of the opportunities above a
least figure of each, without a look at any of them.

For slice ``number`` of the first order there are the sums of all slices up to it, divided by the
slice of the second order that a row is in: whoever asks adds up those above the second figure. An
order crossed by itself has the sums of what is above one figure, not divided.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations_with_replacement

import numpy as np
from msgspec import Struct

from storage.columns import Array
from storage.histogram import TOTAL
from storage.owners import Of
from storage.slices import Keys, Order, Rows, Sums


class Crossing(Struct, frozen=True):
    """As it is stored, in columns of ``opportunity_crossing``; made of so many ``rows``."""

    sorted_by: int
    crossed_by: int
    kind: int
    number: int
    others: bytes
    owners: bytes
    totals: bytes
    rows: int


def crossings(rows: Rows, owners: Mapping[Of, Keys]) -> Iterator[Crossing]:
    """All that there are of a segment."""
    for order, other in combinations_with_replacement(Order, 2):
        ranking, beside = rows.ranking(order), rows.ranking(other)
        count = len(beside.slices) if other is not order else 1
        number_in = beside.number if other is not order else np.zeros_like(beside.number)
        sums = {of: Sums(_divided(keys, number_in, count)) for of, keys in owners.items()}
        for number, chosen in enumerate(ranking.slices):
            for of, sum_ in sums.items():
                sum_.add(rows.columns, chosen)
                places, totals = sum_.some()
                yield Crossing(
                    *(int(order), int(other), int(of), number),
                    (places % count).astype(np.uint8).tobytes(),
                    owners[of].owners[places // count].tobytes(),
                    totals.tobytes(),
                    len(chosen),
                )


def above(others: bytes, owners: bytes, totals: bytes, count: int) -> tuple[Array, Array]:
    """Owners and totals of what is in the first ``count`` slices of the second order."""
    kept = np.frombuffer(others, np.uint8) < count
    of, sums = np.frombuffer(owners, "<u4"), np.frombuffer(totals, TOTAL)
    # to index records by a mask takes ten times as long
    return (of, sums) if kept.all() else (of.compress(kept), sums.compress(kept))


def _divided(keys: Keys, number: Array, count: int) -> Keys:
    """Each key once more for each of ``count`` slices."""
    return Keys(
        np.repeat(keys.owners, count), np.repeat(keys.slots, count), keys.of * count + number
    )
