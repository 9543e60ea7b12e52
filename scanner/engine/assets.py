"""Whether two wallets are of one coin, told from the addresses of its contracts."""

from __future__ import annotations

import re
from enum import Enum

from scanner.types import Network, Wallet

# Forms of which one address is written in one way only: Ethereum's in lower case, Tron's, Solana's.
FORMS = tuple(
    map(
        re.compile,
        (r"0x[0-9a-f]{40}", r"T[1-9A-HJ-NP-Za-km-z]{33}", r"[1-9A-HJ-NP-Za-km-z]{43,44}"),
    )
)


class Sameness(Enum):
    """What contracts say of two coins."""

    PROVEN = "the same contract"
    NOT_SAID = ""
    REFUTED = "another contract"


def sameness(one: Wallet, other: Wallet) -> tuple[Sameness, str]:
    """And the network that says so. One equal address outweighs different ones: a coin may have an
    old and a new contract, or two bridges, on one network."""
    refuted = ""
    theirs = {network.name: network for network in other.networks}
    for network in one.networks:
        there = theirs.get(network.name)
        if there is None:
            continue
        if network.contract and network.contract == there.contract:
            return Sameness.PROVEN, network.name
        if not refuted and apart(network, there):
            refuted = network.name
    return (Sameness.REFUTED, refuted) if refuted else (Sameness.NOT_SAID, "")


def apart(one: Network, other: Network) -> bool:
    """Both name a contract on the same network, and not the same."""
    form = _form(one.contract)
    return form >= 0 and form == _form(other.contract) and one.contract != other.contract


def _form(address: str) -> int:
    return next((i for i, form in enumerate(FORMS) if form.fullmatch(address)), -1)
