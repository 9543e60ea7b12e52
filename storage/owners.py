"""Whose sums and histograms are kept beside slices: what people ask for without naming any."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from storage.series import Wider
from storage.slices import Keys, Rows, keys_of


class Of(IntEnum):
    """Each symbol; each route; each hour of the day; each day of the week. The owner of hours and
    days is the series that stands for all symbols and routes."""

    SYMBOL = 0
    ROUTE = 1
    HOUR = 2
    WEEKDAY = 3


def owners_of(rows: Rows, wider: Wider) -> dict[Of, Keys]:
    """To whom each row belongs."""
    series, hours = rows.columns["series_id"], rows.columns["hours"].astype(np.int64)
    nowhere, both = hours * 0, wider.both[series]
    return {
        Of.SYMBOL: keys_of(wider.symbol[series], nowhere, 1),
        Of.ROUTE: keys_of(wider.route[series], nowhere, 1),
        Of.HOUR: keys_of(both, hours % 24, 24),
        Of.WEEKDAY: keys_of(both, hours // 24, 7),
    }
