"""The configuration in the units of the engine, and what is said of venues that take no part."""

from __future__ import annotations

import logging
import math

import pytest

from scanner.app import tell_unverified
from scanner.config import Config, validated
from scanner.configuration import settings
from scanner.configuration.located import parse
from scanner.engine.bounds import Probing
from scanner.engine.rules import KINDS, SPOT_SPOT, Amount


def config(text: str) -> Config:
    return validated(parse(text, "config.yaml"), {})


def test_the_rules_are_those_of_the_file() -> None:
    rules = settings.rules(
        config(
            """
            venues:
              okx: {capital: {USDT: 500, BTC: 0.1}}
              kraken: {capital: 2000}
              gate:
            kinds: [spot-spot]
            currency: EUR
            conversions: {USD/USDC: 0.8}
            max_trade: 100
            limits: {unverified: true}
            """
        )
    )
    assert rules.kinds == {SPOT_SPOT}
    assert (rules.currency, rules.unverified) == ("EUR", True)
    assert rules.assumed == {("USD", "USDC"): 0.8, ("USDC", "USD"): 1.25}
    assert rules.max_trade == Amount(worth=100)
    assert rules.capital == {
        "okx": Amount({"USDT": 500, "BTC": 0.1}),
        "kraken": Amount(worth=2000),
        "gate": Amount(),
    }


def test_processes_share_what_goes_to_a_venue() -> None:
    asked = config("venues: {okx: , kraken: }\nlimits: {quiet_after_ms: 700}")
    assert settings.probing(asked, 4) == Probing(quiet=700_000_000, rate=0.5)


def test_by_default_every_kind_is_looked_for_and_nothing_unproven_takes_part() -> None:
    rules = settings.rules(config("venues: {okx: , kraken: }"))
    assert rules.kinds == frozenset(KINDS)
    assert (rules.currency, rules.assumed, rules.unverified) == ("USDT", {}, False)


@pytest.mark.parametrize("unverified", [False, True])
def test_venues_that_nothing_proves_are_named(
    unverified: bool, caplog: pytest.LogCaptureFixture
) -> None:
    text = f"venues: {{okx: , htx: , kraken: {{feed: ccxt}}}}\nlimits: {{unverified: {unverified}}}"
    with caplog.at_level(logging.WARNING):
        tell_unverified(config(text.replace("True", "true").replace("False", "false")))
    said = [record.getMessage() for record in caplog.records]
    if unverified:
        assert said == []
    else:
        (line,) = said
        assert line.startswith("htx, kraken: nothing proves the books of ccxt's client")


def test_a_venue_that_proves_only_its_best_levels_is_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        tell_unverified(config("venues: {okx: {depth: full}, kraken: {depth: full}}"))
    (record,) = caplog.records
    assert record.getMessage().startswith("kraken: nothing proves what is deeper than depth top")


def test_how_far_apart_prices_may_be_and_for_how_long() -> None:
    rules = settings.rules(config("venues: {okx: , kraken: }"))
    assert (rules.suspect_bps, rules.structural) == (500, 4 * 3600 * 10**9)
    text = "venues: {okx: , kraken: }\nlimits: {suspect_bps: 0, structural_h: 0}"
    rules = settings.rules(config(text))
    assert (rules.suspect_bps, rules.structural) == (math.inf, 0)
