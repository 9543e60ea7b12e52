"""What a failed attempt amounts to: refused, so that it may be tried again, or of unknown fate.

Apprise answers yes or no. Why not is in its log: the text, and the exception that was being handled
when it was written.
"""

from __future__ import annotations

import errno
import logging
import os
import smtplib
import socket
import ssl
from collections.abc import Iterator, Sequence

from msgspec import Struct

from scanner.sinks.alerts.channel import DOUBT, Outcome

_UNREACHED = frozenset(
    {errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN}
)
# What requests and urllib3 raise before a request has left, or once it has been answered. By name,
# because only the process that sends has them loaded.
_NOT_TAKEN = frozenset(
    (
        *("ConnectTimeout", "ConnectTimeoutError", "NewConnectionError", "NameResolutionError"),
        *("ProxyError", "InvalidURL", "InvalidSchema", "MissingSchema", "InvalidHeader"),
        *("InvalidProxyURL", "URLRequired", "InvalidJSONError", "LocationParseError"),
        "TooManyRedirects",
    )
)
_NO_HANDSHAKE = ("CERTIFICATE_VERIFY_FAILED", "WRONG_VERSION_NUMBER")
_TIMEOUTS = ("ReadTimeout", "ReadTimeoutError")
DEEPEST = 12


class Heard(Struct):
    """A line that Apprise logged, and the exception that it was handling then."""

    level: int
    text: str
    cause: BaseException | None


def failure(heard: Sequence[Heard], targets: int, timeout: float) -> tuple[Outcome, str]:
    """What became of a message that was not sent, and why.

    It may be tried again only if the receiver has surely not taken it: it was not reached, or it
    answered that it refuses. One URL with several targets may have served some of them.
    """
    told = [one.text for one in heard if one.level >= logging.WARNING]
    causes = [one.cause for one in heard if one.cause is not None]
    doubtful = [cause for cause in causes if not not_taken(cause)]
    if doubtful:
        silent = any(map(_timed_out, chain(doubtful[-1])))
        why = f"no answer within {timeout:g} s" if silent else reason(doubtful[-1])
        return Outcome.UNKNOWN, f"{why}; {DOUBT}"
    why = reason(causes[-1]) if causes else told[-1] if told else "Apprise gave no reason"
    if targets > 1:
        some = f"some of its {targets} targets may have got it, so it is not sent again"
        return Outcome.UNKNOWN, f"{why}; {some}"
    return Outcome.REFUSED, why


def not_taken(cause: BaseException) -> bool:
    """Whether the receiver has surely not taken the message that met with ``cause``."""
    return any(map(_before_or_answered, chain(cause)))


def reason(cause: BaseException) -> str:
    """Why, in a few words."""
    for error in chain(cause):
        if isinstance(error, socket.gaierror):
            return "its host name leads nowhere"
        if isinstance(error, ssl.SSLError):
            return f"no secure connection: {error.reason or error}"
        if isinstance(error, smtplib.SMTPResponseException):
            return f"the mail server says {error.smtp_code} {_text(error.smtp_error)}"
        if type(error).__name__ in ("ConnectTimeout", "ConnectTimeoutError"):
            return "it cannot be reached: no answer to the attempt to connect"
        if isinstance(error, OSError) and error.errno in _UNREACHED:
            return f"it cannot be reached: {os.strerror(error.errno).lower()}"
    for error in chain(cause):
        if isinstance(error, ConnectionError | smtplib.SMTPServerDisconnected):
            return "the connection was closed without an answer"
    return f"{type(cause).__name__}: {cause}"


def chain(error: BaseException) -> Iterator[BaseException]:
    """The exception, and those that it wraps in any of the ways that are in use."""
    todo, seen = [error], set[int]()
    while todo and len(seen) < DEEPEST:
        one = todo.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        inner = (getattr(one, "reason", None), *one.args, one.__cause__, one.__context__)
        todo += [wrapped for wrapped in inner if isinstance(wrapped, BaseException)]


def _before_or_answered(error: BaseException) -> bool:
    if type(error).__name__ in _NOT_TAKEN:
        return True
    if isinstance(error, OSError) and error.errno in _UNREACHED:
        return True
    if isinstance(error, ssl.SSLError) and error.reason in _NO_HANDSHAKE:
        return True
    answered = smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused
    return isinstance(error, socket.gaierror | answered | smtplib.SMTPNotSupportedError)


def _timed_out(error: BaseException) -> bool:
    return isinstance(error, TimeoutError) or type(error).__name__ in _TIMEOUTS


def _text(raw: bytes | str) -> str:
    return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
