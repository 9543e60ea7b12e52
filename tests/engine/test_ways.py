"""Which network a coin takes from wallet to wallet, and whether two wallets are of one coin."""

from __future__ import annotations

import math
from typing import Any

import pytest
from msgspec.structs import replace

from scanner.engine.assets import Sameness, sameness
from scanner.engine.volatility import EVERY, GAP, Volatility
from scanner.engine.ways import DAY, Paces, way
from scanner.moving import CLOSED, OPEN, UNKNOWN
from scanner.types import Network, Wallet

AT = 1_790_000_000_000_000_000
PACES = Paces(processing=5.0, typical={"BTC": 40.0, "N": 2.0}, block_s={"BTC": 600.0, "N": 30.0})
ADDRESS = "0x" + "ab" * 20
OTHER = "0x" + "cd" * 20


def net(name: str = "N", **more: Any) -> Network:
    return Network(name=name, **({"deposit": True, "withdraw": True, "fee": 1.0} | more))


def wallet(*networks: Network, listed_at: int = AT) -> Wallet:
    return Wallet(networks=networks, listed_at=listed_at)


def test_the_cheapest_that_is_open_at_both_ends() -> None:
    source = wallet(net("A", fee=3.0), net("B", fee=1.0), net("C", fee=2.0), net("D", fee=0.5))
    target = wallet(net("A"), net("B", deposit=False), net("C", fee=None))
    found = way(source, target, PACES, AT)
    assert (found.state, found.network, found.fee, found.minutes) == (OPEN, "C", 2.0, None)


def test_of_equals_the_fastest() -> None:
    both = wallet(net("BTC", fee=1.0), net("N", fee=1.0))
    assert way(both, both, PACES, AT).network == "N"


@pytest.mark.parametrize(
    ("source", "target", "state", "reason"),
    [
        (Wallet(), wallet(net()), UNKNOWN, "nothing is known of the withdrawals"),
        (wallet(net()), Wallet(), UNKNOWN, "nothing is known of the deposits"),
        (wallet(net("A")), wallet(net("B")), CLOSED, "no network in common"),
        (wallet(net("A")), wallet(net("B"), listed_at=0), UNKNOWN, "no network in common"),
        (wallet(net(withdraw=False)), wallet(net()), CLOSED, "withdrawals are closed"),
        (wallet(net()), wallet(net(deposit=False)), CLOSED, "deposits are closed"),
        (
            wallet(net("A", withdraw=False), net("B")),
            wallet(net("A"), net("B", deposit=False)),
            CLOSED,
            "no network is open at both ends",
        ),
        (wallet(net(withdraw=None)), wallet(net()), UNKNOWN, "whether it is open is not known"),
        (wallet(net()), wallet(net(deposit=None)), UNKNOWN, "whether it is open is not known"),
        (
            wallet(net(withdraw=None)),
            wallet(net(deposit=False)),
            CLOSED,
            "deposits are closed",
        ),
        (wallet(net(fee=None)), wallet(net()), UNKNOWN, "the withdrawal fee is not known"),
        (
            wallet(net(), listed_at=AT - DAY - 1),
            wallet(net()),
            UNKNOWN,
            "what is known is older than a day",
        ),
    ],
)
def test_what_is_in_the_way(source: Wallet, target: Wallet, state: str, reason: str) -> None:
    found = way(source, target, PACES, AT)
    assert (found.state, found.reason) == (state, reason)


def test_a_coin_that_its_venue_has_suspended() -> None:
    """Whatever networks the user knows."""
    suspended = replace(wallet(net()), suspended=True)
    for pair, where in (
        ((suspended, wallet(net())), "withdrawn"),
        ((wallet(net()), suspended), "deposited"),
    ):
        found = way(*pair, PACES, AT)
        assert (found.state, found.reason) == (CLOSED, f"the coin is suspended where it is {where}")
        assert way(*pair, PACES, AT + DAY + 1).state == UNKNOWN


def test_what_is_listed_is_old_after_a_day_and_what_the_user_says_never() -> None:
    listed = way(wallet(net(), listed_at=AT - 5), wallet(net()), PACES, AT)
    assert (listed.listed_at, listed.until) == (AT - 5, AT - 5 + DAY)
    stated = way(wallet(net(), listed_at=0), wallet(net(), listed_at=0), PACES, AT + 99 * DAY)
    assert (stated.state, stated.listed_at) == (OPEN, 0)


def test_a_fee_of_zero_is_known() -> None:
    assert way(wallet(net(fee=0.0)), wallet(net()), PACES, AT).fee == 0.0


@pytest.mark.parametrize(
    ("source", "target", "minutes"),
    [
        (net("BTC"), net("BTC"), 45.0),
        (net("BTC"), net("BTC", confirmations=2), 25.0),
        (net("BTC", confirmations=6), net("BTC"), 45.0),
        (net("BTC", minutes=30.0), net("BTC", confirmations=2), 30.0),
        (net("BTC", minutes=30.0), net("BTC", minutes=90.0), 90.0),
        (net("Z"), net("Z", confirmations=2), None),
    ],
)
def test_how_long_it_takes(source: Network, target: Network, minutes: float | None) -> None:
    assert way(wallet(source), wallet(target), PACES, AT).minutes == minutes


def test_how_long_a_network_takes_as_the_user_knows_it() -> None:
    paces = Paces(processing=1.0, stated={"BTC": 10.0}, block_s={"BTC": 600.0})
    target = wallet(net("BTC", confirmations=6))
    assert way(wallet(net("BTC")), target, paces, AT).minutes == 11.0


def test_a_network_on_which_the_coins_are_others_is_none_of_theirs() -> None:
    source = wallet(net("A", fee=0.1, contract=ADDRESS), net("B", fee=1.0))
    target = wallet(net("A", contract=OTHER), net("B"))
    assert way(source, target, PACES, AT).network == "B"


SOLANA = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
TRON = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (ADDRESS, ADDRESS, (Sameness.PROVEN, "N")),
        (ADDRESS, OTHER, (Sameness.REFUTED, "N")),
        (TRON, TRON[:-1] + "u", (Sameness.REFUTED, "N")),
        (SOLANA, SOLANA[:-1] + "w", (Sameness.REFUTED, "N")),
        (ADDRESS, "", (Sameness.NOT_SAID, "")),
        ("", "", (Sameness.NOT_SAID, "")),
        # Written in more than one way: different text says nothing, equal text does.
        (ADDRESS, SOLANA, (Sameness.NOT_SAID, "")),
        ("USDC-GA5Z", "GA5Z", (Sameness.NOT_SAID, "")),
        ("USDC-GA5Z", "USDC-GA5Z", (Sameness.PROVEN, "N")),
    ],
)
def test_what_contracts_say(one: str, other: str, expected: tuple[Sameness, str]) -> None:
    assert sameness(wallet(net(contract=one)), wallet(net(contract=other))) == expected


def test_other_networks_say_nothing_and_one_equal_address_outweighs() -> None:
    assert sameness(wallet(net("A", contract=ADDRESS)), wallet(net("B", contract=OTHER))) == (
        Sameness.NOT_SAID,
        "",
    )
    one = wallet(net("A", contract=ADDRESS), net("B", contract=ADDRESS))
    other = wallet(net("A", contract=OTHER), net("B", contract=ADDRESS))
    assert sameness(one, other) == (Sameness.PROVEN, "B")


def test_volatility_is_that_of_the_returns() -> None:
    """Up and down by 1 bps every ten seconds: 360 such an hour."""
    seen, mids = Volatility(), (100.0, 100.0 * math.exp(1e-4))
    for number in range(31):
        assert seen.hourly_bps is None
        seen.sample(mids[number % 2], AT + number * EVERY)
        seen.sample(1.0, AT + number * EVERY + 1)  # too soon
    assert seen.hourly_bps == pytest.approx(math.sqrt(360.0))


def test_recent_returns_count_most_and_gaps_not_at_all() -> None:
    seen = Volatility()
    for number in range(2000):
        seen.sample(100.0 * math.exp(1e-3 * (number % 2)), AT + number * EVERY)
    for number in range(2000, 4000):
        seen.sample(100.0 * math.exp(1e-4 * (number % 2)), AT + number * EVERY)
    assert seen.hourly_bps == pytest.approx(math.sqrt(360.0), rel=0.05)
    before = seen.hourly_bps
    seen.sample(500.0, AT + 3999 * EVERY + GAP + 1)
    assert seen.hourly_bps == before
