"""What every route of one symbol showed, flagged or not, summed up until it is taken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from scanner.books import layout as L
from scanner.engine.groups import Groups
from scanner.events import RouteMinute
from scanner.types import Market


def take_minutes(groups: Groups, markets: Mapping[int, Market], at: int) -> Iterator[RouteMinute]:
    """The summaries since they were last taken, as of the time ``at``."""
    for group in groups.numbers.values():
        books = groups.books(group)
        edges = groups.cells(group, L.EDGES, L.EDGE_WIDTH)
        counts = groups.cells(group, L.EDGE_COUNTS, L.EDGE_COUNT_WIDTH)
        for i, j in np.argwhere(counts[:, :, L.EDGE_SAMPLES]).tolist():
            buyer, seller = markets[books[i]], markets[books[j]]
            samples, positive = counts[i, j].tolist()
            last, low, high, total = edges[i, j].tolist()
            yield RouteMinute(
                at=at,
                symbol=buyer.symbol,
                buy=buyer.venue,
                sell=seller.venue,
                samples=samples,
                positive=positive,
                low_bps=low,
                high_bps=high,
                mean_bps=total / samples,
                last_bps=last,
            )
        counts[:] = 0
