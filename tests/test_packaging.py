"""The locks, the package and ./run: what stands between an empty clone and the first command."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = ["requirements.txt", "requirements-dev.txt"]


def pins(lock: str) -> list[Requirement]:
    """Every pinned distribution of a lock; one that depends on the Python may stand twice."""
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    return [Requirement(line.split("--hash")[0]) for line in text.splitlines()]


def versions(lock: str, name: str) -> set[str]:
    return {str(pin.specifier) for pin in pins(lock) if pin.name.lower() == name.lower()}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_of_a_lock_is_one_version_with_its_hashes_and_no_address(lock: str) -> None:
    line = re.compile(r"[a-z0-9.-]+==[^ ;]+( ; [^\\]+?)?( \\\n    --hash=sha256:[0-9a-f]{64})+\n")
    text = (ROOT / lock).read_text()
    assert line.sub("", text) == ""
    assert "//" not in text


@pytest.mark.parametrize(
    ("lock", "groups"),
    [("requirements.txt", ["build"]), ("requirements-dev.txt", ["build", "dev"])],
)
def test_a_lock_holds_what_the_project_asks_for(lock: str, groups: list[str]) -> None:
    wanted = [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]]
    wanted += [line for group in groups for line in PROJECT["dependency-groups"][group]]
    for requirement in map(Requirement, wanted):
        found = versions(lock, requirement.name)
        assert found, f"{requirement.name} is not in {lock}: run .ci/lock"
        for pinned in found:
            assert requirement.specifier.contains(Version(pinned.removeprefix("==")))


def test_both_locks_agree() -> None:
    for pin in pins("requirements.txt"):
        assert versions("requirements-dev.txt", pin.name) == versions("requirements.txt", pin.name)


def test_the_command_the_licence_and_the_types_are_there() -> None:
    module, _, function = PROJECT["project"]["scripts"]["crossbook"].partition(":")
    assert callable(getattr(import_module(module), function))
    assert (ROOT / "LICENSE").read_text().startswith("MIT License\n")
    for package in ("scanner", "storage"):
        assert (ROOT / package / "py.typed").exists()


@pytest.mark.parametrize("script", ["run", ".ci/run", ".ci/lock"])
def test_scripts_are_executable_and_parse(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)
    shell = (ROOT / script).read_text().splitlines()[0].removeprefix("#!").split()
    subprocess.run([*shell, "-n", ROOT / script], check=True)


# Stands in for every Python: notes its arguments, makes environments of itself.
PYTHON = """#!/bin/sh
echo "$*" >>"$NOTES"
case "$1 $2" in
    "-c import ensurepip, venv") [ -z "${LACKS_VENV:-}" ] || [ -e "$NOTES.package" ] ;;
    '-c import sys; print("python%d'*) echo python3.11-venv ;;
    "--version ") echo "Python 3.11.0" ;;
    "-m venv")
        mkdir -p "$3/bin"
        cp "$0" "$3/bin/python"
        printf '#!/bin/sh\\necho "ran $0 $*"\\n' >"$3/bin/crossbook"
        cp "$3/bin/crossbook" "$3/bin/pytest"
        chmod +x "$3"/bin/*
        ;;
    "-m pip") [ -z "${PIP_KILLED:-}" ] || kill -9 "$PPID"; exit "${PIP_FAILS:-0}" ;;
esac
"""


class Clone:
    """A folder with ./run and a Python that installs nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        for name in ("run", "pyproject.toml", *LOCKS):
            shutil.copy(ROOT / name, folder / name)
        self.python = folder / "python-of-tests"
        self.python.write_text(PYTHON)
        self.python.chmod(0o755)
        self.notes = folder / "notes"

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        self.notes.write_text("")
        return subprocess.run(
            [self.folder / "run", *command],
            env={
                "PATH": os.environ["PATH"],
                "PYTHON": str(self.python),
                "NOTES": str(self.notes),
                **environment,
            },
            cwd="/",
            text=True,
            capture_output=True,
            check=False,
        )

    def installed(self) -> list[str]:
        """The locks that the last run installed from."""
        return re.findall(r"-m pip install .* -r .*/(\S+)$", self.notes.read_text(), re.M)

    def made(self) -> bool:
        return "-m venv" in self.notes.read_text()


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path / "a clone")


def test_run_installs_once_and_then_only_runs(clone: Clone) -> None:
    first = clone.run("crossbook", "demo", "--seed", "1")
    ran = f"ran {clone.folder}/.venv/bin/crossbook demo --seed 1\n"
    assert (first.returncode, first.stdout) == (0, ran)
    assert "run: making .venv with Python 3.11.0" in first.stderr
    assert "run: installing requirements.txt" in first.stderr
    assert clone.installed() == ["requirements.txt"]
    second = clone.run("crossbook", "demo", "--seed", "1")
    assert (second.stdout, second.stderr) == (ran, "")
    assert clone.notes.read_text() == ""


def test_run_installs_what_the_tests_need_in_either_order(clone: Clone) -> None:
    clone.run("crossbook")
    assert clone.run("pytest").returncode == 0
    assert (clone.installed(), clone.made()) == (["requirements-dev.txt"], False)
    shutil.rmtree(clone.folder / ".venv")
    clone.run("pytest")
    assert clone.installed() == ["requirements-dev.txt"]
    clone.run("crossbook")
    assert clone.installed() == []


@pytest.mark.parametrize("file", ["requirements.txt", "pyproject.toml"])
def test_run_installs_again_when_what_it_installs_from_has_changed(clone: Clone, file: str) -> None:
    clone.run("crossbook")
    with (clone.folder / file).open("a") as stream:
        stream.write("# changed\n")
    clone.run("crossbook")
    assert (clone.installed(), clone.made()) == (["requirements.txt"], False)


def test_run_starts_anew_after_an_install_that_was_killed(clone: Clone) -> None:
    killed = clone.run("crossbook", PIP_KILLED="yes")
    assert killed.returncode != 0
    assert clone.run("crossbook").returncode == 0
    assert clone.made()


def test_run_says_what_to_do_when_pip_fails_and_then_repairs(clone: Clone) -> None:
    failed = clone.run("crossbook", PIP_FAILS="1")
    assert failed.returncode == 1
    assert "run: pip failed, see above. Run the same again" in failed.stderr
    assert clone.run("crossbook").returncode == 0
    assert clone.installed() == ["requirements.txt"]


def test_run_makes_a_new_environment_where_the_folder_has_moved(clone: Clone) -> None:
    clone.run("crossbook")
    moved = clone.folder.rename(clone.folder.with_name("moved"))
    clone.folder, clone.python, clone.notes = moved, moved / "python-of-tests", moved / "notes"
    assert clone.run("crossbook").stdout == f"ran {moved}/.venv/bin/crossbook \n"
    assert clone.made()


@pytest.mark.parametrize("user", ["0", "1000"])
def test_run_installs_what_debian_keeps_apart_or_says_how(clone: Clone, user: str) -> None:
    stubs = clone.folder / "stubs"
    stubs.mkdir()
    (stubs / "id").write_text(f"#!/bin/sh\necho {user}\n")
    (stubs / "apt-get").write_text('#!/bin/sh\necho "apt $*"\n: >"$NOTES.package"\n')
    for stub in stubs.iterdir():
        stub.chmod(0o755)
    path = f"{stubs}:{os.environ['PATH']}"
    first = clone.run("crossbook", LACKS_VENV="yes", PATH=path)
    if user == "0":
        assert "run: installing python3.11-venv, which this Python lacks" in first.stderr
        assert "apt -q install -y --no-install-recommends python3.11-venv" in first.stderr
        assert first.stdout == f"ran {clone.folder}/.venv/bin/crossbook \n"
    else:
        said = "run: first: sudo apt-get install python3.11-venv (then the same again)\n"
        assert (first.returncode, first.stderr) == (1, said)


def test_run_without_a_fitting_python_says_so(clone: Clone) -> None:
    clone.python.write_text("#!/bin/sh\nexit 1\n")
    missing = clone.run("crossbook")
    assert missing.returncode == 1
    assert missing.stderr.startswith("run: no Python from 3.11 to 3.14 found")


def test_run_without_a_command_shows_one(clone: Clone) -> None:
    shown = clone.run()
    assert shown.returncode == 2
    assert "./run crossbook demo" in shown.stderr
