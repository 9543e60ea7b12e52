"""Where KuCoin's streams are: their addresses come with a token from REST, new for each connection.

https://www.kucoin.com/docs-new/websocket-api/base-info/get-public-token-spot-margin
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import msgspec
from msgspec import Meta, Struct

from scanner.steps import Reconnect
from scanner.venues.parts import decode


class _Server(Struct):
    endpoint: Annotated[str, Meta(pattern=r"^wss?://[^\s/?#]+(/[^\s?#]*)?$")]
    pingInterval: Annotated[int, Meta(ge=1000, le=10**7)] = 18_000
    pingTimeout: Annotated[int, Meta(ge=1000, le=10**7)] = 10_000


class _Bullet(Struct):
    token: str
    instanceServers: list[_Server]


class _Answer(Struct):
    code: str = ""
    data: _Bullet | None = None


_answer = msgspec.json.Decoder(_Answer)


class Grant(Struct, frozen=True):
    """Where to connect, how often to ping, and how soon an answer comes (seconds)."""

    url: str
    ping_every: float
    answers_within: float


def grant(status: int, body: bytes, ws: str, *, moved: bool, name: int) -> Grant | Reconnect:
    """What the answer to a request for a token grants; raises ``msgspec.DecodeError``.

    ``ws`` is where the venue's streams are; when they are ``moved`` there by the configuration, so
    are the endpoints that the venue names. ``name`` tells the connection from others.
    """
    if status != 200:
        return Reconnect(f"no token served (HTTP {status})")
    answer = decode(_answer, body)
    if answer.data is None or not answer.data.instanceServers:
        return Reconnect(f"no token served (code {answer.code!r:.40})")
    server = answer.data.instanceServers[0]
    endpoint = server.endpoint
    if moved and not endpoint.startswith(ws):
        path = endpoint.partition("://")[2].partition("/")[2]
        endpoint = f"{ws}/{path}"
    token = quote(answer.data.token, safe="")
    url = f"{endpoint}?token={token}&connectId={name}"
    return Grant(url, server.pingInterval / 1000, server.pingTimeout / 1000)
