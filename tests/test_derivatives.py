"""What venues say of contracts: the newest counts, nonsense and the old do not."""

from __future__ import annotations

import pytest

from scanner.derivatives import Derivative, Derivatives
from scanner.events import FundingSample
from scanner.steps import DerivativeTicker
from scanner.types import Market, MarketKind

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
AT = 1_790_000_000 * SECOND
BOOK = 3


def contract(**changes: object) -> Market:
    values = {
        "venue": "v",
        "id": "BTC-SWAP",
        "symbol": "BTC/USDT:USDT",
        "base": "BTC",
        "quote": "USDT",
        "settle": "USDT",
        "taker_fee": 0.0005,
        "kind": MarketKind.PERPETUAL,
        "contract_size": 0.01,
    }
    return Market(**(values | changes))  # type: ignore[arg-type]


def ticker(**said: object) -> DerivativeTicker:
    return DerivativeTicker(market="BTC-SWAP", **said)  # type: ignore[arg-type]


FULL = ticker(
    mark="91000.5",
    index="91010",
    funding_rate="-0.0000321",
    predicted="0.0001",
    settled="1.2e-05",
    next_funding_at=AT + HOUR,
    interval=4 * HOUR,
    open_interest="12000",
)


def told(*tickers: DerivativeTicker, market: Market | None = None) -> Derivatives:
    kept = Derivatives()
    for each in tickers:
        assert kept.update(BOOK, market or contract(), each, AT) == ""
    return kept


def test_everything_that_was_said_is_known_exactly() -> None:
    assert told(FULL).latest(BOOK, AT) == Derivative(
        mark=91000.5,
        index=91010.0,
        funding_rate=-0.0000321,
        predicted=0.0001,
        settled=1.2e-05,
        next_funding_at=AT + HOUR,
        interval=4 * HOUR,
        open_interest=120.0,
    )


def test_a_partial_update_leaves_what_it_does_not_name() -> None:
    known = told(FULL, ticker(mark="91001")).latest(BOOK, AT)
    assert (known.mark, known.index, known.funding_rate) == (91001.0, 91010.0, -0.0000321)


def test_a_rate_of_zero_is_a_rate() -> None:
    assert told(FULL, ticker(funding_rate="0")).latest(BOOK, AT).funding_rate == 0.0


def test_of_a_contract_nothing_was_said_of_nothing_is_known() -> None:
    assert Derivatives().latest(BOOK, AT) == Derivative()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mark", "0"),
        ("mark", "-1"),
        ("mark", "nan"),
        ("mark", "inf"),
        ("mark", "1e13"),
        ("mark", "1_000"),
        ("mark", "9" * 65),
        ("index", "a price"),
        ("funding_rate", "1"),
        ("funding_rate", "-1.5"),
        ("funding_rate", "nan"),
        ("predicted", "2"),
        ("settled", "x"),
        ("open_interest", "-5"),
        ("next_funding_at", AT + 40 * 24 * HOUR),
        ("interval", 60 * 24 * HOUR),
        ("interval", 5),
    ],
)
def test_nonsense_is_told_and_changes_nothing(name: str, text: object) -> None:
    kept = told(FULL)
    before = kept.latest(BOOK, AT)
    assert kept.update(BOOK, contract(), ticker(**{name: text}), AT).startswith(name)
    assert kept.latest(BOOK, AT) == before


def test_prices_age_before_rates_and_rates_before_what_stands() -> None:
    kept = told(FULL)
    assert kept.latest(BOOK, AT + 30 * SECOND).mark == 91000.5
    later = kept.latest(BOOK, AT + 31 * SECOND)
    assert (later.mark, later.index, later.funding_rate) == (None, None, -0.0000321)
    assert kept.latest(BOOK, AT + 181 * SECOND) == Derivative(
        settled=1.2e-05, interval=4 * HOUR, open_interest=120.0
    )
    assert kept.latest(BOOK, AT + 601 * SECOND).open_interest is None


def test_what_is_said_again_is_fresh_again_and_nothing_else() -> None:
    kept = told(FULL)
    kept.update(BOOK, contract(), ticker(mark="91002"), AT + 20 * SECOND)
    known = kept.latest(BOOK, AT + 45 * SECOND)
    assert (known.mark, known.index) == (91002.0, None)


def test_a_rate_whose_boundary_has_passed_is_not_used() -> None:
    kept = told(FULL, ticker(next_funding_at=AT + 10 * SECOND))
    assert kept.latest(BOOK, AT + 9 * SECOND).funding_rate == -0.0000321
    known = kept.latest(BOOK, AT + 10 * SECOND)
    assert (known.funding_rate, known.predicted, known.next_funding_at) == (None, None, None)


def test_the_interval_of_the_list_counts_only_where_the_stream_tells_none() -> None:
    listed = contract(funding_interval=8 * HOUR)
    assert told(ticker(mark="1"), market=listed).latest(BOOK, AT).interval == 8 * HOUR
    assert told(FULL, market=listed).latest(BOOK, AT).interval == 4 * HOUR
    assert told(ticker(mark="1")).latest(BOOK, AT).interval is None


def test_a_dated_future_pays_no_funding_whatever_is_filled_in() -> None:
    dated = contract(kind=MarketKind.FUTURE, expiry=AT + 30 * 24 * HOUR)
    known = told(FULL, market=dated).latest(BOOK, AT)
    assert (known.mark, known.funding_rate, known.next_funding_at) == (91000.5, None, None)


def test_open_interest_of_an_inverse_contract_needs_the_mark() -> None:
    inverse = contract(inverse=True, contract_size=100.0, settle="BTC", quote="USD")
    kept = told(ticker(open_interest="455"), market=inverse)
    assert kept.latest(BOOK, AT).open_interest is None
    kept.update(BOOK, inverse, ticker(mark="91000"), AT)
    assert kept.latest(BOOK, AT).open_interest == 0.5


def test_a_lost_connection_takes_all_with_it() -> None:
    kept = told(FULL)
    kept.forget(BOOK)
    assert kept.latest(BOOK, AT) == Derivative()
    assert kept.take_samples(AT) == []


def test_samples_are_taken_once_of_what_was_spoken_of() -> None:
    kept = told(FULL)
    (sample,) = kept.take_samples(AT + SECOND)
    assert sample == FundingSample(
        at=AT + SECOND,
        venue="v",
        market="BTC-SWAP",
        symbol="BTC/USDT:USDT",
        current=-0.0000321,
        predicted=0.0001,
        due=AT + HOUR,
        interval=4 * HOUR,
        settled=1.2e-05,
        settled_at=AT - 3 * HOUR,
        mark=91000.5,
        index=91010.0,
        open_interest=120.0,
    )
    assert kept.take_samples(AT + SECOND) == []
    kept.update(BOOK, contract(), ticker(mark="91003"), AT + 2 * SECOND)
    assert [one.mark for one in kept.take_samples(AT + 2 * SECOND)] == [91003.0]
