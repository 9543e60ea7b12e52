"""Recordings of real exchanges through both lanes: the same after every message."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from scanner.engine.tracker import Thresholds
from scanner.replay.replay import cast
from tests.fast.twins import Twin, assert_same, share
from tests.oracle.recording import Recording, recordings
from tests.repeats import repeats

WIRE = os.environ.get("CROSSBOOK_WIRE")
VENUES = ("binance", "okx", "okcoin", "kucoin", "bybit", "kraken-v2", "coinbase", "gate", "bitget")
FOUND = [r for venue in VENUES for r in recordings(Path(WIRE), venue)] if WIRE else []
MOST = repeats(12_000, 1 << 20)  # messages of a recording
LENIENT = Thresholds(min_net_bps=-100.0, min_profit=-1e9)

# What is still said as it was recorded, and how much of it nothing else than the fast lane takes.
CURRENT = {
    "binance-spot-2024-08-08.BTCUSDT": 0.99,
    "bybit-linear-2026-08-09": 0.95,
    "bybit-spot-2026-08-09": 0.95,
    "coinbase-spot-2026-08-09": 0.95,
    "kraken-v2-spot-2026-07-19": 0.95,
}

pytestmark = pytest.mark.skipif(not WIRE, reason="CROSSBOOK_WIRE names no folder of recordings")


def walked(stream: Sequence[Path], every: int) -> float:
    """Both lanes over one connection, compared after each ``every``-th message and at the end,
    which comes after ``MOST``; the share of the fast one."""
    pair = (Twin(False, LENIENT), Twin(True, LENIENT))
    said: tuple[list[str], list[str]] = ([], [])
    plays = [
        cast(stream, twin.pipeline, say.append)[0] for twin, say in zip(pair, said, strict=True)
    ]
    for step in range(1, MOST + 1):
        following = [play.step() for play in plays]
        assert following[0] == following[1]
        ended = following[0] is None
        if step % every == 0 or ended or step == MOST:
            assert_same(pair, [play.lane for play in plays])
        if ended:
            break
    assert said[0] == said[1]
    assert pair[0].minutes(1) == pair[1].minutes(1)
    return share(plays[1].lane)


@pytest.mark.parametrize("recording", FOUND, ids=lambda recording: recording.name)
def test_both_lanes_agree_on_a_recording(recording: Recording) -> None:
    size = sum(path.stat().st_size for path in recording.stream)
    taken = walked(recording.stream, every=1 + size // 5000)
    assert taken >= CURRENT.get(recording.name, 0.0)
