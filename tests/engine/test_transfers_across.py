"""Moving the coin where the sale is in another currency: its money is not moved, so it is converted
where it lies. Against sums by hand."""

from __future__ import annotations

import pytest

from scanner.events import Opportunity
from scanner.types import BookState
from tests.engine.test_gates import AT, Bench
from tests.engine.test_transfers import WITHDRAWN, moving, prefunded, transfer, wallet


@pytest.fixture
def across() -> Bench:
    bench = Bench()
    bench.add("a")
    bench.add("b", "BTC/USDC")
    bench.add("c", "USDC/USDT")
    bench.change("a", wallet=wallet(), quote_wallet=wallet("TRC20", fee=1.0))
    usdc = {"wallet": wallet(), "quote_wallet": wallet("SOL", fee=0.5)}
    bench.change("b BTC/USDC", **usdc)
    return bench


def show_across(bench: Bench, converter: str) -> Opportunity:
    bench.show(f"{converter} USDC/USDT", [(0.999, 900)], [(1.0, 900)])
    bench.show("a", [(99, 5)], [(100, 5)])
    bench.show("b BTC/USDC", [(101, 5)], [(102, 5)])
    return bench.said[-1]


def test_across_quotes_the_conversion_is_of_what_arrives(across: Bench) -> None:
    """Of 5 BTC 4.99 arrive: 503.99 USDC at 0.999 are 503.48601 USDT, for 500."""
    across.add("b", "USDC/USDT")
    moving(across, WITHDRAWN)
    found = show_across(across, "b")
    assert found.net_profit == pytest.approx(3.48601)
    assert transfer(found).net_profit == pytest.approx(found.net_profit)


NO_CONVERSION = "no book to be trusted converts what the sale brings on b, where it lies"


@pytest.mark.parametrize("venue", ["a", "c"])
def test_with_transfers_nothing_is_converted_where_the_money_is_not(
    across: Bench, venue: str
) -> None:
    """Neither at the purchase nor on a third venue, though it would leave a profit there."""
    if venue != "c":
        across.add(venue, "USDC/USDT")
    moving(across, WITHDRAWN)
    across.show(f"{venue} USDC/USDT", [(0.999, 900)], [(1.0, 900)])
    across.show("a", [(99, 5)], [(100, 5)])
    across.show("b BTC/USDC", [(101, 5)], [(102, 5)])
    across.engine.tick(AT)
    assert across.said == []
    assert across.rejects() == {"conversion": (1, 0.0)}


def test_with_transfers_the_best_conversion_does_not_stand_before_that_of_the_sale(
    across: Bench,
) -> None:
    """503.99 USDC at 0.995 are 501.47005 USDT; at c it would be 503.48601."""
    across.add("b", "USDC/USDT")
    moving(across, WITHDRAWN)
    across.show("b USDC/USDT", [(0.995, 900)], [(1.0, 900)])
    found = show_across(across, "c")
    assert found.conversion is not None and found.conversion.venue == "b"
    assert found.net_profit == pytest.approx(1.47005)


def test_with_transfers_a_conversion_at_the_sale_opens_it_though_not_the_best(
    across: Bench,
) -> None:
    """At 0.99 the 503.99 USDC are 498.9501 USDT, for 500; at 0.995 they are 501.47005."""
    across.add("b", "USDC/USDT")
    moving(across, WITHDRAWN)
    across.show("b USDC/USDT", [(0.99, 900)], [(1.0, 900)])
    across.show("c USDC/USDT", [(0.999, 900)], [(1.0, 900)])
    across.show("a", [(99, 5)], [(100, 5)])
    across.show("b BTC/USDC", [(101, 5)], [(102, 5)])
    across.engine.tick(AT)
    assert across.said == []
    assert set(across.rejects()) == {"fees"}
    across.show("b USDC/USDT", [(0.995, 900)], [(1.0, 900)])
    across.engine.tick(AT)
    assert [one.net_profit for one in across.said] == [pytest.approx(1.47005)]


def test_with_transfers_it_ends_when_nothing_converts_where_the_sale_is(across: Bench) -> None:
    across.add("b", "USDC/USDT")
    moving(across, WITHDRAWN)
    across.show("c USDC/USDT", [(0.999, 900)], [(1.0, 900)])
    show_across(across, "b")
    book = across.book("b USDC/USDT")
    across.store.clear(book, BookState.UNSYNCHRONISED)
    across.engine.dropped(book, "gone", AT)
    assert [one.event for one in across.said] == ["opened", "closed"]
    assert across.said[-1].reason == NO_CONVERSION


def test_with_transfers_a_stated_rate_converts_anywhere(across: Bench) -> None:
    """Of 5 BTC 4.99 arrive: 503.99 USDC are as many USDT, for 500."""
    moving(across, WITHDRAWN, assumed={("USDC", "USDT"): 1.0})
    found = show_across(across, "c")
    assert found.conversion is not None and found.conversion.assumed
    assert found.net_profit == pytest.approx(3.99)
    assert transfer(found).net_profit == pytest.approx(3.99)


@pytest.mark.parametrize("venue", ["a", "c"])
def test_beside_the_net_no_transfer_is_told_with_a_conversion_elsewhere(
    across: Bench, venue: str
) -> None:
    """5 BTC bring 505 USDC, 504.495 USDT; what would come of a transfer is not known."""
    if venue != "c":
        across.add(venue, "USDC/USDT")
    found = show_across(across, venue)
    assert found.net_profit == pytest.approx(4.495)
    told = transfer(found)
    assert told.reason == (
        f"the conversion is made on {venue}: moving the money there is not reckoned"
    )
    assert (told.state, told.fee, told.in_net) == ("open", 0.01, False)
    assert (told.sold, told.net_profit, told.net_bps) == (None, None, None)
    assert (told.net_after_risk, told.min_size, told.max_size) == (None, None, None)


def test_beside_the_net_a_transfer_is_told_with_a_conversion_at_the_sale(across: Bench) -> None:
    """5 BTC bring 504.495 USDT; 4.99 that arrive bring 503.48601."""
    across.add("b", "USDC/USDT")
    found = show_across(across, "b")
    assert found.net_profit == pytest.approx(4.495)
    told = transfer(found)
    assert (told.reason, told.net_profit) == ("", pytest.approx(3.48601))


def test_what_moving_back_from_a_third_venue_costs_is_not_known(across: Bench) -> None:
    back = prefunded(show_across(across, "c"))
    assert (back.back_state, back.cost) == ("unknown", None)
    assert back.back_reason == "the conversion is made on a third venue"


@pytest.mark.parametrize(
    ("venue", "currency", "network", "cost"),
    [("b", "USDT", "TRC20", 0.01 * 100 + 2.0), ("a", "USDC", "SOL", 0.01 * 100 + 0.5 * 0.999)],
)
def test_across_quotes_what_has_gathered_is_moved_back(
    across: Bench, venue: str, currency: str, network: str, cost: float
) -> None:
    """Converted at the sale, USDT gather there; at the purchase, USDC do, and are missing here."""
    across.add(venue, "USDC/USDT")
    across.change(
        f"{venue} USDC/USDT",
        wallet=wallet("SOL", fee=0.7),
        quote_wallet=wallet("TRC20", fee=2.0),
    )
    back = prefunded(show_across(across, venue))
    assert (back.back_currency, back.back_network) == (currency, network)
    assert back.cost == pytest.approx(cost / 10)
