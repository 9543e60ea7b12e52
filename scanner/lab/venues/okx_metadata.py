"""What the simulated OKX says of its instruments, and how it writes numbers."""

from __future__ import annotations

import msgspec

from scanner.lab.seam import LabMarket, Reply

LISTED_AT = "1548133413000"


def plain(number: str) -> str:
    """Without trailing zeros: ``30244.0`` is ``30244``."""
    return number.rstrip("0").rstrip(".") if "." in number else number


def missing_parameter(name: str) -> Reply:
    """The answer to a request without a parameter that it needs."""
    body = {"code": "50014", "data": [], "msg": f"Parameter {name} can not be empty."}
    return Reply(400, msgspec.json.encode(body).decode())


def instrument(market: LabMarket) -> dict[str, str]:
    """A spot instrument as ``/public/instruments`` lists it."""
    empty = ("alias", "ctMult", "ctType", "ctVal", "ctValCcy", "expTime", "instFamily", "optType")
    return {
        **dict.fromkeys((*empty, "settleCcy", "stk", "uly"), ""),
        "baseCcy": market.base,
        "category": "1",
        "instId": market.id,
        "instType": "SPOT",
        "lever": "",
        "listTime": LISTED_AT,
        "lotSz": plain(market.lot),
        "maxIcebergSz": "999999999999",
        "maxLmtAmt": "20000000",
        "maxLmtSz": "999999999999",
        "maxMktAmt": "1000000",
        "maxMktSz": "1000000",
        "maxStopSz": "1000000",
        "maxTriggerSz": "999999999999",
        "maxTwapSz": "999999999999",
        "minSz": plain(market.min_amount),
        "quoteCcy": market.quote,
        "ruleType": "normal",
        "state": "live",
        "tickSz": plain(market.tick),
    }
