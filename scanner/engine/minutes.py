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
        routes = groups.routes(group)
        records = groups.cells(group, L.RECORDS)[:, 0]
        for cell in np.flatnonzero(records["samples"]).tolist():
            buy, sell = routes[cell]
            buyer, seller = markets[buy], markets[sell]
            total, last, low, high, samples, positive, _ = records[cell].tolist()
            yield RouteMinute(
                at=at,
                symbol=buyer.symbol,
                buy=buyer.venue,
                sell=seller.venue,
                samples=samples,
                positive=positive,
                low_bps=low,
                high_bps=high,
                mean_bps=min(max(total / samples, low), high),  # these are of fewer digits
                last_bps=last,
            )
        records["samples"] = records["positive"] = 0
