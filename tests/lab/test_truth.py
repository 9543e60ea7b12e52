"""The truth file: every published state, exactly, with its time."""

from __future__ import annotations

import json
from pathlib import Path

from scanner.lab.book import ASK, BID
from scanner.lab.truth import DEPTH, Truth
from scanner.lab.world import World

AT = 1_790_000_000 * 1_000_000_000


def test_each_line_is_one_state_of_one_market(tmp_path: Path) -> None:
    world = World(7, AT, ("binance",))
    truth = Truth(tmp_path / "truth.jsonl")
    truth.write(AT, world.books())
    expected = [(AT, book.market.id, book.sequence) for _, book in world.books()]
    for number in range(1, 51):
        at = AT + number * 10_000_000
        changed = world.advance(at)
        truth.write(at, changed)
        expected += [(at, book.market.id, book.sequence) for _, book in changed]
    truth.close()
    lines = [json.loads(text) for text in (tmp_path / "truth.jsonl").read_text().splitlines()]
    assert [(line["t"], line["market"], line["sequence"]) for line in lines] == expected
    last = {line["market"]: line for line in lines}
    for venue, book in world.books():
        line = last[book.market.id]
        assert (line["venue"], line["symbol"]) == (venue, book.market.symbol)
        for key, side in (("bids", BID), ("asks", ASK)):
            assert len(line[key]) == DEPTH
            assert line[key] == [[float(p), float(s)] for p, s in book.levels(side, DEPTH)]


def test_what_was_written_is_on_disk_a_second_later(tmp_path: Path) -> None:
    world = World(7, AT, ("binance",))
    truth = Truth(tmp_path / "truth.jsonl")
    truth.write(AT, world.books())
    truth.write(AT + 1_500_000_000, world.advance(AT + 1_500_000_000))
    text = (tmp_path / "truth.jsonl").read_text()
    assert len(text.splitlines()) >= len(world.books())
    truth.close()
