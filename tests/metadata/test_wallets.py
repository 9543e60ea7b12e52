"""What is known of moving a coin: what ccxt says, and what the user says before that."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.configuration.transfers import NetworkFacts
from scanner.metadata.networks import shipped, usual_name
from scanner.metadata.wallet_list import contract
from scanner.metadata.wallet_list import wallets as listed
from scanner.metadata.wallets import wallets, with_wallets
from scanner.types import Market, Network, Wallet

USDT = "0xdAC17F958D2ee523a2206206994597C13D831ec7"


def coin(networks: dict[str, dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"X": {"networks": networks} | more}


def one(entry: dict[str, Any], **more: Any) -> Network:
    (network,) = listed(coin({"ERC20": entry}, **more), ["X"])["X"].networks
    return network


def test_what_is_not_said_is_not_known() -> None:
    assert one({"fee": None, "withdraw": None, "limits": None, "info": None}) == Network(
        name="ERC20"
    )


def test_what_is_no_fixed_fee_is_not_known() -> None:
    assert one({"fee": 1.0, "info": {"extraWithdrawFee": "0"}}).fee == 1.0
    assert one({"fee": 1.0, "info": {"extraWithdrawFee": "0.1"}}).fee is None
    assert one({"fee": 1.0, "info": {"withdrawFeeRate": "0.001"}}).fee is None


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1, "much", None, [1]])
def test_nonsense_is_not_known(bad: Any) -> None:
    network = one(
        {
            "fee": bad,
            "withdraw": bad,
            "limits": {"withdraw": {"min": bad}},
            "info": {"confirms": bad},
        }
    )
    assert network == Network(name="ERC20")


def test_a_coin_that_is_closed_is_closed_on_every_network() -> None:
    assert one({"withdraw": True, "deposit": True}, withdraw=False) == Network(
        name="ERC20", withdraw=False, deposit=True
    )
    assert one({"withdraw": True, "active": False}).withdraw is False


def test_names_that_cannot_be_told_are_left_out() -> None:
    entries = {"": {}, "A\tB": {}, "A" * 65: {}, "ok": {}}
    assert [n.name for n in listed(coin(entries), ["X"])["X"].networks] == ["OK"]
    assert listed({"X": {"networks": {}}, "Y": None}, ["X", "Y", "Z"]) == {}
    assert listed({"X": {"networks": {}, "active": True}}, ["X"]) == {}


def test_a_coin_without_networks_may_be_suspended() -> None:
    assert listed({"X": {"networks": {}, "active": False}}, ["X"]) == {"X": Wallet(suspended=True)}
    facts = NetworkFacts(withdraw_fee=1.0, withdraw=True, deposit=True)
    found = wallets({"X": Wallet(suspended=True, listed_at=5)}, {"X": {"N": facts}})
    assert (found["X"].suspended, found["X"].listed_at) == (True, 5)
    assert listed(None, ["X"]) == {}


def test_there_are_only_so_many_networks() -> None:
    many: dict[str, dict[str, Any]] = {f"N{number}": {} for number in range(500)}
    assert len(listed(coin(many), ["X"])["X"].networks) == 64


def test_one_network_has_one_name() -> None:
    assert [usual_name(name) for name in ("OPTIMISM", "op", "ETH", "TRX", "SOMETHING")] == [
        *("OP", "OP", "ERC20", "TRC20", "SOMETHING")
    ]
    assert {usual_name(name) for name in shipped()} == set(shipped())


@pytest.mark.parametrize(
    ("said", "compared"),
    [
        (USDT, USDT.lower()),
        ("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
        ("0x0000000000000000000000000000000000000000", ""),
        ("0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE", ""),
        ("So11111111111111111111111111111111111111112", ""),
        ("11111111111111111111111111111111", ""),
        ("", ""),
        (None, ""),
        (5, ""),
        ("a b", ""),
        ("x" * 129, ""),
    ],
)
def test_an_address_as_it_is_compared(said: Any, compared: str) -> None:
    assert contract(said) == compared


def test_what_the_user_says_goes_before_what_is_listed() -> None:
    known = Network(name="ERC20", withdraw=True, deposit=False, fee=3.0, confirmations=12)
    facts = NetworkFacts(withdraw_fee=2.0, deposit=True, minutes=9.0, contract=USDT)
    found = wallets({"USDT": Wallet(networks=(known,), listed_at=5)}, {"USDT": {"ETH": facts}})
    assert found["USDT"] == Wallet(
        networks=(
            Network(
                name="ERC20",
                withdraw=True,
                deposit=True,
                fee=2.0,
                confirmations=12,
                minutes=9.0,
                contract=USDT.lower(),
            ),
        ),
        listed_at=5,
    )


def test_what_the_user_says_of_a_venue_that_says_nothing() -> None:
    facts = NetworkFacts(withdraw_fee=0.0, withdraw=True)
    assert wallets({}, {"BTC": {"BTC": facts}}) == {
        "BTC": Wallet(networks=(Network(name="BTC", withdraw=True, fee=0.0),))
    }


def test_markets_get_the_wallets_of_both_their_currencies() -> None:
    market = Market(venue="v", id="XQ", symbol="X/Q", base="X", quote="Q", taker_fee=0.0)
    base = Wallet(networks=(Network(name="N", contract="0xabc"),))
    quote = Wallet(networks=(Network(name="M", contract="0xdef"),))
    (found,) = with_wallets([market], {"X": base, "Q": quote})
    assert (found.wallet, found.quote_wallet) == (base, quote)
    for named in ("X", "X@v"):
        (found,) = with_wallets([market], {"X": base, "Q": quote}, {named: 1})
        assert (found.wallet.networks[0].contract, found.quote_wallet) == ("", quote)
    assert with_wallets([market], {}) == [market]
