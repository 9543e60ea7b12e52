"""The schema for editors says what the program says."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from scanner.config import starter
from scanner.configuration import json_schema

SCHEMA = json.loads(json_schema.text())
VALIDATOR = Draft202012Validator(SCHEMA)


def mistakes(text: str) -> list[Any]:
    return list(VALIDATOR.iter_errors(yaml.safe_load(text)))


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    "text",
    [
        starter(),
        "venues: {okx: }",
        "venues: {htx: {feed: ccxt}}\nlimits:\nalerts:\nlog_level:",
        "venues: {okx: {depth: full, endpoints: {rest: 'http://h'}}}\nsymbols: [BTC/USDT]",
        "venues: {okx: }\nalerts: {rules: {a: , b: {to: [bell], digest: {after: 3}}},"
        " channels: {x: '${URL}'}}",
        "venues: {okx: }\ndatabase: {url: a.db, max_size_mb: 5}",
    ],
)
def test_what_is_right_is_right_there_too(text: str) -> None:
    assert mistakes(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "symbols: auto",
        "venues: [okx]",
        "venues: {okx: {depht: full}}",
        "venues: {okx: {depth: deep}}",
        "venues: {okx: }\nsymbols: all",
        "venues: {okx: }\nmax_symbols: 0",
        "venues: {okx: }\nlog_level: loud",
        "venues: {okx: }\nthresholds: {close_ratio: 2}",
        "venues: {okx: }\nalerts: {rules: {a: {min_bps: 1}}}",
        "venues: {okx: }\ndatabase: {retention_days: -1}",
        "venues: {okx: }\nvenue: {}",
    ],
)
def test_what_is_wrong_is_wrong_there_too(text: str) -> None:
    assert mistakes(text) != []


def test_the_native_venues_are_offered_with_what_they_take() -> None:
    venues = SCHEMA["properties"]["venues"]
    assert venues["properties"]["kraken"] == venues["additionalProperties"]
    assert "depth" in SCHEMA["$defs"]["VenueConfig"]["properties"]
