"""The truth file: every published state, exactly, with its time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scanner.lab.book import ASK, BID, LabBook
from scanner.lab.truth import DEPTH, Truth
from scanner.lab.world import World

AT = 1_790_000_000 * 1_000_000_000
SIDES = (("bids", BID), ("asks", ASK))


def levels(book: LabBook, side: int, depth: int | None = None) -> list[list[float]]:
    return [[float(price), float(size)] for price, size in book.levels(side, depth)]


def written(tmp_path: Path, ticks: int) -> tuple[World, list[dict[str, Any]], list[Any]]:
    """The world after ``ticks``, the lines written, and what each should be of."""
    world = World(7, AT, ("binance",))
    truth = Truth(tmp_path / "truth.jsonl")
    truth.write(AT, world.books())
    expected = [(AT, book.market.id, book.sequence) for _, book in world.books()]
    for number in range(1, ticks + 1):
        at = AT + number * 10_000_000
        changed = world.advance(at)
        truth.write(at, changed)
        expected += [(at, book.market.id, book.sequence) for _, book in changed]
    truth.close()
    text = (tmp_path / "truth.jsonl").read_text()
    return world, [json.loads(line) for line in text.splitlines()], expected


def test_each_line_is_one_state_of_one_market(tmp_path: Path) -> None:
    world, lines, expected = written(tmp_path, 50)
    assert [(line["t"], line["market"], line["sequence"]) for line in lines] == expected
    last = {line["market"]: line for line in lines}
    for venue, book in world.books():
        line = last[book.market.id]
        assert (line["venue"], line["symbol"]) == (venue, book.market.symbol)
        for key, side in SIDES:
            assert line[key] == levels(book, side, DEPTH)


def test_first_lines_and_changes_make_the_whole_book(tmp_path: Path) -> None:
    world, lines, _ = written(tmp_path, 100)
    books: dict[tuple[str, str], dict[float, float]] = {}
    for line in lines:
        for key, side in SIDES:
            known = books.setdefault((line["market"], key), {})
            if not known:
                assert len(line[key]) > DEPTH
                known.update(line[key])
            known.update(line[f"changed_{key}"])
            for price in [price for price, size in known.items() if size == 0]:
                del known[price]
            best = sorted(known.items(), reverse=side == BID)[:DEPTH]
            assert [list(level) for level in best] == line[key][:DEPTH]
    for _, book in world.books():
        for key, side in SIDES:
            assert sorted(books[book.market.id, key].items()) == sorted(
                (price, size) for price, size in levels(book, side)
            )


def test_what_was_written_is_on_disk_a_second_later(tmp_path: Path) -> None:
    world = World(7, AT, ("binance",))
    truth = Truth(tmp_path / "truth.jsonl")
    truth.write(AT, world.books())
    truth.write(AT + 1_500_000_000, world.advance(AT + 1_500_000_000))
    text = (tmp_path / "truth.jsonl").read_text()
    assert len(text.splitlines()) >= len(world.books())
    truth.close()
