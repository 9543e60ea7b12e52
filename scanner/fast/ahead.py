"""What a message will need is asked for before it is needed, and comes from memory while its levels
are read.

Among a thousand symbols little of it is in the nearer caches: a dozen lines of the book itself, and
three for every book that it is compared with. What each step needs, the one before has brought.
"""

from __future__ import annotations

from scanner.books import layout as B
from scanner.books.jit import inlined
from scanner.books.memory import LINE, fetch
from scanner.engine.ladders import cell_of
from scanner.fast import layout as L

WORD = 8
MOST_MEMBERS = 16


@inlined
def _lines(words):
    return (words * WORD + LINE - 1) // LINE


@inlined
def named(table, lane, market, book):
    """The market is known."""
    fetch(lane[2 * L.MARKETS] + market * L.MARKET_WIDTH * WORD, 1)
    fetch(table[2 * B.META] + book * B.META_WIDTH * WORD, _lines(B.META_WIDTH))
    fetch(table[2 * B.REAL] + book * B.REAL_WIDTH * WORD, _lines(B.REAL_WIDTH))


@inlined
def compared(table, meta, groups, book):
    """It will be taken, and compared with the others of its group."""
    group = meta[book * B.META_WIDTH + B.GROUP]
    if group < 0:
        return
    g = group * B.GROUP_WIDTH
    member = meta[book * B.META_WIDTH + B.MEMBER]
    count = min(groups[g + B.G_COUNT], MOST_MEMBERS)
    width = B.MEMBER_WIDTH * WORD
    fetch(table[2 * B.MEMBERS] + groups[g + B.G_MEMBERS] * width, count)
    records = table[2 * B.RECORDS] + groups[g + B.G_CELLS] * B.RECORD_BYTES
    fetch(records + cell_of(0, member) * B.RECORD_BYTES, min(member, MOST_MEMBERS))
    for later in range(member + 1, count):
        fetch(records + cell_of(member, later) * B.RECORD_BYTES, 1)
