"""A hedge over any path, held against an exchange's own books of account, to the cent."""

from __future__ import annotations

from fractions import Fraction as F

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.hedge.contract import Contract, Short, short_of
from scanner.hedge.plan import Hedge
from scanner.hedge.received import Paid, received
from tests.oracle.ledger import Account, Fill, filled

HOUR = 3_600_000_000_000
CENT = 0.005

rungs = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 40)), min_size=1, max_size=6)
contracts = st.sampled_from(
    [
        Contract(contract_size=0.001, lot=1.0),
        Contract(contract_size=0.01, lot=1.0),
        Contract(contract_size=0.1, lot=10.0),
        Contract(contract_size=1.0, inverse=True, lot=1.0),
        Contract(contract_size=100.0, inverse=True, lot=1.0),
    ]
)
# Of each hour: where the coin goes, how far the contract stands from it, and what is paid.
hours = st.lists(
    st.tuples(st.integers(-900, 900), st.integers(-50, 50), st.integers(-300, 300)),
    min_size=1,
    max_size=24,
)


def levels(mid: F, sign: int, steps: list[tuple[int, int]], contract: Contract) -> list[Fill]:
    """Each some basis points further off; the last one holds whatever is left."""
    found, price = [], mid
    for bps, coins in steps:
        price += sign * mid * F(bps, 10_000)
        each = F(contract.contract_size) / (price if contract.inverse else 1)
        found.append((price, F(int(F(coins, 10) / each))))
    return [*found, (price * (1 + sign * F(1, 1000)), F(10**9))]


def average(fills: list[Fill], contract: Contract) -> F:
    """Quote for one coin."""
    number = sum((n for _, n in fills), F(0))
    if contract.inverse:
        return number / sum((n / price for price, n in fills), F(0))
    return sum((n * price for price, n in fills), F(0)) / number


@given(
    held=st.integers(100, 9_000),
    contract=contracts,
    under=rungs,
    over=rungs,
    path=hours,
    interval=st.sampled_from([1, 4, 8]),
    fee=st.integers(0, 20),
)
def test_profit_and_loss_is_fees_spreads_funding_and_what_was_left_open(
    held: int,
    contract: Contract,
    under: list[tuple[int, int]],
    over: list[tuple[int, int]],
    path: list[tuple[int, int, int]],
    interval: int,
    fee: int,
) -> None:
    quantity, start, fee_rate = F(held, 100), F(50_000), F(fee, 10_000)
    mark = start * (1 + F(path[0][1], 10_000))
    account = Account(F(contract.contract_size), contract.inverse, fee_rate)
    sold_mid = mark
    wanted = short_of(float(quantity), float(mark), contract)
    fills = filled(levels(mark, -1, under, contract), F(wanted.contracts))
    account.sell(fills, mark)
    entry = average(fills, contract)
    price, paid = start, [Paid(0, 0.0, interval * HOUR, float(mark))]
    for hour, (move, basis, rate) in enumerate(path, 1):
        price *= 1 + F(move, 10_000)
        mark = price * (1 + F(basis, 10_000))
        account.move(mark)
        if hour % interval == 0:
            account.settle(F(rate, 10_000))
            paid.append(Paid(hour * HOUR, rate / 1e4, interval * HOUR, float(mark)))
    bought = filled(levels(mark, 1, over, contract), account.contracts)
    account.buy_back(bought)
    out = average(bought, contract)

    # What the scanner makes of it.
    short = Short(contract=contract, contracts=wanted.contracts, entry=float(entry))
    plan = Hedge(
        quantity=float(quantity), spot_price=float(start), short=short, fee_rate=float(fee_rate)
    )
    funding = received(short, paid, 1, len(path) * HOUR + 1)
    assert funding.amount is not None

    # Each figure is what the account has booked, at the price of its moment.
    def in_quote(bookings: list[tuple[F, F]]) -> float:
        return float(sum(cash * (at if contract.inverse else 1) for cash, at in bookings))

    gained = account.gains * (out if contract.inverse else 1)
    assert short.profit(float(out)) == pytest.approx(float(gained), abs=CENT)
    assert plan.costs(float(out)) == pytest.approx(in_quote(account.fees), abs=CENT)
    assert funding.amount == pytest.approx(in_quote(account.funding), abs=CENT)

    # And all of it together is the identity. What was got in coins is open to the price since then.
    hedged, open_coins = F(short.quantity), F(0)
    if contract.inverse:
        open_coins = sum((cash * (price - at) for cash, at in account.funding), F(0))
        open_coins -= sum((cash * (price - at) for cash, at in account.fees), F(0))
        open_coins += account.gains * (price - out)
    spreads = hedged * ((sold_mid - entry) + (out - mark))
    basis_closed = hedged * ((sold_mid - start) - (mark - price))
    told = (
        -plan.costs(float(out))
        - float(spreads)
        + funding.amount
        + float(basis_closed)
        + plan.residual * float(price - start)
        + float(open_coins)
    )
    balance = account.balance * (price if contract.inverse else 1)
    assert told == pytest.approx(float(quantity * (price - start) + balance), abs=CENT)


def test_the_account_by_hand() -> None:
    """10 contracts of 100 USD sold at 50,000: at 40,000 that is 0.005 coins more."""
    account = Account(F(100), True, F(1, 1000))
    account.sell([(F(50_000), F(10))], F(50_000))
    account.move(F(40_000))
    account.settle(F(1, 100))
    account.buy_back([(F(40_000), F(10))])
    assert account.gains == F(5, 1000)
    assert [fee for fee, _ in account.fees] == [F(2, 100_000), F(25, 1_000_000)]
    assert account.funding == [(F(25, 100_000), F(40_000))]
    assert account.balance == F(5, 1000) - F(45, 1_000_000) + F(25, 100_000)
