"""The memory of all books: which arrays there are, and what stands in which column.

Every array hangs on one *context*: an int64 array of (address, length) pairs, so that a call into a
kernel passes one integer instead of twenty arrays (unboxing an array costs about 0.06 us).

Levels live in one pool: a (book, side) owns the segment ``[offset, offset + capacity)`` of the
parallel arrays, sorted from the worst price to the best, so that the best level is at
``offset + count - 1`` and what changes most moves least.
"""

from __future__ import annotations

# context slots (each an address and a length)
PRICE, SIZE, PRICE_UNITS, SIZE_UNITS, DECIMALS = range(5)
META, REAL = 5, 6
ROW_PRICE, ROW_SIZE, ROW_PRICE_UNITS, ROW_SIZE_UNITS, ROW_DECIMALS, ROW_SIDE = range(7, 13)
MEMBERS, GROUPS, OUT_INT = 13, 14, 15
PARAM_INT, PARAM_REAL = 16, 17
CRC_TABLE, TEXT = 18, 19
RECORDS, REJECTS, SHORTFALLS = 20, 21, 22
CONVERTERS, RATES = 23, 24
SLOTS = 25

# integers of one book, META[book * META_WIDTH + column]; *_SIDE columns take + side. The first
# eight, a cache line, are all that the scan of another book asks of this one. UNPROVEN: nothing
# shows that the book equals the venue's. OVERLAID: the best bid and offer lies over the depth.
# TWO_SIDED: a taker meets a bid and an ask.
STATE, DEPTH_AT, BEST_AT, UNPROVEN, OVERLAID, TWO_SIDED = 0, 1, 2, 3, 4, 5
KEEPS_TEXT, DEPTH = 6, 7
OFFSET_SIDE, CAPACITY_SIDE, COUNT_SIDE, SKIP_SIDE = 8, 10, 12, 14
SEQUENCE, ORDER, BEST_ORDER, SENT_AT = 16, 17, 18, 19
# QUOTE: the number of its quote currency. CONVERTS: that of its base plus one if the book can turn
# one quote currency into another, else 0. WATCHED: how many open opportunities need it for that.
GROUP, MEMBER, QUOTE, CONVERTS, WATCHED = 20, 21, 22, 23, 24
# how far our clock was ahead of the venue's times at least: now, and before; and when a message
# came last (``scanner.books.lag``)
LEAST_BEHIND, LEAST_BEFORE, BEHIND_SINCE = 25, 26, 27
HEARD_AT = 28
# where messages have no time of their own: what comes is of then at the latest (0: not known)
AS_OF = 29
PRICE_DECIMALS, SIZE_DECIMALS = 30, 31
META_WIDTH = 32

# reals of one book, REAL[book * REAL_WIDTH + column]; *_SIDE columns take + side
BEST_PRICE_SIDE, BEST_SIZE_SIDE = 0, 2
# from what the venue shows to quote for one of base, and to base; INVERSE: sizes are of quote
PRICE_SCALE, SIZE_SCALE, INVERSE = 4, 5, 6
# fees: quote paid (ask) or received (bid) for one of net base, per price; net base per size
RATE_SIDE, UNIT_SIDE = 7, 9
# the most that may be spent (ask, in quote) and given away (bid, in base) in one trade
CAP_SIDE = 11
REAL_WIDTH = 16

# what scan parameters there are
MAX_AGE, MAX_SKEW, MAX_LEAD = 0, 1, 2
LEAD = 250_000_000  # MAX_LEAD where nothing else is said, ns
UNPROVEN_TOO, CONVERSIONS_ROSE = 4, 5
MIN_NET_BPS, MIN_PROFIT = 0, 1

# the books of one base currency, GROUPS[group * GROUP_WIDTH + column]: how many there are, for how
# many there is room, where their rows and the cells of their routes begin, how many routes across
# quotes are open
G_COUNT, G_CAPACITY, G_MEMBERS, G_CELLS, G_OPEN_ACROSS = 0, 1, 2, 3, 4
GROUP_WIDTH = 8
# one of them, a cache line: its touch as it was last seen (reals; without a side as if nobody could
# trade there), its book and the number of its quote currency (integers)
NET_ASK, NET_BID, PLAIN_ASK, PLAIN_BID = 0, 1, 2, 3
MEMBER_BOOK, MEMBER_QUOTE = 4, 5
MEMBER_WIDTH = 8
ROOM = 16

# what is kept of a route: 32 bytes, of which the first eight are a real of 64 bits, then three of
# 32 bits, two integers of 32 bits, and one of which a byte is used. A route and its way back are
# neighbours, in one line, and each column counts in elements of its own size.
# RECORD_SUM to RECORD_POSITIVE sum up the net edge at the touch, in bps, until they are taken;
# RECORD_STANDING is 1 if something is open on the route, plus the code that bars it, if any, twice.
RECORD_BYTES = 32
MOST_EDGE = 1e30  # bps: what is absurd stays a number of 32 bits
RECORD_SUM = 0
RECORD_LAST, RECORD_LOW, RECORD_HIGH = 2, 3, 4
RECORD_SAMPLES, RECORD_POSITIVE = 5, 6
RECORD_STANDING = 28
STANDS = 1

# a route found by the scan
ROUTE_BUY, ROUTE_SELL, ROUTE_CODE = 0, 1, 2
ROUTE_INT_WIDTH = 4

# codes of a route: what stops it; NO_EDGE: nothing is left after fees
OK, NOT_LIVE, TOO_OLD, TOO_SKEWED, NO_EDGE = 0, 1, 2, 3, 4
LESS_THAN_BPS, LESS_THAN_PROFIT = 5, 6
NOT_PROVEN, OTHER_ASSET, IN_QUARANTINE = 7, 8, 9
NO_CONVERSION, UNDER_LOT, UNDER_MINIMUM, NO_CAPITAL, NO_TRANSFER = 10, 11, 12, 13, 14
# the code of a row that is no route: the book ROUTE_SELL, on which open ones depend, has changed
DEPENDS = 15
CODES = 16

# quote currencies that can be told apart, and how RATES and CONVERTERS hold what turns one into
# another: for each pair (from * QUOTES + to) the best rate after fees and before, when that book
# was proven, and the first row of a list of (book, side that is taken, next row)
QUOTES = 32
PAIRS = QUOTES * QUOTES
RATE_NET, RATE_PLAIN = 0, PAIRS
CONVERTED_AT, CONVERTER_FIRST, CONVERTER_ROWS = 0, PAIRS, 2 * PAIRS
CONVERTER_BOOK, CONVERTER_SIDE, CONVERTER_NEXT = 0, 1, 2
CONVERTER_WIDTH = 4
ALWAYS = 1 << 62

# errors of the kernels (negative; counts are not)
SYNTAX, NUMBER, INEXACT, TOO_MANY, GROW, UNSORTED = -1, -2, -3, -4, -5, -6

LARGEST_EXACT = 1 << 53
LARGEST_SCALE = 22
