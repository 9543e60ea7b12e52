"""Addresses: where a venue is reached instead of its real hosts."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

PROXY_KIND = {"https": "https", "wss": "https", "http": "http", "ws": "http"}


def rebase(url: str, base: str) -> str:
    """``url`` with scheme and host replaced by ``base``, which may carry a path prefix.

    What already lies under ``base`` stays as it is, so an address that the venue itself handed out
    (and that leads to ``base``) is not prefixed twice. ``{placeholders}`` in the host do no harm.
    """
    base = base.rstrip("/")
    if url == base or url.startswith((f"{base}/", f"{base}?")):
        return url
    parts = urlsplit(url)
    root = urlsplit(base)
    path = root.path + parts.path
    return urlunsplit((root.scheme, root.netloc, path, parts.query, parts.fragment))


def is_loopback(url: str) -> bool:
    """Whether ``url`` leads to this machine, so that no proxy must stand between."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def shown(url: str) -> str:
    """``url`` as it may stand in a log: without query, for that is where tokens are."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def environment_proxy(url: str) -> str | None:
    """The environment's proxy for ``url``; never one for this machine. (``aiohttp`` would find it
    too, but would read passwords from ``~/.netrc`` as well.)"""
    parts = urlsplit(url)
    if is_loopback(url) or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    return getproxies().get(PROXY_KIND.get(parts.scheme, ""))
