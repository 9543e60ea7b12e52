"""``crossbook lab``: serve a simulated market, or recordings, until a signal comes."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from scanner.lab.recording import recorded_venues
from scanner.lab.server import Clock, LabServer
from scanner.lab.tape import RecordingError
from scanner.lab.world import World


def run_lab(
    *,
    seed: int = 1,
    port: int = 0,
    truth: Path | None = None,
    serve: Sequence[Path] = (),
    speed: float = 1.0,
    write_config: Path | None = None,
) -> int:
    """Serve until SIGINT or SIGTERM; the exit code: 1 for a port or file that cannot be had, 2 for
    a recording that cannot be served. ``serve``: recordings, instead of the market of ``seed``."""
    try:
        asyncio.run(_serve(_server(seed, port, truth, serve, speed), write_config))
    except (OSError, RecordingError) as error:
        print(f"crossbook lab: {error}", file=sys.stderr)
        return 2 if isinstance(error, RecordingError) else 1
    return 0


def config_text(server: LabServer) -> str:
    """A configuration that points every venue at ``server`` (YAML). Simulated ones take their fees
    in quote."""
    rows = [f"# Every venue is a simulated one on this machine, port {server.port}.", "venues:"]
    for venue in server.venues:
        rest, ws = json.dumps(server.url(venue)), json.dumps(server.ws(venue))
        rows += [f"  {venue}:", f"    endpoints: {{rest: {rest}, ws: {ws}}}"]
        rows += [] if server.recorded else ["    fee_in: quote"]
    symbols = json.dumps(server.recorded) if server.recorded else "auto"
    return "\n".join([*rows, f"symbols: {symbols}", ""])


def _server(
    seed: int, port: int, truth: Path | None, serve: Sequence[Path], speed: float
) -> LabServer:
    if serve:
        return LabServer(others=recorded_venues(serve, speed), port=port, truth=truth)
    clock = Clock()
    return LabServer(World(seed, clock()), port=port, truth=truth, clock=clock)


async def _serve(server: LabServer, write_config: Path | None) -> None:
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
