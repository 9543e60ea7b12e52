"""Candidates among all books at once: coins that pay on more than two venues, and closed loops.

Sieves over best prices; what passes is computed exactly. A loop pays if the product of its rates is
above 1, so the sum of their logarithms above 0. Let ``value`` be what one of each currency is worth
in one of them, whichever way that is known: then ``log(rate) + value[to] - value[from]`` of an
order is what it gains by itself, mostly less than nothing, and over a loop the values cancel. Of a
loop that gains there is a turn from which every part from the beginning on gains: what is walked
from any currency may be left as soon as it does not.
"""

from __future__ import annotations

import math

import numpy as np

from scanner.books import layout as L
from scanner.books.jit import inlined, kernel
from scanner.books.kernels import proven_at
from scanner.books.memory import slot, view
from scanner.engine.ladders import ASK, BID, LIVE, books_of, level, members_of

# Most orders of a loop, and of a row of what is found: layer, how many orders, each of them.
LONGEST = 6
ROW = 2 + LONGEST
# Most orders that are looked at for one layer.
STEPS = 200_000
# A layer: the venue that all orders are on (-1: any), the oldest proof that counts (ns).
VENUE, OLDEST = 0, 1
LAYER = 2
# An edge: one side of a book, which turns one currency into another.
BOOK, SIDE, WHERE = 0, 1, 2
EDGE = 3
NOTHING = -1e300


@inlined
def _fit(meta, parameters, book, oldest):
    m = book * L.META_WIDTH
    if meta[m + L.STATE] != LIVE or proven_at(meta, book) < oldest:
        return False
    if meta[m + L.TWO_SIDED] == 0:
        return False
    return meta[m + L.UNPROVEN] == 0 or parameters[L.UNPROVEN_TOO] != 0


@inlined
def _weigh(meta, real, price, size, parameters, edges, count, oldest, net, plain):
    """The logarithm of what each edge turns one into, after the fee and before."""
    for e in range(count):
        book = edges[e * EDGE + BOOK]
        side = edges[e * EDGE + SIDE]
        net[e] = plain[e] = NOTHING
        if not _fit(meta, parameters, book, oldest):
            continue
        p, s = level(meta, real, price, size, book, side, 0)
        if s <= 0.0:
            continue
        after = p * real[book * L.REAL_WIDTH + L.RATE_SIDE + side]
        net[e] = -math.log(after) if side == ASK else math.log(after)
        plain[e] = -math.log(p) if side == ASK else math.log(p)


@inlined
def _value(nodes, first_arc, arc_to, first_edge, plain, value, known):
    """What one of each currency is worth: the mean of what its books say, in the order of the
    nodes, and once more for those of which nothing was known then. Currencies that no living book
    ties to those before are worth what they are among themselves."""
    for node in range(nodes):
        known[node] = 0
    for root in range(nodes):
        if known[root] != 0:
            continue
        alive = False
        for e in range(first_edge[first_arc[root]], first_edge[first_arc[root + 1]]):
            alive = alive or plain[e] > NOTHING
        if not alive:
            continue
        known[root] = 1
        value[root] = 0.0
        for _ in range(2):
            for node in range(root + 1, nodes):
                if known[node] != 0:
                    continue
                total = 0.0
                times = 0
                for arc in range(first_arc[node], first_arc[node + 1]):
                    to = arc_to[arc]
                    if known[to] == 0:
                        continue
                    for e in range(first_edge[arc], first_edge[arc + 1]):
                        if plain[e] > NOTHING:
                            total += plain[e] + value[to]
                            times += 1
                if times > 0:
                    known[node] = 1
                    value[node] = total / times


@inlined
def _choose(arcs, first_edge, edges, meta, out_of, weight, venue, oldest, best, chosen):
    """The best edge of each arc in a layer."""
    for arc in range(arcs):
        best[arc] = NOTHING
        for e in range(first_edge[arc], first_edge[arc + 1]):
            if weight[e] <= best[arc]:
                continue
            book = edges[e * EDGE + BOOK]
            if venue >= 0:
                if edges[e * EDGE + WHERE] != venue:
                    continue
            elif out_of[book] != 0:
                continue
            if proven_at(meta, book) < oldest:
                continue
            best[arc] = weight[e]
            chosen[arc] = e


@inlined
def _follow(
    nodes,
    first_arc,
    arc_to,
    value,
    known,
    best,
    chosen,
    length,
    least,
    layer,
    way,
    gain,
    out,
    total,
    n,
):
    """Every way from every node that gains all along and comes back; how many rows there are
    then."""
    path = way[0]
    at = way[1]
    taken = way[2]
    rows = len(total)
    steps = 0
    for start in range(nodes):
        if known[start] == 0:
            continue
        depth = 0
        path[0] = start
        at[0] = first_arc[start]
        gain[0] = 0.0
        while depth >= 0:
            node = path[depth]
            arc = at[depth]
            if arc >= first_arc[node + 1]:
                depth -= 1
                continue
            at[depth] = arc + 1
            steps += 1
            if steps > STEPS:
                return n
            to = arc_to[arc]
            if best[arc] <= NOTHING or known[to] == 0:
                continue
            gained = gain[depth] + best[arc] + value[to] - value[node]
            if gained <= 0.0:
                continue
            taken[depth] = chosen[arc]
            if to == start:
                if gained > least and depth > 0:
                    if n >= rows:
                        return n
                    out[n * ROW] = layer
                    out[n * ROW + 1] = depth + 1
                    for i in range(depth + 1):
                        out[n * ROW + 2 + i] = taken[i]
                    total[n] = gained
                    n += 1
                continue
            if depth + 1 >= length:
                continue
            again = False
            for i in range(1, depth + 1):
                if path[i] == to:
                    again = True
            if again:
                continue
            depth += 1
            path[depth] = to
            at[depth] = first_arc[to]
            gain[depth] = gained
    return n


@kernel
def loops(
    context,
    first_arc,
    arc_to,
    first_edge,
    edges,
    layers,
    out_of,
    length,
    least,
    gross,
    at,
    out,
    total,
):
    """Rows of ``out`` (layer, how many orders, their edges) for loops of up to ``length`` orders
    that gain more than ``least`` (a logarithm) at best prices after fees (``gross``: before), in
    any turn and perhaps in several; how many rows. ``total``: what they gain.

    Nodes are currencies, the arcs of one stand together, and so do the edges of one arc. ``out_of``
    is not 0 for books that are for no layer of more than one venue.
    """
    table = view(context, 2 * L.SLOTS, np.int64)
    meta, real, price, size, parameters = books_of(table)
    nodes = len(first_arc) - 1
    if nodes == 0:
        return 0
    arcs = len(arc_to)
    count = len(edges) // EDGE
    net = np.empty(count, np.float64)
    plain = np.empty(count, np.float64)
    value = np.zeros(nodes, np.float64)
    known = np.zeros(nodes, np.uint8)
    best = np.empty(arcs, np.float64)
    chosen = np.empty(arcs, np.int64)
    way = np.empty((3, LONGEST + 1), np.int64)
    gain = np.empty(LONGEST + 1, np.float64)
    _weigh(
        meta, real, price, size, parameters, edges, count, at - parameters[L.MAX_AGE], net, plain
    )
    _value(nodes, first_arc, arc_to, first_edge, plain, value, known)
    weight = plain if gross else net
    n = 0
    for layer in range(len(layers) // LAYER):
        venue = layers[layer * LAYER + VENUE]
        oldest = at - layers[layer * LAYER + OLDEST]
        _choose(arcs, first_edge, edges, meta, out_of, weight, venue, oldest, best, chosen)
        n = _follow(
            nodes,
            first_arc,
            arc_to,
            value,
            known,
            best,
            chosen,
            length,
            least,
            layer,
            way,
            gain,
            out,
            total,
            n,
        )
    return n


@kernel
def wide(context, groups, least, at, out):
    """Rows of ``out`` (group, quote) of the first ``groups`` groups in which three books of one
    quote or more may take part, and the best of their routes leaves more than ``least`` (a
    fraction) at best prices after fees; how many rows."""
    table = view(context, 2 * L.SLOTS, np.int64)
    meta, real, price, size, parameters = books_of(table)
    _, members = members_of(table)
    group_rows = slot(table, L.GROUPS, np.int64)
    oldest = at - parameters[L.MAX_AGE]
    n = 0
    for group in range(groups):
        g = group * L.GROUP_WIDTH
        first = group_rows[g + L.G_MEMBERS]
        count = group_rows[g + L.G_COUNT]
        for i in range(count if count > 2 else 0):
            quote = members[(first + i) * L.MEMBER_WIDTH + L.MEMBER_QUOTE]
            books = 0
            ask = np.inf
            bid = 0.0
            for j in range(count):
                m = (first + j) * L.MEMBER_WIDTH
                if members[m + L.MEMBER_QUOTE] != quote:
                    continue
                if j < i:  # this quote has had its turn
                    books = 0
                    break
                book = members[m + L.MEMBER_BOOK]
                if not _fit(meta, parameters, book, oldest):
                    continue
                books += 1
                r = book * L.REAL_WIDTH + L.RATE_SIDE
                p, s = level(meta, real, price, size, book, ASK, 0)
                if s > 0.0:
                    ask = min(ask, p * real[r + ASK])
                p, s = level(meta, real, price, size, book, BID, 0)
                if s > 0.0:
                    bid = max(bid, p * real[r + BID])
            if books > 2 and bid > ask * (1.0 + least) and n < len(out) // 2:
                out[2 * n] = group
                out[2 * n + 1] = quote
                n += 1
    return n
