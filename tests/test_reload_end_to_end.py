"""A running demo whose configuration is broken, mended and changed under it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import pytest

ROOT = Path(__file__).parents[1]
DEMO = "from scanner.cli import main; main()"
FREE = "{taker_fee: 0}"  # so that spreads are frequent
VENUES = f"venues: {{okx: {FREE}, gate: {FREE}, bybit: {FREE}, kucoin: {FREE}}}\n"


class Demo:
    """``crossbook demo --json``, and what it has said so far."""

    def __init__(self, config: Path, folder: Path) -> None:
        options = ["--json", "--config", str(config), "--db", str(folder / "a.db")]
        self.process = subprocess.Popen(
            [sys.executable, "-c", DEMO, "demo", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self.flagged: list[str] = []
        self.log: list[str] = []
        for stream, lines in ((self.process.stdout, self.flagged), (self.process.stderr, self.log)):
            Thread(target=lambda s=stream, to=lines: [to.append(line) for line in s]).start()

    def until_logged(self, text: str, count: int = 1, seconds: float = 60.0) -> None:
        end = time.monotonic() + seconds
        while sum(text in line for line in tuple(self.log)) < count:
            assert time.monotonic() < end, "".join(self.log)
            time.sleep(0.02)

    def symbols(self, since: int) -> set[str]:
        """Of what was opened after so many lines."""
        events = [json.loads(line) for line in tuple(self.flagged)[since:]]
        return {event["symbol"] for event in events if event["event"] == "opened"}

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait(5) == 0


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "c.yaml"
    path.write_text(VENUES + "symbols: [BTC/USDT, ETH/USDT]\nthresholds: {min_net_bps: 0.1}\n")
    return path


def test_a_demo_follows_its_configuration(config: Path, tmp_path: Path) -> None:
    demo = Demo(config, tmp_path)
    try:
        demo.until_logged("connected", 8)
        config.write_text(VENUES + "symbols: [XRP/USDT]\nthreshold: {}\n")
        demo.until_logged("the configuration stays as it was")
        assert "did you mean 'thresholds'?" in "".join(demo.log)
        config.write_text(VENUES + "symbols: [XRP/USDT]\nthresholds: {min_net_bps: 0.01}\n")
        demo.until_logged("its feed was restarted", 8)
        demo.until_logged("connected", 16)
        before = len(demo.flagged)
        deadline = time.monotonic() + 30
        while "XRP/USDT" not in demo.symbols(before) and time.monotonic() < deadline:
            time.sleep(0.1)
        # What converts, and contracts on the coin, may be flagged too.
        bases = {symbol.partition("/")[0] for symbol in demo.symbols(before)}
        assert {"XRP"} <= bases <= {"XRP", "USDC"}
        config.write_text(VENUES + "symbols: [XRP/USDT]\nthresholds: {min_net_bps: 1e6}\n")
        demo.until_logged("the configuration has changed: thresholds")
        time.sleep(1.5)  # carries are looked at once a second
        before = len(demo.flagged)
        time.sleep(1)
        assert len(demo.flagged) == before
    finally:
        demo.stop()
