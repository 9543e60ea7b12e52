"""What the simulated OKX says of swaps and futures: instruments, marks, rates, their channels."""

from __future__ import annotations

from typing import Any

from scanner.lab.past import number, page
from scanner.lab.seam import LabContract
from scanner.lab.units import MILLISECOND, SECOND
from scanner.lab.venues.okx_metadata import LISTED_AT, instrument
from scanner.lab.wire import plain

# How often each channel speaks. Rates come faster than there (30 to 90 s), to be seen to move.
PERIODS = {
    "mark-price": 200 * MILLISECOND,
    "index-tickers": 200 * MILLISECOND,
    "open-interest": 3 * SECOND,
    "funding-rate": 4 * SECOND,
}
ALIVE = 10 * SECOND
MOST_SETTLED = 100


def kind(contract: LabContract) -> str:
    """Its ``instType``."""
    return "FUTURES" if contract.market.expiry else "SWAP"


def underlying(contract: LabContract) -> str:
    """``BTC-USDT``"""
    return f"{contract.market.base}-{contract.market.quote}"


def contract_instrument(contract: LabContract) -> dict[str, str]:
    """A contract as ``/public/instruments`` lists it."""
    market = contract.market
    return instrument(market) | {
        "instType": kind(contract),
        "baseCcy": "",
        "quoteCcy": "",
        "settleCcy": market.settle,
        "uly": underlying(contract),
        "instFamily": underlying(contract),
        "ctVal": market.contract_size,
        "ctMult": "1",
        "ctValCcy": market.quote if market.inverse else market.base,
        "ctType": "inverse" if market.inverse else "linear",
        "expTime": str(market.expiry // MILLISECOND) if market.expiry else "",
        "alias": "next_quarter" if market.expiry else "",
        "lever": "100",
        "listTime": LISTED_AT,
        "minSz": plain(market.min_amount),
    }


def row(channel: str, contract: LabContract, at: int) -> dict[str, Any] | None:
    """What a channel, or the REST answer of the same name, says of a contract; None for nothing."""
    said, market, now = contract.said, contract.market, str(at // MILLISECOND)
    head = {"instId": market.id, "instType": kind(contract)}
    match channel:
        case "mark-price":
            return head | {"markPx": said.mark, "ts": now}
        case "open-interest":
            return head | {"oi": said.open_interest, "oiCcy": said.open_interest, "ts": now}
        case "index-tickers":
            return {"instId": underlying(contract), "idxPx": said.index, "ts": now}
        case "funding-rate" if not market.expiry:
            return head | {
                "method": "current_period",
                "formulaType": "withRate",
                "fundingRate": said.rate,
                "fundingTime": str(said.next_at // MILLISECOND),
                "nextFundingRate": "",
                "nextFundingTime": str((said.next_at + said.interval) // MILLISECOND),
                "settFundingRate": said.settled,
                "settState": "settled",
                "premium": said.predicted,
                "ts": now,
            }
    return None


def settled(contract: LabContract, query: dict[str, str]) -> list[dict[str, str]]:
    """The rows of ``funding-rate-history``: the newest first, those earlier than ``after`` and
    later than ``before``, which are both excluded."""
    after, before = (number(query.get(key), 0) * MILLISECOND for key in ("after", "before"))
    limit = min(number(query.get("limit"), MOST_SETTLED), MOST_SETTLED)
    until = after - 1 if after else 0
    return [
        {
            "instType": kind(contract),
            "instId": contract.market.id,
            "formulaType": "withRate",
            "fundingRate": f"{one.rate:.8f}",
            "realizedRate": f"{one.rate:.8f}",
            "fundingTime": str(one.at // MILLISECOND),
            "method": "current_period",
        }
        for one in page(contract.settled, limit, since=before + 1, until=until, newest=True)
    ]


class Beside:
    """One subscription of one client to what is said of a contract beside its book."""

    def __init__(self, channel: str, of: str, contract: LabContract) -> None:
        self.arg = {"channel": channel, "instId": of}
        self._contract = contract
        self._period = PERIODS[channel]
        self._last = 0
        self._said: dict[str, Any] = {}

    def due(self, at: int) -> object | None:
        """What the channel says now, None for nothing."""
        if at - self._last < self._period:
            return None
        now = row(self.arg["channel"], self._contract, at) or {}
        same = {**now, "ts": ""} == {**self._said, "ts": ""}
        if not now or (same and at - self._last < max(ALIVE, self._period)):
            return None
        self._last, self._said = at, now
        return {"arg": self.arg, "data": [now]}
