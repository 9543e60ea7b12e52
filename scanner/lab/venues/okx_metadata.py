"""What the simulated OKX says of its instruments."""

from __future__ import annotations

from scanner.lab.seam import LabMarket, Reply
from scanner.lab.wire import encoded, plain

LISTED_AT = "1548133413000"


def missing_parameter(name: str) -> Reply:
    """The answer to a request without a parameter that it needs."""
    body = {"code": "50014", "data": [], "msg": f"Parameter {name} can not be empty."}
    return Reply(400, encoded(body))


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
