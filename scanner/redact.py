"""Secrets taken out of text before it is logged, stored or shown.

What must not be read by others here: passwords and tokens in URLs, Apprise URLs (whose host and
path are the credentials), bot tokens, webhook paths, keys and signatures. Better too much than too
little: hosts, ports and the paths of public interfaces stay, what looks like a credential goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

MASK = "***"
SHORTEST_SECRET = 4

_WEB = frozenset({"http", "https", "ws", "wss"})
_LOCAL = frozenset({"file", "sqlite"})
_DATABASES = frozenset({"postgresql", "postgres", "mysql", "mariadb", "redis", "rediss", "amqp"})
# Apprise schemes whose host is an address rather than a credential.
_HOOKS = frozenset({"json", "jsons", "xml", "xmls", "form", "forms"})

_URL = re.compile(r"\b([a-zA-Z][a-zA-Z0-9+.-]{0,30})://([^\s\"'<>`]*)")
_TRAILING = re.compile(r"[.,;:)\]}]*\Z")
_NAMES = (
    r"(?:password|passwd|passphrase|pwd|secret|token|credential|signature|authorization"
    r"|(?:api|access|private|auth)[_-]?key)"
)
_NAMED = re.compile(
    # The name, possessively: a long word must not be tried again from each of its letters.
    rf"(?i)(?<![\w+-])(?=[\w+-]{{0,60}}?{_NAMES})([\w+-]++[\"']?\s{{0,3}}[:=]\s{{0,3}})"
    r"(?!\$\{)"
    r"(\"[^\"\n]*+\"?|'[^'\n]*+'?|(?:bearer|basic|bot|token)\s+[^\s\"',;&}]++|[^\s\"',;&})\]]++)"
)
_BARE = re.compile(
    r"(?<![\w-])(?:bot)?\d{6,12}:[\w-]{30,}"  # Telegram
    r"|\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?"  # JSON Web Token
    r"|\bxox[a-z]-[\w-]{8,}|\bgh[a-z]_\w{20,}|\bsk-[\w-]{16,}"  # Slack, GitHub, others
    r"|(?<=[Bb]earer )[^\s\"',;]{6,}|(?<=[Bb]asic )[A-Za-z0-9+/]{8,}={0,2}(?![A-Za-z0-9+/])"
)
_REQUESTED = re.compile(r"(?<=with url: )\S+")  # urllib3 names the path without its host
_KEYS = re.compile(r"(?i)key|token|secret|pass|pwd|sign|auth|session|credential|code|hash")
_MARKERS = frozenset({"webhook", "webhooks", "services", "hooks"})
_BOT = re.compile(r"bot\d+:")
_DIGIT_AND_LETTER = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[\w.~:+-]+")


def redacted(text: str) -> str:
    """``text`` without credentials; redacting it again changes nothing."""
    text = _URL.sub(_url, text)
    text = _REQUESTED.sub(MASK, text)
    text = _NAMED.sub(_named, text)
    return _BARE.sub(MASK, text)


class Redactor:
    """Takes out the secrets that it has been told of, as they are and quoted, and all that
    ``redacted`` finds."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known: tuple[str, ...] = ()
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """From here on these are secrets too; those of under four characters are too common."""
        forms = {
            form
            for secret in secrets
            if len(secret) >= SHORTEST_SECRET
            for form in (secret, quote(secret, safe=""), quote_plus(secret))
        }
        self._known = tuple(sorted({*self._known, *forms}, key=lambda form: (-len(form), form)))

    def __call__(self, text: str) -> str:
        for secret in self._known:
            text = text.replace(secret, MASK)
        return redacted(text)


def credentials(url: str) -> set[str]:
    """The parts of an Apprise URL that may be a secret on their own: a program that fails with them
    may name them without the URL."""
    parts = set(re.split(r"[/?&=@:#]+", url.partition("://")[2]))
    user, at, _ = url.partition("://")[2].rpartition("@")
    return {part for part in parts if "." not in part and _is_token(part, 8)} | (
        {user.rpartition(":")[2]} if at else set()
    )


def _named(match: re.Match[str]) -> str:
    name, value = match.groups()
    mark = value[0] if value[0] in "\"'" else ""
    return f"{name}{mark}{MASK}{mark}"


def _url(match: re.Match[str]) -> str:
    scheme, rest = match[1], match[2]
    ending = _TRAILING.search(rest)
    end = ending[0] if ending else ""
    return f"{scheme}://{_rest(scheme.lower(), rest[: len(rest) - len(end)])}{end}"


def _rest(scheme: str, rest: str) -> str:
    """What follows ``://``; the kind of scheme says what in it is a secret."""
    family = scheme.partition("+")[0]
    if not rest or family in _LOCAL:
        return rest
    if family in _WEB:
        return _web(rest)
    if family in _DATABASES:
        return _database(rest)
    return _hook(rest) if family in _HOOKS else MASK


def _web(rest: str) -> str:
    rest, _, fragment = rest.partition("#")
    place, asked, query = rest.partition("?")
    host, *path = place.split("/")
    user, at, host = host.rpartition("@")
    told = "/".join(((MASK if user else "") + at + host, *_path(path)))
    told += asked + "&".join(_parameter(part) for part in query.split("&")) if asked else ""
    return f"{told}#{MASK}" if fragment else told


def _path(segments: list[str]) -> list[str]:
    for place, segment in enumerate(segments):
        if segment in _MARKERS and any(segments[place + 1 :]):
            return [*segments[: place + 1], MASK]
    return [MASK if _BOT.match(part) or _is_token(part, 24) else part for part in segments]


def _parameter(part: str) -> str:
    name, equals, value = part.partition("=")
    secret = bool(value) and (_KEYS.search(name) is not None or _is_token(value, 32))
    return f"{name}{equals}{MASK}" if secret else part


def _database(rest: str) -> str:
    place, asked, query = rest.partition("?")
    # The last @, because a password may hold one that its author did not quote.
    user, at, place = place.rpartition("@")
    name, colon, _ = user.partition(":")
    parameters = "&".join(_parameter(part) for part in query.split("&"))
    return f"{name}{colon}{MASK if colon else ''}{at}{place}{asked}{parameters}"


def _hook(rest: str) -> str:
    place = re.split(r"[?#]", rest, maxsplit=1)[0]
    user, at, place = place.rpartition("@")
    host, slash, path = place.partition("/")
    known = (MASK if user else "") + at + host + slash + (MASK if path else "")
    return known + (f"?{MASK}" if len(user + at + place) < len(rest) else "")


def _is_token(text: str, shortest: int) -> bool:
    return len(text) >= shortest and _DIGIT_AND_LETTER.fullmatch(text) is not None
