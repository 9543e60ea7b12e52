"""The memory of one connection's fast lane: which arrays there are, what stands in which column.

As in ``scanner.books.layout``, all arrays hang on one table of (address, length) pairs.
"""

from __future__ import annotations

# slots of the table
NODES, KEYS, TAGS, SHAPES = 0, 1, 2, 3
NAMES, TEXT, MARKETS, FIELDS = 4, 5, 6, 7
POWERS, CONNECTION, LEVEL_KEYS = 8, 9, 10
SLOTS = 11

# an object of the message: the first of its keys in KEYS, and how many
NODE_FIRST, NODE_COUNT = 0, 1
NODE_WIDTH = 2

# a key: its first 16 bytes as two words, its length, what stands there (``What``, or below), and
# for objects their node, for tags the first value in TAGS and how many, for both the bit in SEEN;
# and the shapes (bits) that have this key
KEY_LOW, KEY_HIGH, KEY_LENGTH, KEY_WHAT, KEY_TARGET, KEY_VALUES, KEY_BIT, KEY_SHAPES = range(8)
KEY_WIDTH = 8
OBJECT, ONE_OBJECT = 32, 33

# a value of a tag: its bytes, its length, and the shapes (bits) that it leaves possible
TAG_LOW, TAG_HIGH, TAG_LENGTH, TAG_SHAPES = range(4)
TAG_WIDTH = 4
LONGEST = 16

# a shape; NEEDS and MAY are sets of bits as in SEEN
SHAPE_NEEDS, SHAPE_MAY, SHAPE_KIND, SHAPE_CHAIN, SHAPE_ORDER, SHAPE_TIMED = range(6)
SHAPE_COUNTED, SHAPE_HORIZON, SHAPE_COLUMNS, SHAPE_NO_SUM = range(6, 10)
SHAPE_WIDTH = 12

# a name in the open-addressing table NAMES: where its bytes stand in TEXT (length 0: free entry),
# its market, the shapes (bits) it goes with, the number READY must have, the market's book
NAME_HASH, NAME_OFFSET, NAME_LENGTH, NAME_MARKET, NAME_SHAPES, NAME_CHANNEL, NAME_BOOK = range(7)
NAME_WIDTH = 8

# a market: its book, the addresses of its cells and counts, where its id stands in TEXT
MARKET_BOOK, MARKET_CELLS, MARKET_COUNTS, MARKET_ID, MARKET_ID_LENGTH = range(5)
MARKET_WIDTH = 8

# bits in SEEN from here on are of tags and objects
FREE_BITS = 32

# what a message says: values by ``What`` below 32, then
SEEN, ROWS, FOUND_MARKET, FOUND_SHAPES, FOUND_CHANNEL = range(32, 37)
ID_START, ID_END, MOST_COLUMNS, UNQUOTED = range(37, 41)
# and what came of it: the number of the message, of its market, of the routes found
AT_MESSAGE, AT_MARKET, ROUTES = 44, 45, 46
SHAPE = 47
# decimals of BID, ASK, BID_SIZE and ASK_SIZE
SCALES = 52
# the bounds of a message that is handed over alone
ALONE_START, ALONE_END = 48, 49
FIELD_WIDTH = 64

# settings of a venue, in LEVEL_KEYS: keys of a level object and what a bid's and an ask's side say
# (two words and a length each), whether a price of zero is skipped, the rule of the checksum, lax
LEVEL_PRICE, LEVEL_SIZE, LEVEL_SIDE = 0, 3, 6
LEVEL_BID, LEVEL_ASK = 9, 12
ZERO_SKIPS, SUM_RULE, LAX = 15, 16, 17
SETTINGS_WIDTH = 18

# codes: all taken; or what the message AT_MESSAGE needs
TAKEN, DECLINED, ROUTES_FOUND, BOOK_CROSSED, SUM_WRONG = 0, 1, 2, 3, 4

HASH_START, HASH_PRIME = 0x9E3779B97F4A7C15, 0xFF51AFD7ED558CCD
