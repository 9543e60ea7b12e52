"""Random ladders: the fast lane against ``dict`` and ``Decimal``, and every size tried."""

from __future__ import annotations

import json
from decimal import Decimal
from random import Random

import pytest

from scanner.engine import costs
from scanner.engine.tracker import Thresholds
from scanner.types import Depth, Market, Side
from scanner.venues.registry import native
from tests.fast.labs import BEGIN
from tests.fast.twins import Twin, share

FEES = (Decimal("0.001"), Decimal("0.0005"))
Levels = dict[Decimal, Decimal]


class Book:
    """One venue's book as it tells it: two dictionaries, an id, and the text of each message."""

    def __init__(self, venue: str, random: Random, middle: int) -> None:
        self.sides: tuple[Levels, Levels] = ({}, {})
        self._middle = Decimal(middle)
        self._venue = venue
        self._random = random
        self._id = 10

    def snapshot(self) -> bytes:
        rows = [self._rows(side, 30) for side in Side]
        return self._text(rows, self._id, whole=True)

    def change(self) -> bytes:
        first = self._id + 1
        self._id += 1 if self._venue == "bybit" else self._random.randint(1, 5)
        rows = [self._rows(side, self._random.randint(0, 6)) for side in Side]
        return self._text(rows, first, whole=False)

    def _rows(self, side: Side, count: int) -> list[list[str]]:
        rows: dict[str, str] = {}
        for _ in range(count):
            away = Decimal(self._random.randint(1, 80)) / 20
            price = self._middle + (away if side is Side.ASK else -away)
            size = Decimal(self._random.choice((0, *range(1, 4000)))) / 1000
            text = f"{price:.{self._random.randint(2, 4)}f}"
            rows[text] = f"{size:.{self._random.randint(3, 6)}f}"
            self.sides[side].pop(Decimal(text), None)
            if size:
                self.sides[side][Decimal(text)] = size
        # Of equal prices written in two ways the last counts.
        return [[price, size] for price, size in rows.items() if self._stands(side, price, size)]

    def _stands(self, side: Side, price: str, size: str) -> bool:
        return self.sides[side].get(Decimal(price), Decimal(0)) == Decimal(size)

    def _text(self, rows: list[list[list[str]]], first: int, *, whole: bool) -> bytes:
        bids, asks = rows
        if self._venue == "bybit":
            data = {"s": "BTCUSDT", "b": bids, "a": asks, "u": self._id, "seq": self._id}
            kind = "snapshot" if whole else "delta"
            told = {"topic": "orderbook.50.BTCUSDT", "type": kind, "ts": self._id, "data": data}
        else:
            ids = {"full": True} if whole else {"U": first}
            book = {"t": self._id, "s": "ob.BTC_USDT.400", "u": self._id, "b": bids, "a": asks}
            told = {"channel": "spot.obu", "event": "update", "result": book | ids}
        return json.dumps(told).encode()

    def ladder(self, side: Side) -> list[tuple[Decimal, Decimal]]:
        return sorted(self.sides[side].items(), reverse=side is Side.BID)


def best(asks: list, bids: list, fees: tuple[Decimal, Decimal]) -> tuple[Decimal, Decimal]:
    """(size, net) of the best of all sizes at which a level of either side is used up."""
    sizes = {Decimal(0)}
    for ladder in (asks, bids):
        sizes |= {sum(size for _, size in ladder[: n + 1]) for n in range(len(ladder))}
    return max(
        ((size, _net(asks, bids, size, fees)) for size in sizes), key=lambda row: (row[1], -row[0])
    )


def _net(asks: list, bids: list, size: Decimal, fees: tuple[Decimal, Decimal]) -> Decimal:
    paid, got = _value(asks, size), _value(bids, size)
    if paid is None or got is None:
        return Decimal(-1)
    return got * (1 - fees[1]) - paid * (1 + fees[0])


def _value(ladder: list, size: Decimal) -> Decimal | None:
    total = Decimal(0)
    for price, there in ladder:
        take = min(size, there)
        total += price * take
        size -= take
    return total if size <= 0 else None


@pytest.mark.parametrize("seed", range(3))
def test_random_ladders_are_what_dictionaries_say(seed: int) -> None:
    random = Random(seed)
    twin = Twin(True, Thresholds(min_net_bps=1e9))
    names = ("bybit", "gate")
    lanes, books = [], [Book("bybit", random, 1000), Book("gate", random, 1004)]
    for name, market, fee in zip(names, ("BTCUSDT", "BTC_USDT"), FEES, strict=True):
        venue = native(name)
        assert venue is not None
        known = Market(
            venue=name, id=market, symbol="BTC/USDT", base="BTC", quote="USDT", taker_fee=float(fee)
        )
        lanes.append(twin.lane(venue, [known], Depth.TOP))
        lanes[-1].start(BEGIN)
        lanes[-1].opened(BEGIN)
    profitable = 0
    for step in range(240):
        which = step % 2
        told = books[which].snapshot() if step < 2 else books[which].change()
        assert list(lanes[which].received(told, BEGIN + step)) == []
        ladders = [[book.ladder(side) for side in Side] for book in books]
        for number, sides in enumerate(ladders):
            if not (sides[0] or sides[1]) or step == 0:
                continue
            for side in Side:
                shown = twin.pipeline.store.depth(number, side, 1 << 17)
                assert shown == [(float(p), float(s)) for p, s in sides[side]]
        if step % 8 == 7:
            profitable += _compare(twin, ladders, BEGIN + step)
    assert profitable > 20
    assert min(share(lane) for lane in lanes) > 0.95


def _compare(twin: Twin, ladders: list, at: int) -> int:
    """Both directions; how many leave something."""
    found = 0
    for buy, sell in ((0, 1), (1, 0)):
        asks, bids = ladders[buy][Side.ASK], ladders[sell][Side.BID]
        size, net = best(asks, bids, (FEES[buy], FEES[sell]))
        result = twin.pipeline.engine.evaluate(buy, sell, at)
        if isinstance(result, costs.Result):
            assert result.size == pytest.approx(float(size), rel=1e-9)
            assert result.net_profit == pytest.approx(float(net), rel=1e-9)
            found += 1
        else:
            assert net <= 0
    return found
