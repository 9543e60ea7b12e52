"""What can go wrong, by whose doing; the command line turns each into one line and an exit code.

    CrossbookError            1   anything we raise on purpose
    ├── UserError             2   the command line is wrong; its author can mend it
    │   └── ConfigError       2   so is the configuration: file, line, key and remedy are named
    ├── VenueError            1   an exchange did not give what was needed
    ├── RecordingError        1   a recording is damaged: file, line and remedy are named
    └── InternalError         1   our own mistake: something that must always hold did not

The numbers are exit codes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from pathlib import Path


class CrossbookError(Exception):
    """Anything we raise on purpose; its text is for the person at the terminal."""

    exit_code: ClassVar[int] = 1


class UserError(CrossbookError):
    """The command line asks for something that cannot be."""

    exit_code: ClassVar[int] = 2


class ConfigError(UserError):
    """The configuration is wrong.

    ``line`` counts from 1 (0: the file as a whole), ``key`` is the dotted way to the value
    (``limits.max_age_ms``; empty: none), ``remedy`` what to do about it.
    """

    def __init__(
        self, message: str, *, file: str = "", line: int = 0, key: str = "", remedy: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.line = line
        self.key = key
        self.remedy = remedy

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.file and self.line else self.file
        told = ": ".join(part for part in (place, self.key, self.message) if part)
        return f"{told}; {self.remedy}" if self.remedy else told


def unwritable(path: Path, error: OSError) -> CrossbookError:
    """What to tell of a file that could not be written."""
    if isinstance(error, IsADirectoryError):
        return UserError(f"{path} is a folder; name a file in it")
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return UserError(f"there is no folder {path.parent} for {path.name}; make it first")
    return CrossbookError(f"{path} cannot be written ({error.strerror or error})")


class VenueError(CrossbookError):
    """An exchange did not give what was needed: no answer, a refusal, or nonsense."""

    def __init__(self, venue: str, message: str) -> None:
        super().__init__(message)
        self.venue = venue
        self.message = message

    def __str__(self) -> str:
        return f"{self.venue}: {self.message}"


class RecordingError(CrossbookError):
    """A recording cannot be read."""


class InternalError(CrossbookError):
    """Our own mistake: something that must always hold did not."""
