"""The demo's lab: how it is told where the lab is, and how both end. A share of what
``python -m tests.demo_signals`` does."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scanner import demo
from scanner.app import Output
from scanner.errors import CrossbookError
from tests.demo_signals import Started, labs_of, signalled

ROOT = Path(__file__).parents[1]
COMPILING = 180.0


def child(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "scanner.lab.child", *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def until_the_lab_runs(begun: Started) -> None:
    deadline = time.monotonic() + COMPILING
    while not labs_of(begun.pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def until_the_lab_serves(begun: Started) -> None:
    assert begun.stderr is not None
    assert any("SIMULATED" in line for line in iter(begun.stderr.readline, ""))


@pytest.mark.parametrize(
    ("number", "group", "moment"),
    [
        (signal.SIGINT, False, until_the_lab_runs),
        (signal.SIGINT, True, until_the_lab_serves),
        (signal.SIGTERM, False, until_the_lab_serves),
    ],
)
def test_a_signal_while_it_starts_ends_it_cleanly(
    number: signal.Signals, group: bool, moment: object
) -> None:
    signalled(number, group=group, moment=moment)  # type: ignore[arg-type]


def test_kernels_are_made_before_the_market_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a new machine they take longer than a peg stays lost."""
    order = []

    @contextmanager
    def begun(*_: object) -> Iterator[None]:
        order.append("market")
        raise CrossbookError("that is far enough")
        yield

    monkeypatch.setattr(demo, "compiled", lambda: False)
    monkeypatch.setattr(demo, "compile_alone", lambda: order.append("kernels"))
    monkeypatch.setattr(demo, "_lab", begun)
    with pytest.raises(CrossbookError):
        demo.demo(None, seed=1, seconds=1.0, output=Output.JSON)
    assert order == ["kernels", "market"]


def test_the_lab_says_where_it_is_minds_no_signal_and_ends_with_its_starter(tmp_path: Path) -> None:
    truth = tmp_path / "truth.jsonl"
    with child("7", str(truth)) as lab:
        assert lab.stdout is not None and lab.stdin is not None and lab.stderr is not None
        venues = json.loads(lab.stdout.readline())
        assert len(venues) == 12
        places = venues.values()
        assert all(r.startswith("http://127") and w.startswith("ws://") for r, w, _ in places)
        assert sum(both for *_, both in places) > 3
        lab.send_signal(signal.SIGINT)
        lab.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            lab.wait(0.3)
        lab.stdin.close()
        assert lab.wait(10) == 0
        assert lab.stderr.read() == b""
    lines = truth.read_text().splitlines()
    assert len(lines) > 126 and json.loads(lines[-1])


def test_a_starter_that_has_gone_meanwhile_is_no_trouble() -> None:
    with child("7") as lab:
        assert lab.stdout is not None and lab.stdin is not None and lab.stderr is not None
        lab.stdin.close()
        lab.stdout.close()
        assert lab.stderr.read() == b""
        assert lab.wait(10) == 0


def test_a_lab_that_cannot_serve_says_why(tmp_path: Path) -> None:
    with child("7", str(tmp_path / "missing" / "truth.jsonl")) as lab:
        assert lab.stdout is not None
        assert "No such file" in json.loads(lab.stdout.readline())
        assert lab.wait(10) == 0
