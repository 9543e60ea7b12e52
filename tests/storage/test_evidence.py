"""States as text: short, and read as they were, also those of before."""

from __future__ import annotations

import json

import msgspec
from msgspec.structs import asdict, replace

from storage import evidence
from tests.storage.events import leg, opened


def test_a_state_comes_back_as_it_was() -> None:
    conversion = replace(leg("gamma", 0.999), size=12.5, sequence=7, fee_in="base")
    whole = replace(opened(), conversion=conversion, bound="edge", accounting_profit=0.0)
    buy, sell = evidence.written(whole)
    assert evidence.leg(buy) == whole.buy
    assert evidence.leg(sell) == whole.sell
    basis = evidence.basis(sell)
    assert (basis.conversion, basis.bound, basis.accounting_profit) == (conversion, "edge", 0.0)


def test_what_is_as_it_mostly_is_takes_no_room() -> None:
    buy, _ = evidence.written(opened())
    assert json.loads(buy).keys() == {"venue", "symbol", "levels", "fee_rate", "age_ms"}


def test_what_was_written_in_full_is_still_read() -> None:
    of = replace(leg("alpha", 100.0), sequence=5, state="live")
    text = msgspec.json.encode(asdict(of)).decode()
    assert '"inverse":false' in text
    assert evidence.leg(text) == of
