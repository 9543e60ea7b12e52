"""What is known of moving coins, for ``crossbook venues --transfers``: a line for each network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from scanner.clock import now
from scanner.config import Config
from scanner.configuration import settings
from scanner.engine.ways import DAY, Paces, minutes
from scanner.errors import CrossbookError
from scanner.hedging.csv_file import whole
from scanner.hedging.scope import scoped
from scanner.history.table import Column, table, terminal_width
from scanner.markets import age_text, chosen_from, kept_sources
from scanner.sinks.formats import rfc3339
from scanner.types import Market, Wallet

STATES = {True: "open", False: "closed", None: "unknown"}
# The columns, and which go first where there is little room.
HEADS = {
    **{"coin": 0, "venue": 0, "network": 0, "fee": 0, "least": 6, "withdraw": 0, "deposit": 0},
    **{"min": 3, "listed": 5},
}
NOTES = (
    "fee and least: what a withdrawal takes off, and the least that can be withdrawn, in the coin;",
    "min: minutes that a transfer there takes. What is unknown can be said in the configuration",
    "(venues.VENUE.transfers.COIN.NETWORK); what was listed more than a day ago counts as unknown.",
)
UNKNOWN = "unknown"
NOTHING = "{}: in no market list that is kept here; 'crossbook check' fetches them"


def lines(config: Config, coin: str = "") -> Iterator[str]:
    """A table for people: of one coin, or of all that would be scanned."""
    at, paces = now(), settings.rules(config).moving.paces
    rows = [
        row
        for (name, venue), wallet in _wallets(config, coin)
        for row in _cells(name, venue, wallet, paces, at)
    ]
    numbers = {"fee", "least", "min"}
    columns = [
        Column(title=title, cells=cells, right=title in numbers, rank=rank)
        for (title, rank), cells in zip(HEADS.items(), zip(*rows, strict=True), strict=True)
    ]
    yield from table(columns, terminal_width())
    yield ""
    yield from NOTES


def json_lines(config: Config, coin: str = "") -> Iterator[str]:
    """The same as a JSON object for each coin of each venue."""
    at, paces = now(), settings.rules(config).moving.paces
    for (name, venue), wallet in _wallets(config, coin):
        yield msgspec.json.encode(_fields(name, venue, wallet, paces, at)).decode()


def _fields(name: str, venue: str, wallet: Wallet, paces: Paces, at: int) -> dict[str, Any]:
    return {
        "coin": name,
        "venue": venue,
        "listed_at": rfc3339(wallet.listed_at) if wallet.listed_at else None,
        "too_old": _too_old(wallet, at),
        "networks": [
            {
                "network": network.name,
                "fee": network.fee,
                "min_withdraw": network.min_withdraw,
                "min_deposit": network.min_deposit,
                "withdraw": STATES[network.withdraw],
                "deposit": STATES[network.deposit],
                "minutes": minutes(network, network, paces),
                "confirmations": network.confirmations or None,
                "contract": network.contract or None,
            }
            for network in wallet.networks
        ],
    }


def _wallets(config: Config, coin: str) -> list[tuple[tuple[str, str], Wallet]]:
    """By coin and venue: all that have it, or all that would be scanned."""
    config = scoped(config, whole(config.hedge_book))
    sources = kept_sources(config)
    every = [market for source in sources.values() for market in source.markets]
    if not coin:
        try:
            every = chosen_from(sources, config)
        except CrossbookError:
            every = []
    found = {}
    for market in every:
        for name, wallet in _both(market):
            if not market.is_contract and (not coin or name.lower() == coin.lower()):
                found[name, market.venue] = wallet
    if not found:
        raise CrossbookError(NOTHING.format(coin or "any coin"))
    return sorted(found.items(), key=lambda entry: entry[0])


def _both(market: Market) -> tuple[tuple[str, Wallet], tuple[str, Wallet]]:
    return (market.base, market.wallet), (market.quote, market.quote_wallet)


def _cells(
    name: str, venue: str, wallet: Wallet, paces: Paces, at: int
) -> Iterator[tuple[str, ...]]:
    known = "configuration"
    if wallet.listed_at:
        known = f"{age_text(at - wallet.listed_at)} ago"
        known += " (too old)" if _too_old(wallet, at) else ""
    if not wallet.networks:
        yield name, venue, *[UNKNOWN] * 6, "-"
    for network in wallet.networks:
        yield (
            *(name, venue, network.name, _number(network.fee), _number(network.min_withdraw)),
            *(STATES[network.withdraw], STATES[network.deposit]),
            *(_number(minutes(network, network, paces)), known),
        )


def _too_old(wallet: Wallet, at: int) -> bool:
    return bool(wallet.listed_at) and at - wallet.listed_at > DAY


def _number(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:,.10g}"
