"""Databases that are broken in some way: what the user of each command reads."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from scanner.app import _warn
from scanner.config import builtin
from scanner.services import services
from scanner.sinks.fanout import Fanout
from scanner.view.window import Window
from storage.writer import Writer
from tests.storage.events import ID, SECOND, START, closed, opened, until
from tests.test_cli import _log_as_before, crossbook  # noqa: F401 (a fixture)

ROOT = Path(__file__).parents[1]
READING = (
    ("history",),
    ("explain", ID.format(1)),
    ("spreads", "BTC/USDT"),
    ("verify",),
    ("alerts", "list"),
    ("db", "info"),
)
WRITING = (("db", "upgrade"), ("db", "vacuum"))
EXPORT = ("db", "export", "copy.db")
MOVE = "move it away (a new one is then begun) or put a backup in its place"
ANOTHER = "name another with --db: this one is left as it is"
NEWER = "upgrade crossbook, or name another with --db"
FOLDER = "name a file, in that folder or another"
NOTHING = f"there is nothing of crossbook in it; {ANOTHER}"
# Of each kind, what reading, upgrading and writing, and exporting say. None: it goes well.
TOLD: dict[str, tuple[str, str | None, str]] = {
    "a letter": (f"it is not a SQLite database; {MOVE}",) * 3,
    "damaged": (f"it is damaged; {MOVE}",) * 3,
    "another program's": (NOTHING, f"it belongs to another program; {ANOTHER}", NOTHING),
    "empty": (NOTHING, None, NOTHING),
    "a folder": (f"it is a folder; {FOLDER}",) * 3,
    "newer": (f"it was changed by a newer crossbook (1.2.3); {NEWER}",) * 3,
    "unknown": (f"its version, '0002b', is not known here; {NEWER}",) * 3,
    "locked": (
        "it is locked by another process; end the other program that has it open for writing",
    )
    * 3,
}


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of one closed opportunity."""
    path = tmp_path_factory.mktemp("sample") / "a.db"
    writer = Writer(str(path), version="1.2.3", config_text="", now=time.time_ns)
    writer.start()
    for event in (opened(1), closed(opened(1), START + SECOND)):
        writer(event)
    until(lambda: writer.state().written and not writer.state().waiting)
    writer.close()
    return path


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def _change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def _damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)


def _set_version(version: str) -> Callable[[Path], None]:
    return lambda path: _change(path, f"UPDATE crossbook_version SET version_num = '{version}'")


MAKE: dict[str, Callable[[Path], object]] = {
    "damaged": _damage,
    "newer": _set_version("0999"),
    "unknown": _set_version("0002b"),
    "locked": lambda path: None,
    "a letter": lambda path: path.write_text("Dear Sir, " * 1000),
    "another program's": lambda path: _change(path, "CREATE TABLE mail (text)"),
    "empty": lambda path: path.touch(),
    "a folder": lambda path: path.mkdir(),
}
COPIES = ("damaged", "newer", "unknown", "locked")


def broken(kind: str, sample: Path) -> Path:
    path = Path(f"{kind}.db".replace(" ", "-")).absolute()
    if kind in COPIES:
        shutil.copy(sample, path)
    MAKE[kind](path)
    return path


@pytest.fixture(params=TOLD)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def path(kind: str, sample: Path) -> Iterator[Path]:
    found = broken(kind, sample)
    if kind == "locked":
        with closing(_locked(found)):
            yield found
    else:
        yield found


def _locked(path: Path) -> sqlite3.Connection:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    return other


def _content(path: Path) -> bytes | list[str]:
    return [each.name for each in path.iterdir()] if path.is_dir() else path.read_bytes()


def test_what_each_command_says(kind: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.database.BUSY_SECONDS", 0.05)
    before = _content(path)
    reading, writing, exporting = TOLD[kind]
    told = [(command, reading) for command in READING]
    told += [(EXPORT, exporting)]
    told += [(command, writing) for command in WRITING if writing is not None]
    for command, expected in told:
        result = crossbook(*command, "--db", str(path))
        assert (result.exit_code, result.stdout) == (1, ""), command
        assert result.stderr == f"crossbook: {path}: {expected}\n", command
        assert not Path("copy.db").exists()
    assert _content(path) == before, "it is left as it is"
    if writing is None:
        assert crossbook("db", "vacuum", "--db", str(path)).exit_code == 1
        assert crossbook("db", "upgrade", "--db", str(path)).stdout == f"{path}: made\n"


def test_there_is_none() -> None:
    for command in (*READING, EXPORT, ("db", "vacuum")):
        result = crossbook(*command, "--db", "none.db")
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == (
            "crossbook: none.db: there is no such database yet; it is made by the first crossbook "
            "watch or demo; --db names another\n"
        )
    assert list(Path().iterdir()) == []


def test_one_of_an_older_version_is_brought_up_to_date_or_copied(sample: Path) -> None:
    shutil.copy(sample, "old.db")
    _set_version("0001")(Path("old.db"))
    for command in READING:
        result = crossbook(*command, "--db", "old.db")
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == (
            "crossbook: old.db: it is of an older version (0001); 'crossbook db upgrade' brings it "
            "up to date\n"
        )
    assert crossbook(*EXPORT, "--db", "old.db").exit_code == 0


def test_a_table_that_is_missing_is_named(sample: Path) -> None:
    shutil.copy(sample, "a.db")
    _change(Path("a.db"), "DROP TABLE evidence")
    result = crossbook("db", "upgrade", "--db", "a.db")
    assert result.exit_code == 1
    assert result.stderr == (
        f"crossbook: a.db: its tables are not as they should be (evidence is missing); {MOVE}\n"
    )


def test_a_scan_goes_on_and_the_log_says_why_nothing_is_kept(
    sample: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Of each kind, within two seconds; and what is found waits."""
    expected = {kind: told[1] for kind, told in TOLD.items() if told[1] is not None}
    paths = {kind: broken(kind, sample) for kind in expected}
    before = {kind: _content(path) for kind, path in paths.items()}

    async def scan(kind: str) -> None:
        fanout = Fanout()
        with services(builtin(), str(paths[kind]), fanout, Window(lambda query: (), ())) as running:
            fanout(opened(7))
            warning = asyncio.create_task(_warn(running))
            await asyncio.sleep(2)
            assert running.writer is not None
            assert running.writer.state().waiting > 0
            assert running.banner().startswith(f"NOT PERSISTING: {paths[kind]}: {expected[kind]} (")
            assert not running.database_line().good
            warning.cancel()
            with suppress(asyncio.CancelledError):
                await warning
            running.writer.close(0.01)

    async def all_of_them() -> None:
        await asyncio.gather(*map(scan, expected))

    with closing(_locked(paths["locked"])):
        asyncio.run(all_of_them())
    said = [message for message in caplog.messages if message.startswith("NOT PERSISTING")]
    assert len(said) == len(expected), "each once"
    for kind, path in paths.items():
        assert any(f"{path}: {expected[kind]} (" in message for message in said)
        assert _content(path) == before[kind]


READ_ONLY = """
    import os, sys
    from tests.test_cli import crossbook
    if os.getuid() == 0:
        for command in sys.argv[4:]:  # who may do everything: import what only root can read
            crossbook(*command.split(), "--db", sys.argv[2])
        os.setuid(65534)
    for command in sys.argv[4:]:
        result = crossbook(*command.split(), "--db", sys.argv[1])
        print(result.exit_code, result.stderr.strip())
    print(crossbook("history", "--db", sys.argv[3]).stderr.strip())
"""


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder that others may enter: each start of pytest takes that right from its folders, also
    from those of one that runs."""
    with TemporaryDirectory(prefix="crossbook-theirs-") as name:
        yield Path(name)


def test_one_that_may_only_be_read_is_read(sample: Path, tmp_path: Path, open_to_all: Path) -> None:
    path = open_to_all / "a.db"
    shutil.copy(sample, path)
    path.chmod(0o444)
    (open_to_all / "shut").mkdir(0)
    hidden = open_to_all / "shut" / "a.db"
    open_to_all.chmod(0o555)
    shutil.copy(sample, "own.db")
    reading = [command for command in READING if command != ("verify",)]  # made up: ends with 1
    commands = [*reading, *WRITING]
    child = subprocess.run(
        [
            *(sys.executable, "-c", textwrap.dedent(READ_ONLY)),
            *map(str, (path, tmp_path / "own.db", hidden)),
            *map(" ".join, commands),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "XDG_DATA_HOME": "/nonexistent", "HOME": "/nonexistent"},
    )
    open_to_all.chmod(0o755)
    *said, of_hidden = child.stdout.splitlines()
    assert [line.partition(" ")[0] for line in said] == ["0"] * len(reading) + ["1"] * 2, said
    refusal = f"crossbook: {path}: it may not be written; "
    refusal += "give yourself the right to write the file and its folder"
    assert said[-2:] == [f"1 {refusal}"] * 2
    assert of_hidden == (
        f"crossbook: {hidden}: Permission denied; see that it is there and may be opened, or name "
        "another with --db"
    )
