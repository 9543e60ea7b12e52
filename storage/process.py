"""Which process this is, and whether another one still lives."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from msgspec import Struct


class Process(Struct, frozen=True):
    """A process: where (machine and, in containers, namespace), its number there, and a ``token``
    that a later process of the same number does not have (empty where there is none)."""

    host: str
    pid: int
    token: str


def this_process() -> Process:
    """The one that asks."""
    pid = os.getpid()
    return Process(_host(), pid, _token(pid))


def lives(process: Process) -> bool | None:
    """Does it still run? None if that cannot be seen from here."""
    if process.host != _host():
        return None
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    if not process.token:
        return None
    return _token(process.pid) == process.token


def _host() -> str:
    """Containers may share a name and, by chance, numbers of processes."""
    try:
        return f"{socket.gethostname()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return socket.gethostname()


def _token(pid: int) -> str:
    """The machine's start and the process's, in ticks since then; empty if it is dead or unseen."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        # The name of the program, in brackets, may hold anything, also blanks.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else f"{boot} {fields[19]}"
