"""What a message will need is asked for before it is needed, and comes from memory while its levels
are read.

Among a thousand symbols little of it is in the nearer caches: a dozen lines of the book itself, and
three for every book that it is compared with. What each step needs, the one before has brought.
"""

from __future__ import annotations

from scanner.books import layout as B
from scanner.books.jit import inlined
from scanner.books.memory import ELEMENT, fetch
from scanner.engine.ladders import cell_of
from scanner.fast import layout as L

MOST_MEMBERS = 16
RECORD = B.RECORD_BYTES // ELEMENT


@inlined
def named(table, lane, market, book):
    """The market is known."""
    fetch(lane, L.MARKETS, market * L.MARKET_WIDTH, L.MARKET_WIDTH)
    fetch(table, B.META, book * B.META_WIDTH, B.META_WIDTH)
    fetch(table, B.REAL, book * B.REAL_WIDTH, B.REAL_WIDTH)


@inlined
def compared(table, meta, groups, book):
    """It will be taken, and compared with the others of its group."""
    group = meta[book * B.META_WIDTH + B.GROUP]
    if group < 0:
        return
    g = group * B.GROUP_WIDTH
    member = meta[book * B.META_WIDTH + B.MEMBER]
    count = min(groups[g + B.G_COUNT], MOST_MEMBERS)
    fetch(table, B.MEMBERS, groups[g + B.G_MEMBERS] * B.MEMBER_WIDTH, count * B.MEMBER_WIDTH)
    cells = groups[g + B.G_CELLS]
    earlier = min(member, MOST_MEMBERS)
    fetch(table, B.RECORDS, (cells + cell_of(0, member)) * RECORD, earlier * 2 * RECORD)
    for later in range(member + 1, count):
        fetch(table, B.RECORDS, (cells + cell_of(member, later)) * RECORD, 2 * RECORD)
