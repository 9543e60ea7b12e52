"""Peers: environments that the benchmark makes for them, and their programs as subjects.

A program (``drivers/``) is told a session as a file of lines: ``market``, ``id``, ``symbol``;
``seed``, ``id``, the answer that holds a snapshot; ``frame``, ``-``, a message before the
measuring starts; ``timed``, ``-``, a message that is measured; the parts of a line separated by
tabs. For each line on its standard input it goes through the session once, from the beginning,
and prints a line of JSON: ``us`` of CPU a message, and ``books``: by market id the best bids and
asks it ended with.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from shutil import which
from typing import Any

import msgspec

from benchmarks.corpus import Outcome, Session
from scanner.configuration.places import cache_folder

DRIVERS = Path(__file__).parent / "drivers"
PINNED = {"cryptofeed": ("3.0.1", "3.13"), "nautilus_trader": ("1.221.0", "3.13")}
"""Version, and the Python it needs."""


def folder() -> Path:
    """Where the benchmark keeps what it makes."""
    return cache_folder() / "benchmarks"


def python(peer: str) -> Path | None:
    """The interpreter that has this peer; None where it is not installed. ccxt is in ours."""
    if peer == "ccxt":
        return Path(sys.executable)
    found = _environment(peer) / "bin" / "python"
    return found if (_environment(peer) / "complete").exists() else None


def install() -> None:
    """Make the environments of the peers, with pip, under the user's cache."""
    for peer, (version, wanted) in PINNED.items():
        if python(peer):
            print(f"{peer} {version}: is there already")
            continue
        interpreter = _interpreter(wanted)
        if interpreter is None:
            print(f"{peer} {version}: skipped, there is no python{wanted}")
            continue
        at = _environment(peer)
        subprocess.run([interpreter, "-m", "venv", "--clear", at], check=True)
        pip = [at / "bin" / "python", "-m", "pip", "install", "--quiet", f"{peer}=={version}"]
        if subprocess.run(pip, check=False).returncode:
            print(f"{peer} {version}: pip could not install it")
            continue
        (at / "complete").touch()
        print(f"{peer} {version}: installed in {at}")


def _environment(peer: str) -> Path:
    return folder() / "peers" / f"{peer}-{PINNED[peer][0]}"


def _interpreter(wanted: str) -> str | None:
    known = [
        which(f"python{wanted}"),
        *map(str, Path.home().glob(f".pyenv/versions/{wanted}.*/bin/python3")),
    ]
    for candidate in known:
        if candidate:
            ask = [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
            told = subprocess.run(ask, capture_output=True, text=True, check=False)
            if told.stdout.strip() == wanted:
                return candidate
    return None


def write_session(session: Session, path: Path, ids: Iterable[str]) -> None:
    """The session as the programs read it. Where seeds came first does not matter: a program takes
    a market's seed before its frames, of which it drops what is older, as the venues prescribe."""
    symbols = {m.id: m.symbol for m in session.markets or ()}
    seeds: list[bytes] = []
    rest: list[bytes] = []
    for number, (method, arguments) in enumerate(session.calls):
        if method == "fetched" and arguments[1] == 200:
            market = arguments[0].rpartition(":")[2]
            if market in symbols or session.markets is None:
                seeds.append(b"\t".join([b"seed", market.encode(), _line(arguments[2])]))
        elif method == "received":
            kind = b"frame" if number < session.begun else b"timed"
            rest.append(b"\t".join([kind, b"-", _line(arguments[0])]))
    heads = [f"market\t{name}\t{symbols.get(name, name)}".encode() for name in ids]
    path.write_bytes(b"\n".join([*heads, *seeds, *rest, b""]))


def _line(raw: bytes) -> bytes:
    return raw.replace(b"\n", b" ").replace(b"\t", b" ")


class Peer:
    """A program that goes through a session once for each line that it is told."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.books: Outcome = {}

    def round(self) -> float:
        """us of CPU a message. Raises ``RuntimeError`` when the program ends instead."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write("\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line.endswith("\n"):
            raise RuntimeError(f"it ended with {self._process.wait()}")
        told: dict[str, Any] = msgspec.json.decode(line)
        self.books = told["books"]
        return float(told["us"])

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def driver(peer: str, program: str, venue: str, path: Path) -> Peer | None:
    """The program of ``drivers/`` with this peer's interpreter; None where it is not installed."""
    interpreter = python(peer)
    if interpreter is None:
        return None
    return Peer([str(interpreter), str(DRIVERS / program), venue, str(path)])
