"""A hedge planned with live books: those of all simulated venues, and what there is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanner.config import Config, validated
from scanner.configuration.hedge import HedgeBook, Holding, Position
from scanner.configuration.located import parse
from scanner.errors import CrossbookError
from scanner.hedge.book import balances
from scanner.hedge.offers import exits, offers
from scanner.hedging.live import look, look_at_book
from scanner.hedging.scope import scoped
from scanner.lab.server import Clock, LabServer
from scanner.lab.world import World
from scanner.markets import load, renewed
from scanner.types import MarketKind

HOUR = 3_600_000_000_000
VENUES = ("binanceusdm", "okx", "kraken", "krakenfutures")


def config(lab: LabServer, folder: Path, names: tuple[str, ...] = VENUES) -> Config:
    """As a user has it: no kinds of markets named, and one venue that is not there."""
    rows = [f"cache_dir: {folder}", "venues:"]
    for name in names:
        rows.append(f"  {name}: {{endpoints: {{rest: '{lab.url(name)}', ws: '{lab.ws(name)}'}}}}")
    return validated(parse("\n".join(rows), "test.yaml"))


async def test_every_contract_on_the_coin_is_offered_at_its_own_book(tmp_path: Path) -> None:
    clock = Clock()
    async with LabServer(World(7, clock(), VENUES, contracts=True), clock=clock) as lab:
        books, notes = await look(config(lab, tmp_path), "BTC", 30.0)
        assert notes == []
        assert {seen.market.base for seen in books} == {"BTC"}
        found, refused = offers(books, 0.1, clock(), 24 * HOUR)
        assert refused == []
        assert {(one.market.venue, one.market.kind) for one in found} == {
            ("binanceusdm", MarketKind.PERPETUAL),
            ("okx", MarketKind.PERPETUAL),
            ("okx", MarketKind.FUTURE),
            ("krakenfutures", MarketKind.PERPETUAL),
        }
        costs = [one.bps(one.cost) for one in found if one.cost is not None]
        assert len(costs) == len(found) and costs == sorted(costs)
        assert lab.world is not None
        for one in found:
            contract = lab.world.venues[one.market.venue].contract(one.market.symbol)
            assert (one.interval_h or 0) * HOUR == contract.said.interval
            assert one.entry_cost > 0 and abs(one.short.entry / one.spot - 1) < 0.1
        ways, _ = exits(books, 0.1, "USDT")
        assert {one.market.venue for one in ways} == {"okx", "kraken"}
        assert all(one.bps > 2 * one.market.fee_rate * 1e4 for one in ways)


async def test_a_coin_that_is_not_there_or_not_to_be_shorted_is_said(tmp_path: Path) -> None:
    clock = Clock()
    async with LabServer(World(7, clock(), VENUES, contracts=True), clock=clock) as lab:
        with pytest.raises(CrossbookError, match="no configured venue lists NOPE"):
            await look(config(lab, tmp_path), "NOPE", 1.0)
        with pytest.raises(CrossbookError, match="lists a contract on BTC: nothing to short"):
            await look(config(lab, tmp_path, ("kraken",)), "BTC", 1.0)


async def test_a_hedge_book_is_told_by_live_books(tmp_path: Path) -> None:
    clock = Clock()
    symbol = "BTC/USDT:USDT"
    short = Position(
        venue="binanceusdm", symbol=symbol, amount=0.5, entry_price=50_000.0, leverage=2.0
    )
    book = HedgeBook(holdings=(Holding(venue="okx", coin="BTC", amount=1.0),), shorts=(short,))
    async with LabServer(World(7, clock(), VENUES, contracts=True), clock=clock) as lab:
        settings = config(lab, tmp_path)
        markets, seen, notes = await look_at_book(settings, book, 30.0)
        assert notes == []
        assert {one.symbol for one in markets if one.is_contract} == {symbol}
        (found,) = balances(
            book, markets, seen, [None], clock(), maintenance=0.005, currency="USDT"
        )
    assert (found.hedged, found.drift_pct, found.quote) == (0.5, 50.0, "USDT")
    (one,) = found.opened
    assert one.marked and one.price and one.profit == 0.5 * (50_000.0 - one.price)
    assert found.spot_value and not found.held[0].elsewhere
    assert one.basis is not None and abs(one.basis) < 0.1 and one.rate is not None


async def test_a_scan_takes_what_is_sold_short_where_it_takes_no_contracts(tmp_path: Path) -> None:
    clock = Clock()
    symbol = "BTC/USDT:USDT"
    short = Position(venue="okx", symbol=symbol, amount=0.5, entry_price=50_000.0)
    async with LabServer(World(7, clock(), VENUES, contracts=True), clock=clock) as lab:
        settings = scoped(config(lab, tmp_path, ("okx", "kraken")), HedgeBook(shorts=(short,)))
        markets = await load(settings)
        assert [(one.venue, one.symbol) for one in markets if one.is_contract] == [("okx", symbol)]
        assert len(markets) > 2
        assert await renewed(settings, markets) == markets
