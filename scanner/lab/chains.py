"""On which chains the simulated venues move coins, what that costs, and what is closed.

In the likeness of what venues list; the addresses are those of the coins' real contracts.
"""

from __future__ import annotations

from msgspec import Struct


class Chain(Struct, frozen=True):
    """One chain of one coin: its plain name, the ``fee`` of a withdrawal and the least amount (in
    the coin), the blocks that a deposit waits for, the contract's address (empty: its own coin)."""

    name: str
    fee: str
    least: str
    confirmations: int
    contract: str = ""
    deposit: bool = True
    withdraw: bool = True


def _token(fees: str, least: str, **contracts: str) -> tuple[Chain, ...]:
    waits = {"ethereum": 12, "tron": 1, "bnb": 15, "solana": 1}
    return tuple(
        Chain(name, fee, least, waits[name], contract)
        for fee, (name, contract) in zip(fees.split(), contracts.items(), strict=True)
    )


CHAINS: dict[str, tuple[Chain, ...]] = {
    "BTC": (Chain("bitcoin", "0.0001", "0.001", 2),),
    "ETH": (Chain("ethereum", "0.001", "0.01", 12),),
    "SOL": (Chain("solana", "0.008", "0.05", 1),),
    "XRP": (Chain("ripple", "0.2", "1", 1),),
    "DOGE": (Chain("dogecoin", "4", "20", 20),),
    "BNB": (Chain("bnb", "0.0005", "0.01", 15),),
    "ADA": (Chain("cardano", "0.8", "4", 15),),
    "LTC": (Chain("litecoin", "0.001", "0.01", 6),),
    "LINK": _token("0.3", "1", ethereum="0x514910771AF9Ca656af840dff83E8264EcF986CA"),
    "USDT": _token(
        "3 1 0.2",
        "10",
        ethereum="0xdAC17F958D2ee523a2206206994597C13D831ec7",
        tron="TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
        bnb="0x55d398326f99059fF775485246999027B3197955",
    ),
    "USDC": _token(
        "2 0.3 1",
        "10",
        ethereum="0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48",
        bnb="0x8AC76a51cc950d9822D68b83fE1Ad97B32Cd580d",
        solana="EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v",
    ),
}
