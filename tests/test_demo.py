"""The lab beside the demo: it lives as long as the scanner does, no longer and no shorter."""

from __future__ import annotations

import multiprocessing
import os
import signal
from urllib.request import urlopen

from scanner.demo import _lab


def test_what_the_terminal_sends_to_both_does_not_end_the_lab() -> None:
    with _lab(1, None) as endpoints:
        (lab,) = multiprocessing.active_children()
        assert lab.pid is not None
        for number in (signal.SIGINT, signal.SIGHUP):
            os.kill(lab.pid, number)
            with urlopen(f"{endpoints['okx'][0]}/api/v5/public/time", timeout=10) as answer:
                assert answer.status == 200
    assert lab.exitcode == 0
