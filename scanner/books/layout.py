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
MEMBERS, GROUPS, STANDING = 13, 14, 15
OUT_INT, TOUCHES = 16, 17
PARAM_INT, PARAM_REAL = 18, 19
CRC_TABLE, TEXT = 20, 21
EDGES, EDGE_COUNTS = 22, 23
REJECTS, SHORTFALLS = 24, 25
CONVERTERS, RATES = 26, 27
SLOTS = 28

# integers of one book, META[book * META_WIDTH + column]; *_SIDE columns take + side
OFFSET_SIDE, CAPACITY_SIDE, COUNT_SIDE = 0, 2, 4
OVERLAY_SIDE, SKIP_SIDE = 6, 8
STATE, SEQUENCE, ORDER, BEST_ORDER = 10, 11, 12, 13
DEPTH_AT, BEST_AT, SENT_AT = 14, 15, 16
GROUP, MEMBER, DEPTH, KEEPS_TEXT = 17, 18, 19, 20
PRICE_DECIMALS, SIZE_DECIMALS = 21, 22
# QUOTE: the number of its quote currency. CONVERTS: that of its base plus one if the book can turn
# one quote currency into another, else 0. WATCHED: how many open opportunities need it for that.
# UNPROVEN: nothing shows that the book equals the venue's.
QUOTE, CONVERTS, WATCHED, UNPROVEN = 23, 24, 25, 26
# how far our clock was ahead of the venue's times at least: now, and before; and when a message
# came last (``scanner.books.lag``)
LEAST_BEHIND, LEAST_BEFORE, BEHIND_SINCE = 27, 28, 29
HEARD_AT = 30
# where messages have no time of their own: what comes is of then at the latest (0: not known)
AS_OF = 31
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
# one of them: its book and the number of its quote currency; and its touch as it was last seen
MEMBER_BOOK, MEMBER_QUOTE = 0, 1
MEMBER_WIDTH = 2
NET_ASK, NET_BID, PLAIN_ASK, PLAIN_BID = 0, 1, 2, 3
TOUCH_WIDTH = 4
ROOM = 16

# STANDING of a route: 1 if something is open on it, plus the code that bars it, if any, twice
STANDS = 1

# a route found by the scan
ROUTE_BUY, ROUTE_SELL, ROUTE_CODE = 0, 1, 2
ROUTE_INT_WIDTH = 4

# what is summed up for each route until it is taken: net edge at the touch, in bps
EDGE_LAST, EDGE_LOW, EDGE_HIGH, EDGE_SUM = 0, 1, 2, 3
EDGE_WIDTH = 4
EDGE_SAMPLES, EDGE_POSITIVE = 0, 1
EDGE_COUNT_WIDTH = 2

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
