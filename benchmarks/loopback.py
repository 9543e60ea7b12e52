"""End to end over sockets: from the moment a venue sends until book and scan are done.

Three venues of ten symbols send changes to a client in a process of its own. First as fast as it
takes them: that is what it can sustain, as the venue waits while the client is behind. Then at half
of what it took, ours also at half of what each peer took, and at 3,000 a second. A delay is that of
the oldest message of a read. Latencies are on a clock, so other work on the machine counts.
"""

from __future__ import annotations

import ssl
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import limit, peers
from benchmarks.loopback_server import Load, served
from benchmarks.rows import Asked, Row, rows
from tests.feeds.certificates import contexts

VENUES, SYMBOLS = 3, 10
OURS = "ours"
PEERS = ("ccxt", "cryptofeed")
COMMON = 3000
PATIENCE = 60


class Client:
    """A program, and how many messages it is given when it is saturated."""

    def __init__(self, command: list[str], many: int, tls: bool, plain_url: bool = True) -> None:
        self.command, self.many, self.tls, self._url = command, many, tls, plain_url

    def run(self, load: Load, tls: ssl.SSLContext | None, authority: Path) -> dict[str, Any] | None:
        """What it reports; None when it does not end in time."""
        with served(load, tls) as port:
            at = f"{'wss' if tls else 'ws'}://127.0.0.1:{port}" if self._url else str(port)
            command = [*self.command, at, *map(str, (VENUES, SYMBOLS, load.messages))]
            command += [str(authority)] if tls else []
            try:
                told = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)
            except subprocess.TimeoutExpired:
                print(f"{self.command[-1]}: no result in {PATIENCE} s", flush=True)
                return None
        lines = told.stdout.splitlines()
        if not lines:
            print(told.stderr.decode()[-500:])
            return None
        found: dict[str, Any] = msgspec.json.decode(lines[-1])
        return found


def clients(folder: Path, quick: bool) -> Iterator[tuple[str, Client]]:
    """Who takes part: what is installed."""
    share = 4 if quick else 1
    yield OURS, Client([sys.executable, "-m", "benchmarks.ours_loopback"], 1_200_000 // share, True)
    for name, tls in zip(PEERS, (True, False), strict=True):
        interpreter = peers.python(name)
        if interpreter is None:
            print(f"{name} is not installed (--install-peers)")
            continue
        program = peers.DRIVERS / f"{name}_loopback.py"
        yield name, Client([str(interpreter), str(program)], 60_000 // share, tls)
    floor = limit.compiled("floor", folder)
    if floor:
        yield "C", Client([str(floor)], 1_200_000 // share, False, plain_url=False)


def run(asked: Asked) -> Iterator[Row]:
    """Saturated, at half of that, and at a rate that all can take; plain, and over TLS those that
    can be told whom to trust."""
    server, _ = contexts()
    rounds = 1 if asked.quick else 3
    with tempfile.TemporaryDirectory() as made:
        authority = Path(made) / "authority.pem"
        with served(Load(1, SYMBOLS, 0, 0), server) as port:
            authority.write_text(ssl.get_server_certificate(("127.0.0.1", port)))
        known = dict(clients(Path(made), asked.quick))
        for kind, tls in (("plain", None), ("TLS", server)):
            some = {name: who for name, who in known.items() if who.tls or not tls}
            yield from _kind(kind, tls, some, authority, rounds)


def _kind(
    kind: str, tls: ssl.SSLContext | None, some: dict[str, Client], authority: Path, rounds: int
) -> Iterator[Row]:
    most: dict[str, list[float]] = {}
    cpu: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, who in some.items():
            told = who.run(Load(VENUES, SYMBOLS, who.many, 0), tls, authority)
            if told:
                most.setdefault(name, []).append(told["rate"])
                cpu.setdefault(name, []).append(told["us"])
    if OURS not in most:
        return
    yield from rows("loopback", f"{kind}, saturated, rate", "messages/s", most, OURS)
    yield from rows("loopback", f"{kind}, saturated, CPU", "us/message", cpu, OURS)
    halves = {name: statistics.median(values) / 2 for name, values in most.items()}
    cases = {"half of that": halves}
    for name, half in halves.items():
        if name in PEERS:
            cases[f"half of what {name} takes"] = {OURS: half, name: half}
    if rounds == 1 and tls:  # in haste
        cases = {}
    for case, rates in (cases | {"3,000/s": dict.fromkeys(most, COMMON)}).items():
        yield from _paced(f"{kind}, {case}", rates, tls, some, authority, rounds)


def _paced(
    case: str,
    rates: dict[str, float],
    tls: ssl.SSLContext | None,
    some: dict[str, Client],
    authority: Path,
    rounds: int,
) -> Iterator[Row]:
    found: dict[str, dict[str, list[float]]] = {}
    for _ in range(rounds):
        for name, rate in rates.items():
            each = int(rate * (3 if rounds > 1 else 1.5)) // VENUES  # all send as many
            load = Load(VENUES, SYMBOLS, each * VENUES, rate)
            told = some[name].run(load, tls, authority)
            if told:
                for which, value in told["late"].items():
                    found.setdefault(which, {}).setdefault(name, []).append(value)
    for which, values in found.items():
        if OURS in values:
            yield from rows("loopback", f"{case}, p{float(which) * 100:g}", "us", values, OURS)
