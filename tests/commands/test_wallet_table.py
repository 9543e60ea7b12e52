"""``crossbook venues --transfers``, on lists as they are kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scanner.clock import now
from scanner.markets import DAY, Cache, Kept
from scanner.metadata.fetch import Wanted
from scanner.types import Market, Network, Wallet
from tests.test_cli import _log_as_before, crossbook  # noqa: F401 (a fixture)

CONFIG = """
venues:
  okx:
    transfers:
      BTC:
        BTC: {withdraw_fee: 0.0002, withdraw: true, deposit: false, minutes: 30}
  kucoin:
  gate:
symbols: [BTC/USDT]
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    at = now()
    coin = Network(
        name="BTC", withdraw=True, deposit=True, fee=0.0001, min_withdraw=0.001, confirmations=2
    )
    lists = {
        "okx": {},
        "kucoin": {"BTC": Wallet(networks=(coin,), listed_at=at - 5_000_000_000)},
        "gate": {"BTC": Wallet(networks=(Network(name="BTC"),), listed_at=at - 2 * DAY)},
    }
    for venue, wallets in lists.items():
        market = Market(
            venue=venue,
            id="BTC-USDT",
            symbol="BTC/USDT",
            base="BTC",
            quote="USDT",
            taker_fee=0.001,
            fee_source="its list",
        )
        Cache(tmp_path).write(Wanted(venue, "", True), Kept(at, (market,), {}, wallets))
    path = tmp_path / "config.yaml"
    path.write_text(f"{CONFIG}cache_dir: {tmp_path}\n")
    return path


def test_a_line_for_each_network(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    told = crossbook("venues", "--transfers", "--coin", "btc", "--config", str(config))
    assert (told.exit_code, told.stderr) == (0, "")
    rows = [" ".join(line.split()) for line in told.stdout.splitlines() if line[:3] == "BTC"]
    assert rows == [
        "BTC gate BTC unknown unknown unknown unknown 45 2 days ago (too old)",
        "BTC kucoin BTC 0.0001 0.001 open open 25 5 s ago",
        "BTC okx BTC 0.0002 unknown open closed 30 configuration",
    ]


def test_all_that_would_be_scanned_as_json(config: Path) -> None:
    told = crossbook("venues", "--transfers", "--json", "--config", str(config))
    found = {(row["coin"], row["venue"]): row for row in map(json.loads, told.stdout.splitlines())}
    assert set(found) == {
        (coin, venue) for coin in ("BTC", "USDT") for venue in ("okx", "kucoin", "gate")
    }
    assert found["USDT", "kucoin"]["networks"] == []
    assert found["BTC", "gate"]["too_old"] is True
    (network,) = found["BTC", "okx"]["networks"]
    assert network == {
        "network": "BTC",
        "fee": 0.0002,
        "min_withdraw": None,
        "min_deposit": None,
        "withdraw": "open",
        "deposit": "closed",
        "minutes": 30.0,
        "confirmations": None,
        "contract": None,
    }


def test_a_coin_that_nobody_lists(config: Path) -> None:
    told = crossbook("venues", "--transfers", "--coin", "NIX", "--config", str(config))
    assert told.exit_code == 1
    assert told.stderr == (
        "crossbook: NIX: in no market list that is kept here; 'crossbook check' fetches them\n"
    )
