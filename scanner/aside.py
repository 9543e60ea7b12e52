"""Questions that a process of its own answers: what it needs would burden this one for good."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable
from pathlib import Path

LONGEST_LINE = 64 << 20


async def ask(module: str, order: bytes, take: Callable[[bytes], object], deadline: float) -> None:
    """Run ``module`` with ``order`` on its standard input and ``take`` each line that it prints, as
    they come; its process is gone afterwards.

    Raises ``TimeoutError`` after ``deadline`` seconds, ``ChildProcessError`` with what it ended
    with, if that is not 0, and whatever ``take`` raises.
    """
    # -P keeps the current folder, which may hold anything, off the path of the other process.
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", module),
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        limit=LONGEST_LINE,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        async with asyncio.timeout(deadline):
            process.stdin.write(order)
            process.stdin.close()
            async for line in process.stdout:
                take(line)
            if code := await process.wait():
                raise ChildProcessError(f"the process that asks it ended with code {code}")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
