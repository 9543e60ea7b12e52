"""The command: ``python -m tests.faults --seeds 1000``."""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Sequence

from tests.faults.run import Outcome, play, summed

HEAD = ("fault", "worlds", "times", "messages", "deltas", "flags", "false", "true", "flagged")
NAMED = 40
LEAST = 0.999


def main(arguments: Sequence[str] | None = None) -> int:
    """1 if a flag was false or too many true opportunities were missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seeds", type=int, default=240, help="how many worlds (240: all kinds)")
    parser.add_argument("--seed", type=int, default=0, help="the first of them")
    parser.add_argument("--deltas", type=int, default=0, help="go on until so many rows changed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so long")
    chosen = parser.parse_args(arguments)
    start, outcomes, deltas = time.monotonic(), [], 0
    with multiprocessing.get_context("spawn").Pool(chosen.jobs) as pool:
        for outcome in pool.imap(play, _seeds(chosen), chunksize=1):
            outcomes.append(outcome)
            deltas += outcome.deltas
            enough = len(outcomes) >= chosen.seeds and deltas >= chosen.deltas
            if enough or time.monotonic() - start > chosen.seconds:
                pool.terminate()
                break
    return _report(outcomes, time.monotonic() - start)


def _seeds(chosen: argparse.Namespace) -> Iterator[int]:
    if chosen.deltas:
        return itertools.count(chosen.seed)
    return iter(range(chosen.seed, chosen.seed + chosen.seeds))


def _report(outcomes: list[Outcome], took: float) -> int:
    print("".join(f"{name:>16}" if name == "fault" else f"{name:>11}" for name in HEAD))
    groups = summed(outcomes)
    for name, group in (*groups.items(), ("all", outcomes)):
        true = sum(one.expected for one in group)
        missed = sum(len(one.missed) for one in group)
        numbers = [
            len(group),
            sum(one.happened for one in group),
            sum(one.messages for one in group),
            sum(one.deltas for one in group),
            sum(one.flags for one in group),
            sum(bool(one.false) for one in group) and sum(len(one.false) for one in group),
            true,
        ]
        share = f"{(true - missed) / true:.2%}" if true else "-"
        print(f"{name:>16}" + "".join(f"{number:>11,}" for number in numbers) + f"{share:>11}")
    for one in [one for one in outcomes if one.false or one.missed][:NAMED]:
        where = f"seed {one.seed} ({one.fault}, {one.venue}, {one.depth})"
        for text in one.false[:3]:
            print(f"{where}: FALSE: {text}")
        for text in one.missed[:3]:
            print(f"{where}: missed: {text}")
    print(f"{len(outcomes)} worlds in {took:.1f} s")
    false = any(one.false for one in outcomes)
    true = sum(one.expected for one in outcomes)
    missed = sum(len(one.missed) for one in outcomes)
    return int(false or (true > 0 and (true - missed) / true < LEAST))


if __name__ == "__main__":
    sys.exit(main())
