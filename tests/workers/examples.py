"""Events and a frame to send about."""

from __future__ import annotations

from scanner.events import Leg, Opportunity
from scanner.view.frame import Frame, Row, Totals

LEG = Leg(venue="okx", symbol="X/Q", levels=((1.5, 2.0),), fee_rate=0.001, age_ms=1.0)


def opportunity(number: int) -> Opportunity:
    return Opportunity(
        event="opened",
        id=str(number),
        kind="spot-spot",
        symbol="X/Q",
        at=1,
        buy=LEG,
        sell=LEG,
        size=1.0,
        gross_bps=1.0,
        net_bps=1.0,
        net_profit=1.0,
        currency="Q",
        opened_at=1,
        peak_net_bps=1.0,
        peak_net_profit=1.0,
    )


TOTALS = Totals(since=0, books=0, live=0, rate=0.0, open=0, opened=0, best_bps=0.0, best_symbol="")
ROW = Row(symbol="X/Q", base="X", quote="Q", trend=(1.0, None))
FRAME = Frame(
    at=1, rows=(ROW,), details=(), venues=(), services=(), events=(), bells=0, totals=TOTALS
)
