"""Times as people give them: a moment (``24h`` ago, a day, a time) and how long (``7d``)."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from scanner.errors import UserError

SECOND = 1_000_000_000
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
FORMS = "30m, 24h, 7d, 2026-11-22 or 2026-11-22T10:00:00Z"
DURATIONS = "250ms, 2s, 1.5m, 1h or 7d"
LONGEST = 100 * 366 * 86_400
_AGO = re.compile(r"(\d{1,9}(?:\.\d{1,6})?) ?([smhdw])")
_DURATION = re.compile(r"(\d{1,12}(?:\.\d{1,9})?) ?(ms|[smhdw])")


def moment(text: str, now: int) -> int:
    """The moment that ``text`` names, ns since the epoch; a time without a zone is UTC's. Raises
    ``UserError``."""
    ago = _AGO.fullmatch(text.strip().lower())
    if ago:
        seconds = float(ago[1]) * SECONDS[ago[2]]
        return now - int(min(seconds, LONGEST) * SECOND)
    try:
        then = datetime.fromisoformat(text.strip())
        then = then if then.tzinfo else then.replace(tzinfo=UTC)
        return int(then.timestamp() * 1_000_000) * 1000
    except (ValueError, OverflowError):
        raise UserError(f"{text!r} is no time; they look like {FORMS}") from None


def duration(text: str, unit: str = "s") -> int:
    """How long, ns; a number alone is in ``unit``. Raises ``UserError``."""
    given = text.strip().lower()
    found = _DURATION.fullmatch(given) or _DURATION.fullmatch(given + unit)
    if found is None:
        raise UserError(f"{text!r} is no duration; they look like {DURATIONS}")
    seconds = float(found[1]) * (0.001 if found[2] == "ms" else SECONDS[found[2]])
    return round(min(seconds, LONGEST) * SECOND)
