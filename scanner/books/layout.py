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
MEMBERS, MEMBER_COUNT, OPEN = 13, 14, 15
OUT_INT, OUT_REAL = 16, 17
PARAM_INT, PARAM_REAL = 18, 19
CRC_TABLE, TEXT = 20, 21
EDGES, EDGE_COUNTS = 22, 23
SLOTS = 24

# integers of one book, META[book * META_WIDTH + column]; *_SIDE columns take + side
OFFSET_SIDE, CAPACITY_SIDE, COUNT_SIDE = 0, 2, 4
OVERLAY_SIDE, SKIP_SIDE = 6, 8
STATE, SEQUENCE, ORDER, BEST_ORDER = 10, 11, 12, 13
DEPTH_AT, BEST_AT, SENT_AT = 14, 15, 16
GROUP, MEMBER, DEPTH, KEEPS_TEXT = 17, 18, 19, 20
PRICE_DECIMALS, SIZE_DECIMALS = 21, 22
META_WIDTH = 24

# reals of one book, REAL[book * REAL_WIDTH + column]
BEST_PRICE_SIDE, BEST_SIZE_SIDE = 0, 2
FEE = 4
REAL_WIDTH = 8

# what scan parameters there are
MAX_AGE, MAX_SKEW, MAX_LEAD = 0, 1, 2
MIN_NET_BPS, MIN_PROFIT = 0, 1

# a route found by the scan: integers and reals
ROUTE_BUY, ROUTE_SELL, ROUTE_CODE = 0, 1, 2
ROUTE_INT_WIDTH = 4
ROUTE_QUANTITY, ROUTE_NET, ROUTE_COST, ROUTE_NOTIONAL = 0, 1, 2, 3
ROUTE_REAL_WIDTH = 4
MAX_MEMBERS = 64

# what is summed up for each route until it is taken: net edge at the touch, in bps
EDGE_LAST, EDGE_LOW, EDGE_HIGH, EDGE_SUM = 0, 1, 2, 3
EDGE_WIDTH = 4
EDGE_SAMPLES, EDGE_POSITIVE = 0, 1
EDGE_COUNT_WIDTH = 2

# codes of a route
OK, NOT_LIVE, TOO_OLD, TOO_SKEWED, NO_EDGE = 0, 1, 2, 3, 4

# errors of the kernels (negative; counts are not)
SYNTAX, NUMBER, INEXACT, TOO_MANY, GROW, UNSORTED = -1, -2, -3, -4, -5, -6

LARGEST_EXACT = 1 << 53
LARGEST_SCALE = 22
