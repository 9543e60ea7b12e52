"""``crossbook explain``: one opportunity, with all that is known of it."""

from __future__ import annotations

import json
from pathlib import Path

from scanner import clock
from scanner.errors import CrossbookError, UserError
from scanner.events import WorstFunding
from scanner.hedging.worst_funding import extremes, worst
from scanner.history import explained
from scanner.history.common import print_to, reading
from scanner.history.options import Moment, TextForm
from scanner.history.table import terminal_width
from scanner.history.wishes import id_prefix
from storage.queries import Detail, Reader

CANDIDATES = 5


def run_explain(url: str, key: str, *, moment: Moment, form: TextForm, out: Path | None) -> int:
    """Print all that is known of the opportunity whose id begins with ``key``; the exit code."""
    prefix = id_prefix(key)
    with reading(url) as reader:
        ids = reader.ids(prefix, CANDIDATES + 1)
        detail = reader.one(ids[0]) if len(ids) == 1 else None
        paid = worst_paid(reader, detail) if detail is not None else []
    if len(ids) > 1:
        more = ", ..." if len(ids) > CANDIDATES else ""
        raise UserError(f"{prefix} could be {', '.join(ids[:CANDIDATES])}{more}: give more of it")
    if detail is None:
        raise CrossbookError(
            f"{reader.place}: no opportunity {prefix} is stored; 'crossbook history' lists them"
        )
    if form is TextForm.JSON:
        print_to(out, [json.dumps(explained.fields(detail, moment, paid), allow_nan=False)])
    else:
        print_to(out, explained.lines(detail, moment, terminal_width(), paid))
    return 0


def worst_paid(reader: Reader, detail: Detail) -> list[WorstFunding]:
    """Of what is held, the worst funding that is stored until now, before it opened and after."""
    newest = detail.opportunity
    carry, buy, sell = newest.basis.carry, newest.buy, newest.sell
    if carry is None or buy is None or sell is None:
        return []
    symbols, venues = (buy.symbol, sell.symbol), (buy.venue, sell.venue)
    known = extremes(reader.readings, clock.now() + 1, symbols, venues)
    return list(worst(carry, (buy.venue, buy.symbol), (sell.venue, sell.symbol), known))
