"""What ccxt knows of a venue's wallets, as ``Wallet``: networks, whether they are open, their fees.

Venues name the same things in their own words, which ccxt leaves in ``info``: the contract's
address and the confirmations of a deposit are looked for under the names that are in use.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from math import isfinite
from typing import Any

from scanner.metadata.networks import usual_name
from scanner.types import Network, Wallet

LONGEST_NAME = 64
LONGEST_CONTRACT = 128
MOST_NETWORKS = 64
MOST_CONFIRMATIONS = 1_000_000
CONTRACTS = ("contractAddress", "contract_address", "addr", "ctAddr")
CONFIRMATIONS = ("depositConfirm", "confirms", "confirmation", "minConfirm", "minDepArrivalConfirm")
# What is taken off besides the fixed fee, a part of the amount.
SHARES = ("extraWithdrawFee", "withdrawFeeRate", "withdrawPercentageFee", "burningFeeRate")
EVM = re.compile(r"0x[0-9a-fA-F]{40}")
# What stands for the coin that a chain itself is paid in, which has no contract.
NATIVE = re.compile(r"0x(0{40}|e{40})|So1{38,41}2?|1{32}|0x0|0")


def wallets(currencies: Any, wanted: Iterable[str]) -> dict[str, Wallet]:
    """By the codes of ``wanted``, what ccxt's ``currencies`` say of them; those of which they say
    nothing are left out."""
    if not isinstance(currencies, Mapping):
        return {}
    found = {code: _wallet(currencies.get(code)) for code in dict.fromkeys(wanted)}
    return {code: wallet for code, wallet in found.items() if wallet != Wallet()}


def contract(address: Any) -> str:
    """An address as it is compared; empty where it is none that could be, or the chain's own coin.
    Upper and lower case of an Ethereum address are a checksum and no part of it."""
    if not isinstance(address, str) or not 0 < len(address) <= LONGEST_CONTRACT:
        return ""
    text = address.lower() if EVM.fullmatch(address) else address
    printable = text.isprintable() and not any(mark.isspace() for mark in text)
    return text if printable and not NATIVE.fullmatch(text) else ""


def _wallet(currency: Any) -> Wallet:
    if not isinstance(currency, Mapping):
        return Wallet()
    networks = _networks(currency)
    return Wallet(networks=networks, suspended=not networks and currency.get("active") is False)


def _networks(currency: Mapping[str, Any]) -> tuple[Network, ...]:
    networks = _mapping(currency.get("networks"))
    found: dict[str, Network] = {}
    for code, entry in list(networks.items())[:MOST_NETWORKS]:
        name = isinstance(code, str) and usual_name(code)
        if name and len(name) <= LONGEST_NAME and name.isprintable() and isinstance(entry, Mapping):
            found.setdefault(name, _network(name, entry, currency))
    return tuple(found.values())


def _network(name: str, entry: Mapping[str, Any], coin: Mapping[str, Any]) -> Network:
    info, limits = _mapping(entry.get("info")), _mapping(entry.get("limits"))
    shares = [_number(info.get(key)) for key in SHARES]
    return Network(
        name=name,
        deposit=_open("deposit", entry, coin),
        withdraw=_open("withdraw", entry, coin),
        # A fee that grows with the amount is no fixed one, and is not known.
        fee=None if any(shares) else _number(entry.get("fee")),
        min_withdraw=_number(_mapping(limits.get("withdraw")).get("min")),
        min_deposit=_number(_mapping(limits.get("deposit")).get("min")),
        confirmations=next(_confirmations(info), 0),
        contract=next(filter(None, (contract(info.get(key)) for key in CONTRACTS)), ""),
    )


def _open(way: str, entry: Mapping[str, Any], coin: Mapping[str, Any]) -> bool | None:
    """What is closed for the whole coin is closed on each of its networks."""
    if coin.get(way) is False or entry.get("active") is False:
        return False
    said = entry.get(way)
    return said if isinstance(said, bool) else None


def _confirmations(info: Mapping[str, Any]) -> Iterator[int]:
    for key in CONFIRMATIONS:
        number = _number(info.get(key))
        if number and number <= MOST_CONFIRMATIONS:
            yield int(number)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if isfinite(number) and number >= 0 else None
