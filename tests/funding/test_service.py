"""Settlements are learned beside the scan: the service before simulated venues, in virtual time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlsplit

import pytest

from scanner.config import Config, validated
from scanner.configuration.located import parse
from scanner.events import FundingSample
from scanner.feeds.notices import Notices
from scanner.feeds.pacing import Bucket, Pace
from scanner.feeds.rest import NOTHING, Answer
from scanner.funding.schedule import SETTLING
from scanner.funding.service import BACK, BEFORE, SettledFunding
from scanner.lab.seam import Request
from scanner.lab.venues import lab_venue
from scanner.lab.world import World
from scanner.types import Market, MarketKind
from scanner.venues.registry import CONTRACTS
from storage.queries import open_reader
from tests.feeds.virtual import now as since_begun
from tests.feeds.virtual import virtually
from tests.storage.test_readings import store

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
BEGIN = 1_790_000_000 * SECOND
NAMES = "{" + ", ".join(f"{name}: " for name in CONTRACTS) + "}"


def now() -> int:
    return BEGIN + since_begun()


class InLab:
    """HTTP to a simulated venue, without sockets; it notes when it was asked. It answers nothing
    while it is ``down``."""

    def __init__(self, labs: Labs, name: str, rate: float) -> None:
        self._labs = labs
        self._lab = lab_venue(name)(labs.world.venues[name])
        self._pace = Pace(Bucket(rate), now)
        self.asked: list[int] = []
        self.down = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    async def fetch(self, url: str, method: str = "GET", body: bytes = b"") -> Answer:
        await self._pace.turn()
        self.asked.append(now())
        await asyncio.sleep(0.2)
        if self.down:
            return NOTHING
        self._labs.world.advance(now())
        parts = urlsplit(url)
        asked = Request(method, parts.path, dict(parse_qsl(parts.query)), {}, body)
        reply = self._lab.rest(asked, now())
        return Answer(reply.status, reply.body.encode())


class Labs:
    """All simulated venues, and the service that asks them."""

    def __init__(self, more: str = "", *, down: tuple[str, ...] = ()) -> None:
        self.world = World(7, BEGIN, tuple(CONTRACTS), contracts=True, symbols=())
        self.told: list[FundingSample] = []
        self.https: dict[str, InLab] = {}
        self.opened: dict[tuple[str, str], int] = {}
        self._down = down
        config = validated(parse(f"venues: {NAMES}\n{more}", "c.yaml"))
        self.service = self._service(config)
        self.markets = [
            Market(
                venue=venue,
                id=name,
                symbol=contract.market.symbol,
                base=contract.market.base,
                quote=contract.market.quote,
                taker_fee=0.0,
                kind=MarketKind.FUTURE if contract.market.expiry else MarketKind.PERPETUAL,
            )
            for venue in CONTRACTS
            for name, contract in self.world.venues[venue].contracts.items()
        ]

    def _service(self, config: Config) -> SettledFunding:
        return SettledFunding(
            config, self.told.append, lambda: self.opened, now=lambda: BEGIN, fetcher=self._http
        )

    def _http(self, name: str, rate: float, at: Callable[[], int], notices: Notices) -> InLab:
        made = self.https[name] = InLab(self, name, rate)
        made.down = name in self._down
        return made

    def run(self, seconds: float, *then: Callable[[], None]) -> None:
        """Keep the service for so long, and again after each of ``then``."""

        async def main() -> None:
            self.service._now = now
            self.service.watch(self.markets)
            async with asyncio.TaskGroup() as group:
                keeping = group.create_task(self.service.keep())
                await asyncio.sleep(seconds)
                for one in then:
                    one()
                    await asyncio.sleep(seconds)
                keeping.cancel()

        virtually(main())

    def known(self, venue: str, symbol: str) -> dict[int, float]:
        return {
            one.settled_at: one.settled
            for one in self.told
            if (one.venue, one.symbol) == (venue, symbol) and one.settled is not None
        }

    def true(self, venue: str, symbol: str, since: int) -> dict[int, float]:
        settled = self.world.venues[venue].contract(symbol).settled
        return {one.at: one.rate for one in settled if one.at > since}


FIRST = BEGIN - BACK - BEFORE


@pytest.fixture(scope="module")
def labs() -> Labs:
    found = Labs()
    found.run(120)
    return found


def test_at_the_start_the_last_days_of_every_perpetual_are_learned(labs: Labs) -> None:
    perpetual = [one for one in labs.markets if one.kind is MarketKind.PERPETUAL]
    assert len(perpetual) > 35 and labs.service.learned.is_set()
    for market in perpetual:
        known = labs.known(market.venue, market.symbol)
        assert len(known) >= 3 * 7
        true = labs.true(market.venue, market.symbol, FIRST)
        # How long the first was for would only be known by the one before it.
        edge = min(true)
        assert {at: rate for at, rate in true.items() if at > edge}.items() <= known.items()
        assert known.items() <= labs.true(market.venue, market.symbol, FIRST - HOUR).items()
    assert all(one.interval and one.settled_at <= now_of(labs) for one in labs.told)
    assert {one.symbol for one in labs.told} == {one.symbol for one in perpetual}


def now_of(labs: Labs) -> int:
    return BEGIN + 120 * SECOND


def test_no_venue_is_asked_more_than_once_a_second(labs: Labs) -> None:
    assert labs.https.keys() == set(CONTRACTS)
    for name, http in labs.https.items():
        gaps = [b - a for a, b in zip(http.asked, http.asked[1:], strict=False)]
        assert min(gaps) >= (2.5 if name == "hyperliquid" else 1.0) * SECOND


def test_what_is_stored_is_not_doubled(labs: Labs, tmp_path: Path) -> None:
    url = str(tmp_path / "db")
    store(url, [*labs.told, *labs.told])
    reader = open_reader(url)
    stored = reader.readings.payments(0, 1 << 62, 100_000)
    reader.close()
    assert len(stored) == len({(one.venue, one.symbol, one.at) for one in stored})
    assert {(one.venue, one.symbol, one.at, one.rate) for one in stored} == {
        (one.venue, one.symbol, one.settled_at, one.settled) for one in labs.told
    }


def test_history_goes_back_to_the_opening_of_a_short() -> None:
    labs = Labs()
    labs.opened = {("gate", "BTC/USDT:USDT"): BEGIN - 20 * DAY}
    labs.run(30)
    deep = labs.known("gate", "BTC/USDT:USDT")
    assert min(deep) <= BEGIN - 20 * DAY
    assert min(labs.known("gate", "ETH/USDT:USDT")) > BEGIN - 9 * DAY


def test_after_a_boundary_that_was_announced_it_is_learned_soon() -> None:
    labs = Labs()
    contract = labs.world.venues["okx"].contract("BTC/USDT:USDT")
    due = contract.said.next_at
    labs.run(20, lambda: labs.service(announcement(due)), lambda: None, lambda: None, lambda: None)
    (settled,) = [one for one in labs.told if one.settled_at == due]
    assert (settled.venue, settled.symbol) == ("okx", "BTC/USDT:USDT")
    assert settled.settled == contract.funding.settled[0].rate  # type: ignore[union-attr]
    late = [at - due for at in labs.https["okx"].asked if at > due]
    assert SETTLING <= late[-1] <= SETTLING + 2 * SECOND
    assert due < BEGIN + 76 * SECOND


def announcement(due: int) -> FundingSample:
    return FundingSample(
        at=BEGIN, venue="okx", market="BTC-USDT-SWAP", symbol="BTC/USDT:USDT", due=due
    )


def test_one_venue_that_does_not_answer_leaves_the_others_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "scanner.funding.service")
    labs = Labs(down=("bybit",))

    def up() -> None:
        labs.https["bybit"].down = False

    labs.run(100, up)
    assert "bybit: settled funding of BTCUSDT: no answer; asked again in 30 s" in caplog.messages
    assert len(labs.https["bybit"].asked) < 20
    assert labs.known("bybit", "BTC/USDT:USDT")
    before = {one.venue for one in labs.told[:2000]}
    assert before == set(CONTRACTS) - {"bybit"}


def test_another_address_is_asked_from_then_on() -> None:
    labs = Labs()
    first: list[InLab] = []

    def move() -> None:
        first.append(labs.https["gate"])
        moved = f"venues: {NAMES.replace('gate: ', 'gate: {endpoints: {rest: http://h.test}}')}"
        labs.service.apply(validated(parse(moved, "c.yaml")))
        labs.opened = {("gate", "BTC/USDT:USDT"): BEGIN - 20 * DAY}
        labs.service.watch(labs.markets)

    labs.run(20, move)
    assert labs.https["gate"] is not first[0]
    assert len(labs.https["gate"].asked) == 1
    assert min(labs.known("gate", "BTC/USDT:USDT")) <= BEGIN - 20 * DAY
