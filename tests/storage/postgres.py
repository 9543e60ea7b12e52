"""A PostgreSQL server of the tests' own, where its programs are installed."""

from __future__ import annotations

import hashlib
import hmac
import os
import pwd
import shutil
import signal
import socket
import subprocess
from base64 import b64encode
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import psycopg

ROOM = 2 << 30
PASSWORD = "pass word"
ENVIRONMENT = {"LC_ALL": "C.UTF-8"}
# Ends the server and removes its folder ($3) once nobody can write to its standard input any more:
# when the tests are over, and also when they were killed. A server that stands still is woken: it
# would not hear of it.
KEEPER = """
cat > /dev/null
[ -f "$2/postmaster.pid" ] && kill -CONT "$(head -n 1 "$2/postmaster.pid")"
"$1/pg_ctl" --wait --mode=immediate --pgdata="$2" stop
rm -rf "$3"
"""


def programs() -> Path | None:
    """The folder of the newest server that is installed; None if there is none."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    found.sort(key=lambda folder: int(folder.parent.name))
    if not found and (path := shutil.which("postgres")):
        found = [Path(path).parent]
    return found[-1] if found else None


def in_memory() -> str | None:
    """The folder of what is kept in memory, if there is one with room: for databases that come and
    go with every test, a disk takes longer than all of the test."""
    folder = Path("/dev/shm")
    roomy = folder.is_dir() and shutil.disk_usage(folder).free >= ROOM
    return str(folder) if roomy and os.access(folder, os.W_OK) else None


class Server:
    """A server on a free port of this machine; its user ``crossbook`` has a password.

    It ends with the process that made it, however that ends.
    """

    def __init__(self, folder: Path) -> None:
        self._programs = folder
        self._home = Path(mkdtemp(prefix="crossbook-pg-", dir=in_memory()))
        self._data = self._home / "data"
        self.port = _free_port()
        self._databases = 0
        # It refuses to run as root.
        self._as: dict[str, Any] = {}
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            self._as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            os.chown(self._home, user.pw_uid, user.pw_gid)
        self._keeper = subprocess.Popen(
            ["sh", "-c", KEEPER, "keeper", *map(str, (folder, self._data, self._home))],
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=ENVIRONMENT | {"PATH": os.environ["PATH"]},
            start_new_session=True,  # Ctrl-C is not for it
            **self._as,
        )
        password = self._home / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        self._call(
            *("initdb", "--no-sync", "--auth=scram-sha-256", "--username=crossbook"),
            *("--encoding=UTF8", f"--pwfile={password}", f"--pgdata={self._data}"),
        )
        with (self._data / "postgresql.conf").open("a") as settings:
            settings.write(
                f"listen_addresses='127.0.0.1'\nport={self.port}\nfsync=off\n"
                f"unix_socket_directories='{self._home}'\n"
            )
        self.start()
        self.execute(f"ALTER ROLE crossbook PASSWORD '{_verifier(PASSWORD)}'")

    def url(self, database: str, password: str = "pass%20word") -> str:
        return f"postgresql://crossbook:{password}@127.0.0.1:{self.port}/{database}"

    def new(self) -> str:
        """The URL of a new, empty database."""
        self._databases += 1
        name = f"test{self._databases}"
        self.execute(f"CREATE DATABASE {name} STRATEGY FILE_COPY")
        return self.url(name)

    def copy(self, source: str, target: str) -> None:
        """The database at the URL ``target`` becomes like that at ``source``; nobody uses them."""
        names = [url.rpartition("/")[2] for url in (target, source)]
        self.execute(f"DROP DATABASE {names[0]}")
        self.execute("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY".format(*names))

    def execute(self, sql: str, database: str = "postgres") -> None:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(sql.encode())

    def start(self) -> None:
        self._call("pg_ctl", "--wait", f"--pgdata={self._data}", "start")

    def stop(self) -> None:
        """As when the machine is gone: nobody is waited for."""
        self._call("pg_ctl", "--wait", "--mode=immediate", f"--pgdata={self._data}", "stop")

    def pause(self, yes: bool = True) -> None:
        """Every process of it stands still, or goes on: as when its disk hangs."""
        lines = (self._data / "postmaster.pid").read_text().splitlines()
        main = int(lines[0])
        theirs = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        for pid in (main, *map(int, theirs)):
            with suppress(ProcessLookupError):  # one that has ended meanwhile
                os.kill(pid, signal.SIGSTOP if yes else signal.SIGCONT)

    def remove(self) -> None:
        self._keeper.communicate(timeout=60)
        assert not self._home.exists()

    def _call(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._programs / program), *arguments],
            check=True,
            cwd=self._home,
            stdout=subprocess.DEVNULL,
            env=ENVIRONMENT | {"PATH": os.environ["PATH"]},
            **self._as,
        )


def _verifier(password: str) -> str:
    """What a server keeps of a password, hashed once: its 4,096 rounds are most of what it takes to
    connect, which tests do by the thousand."""
    salt = b"crossbook"
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 1)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    theirs = hmac.digest(salted, b"Server Key", "sha256")
    texts = [b64encode(each).decode() for each in (salt, stored, theirs)]
    return "SCRAM-SHA-256$1:{}${}:{}".format(*texts)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
