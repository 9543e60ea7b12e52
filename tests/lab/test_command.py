"""``crossbook lab`` as a process: it says when it serves, and ends cleanly when told to."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
import yaml

from scanner.lab.command import run_lab
from scanner.lab.venues import CONTRACT_VENUES, VENUES

Start = Callable[..., Awaitable[tuple[Process, str]]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts the command; answers the process and its first line."""
    running: list[Process] = []

    async def begin(**options: object) -> tuple[Process, str]:
        given = ", ".join(f"{name}={value!r}" for name, value in options.items())
        code = (
            "import sys; from pathlib import *; from scanner.lab.command import run_lab\n"
            f"sys.exit(run_lab({given}))"
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, stdout=PIPE, stderr=PIPE
        )
        running.append(process)
        assert process.stdout is not None
        async with asyncio.timeout(30):
            return process, (await process.stdout.readline()).decode()

    yield begin
    for process in running:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ended(process: Process) -> tuple[int | None, str]:
    async with asyncio.timeout(5):
        _, errors = await process.communicate()
    return process.returncode, errors.decode()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
async def test_it_serves_all_venues_until_a_signal_comes(
    start: Start, tmp_path: Path, ending: signal.Signals
) -> None:
    truth, config = tmp_path / "truth.jsonl", tmp_path / "config.yaml"
    process, ready = await start(seed=3, truth=truth, write_config=config)
    assert ready.startswith("ready http://127.0.0.1:")
    written = yaml.safe_load(config.read_text())
    assert sorted(written["venues"]) == sorted({*VENUES, *CONTRACT_VENUES})
    assert written["venues"]["okx"]["markets"] == ["spot", "perpetual", "future"]
    assert "markets" not in written["venues"]["binance"]
    assert written["symbols"] == "auto"
    rest = written["venues"]["binance"]["endpoints"]["rest"]
    assert written["venues"]["binance"]["endpoints"]["ws"] == rest.replace("http", "ws")
    asked = rest + "/api/v3/depth?symbol=BTCUSDT&limit=5"
    async with aiohttp.ClientSession() as session, session.get(asked) as answer:
        assert len((await answer.json())["bids"]) == 5
    await asyncio.sleep(0.5)
    process.send_signal(ending)
    assert await ended(process) == (0, "")
    lines = truth.read_text().splitlines()
    assert len(lines) > 200 and all(json.loads(text)["bids"] for text in lines)


async def test_it_serves_a_recording(start: Start, tmp_path: Path) -> None:
    path, config = tmp_path / "binance.jsonl", tmp_path / "config.yaml"
    raw = {"stream": "abcusdt@bookTicker", "data": {"s": "ABCUSDT", "u": 1}}
    path.write_text(json.dumps({"t": 1.0, "raw": json.dumps(raw), "n": 0}) + "\n")
    process, ready = await start(serve=[path], speed=2.0, write_config=config)
    assert ready.startswith("ready ") and ready.endswith(" recorded: binance\n")
    process.terminate()
    assert (await ended(process))[0] == 0


def test_what_cannot_be_served_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_lab(serve=[tmp_path / "binance.jsonl"]) == 2
    assert run_lab(truth=tmp_path / "no" / "truth.jsonl") == 1
    out, errors = capsys.readouterr()
    assert out == "" and errors.count("\n") == 2
    assert "binance.jsonl" in errors and "truth.jsonl" in errors
