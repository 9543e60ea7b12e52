"""The slow oracle: what a route leaves, in exact fractions and by trying everything.

It shares nothing with the engine but the market's description. Where the engine walks margins, this
evaluates the whole profit at every point where its slope can change and takes the best of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction as F
from itertools import pairwise

from msgspec import Struct

from scanner.types import FeeIn, Market

Level = tuple[F, F]
SMALL = F(1, 10**12)


class Tie(Exception):
    """Two sizes leave (all but) the same: which of them is best is a matter of rounding."""


class Book(Struct, frozen=True):
    """A book in the venue's own units, best first."""

    market: Market
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]

    def real(self, side: str) -> list[Level]:
        """In quote for one of base, and in base."""
        m = self.market
        multiplier, contract = exact(m.multiplier), exact(m.contract_size)
        levels = []
        for price, size in getattr(self, side):
            unit = price / multiplier
            levels.append(
                (unit, size * contract / unit if m.inverse else size * contract * multiplier)
            )
        return levels


class Means(Struct, frozen=True):
    """Caps: quote to spend, base to give, and of the conversion what may be given; and the base
    that a withdrawal takes off between the purchase and the sale."""

    spend: F | None = None
    give: F | None = None
    convert: F | None = None
    withdrawal: F = F(0)


class Done(Struct, frozen=True):
    bought: F
    sold: F
    net: F
    net_bps: F
    gross_bps: F
    converted: F | None


def exact(number: float) -> F:
    return F(repr(number))


def take(levels: Sequence[Level], size: F) -> F:
    """What ``size`` is worth."""
    total = F(0)
    for price, available in levels:
        part = min(size, available)
        total += part * price
        size -= part
    assert size == 0, "more than there is"
    return total


def spendable(levels: Sequence[Level], money: F) -> F:
    """What ``money`` takes."""
    total = F(0)
    for price, available in levels:
        part = min(money / price, available)
        total += part
        money -= part * price
    return total


def factors(market: Market) -> tuple[F, F, F, F]:
    """(base that arrives, quote paid) of one bought, (base given, quote that comes) of one sold."""
    fee = exact(market.fee_rate)
    buy = (1 - fee, F(1)) if market.buy_fee_in is FeeIn.BASE else (F(1), 1 + fee)
    sell = (1 + fee, F(1)) if market.sell_fee_in is FeeIn.BASE else (F(1), 1 - fee)
    return *buy, *sell


def lots_of(market: Market, levels: Sequence[Level], size: F, *, up: bool = False) -> F:
    """``size`` in whole lots of the venue, down or up."""
    lot = exact(market.lot)
    if not lot:
        return size
    contract = exact(market.contract_size)
    if market.inverse:
        amount = take(levels, size) / contract
    else:
        amount = size / contract / exact(market.multiplier)
    count = -(-amount // lot) if up else amount // lot
    if market.inverse:
        return spendable(levels, count * lot * contract)
    return count * lot * contract * exact(market.multiplier)


def accepts(market: Market, size: F, notional: F) -> bool:
    """Whether the venue takes an order of this size."""
    contract = exact(market.contract_size)
    amount = notional / contract if market.inverse else size / contract / exact(market.multiplier)
    return amount >= exact(market.min_amount) and notional >= exact(market.min_notional)


class Conversion(Struct, frozen=True):
    """A book that turns the currency of the sale into that of the purchase; ``stated`` instead."""

    book: Book | None = None
    sells: bool = True
    stated: F | None = None

    def ladder(self) -> list[Level]:
        """(brought for one given, how much can be given)."""
        if self.book is None:
            assert self.stated is not None
            return [(self.stated, F(10) ** 30)]
        buy_base, buy_quote, sell_base, sell_quote = factors(self.book.market)
        if self.sells:
            return [(p * sell_quote / sell_base, s * sell_base) for p, s in self.book.real("bids")]
        return [(buy_base / (p * buy_quote), p * s * buy_quote) for p, s in self.book.real("asks")]

    def brings(self, amount: F) -> F:
        return take(self.ladder(), amount)

    def order(self, amount: F) -> tuple[F, F] | None:
        """(what comes of it, rate before the fee) for at most ``amount``; None: too small."""
        if self.book is None:
            assert self.stated is not None
            return amount * self.stated, self.stated
        market = self.book.market
        buy_base, buy_quote, sell_base, sell_quote = factors(market)
        levels = self.book.real("bids" if self.sells else "asks")
        if self.sells:
            size = lots_of(market, levels, amount / sell_base)
        else:
            size = lots_of(market, levels, spendable(levels, amount / buy_quote))
        worth = take(levels, size)
        if not size or not accepts(market, size, worth):
            return None
        if self.sells:
            return worth * sell_quote, worth / size
        return size * buy_base, size / worth


class Course(Struct, frozen=True):
    """The whole profit at every size where its slope can change, by size: of net base that arrives,
    from where the withdrawal has taken all of it. ``whole``: where the books end, ``most``: where
    the means do, if that is before."""

    points: list[tuple[F, F]]
    most: F
    whole: F


def course(buy: Book, sell: Book, conversion: Conversion | None, means: Means) -> Course:
    asks, bids = buy.real("asks"), sell.real("bids")
    buy_base, buy_quote, _, _ = factors(buy.market)
    _, _, sell_base, sell_quote = factors(sell.market)
    gone = means.withdrawal

    def profit(net: F) -> F:
        came = take(bids, (net - gone) / sell_base) * sell_quote
        brought = conversion.brings(came) if conversion else came
        return brought - take(asks, net / buy_base) * buy_quote

    whole = min(sum(s for _, s in asks) * buy_base, sum(s for _, s in bids) * sell_base + gone)
    corners = {gone, *_sums([s * buy_base for _, s in asks])}
    corners |= {gone + sum_ for sum_ in _sums([s * sell_base for _, s in bids])}
    if conversion is not None:
        there = _sums([size for _, size in conversion.ladder()]) or [F(0)]
        turned = [gone + spendable(bids, sum_ / sell_quote) * sell_base for sum_ in there]
        whole = min(whole, turned[-1])
        corners |= set(turned)
    bounds = [whole]
    if means.spend is not None:
        bounds.append(spendable(asks, means.spend / buy_quote) * buy_base)
    if means.give is not None:
        bounds.append(gone + means.give)
    if means.convert is not None:
        bounds.append(gone + spendable(bids, means.convert / sell_quote) * sell_base)
    most = min(bounds)
    if bounds.count(most) > 1:
        raise Tie
    corners = {corner for corner in corners if gone <= corner < most}
    corners |= {most} if most > gone else set()
    return Course([(corner, profit(corner)) for corner in sorted(corners)], most, whole)


def paying(
    buy: Book, sell: Book, conversion: Conversion | None, means: Means
) -> tuple[F, F] | None:
    """The purchases, in base, between which the whole profit is above zero."""
    if not buy.real("asks") or not sell.real("bids"):
        return None
    points = course(buy, sell, conversion, means).points
    best = max((profit for _, profit in points), default=F(0))
    if best <= 0:
        return None
    buy_base = factors(buy.market)[0]
    least = most = None
    for (one, low), (other, high) in pairwise(points):
        if low <= 0 < high:
            least = one + (other - one) * -low / (high - low)
        if low > 0 >= high:
            most = one + (other - one) * low / (low - high)
    assert least is not None
    return least / buy_base, (points[-1][0] if most is None else most) / buy_base


def solve(buy: Book, sell: Book, conversion: Conversion | None, means: Means) -> Done | str:
    """The trade, or why there is none: fees, lot, size or conversion."""
    asks, bids = buy.real("asks"), sell.real("bids")
    if not asks or not bids:
        return "fees"
    _, buy_quote, _, _ = factors(buy.market)
    _, _, _, sell_quote = factors(sell.market)
    gone = means.withdrawal
    run = course(buy, sell, conversion, means)
    ranked = sorted(((profit, -size) for size, profit in run.points), reverse=True)
    if not ranked:  # the means are gone before anything arrives; would any more pay?
        more = course(buy, sell, conversion, Means(withdrawal=gone)).points
        return "capital" if more and max((p, -y) for y, p in more)[1] < -gone else "fees"
    size = -ranked[0][1]
    cost = take(asks, size / factors(buy.market)[0]) * buy_quote
    if len(ranked) > 1 and abs(ranked[0][0] - ranked[1][0]) <= SMALL * max(cost, F(1)):
        raise Tie
    capped = size == run.most < run.whole
    if size == gone:
        return "capital" if capped else "fees"
    bought, sold = _in_lots(buy, sell, asks, bids, size, gone)
    if not bought or not sold:
        return "capital" if capped else "lot"
    paid, received = take(asks, bought), take(bids, sold)
    if not (accepts(buy.market, bought, paid) and accepts(sell.market, sold, received)):
        return "capital" if capped else "size"
    got, rate, converted = received * sell_quote, F(1), None
    if conversion is not None:
        order = conversion.order(got)
        if order is None:
            return "conversion"
        (got, rate), converted = order, order[0]
    spent = paid * buy_quote
    if got <= spent:
        return "fees" if gone else "lot"
    gross = received * bought / sold * rate / paid - 1
    return Done(
        bought, sold, got - spent, (got - spent) / spent * 10_000, gross * 10_000, converted
    )


def _sums(sizes: Sequence[F]) -> list[F]:
    return [sum(sizes[: i + 1], F(0)) for i in range(len(sizes))]


def _in_lots(
    buy: Book, sell: Book, asks: list[Level], bids: list[Level], net: F, gone: F
) -> tuple[F, F]:
    buy_base, _, _, _ = factors(buy.market)
    _, _, sell_base, _ = factors(sell.market)
    whole = not buy.market.inverse and not sell.market.inverse
    if whole and buy_base == sell_base and not gone:
        size = lots_of(buy.market, asks, net / buy_base)
        other = lots_of(sell.market, bids, size)
        while other != size:  # the next smaller of each in turn, until both are the same
            size = lots_of(buy.market, asks, other)
            other = lots_of(sell.market, bids, size)
        return size, size
    bought = lots_of(buy.market, asks, net / buy_base)
    sold = lots_of(sell.market, bids, max(bought * buy_base - gone, F(0)) / sell_base)
    needed = (sold * sell_base + gone) / buy_base
    return min(bought, lots_of(buy.market, asks, needed, up=True)), sold
