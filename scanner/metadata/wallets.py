"""The wallets of a venue's markets: what it lists of them, and what the configuration says."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from msgspec.structs import replace

from scanner.configuration.transfers import NetworkFacts
from scanner.metadata.networks import usual_name
from scanner.metadata.wallet_list import contract
from scanner.types import Market, Network, Wallet

Facts = Mapping[str, Mapping[str, NetworkFacts]]


def wallets(listed: Mapping[str, Wallet], stated: Facts) -> dict[str, Wallet]:
    """By the venue's names of the coins: what is ``stated`` goes before what is ``listed``."""
    return {
        name: _wallet(listed.get(name, Wallet()), stated.get(name, {}))
        for name in dict.fromkeys((*listed, *stated))
    }


def with_wallets(
    markets: Iterable[Market], found: Mapping[str, Wallet], named: Collection[str] = ()
) -> list[Market]:
    """The coins among ``markets``, as the venue names them, with their wallets. Of those in
    ``named`` (or ``NAME@venue``) the user has said what they are: no address says otherwise."""
    plain: dict[str, Wallet] = {}
    done = []
    for market in markets:
        base, quote = found.get(market.base), found.get(market.quote)
        if market.is_contract or (base is None and quote is None):
            done.append(market)
            continue
        if base is not None and {market.base, f"{market.base}@{market.venue}"} & set(named):
            base = plain.setdefault(market.base, _without_contracts(base))
        empty = market.wallet
        done.append(replace(market, wallet=base or empty, quote_wallet=quote or empty))
    return done


def _wallet(listed: Wallet, stated: Mapping[str, NetworkFacts]) -> Wallet:
    if not stated:
        return listed
    networks = {network.name: network for network in listed.networks}
    for code, facts in stated.items():
        name = usual_name(code)
        networks[name] = _network(networks.get(name, Network(name=name)), facts)
    return replace(listed, networks=tuple(networks.values()))


def _network(known: Network, facts: NetworkFacts) -> Network:
    said = {
        "fee": facts.withdraw_fee,
        "min_withdraw": facts.min_withdraw,
        "withdraw": facts.withdraw,
        "deposit": facts.deposit,
        "minutes": facts.minutes,
        "contract": None if facts.contract is None else contract(facts.contract),
    }
    return replace(known, **{name: value for name, value in said.items() if value is not None})


def _without_contracts(wallet: Wallet) -> Wallet:
    return replace(wallet, networks=tuple(replace(one, contract="") for one in wallet.networks))
