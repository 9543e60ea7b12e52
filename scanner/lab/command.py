"""``crossbook lab``: serve a simulated market, or recordings, until a signal comes."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from scanner.event_loop import fastest
from scanner.lab.recording import recorded_venues
from scanner.lab.server import Clock, LabServer
from scanner.lab.tape import RecordingError
from scanner.lab.world import World
from scanner.types import MarketKind


def run_lab(
    *,
    seed: int = 1,
    port: int = 0,
    truth: Path | None = None,
    serve: Sequence[Path] = (),
    speed: float = 1.0,
    write_config: Path | None = None,
    depeg: bool = False,
) -> int:
    """Serve until SIGINT or SIGTERM; the exit code: 1 for a port or file that cannot be had, 2 for
    a recording that cannot be served. ``serve``: recordings, instead of the market of ``seed``;
    ``depeg``: in that, a stablecoin loses its peg for a while."""
    try:
        server = _recorded(serve, speed, port, truth) if serve else _made(seed, port, truth, depeg)
        return fastest()(_serve(server, write_config))
    except (OSError, RecordingError) as error:
        print(f"crossbook lab: {error}", file=sys.stderr)
        return 2 if isinstance(error, RecordingError) else 1


def config_text(server: LabServer) -> str:
    """A configuration that points every venue at ``server`` (YAML). Simulated ones take their fees
    in quote."""
    rows = [f"# Every venue is a simulated one on this machine, port {server.port}.", "venues:"]
    for venue in server.venues:
        rest, ws = json.dumps(server.url(venue)), json.dumps(server.ws(venue))
        rows += [f"  {venue}:", f"    endpoints: {{rest: {rest}, ws: {ws}}}"]
        if server.trades_both(venue):
            rows.append(f"    markets: [{', '.join(MarketKind)}]")
        rows += [] if server.recorded else ["    fee_in: quote"]
    symbols = json.dumps(server.recorded) if server.recorded else "auto"
    return "\n".join([*rows, f"symbols: {symbols}", ""])


def _recorded(serve: Sequence[Path], speed: float, port: int, truth: Path | None) -> LabServer:
    return LabServer(others=recorded_venues(serve, speed), port=port, truth=truth)


def _made(seed: int, port: int, truth: Path | None, depeg: bool) -> LabServer:
    clock = Clock()
    world = World(seed, clock(), contracts=True, depeg=depeg)
    return LabServer(world, port=port, truth=truth, clock=clock)


async def _serve(server: LabServer, write_config: Path | None) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    async with server:
        if write_config is not None:
            write_config.write_text(config_text(server), encoding="utf-8")
        kind = "recorded" if server.recorded else "simulated"
        where = f"http://127.0.0.1:{server.port}"
        print(f"ready {where} {kind}: {' '.join(server.venues)}", flush=True)
        await stop.wait()
    return 0
