"""Moves of random loops and of random trades on many venues, against oracles in exact fractions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction as F
from random import Random

from hypothesis import event, given, settings
from hypothesis import strategies as st

from scanner.engine.rules import LOOP, MULTI, Moving, Rules
from scanner.engine.tracker import Thresholds
from scanner.events import Opportunity
from scanner.history.several import disagreements
from scanner.moving import Move
from scanner.types import Market, Network, Wallet
from storage.evidence import Basis
from storage.queries import State
from tests.engine import slow, slow_moves, test_allocation, test_cycle
from tests.engine.floor import Floor
from tests.repeats import repeats

TRADES = 7
MOVING = Moving(trades=TRADES)
NAMES = ("ONE", "TWO", "THREE")
FEES = (0.0, 0.001, 0.004, 0.01, 0.05, None)


def any_wallet(random: Random) -> Wallet:
    """Most of it is open."""
    networks = [
        Network(
            name=name,
            deposit=random.choice([True] * 8 + [False, None]),
            withdraw=random.choice([True] * 8 + [False, None]),
            fee=random.choice(FEES),
            min_withdraw=random.choice([None, None, 0.01, 0.5]),
            minutes=random.choice([None, 10.0, 30.0]),
        )
        for name in NAMES
        if random.random() < 0.7
    ]
    return Wallet(networks=tuple(networks))


def stored(found: Opportunity) -> State:
    """The opportunity as a reader gets it."""
    basis = {name: getattr(found, name) for name in Basis.__struct_fields__}
    own = {
        name: getattr(found, name)
        for name in ("at", "size", "gross_bps", "net_bps", "net_profit", "buy", "sell")
    }
    return State(moment="opened", **own, **basis)


def shown(floor: Floor, markets: Sequence[Market], books: Sequence[slow.Book]) -> list[Opportunity]:
    """What opens where these books are shown under these terms."""
    for market, book in zip(markets, books, strict=True):
        floor.add(market)
        sides = [[(float(p), float(s)) for p, s in side] for side in (book.bids, book.asks)]
        floor.show(f"{market.venue} {market.symbol}", *sides)
    return [one for one in floor.tick() if one.event == "opened"]


def check_costs(found: Opportunity) -> None:
    """The cost of moving back is the sum of its fees; unknown, unless all is known."""
    back = found.prefunded
    assert back is not None
    if any(move.state != "open" for move in back.moves):
        assert (back.cost, back.net_profit) == (None, None)
        assert back.state in ("unknown", "closed") and back.reason
        return
    fees = [slow.exact(m.fee or 0.0) * slow.exact(m.rate) for m in back.moves]
    near(back.cost, sum(fees, F(0)) / TRADES, F(1))
    near(back.net_profit, slow.exact(found.net_profit) - sum(fees, F(0)) / TRADES, F(100))


def near(told: float | None, expected: F, scale: F) -> None:
    assert told is not None
    assert abs(F(told) - expected) <= abs(expected) * F(1, 10**9) + scale * F(1, 10**9)


def check_transfer(found: Opportunity, expected: F | None) -> None:
    told = found.transfer
    assert told is not None
    if any(move.state != "open" for move in told.moves):
        event("shut")
        assert (told.net_profit, told.orders) == (None, ())
        assert told.state in ("unknown", "closed") and told.reason
    elif expected is None:
        event("too little")
        assert told.net_profit is None and "less than the smallest" in told.reason
    else:
        event("moved")
        near(told.net_profit, expected, slow.exact(found.size))


@settings(max_examples=repeats(150, 3_000), deadline=None)
@given(st.randoms(use_true_random=True))
def test_loops(random: Random) -> None:
    way = ["U", "B", "E"]
    venues = [random.choice("abc") for _ in way]
    books, markets = [], []
    for i, (have, want) in enumerate(zip(way, [*way[1:], way[0]], strict=True)):
        hop = test_cycle.any_hop(random, i, have, want)
        terms = {
            "venue": venues[i],
            "wallet": any_wallet(random),
            "quote_wallet": any_wallet(random),
        }
        markets.append(replaced(hop.book.market, **terms))
        books.append(slow.Book(markets[-1], hop.book.bids, hop.book.asks))
    rules = Rules(kinds=frozenset({LOOP}), currency="U", moving=MOVING)
    for found in shown(Floor(rules, Thresholds(min_net_bps=0.5)), markets, books):
        told = found.transfer
        assert told is not None and disagreements(stored(found)) == []
        by_name = {(market.venue, market.symbol): market for market in markets}
        mine = [by_name[leg.venue, leg.symbol] for leg in found.legs]
        places = [
            i
            for i, leg in enumerate(found.legs)
            if leg.venue != found.legs[(i + 1) % len(found.legs)].venue
        ]
        assert len(told.moves) == len(places)
        check_costs(found)
        moves = dict(zip(places, told.moves, strict=True))
        event("on one venue" if not moves else f"{len(moves)} moves")
        check_transfer(found, slow_moves.loop_left(mine, found.legs, moves))


def replaced(market: Market, **terms: object) -> Market:
    fields = {name: getattr(market, name) for name in Market.__struct_fields__}
    return Market(**fields | terms)


@settings(max_examples=repeats(150, 3_000), deadline=None)
@given(st.randoms(use_true_random=True))
def test_many_venues(random: Random) -> None:
    markets, books = [], []
    for i in range(random.randint(3, 6)):
        market = test_allocation.any_market(random, f"v{i}", alike=random.random() < 0.3)
        markets.append(replaced(market, wallet=any_wallet(random), quote_wallet=any_wallet(random)))
        books.append(test_allocation.any_book(random, markets[-1], random.randint(1, 3)))
    rules = Rules(kinds=frozenset({MULTI}), currency="Q", moving=MOVING)
    for found in shown(Floor(rules, Thresholds(min_net_bps=0.5)), markets, books):
        told, back = found.transfer, found.prefunded
        assert told is not None and back is not None
        assert disagreements(stored(found)) == []
        by_name = {market.venue: market for market in markets}
        coins = {leg.venue: coin(by_name[leg.venue], leg) for leg in found.legs}
        money = {leg.venue: -quote(by_name[leg.venue], leg) for leg in found.legs}
        wallets = {name: market.wallet for name, market in by_name.items()}
        check_least([m for m in back.moves if m.currency == "X"], coins, wallets)
        wallets = {name: market.quote_wallet for name, market in by_name.items()}
        check_least([m for m in back.moves if m.currency == "Q"], money, wallets)
        check_costs(found)
        mine = [by_name[leg.venue] for leg in found.legs]
        check_transfer(found, slow_moves.multi_left(mine, found.legs, told.moves))


def coin(market: Market, leg: slow_moves.Leg) -> F:
    given_, got = slow_moves.given_got(market, leg, slow.exact(leg.size))
    return got if leg.side == "buy" else -given_


def quote(market: Market, leg: slow_moves.Leg) -> F:
    given_, got = slow_moves.given_got(market, leg, slow.exact(leg.size))
    return given_ if leg.side == "buy" else -got


def check_least(moves: Sequence[Move], stocks: dict[str, F], wallets: dict[str, Wallet]) -> None:
    """What is sent is there, all that is wanted comes, and no other choice of open routes takes
    less off, unless it sends less than can be withdrawn."""
    left = dict(stocks)
    for move in moves:
        left[move.source] -= slow.exact(move.amount)
        left[move.target] += slow.exact(move.amount)
    most = sum(map(abs, stocks.values()))
    assert all(amount >= -most * F(1, 10**9) for amount in left.values())
    sources = [venue for venue, amount in stocks.items() if amount > 0]
    targets = [venue for venue, amount in stocks.items() if amount < 0]
    costs = []
    for source in sources:
        fees = [slow_moves.open_fee(wallets[source], wallets[target]) for target in targets]
        costs.append([(int(fee is None), fee or F(0)) for fee in fees])
    total = float(sum(stocks[venue] for venue in sources))
    spare = [float(stocks[venue]) + total * 1e-9 for venue in sources]
    least = slow_moves.cheapest(spare, [float(-stocks[venue]) for venue in targets], costs)
    if any(move.amount < (move.min_withdraw or 0.0) for move in moves):
        return
    shut = sum(move.state != "open" for move in moves)
    assert bool(shut) == bool(least[0])
    if not shut:
        fees_ = sum((slow.exact(move.fee or 0.0) for move in moves), F(0))
        bound = any(wallet_has_least(wallets[venue]) for venue in sources)
        event("with a smallest withdrawal" if bound else "without")
        assert fees_ >= least[1] if bound else fees_ == least[1]


def wallet_has_least(wallet: Wallet) -> bool:
    return any(network.min_withdraw for network in wallet.networks)
