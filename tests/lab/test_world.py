"""The simulated market: repeatable, never crossed, and with spreads that open and close."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

import pytest

from scanner.lab.book import ASK, BID, LabBook
from scanner.lab.ladder import Ladder
from scanner.lab.listings import LISTINGS, coarsest_decimals
from scanner.lab.server import MOST_MOVES
from scanner.lab.world import World
from tests.repeats import repeats

SECOND = 1_000_000_000
TICK = SECOND // 100
AT = 1_790_000_000 * SECOND
SEEDS = (1, 7, 42, 0, 2026)[: repeats(1, 5)]

State = dict[tuple[str, str], tuple[int, int, list[tuple[str, str]], list[tuple[str, str]]]]


def states(world: World) -> State:
    return {
        (venue, book.market.symbol): (
            book.sequence,
            book.changed_at,
            book.levels(BID),
            book.levels(ASK),
        )
        for venue, book in world.books()
    }


def ticks(seconds: float) -> Iterator[int]:
    return (AT + number * TICK for number in range(1, int(seconds * 100) + 1))


def test_the_same_seed_and_times_give_the_same_books() -> None:
    first, second, other = World(7, AT), World(7, AT), World(8, AT)
    for at in ticks(3):
        for world in (first, second, other):
            world.advance(at)
    assert states(first) == states(second)
    assert states(first) != states(other)


def test_prices_do_not_depend_on_how_often_the_market_is_asked() -> None:
    often, seldom = World(7, AT), World(7, AT)
    for number, at in enumerate(ticks(4), 1):
        often.advance(at)
        if number % 100 == 0:
            seldom.advance(at)
    assert [books[2:] for books in states(often).values()] == [
        books[2:] for books in states(seldom).values()
    ]


def test_no_book_moves_more_often_than_the_caller_wants_to_see() -> None:
    """And it goes on from there: what was left out is not made up for."""
    for most in (1, 2):
        world, moves = World(7, AT), Counter[int]()
        for number, trading in enumerate(world._trading):
            _count(trading.ladder, moves, number)
        for call in (1, 2, 3):
            world.advance(AT + call * 2 * SECOND, most)
            assert max(moves.values()) == most * call
        busy = world.book("binance", "BTC/USDT")
        assert busy in [book for _, book in world.advance(AT + 7 * SECOND, most)]


def test_at_the_labs_own_rate_nothing_is_left_out() -> None:
    """Also where ticks come late."""
    for tick in (TICK, 4 * TICK):
        bounded, whole = World(7, AT), World(7, AT)
        for at in range(AT + tick, AT + 5 * SECOND, tick):
            bounded.advance(at, MOST_MOVES)
            whole.advance(at)
        for one, other in zip(bounded.books(), whole.books(), strict=True):
            assert one[1].levels(BID) == other[1].levels(BID)
            assert one[1].levels(ASK) == other[1].levels(ASK)


def _count(ladder: Ladder, moves: Counter[int], number: int) -> None:
    move = ladder.move

    def counted(price: float, at: int) -> None:
        moves[number] += 1
        move(price, at)

    ladder.move = counted  # type: ignore[method-assign]


def test_a_venue_has_the_same_fair_price_whatever_else_runs() -> None:
    alone, among = World(7, AT, ("binance",)), World(7, AT)
    assert alone.book("binance", "BTC/USDT").best() == among.book("binance", "BTC/USDT").best()


def test_books_are_never_crossed_and_always_deep() -> None:
    world = World(7, AT)
    for at in ticks(10):
        for _, book in world.advance(at):
            assert book.ticks(BID, 1)[0] < book.ticks(ASK, 1)[0]
            assert min(book.count(BID), book.count(ASK)) >= 200
            assert book.changed_at == at


def test_the_touch_is_one_or_two_ticks_wide() -> None:
    world = World(7, AT)
    for at in ticks(2):
        world.advance(at)
    for _, book in world.books():
        assert book.ticks(ASK, 1)[0] - book.ticks(BID, 1)[0] in (1, 2)


def test_sizes_are_multiples_of_the_coarsest_lot_of_the_coin() -> None:
    world = World(7, AT)
    for at in ticks(2):
        world.advance(at)
    for _, book in world.books():
        market = book.market
        grain = 10 ** (market.size_decimals - coarsest_decimals(market.base))
        for side in (BID, ASK):
            assert all(book.lots(side, price) % grain == 0 for price in book.ticks(side))


def test_sizes_grow_with_the_distance_from_the_touch() -> None:
    world = World(7, AT)
    near = far = 0
    for _, book in world.books():
        near += sum(float(size) * float(price) for price, size in book.levels(BID, 20))
        far += sum(float(size) * float(price) for price, size in book.levels(BID)[180:200])
    assert far > 3 * near


def test_the_pace_is_one_that_a_server_can_keep() -> None:
    world = World(7, AT)
    changes: dict[str, int] = defaultdict(int)
    last: dict[LabBook, int] = {book: AT for _, book in world.books()}
    longest = 0
    for at in ticks(10):
        for venue, book in world.advance(at):
            changes[venue] += 1
            longest, last[book] = max(longest, at - last[book]), at
    assert 300 <= sum(changes.values()) / 10 <= 900
    assert changes["binance"] > 2 * changes["gate"]
    assert longest <= 1.5 * SECOND


def test_most_symbols_trade_on_several_venues() -> None:
    venues: dict[str, set[str]] = defaultdict(set)
    for venue, book in World(7, AT).books():
        venues[book.market.symbol].add(venue)
    alone = {symbol for symbol, names in venues.items() if len(names) < 2}
    assert alone == {"USDC/USD", "USDT/USD"}
    assert venues["BTC/USD"] == {"coinbase", "kraken"}
    assert venues["BTC/USDT"] == set(LISTINGS)


def test_venues_lag_and_differ() -> None:
    world = World(7, AT)
    mids: dict[str, list[float]] = {"binance": [], "kraken": []}
    for at in ticks(10):
        world.advance(at)
        for venue, seen in mids.items():
            bid, ask = world.book(venue, "BTC/USDT").best()
            assert bid is not None and ask is not None
            seen.append((float(bid[0]) + float(ask[0])) / 2)
    apart = [abs(a / b - 1) * 1e4 for a, b in zip(*mids.values(), strict=True)]
    assert 0.05 < sorted(apart)[len(apart) // 2] < 5.0, "bps in the usual case"


def paying_spreads(seed: int, seconds: float) -> tuple[list[tuple[float, float]], int]:
    """Net spreads at the touch above 5 bps as (opened, closed) in seconds, by symbol and legs; and
    how often one was within 8 bps of paying without doing so."""
    world = World(seed, AT)
    symbols: dict[str, list[LabBook]] = defaultdict(list)
    touch: dict[LabBook, tuple[float, float]] = {}
    for _, book in world.books():
        symbols[book.market.symbol].append(book)
        touch[book] = cost_and_proceeds(book)
    open_since: dict[tuple[LabBook, LabBook], int] = {}
    spreads: list[tuple[float, float]] = []
    near = 0
    for at in ticks(seconds):
        for _, book in world.advance(at):
            touch[book] = cost_and_proceeds(book)
            others = [other for other in symbols[book.market.symbol] if other is not book]
            legs = [(book, other) for other in others] + [(other, book) for other in others]
            for bought, sold in legs:
                net, key = (touch[sold][1] / touch[bought][0] - 1) * 1e4, (bought, sold)
                near += -8 < net < 0
                if net > 5:
                    open_since.setdefault(key, at)
                elif key in open_since and net < 2.5:
                    since = open_since.pop(key)
                    spreads.append(((since - AT) / SECOND, (at - AT) / SECOND))
    return spreads, near


def cost_and_proceeds(book: LabBook) -> tuple[float, float]:
    """What one unit costs and brings at the touch, with the taker's fee."""
    bid, ask = book.best()
    assert ask is not None and bid is not None
    fee = float(book.market.taker)
    return float(ask[0]) * (1 + fee), float(bid[0]) * (1 - fee)


@pytest.mark.parametrize("seed", SEEDS)
def test_spreads_open_and_close_within_twenty_seconds(seed: int) -> None:
    spreads, near = paying_spreads(seed, 20)
    assert len({round(opened) for opened, _ in spreads}) >= 2
    assert any(closed - opened > 1 for opened, closed in spreads)
    assert near > 100, "and near misses"


def test_a_long_pause_is_left_out_of_simulated_time() -> None:
    paused, plain = World(7, AT), World(7, AT)
    hour = 3600 * SECOND
    for at in ticks(2):
        paused.advance(at)
        plain.advance(at)
    paused.advance(AT + hour)
    plain.advance(AT + 5 * SECOND)
    assert [books[2:] for books in states(paused).values()] == [
        books[2:] for books in states(plain).values()
    ]
    assert max(book.changed_at for _, book in paused.books()) == AT + hour
