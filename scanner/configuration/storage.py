"""What of the configuration says where rows are kept, and for how long."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from scanner.configuration.model import Model

DATABASES = frozenset({"sqlite", "postgres", "postgresql", "postgresql+psycopg"})


def _database(url: SecretStr) -> SecretStr:
    text = url.get_secret_value().strip()
    scheme, mark, rest = text.partition("://")
    try:
        urlsplit(text)
    except ValueError:
        rest = ""
    if not text.isprintable() or not (rest if mark else text) or (mark and scheme not in DATABASES):
        raise ValueError(
            "must be the path of a file, or a URL that begins with sqlite:/// or postgresql://"
        )
    return SecretStr(text)


class Database(Model):
    """Where what is found is kept, and how much of it."""

    url: Annotated[SecretStr, AfterValidator(_database)] | None = Field(
        default=None,
        examples=["~/spreads.db, or postgresql://user:${PASSWORD}@host/name"],
        description="A file (its path, or `sqlite:///` and its path) or a PostgreSQL server"
        " (`postgresql://user:password@host/name`); none named: `crossbook.db` in the user's data"
        " folder (`~/.local/share/crossbook` on Linux).",
    )
    retention_days: int = Field(
        default=0,
        ge=0,
        le=36_500,
        description="How many days (UTC) before the current one are kept; 0: no bound.",
    )
    max_size_mb: int = Field(
        default=4096,
        ge=0,
        le=1 << 30,
        description="The most that the database may take, MB of 2^20 bytes: details go first, then"
        " whole days, the oldest first, but never the last 24 hours; 0: no bound.",
    )

    @property
    def location(self) -> str:
        """``url``, which may hold a password; empty where none is named."""
        return self.url.get_secret_value() if self.url else ""
