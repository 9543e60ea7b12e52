"""``websockets``' own client: what only it does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.uri import parse_uri

from scanner.feeds.plain import open_plain
from scanner.feeds.socket import SocketLimits
from tests.feeds.certificates import contexts
from tests.feeds.differential import Told
from tests.feeds.tiny import raw_server, until, venue_server

LIMITS = SocketLimits(message_bytes=1000, open=2.0, close=0.1, ping=5.0, pong=5.0)


async def opened(url: str, told: Told, **options: Any) -> Any:
    tls = contexts()[1] if url.startswith("wss") else None
    return await open_plain(url, parse_uri(url), told, LIMITS, tls, **options)


@pytest.mark.parametrize("encrypted", [False, True])
async def test_messages_come_through_a_proxy(encrypted: bool) -> None:
    async def venue(ws: ServerConnection) -> None:
        await ws.send(await ws.recv())
        await ws.wait_closed()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            writer.write(data)
        writer.close()

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        host, _, port = head.split()[1].decode().partition(":")
        there, to_there = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(pump(reader, to_there), pump(there, writer))

    told = Told()

    def address(url: str) -> str:
        return url.replace("ws://", "http://").removesuffix("/x")

    async with (
        venue_server(venue, contexts()[0] if encrypted else None) as url,
        raw_server(proxy) as through,
    ):
        client = await opened(url, told, proxy=address(through))
        await client.send("hello")
        await until(lambda: told.messages_ == [b"hello"])
        await client.close()
    assert told.reasons == ["closed on our side"]


async def test_a_compressed_message_is_limited_as_what_it_unfolds_to() -> None:
    offered: list[str] = []

    async def venue(ws: ServerConnection) -> None:
        assert ws.request is not None
        offered.append(ws.request.headers["Sec-WebSocket-Extensions"])
        await ws.send("x" * 1000)
        await ws.send("x" * 1001)
        await ws.wait_closed()

    told = Told()
    async with venue_server(venue) as url:
        client = await opened(url, told, compression="deflate")
        await until(lambda: told.reasons)
        await client.close()
    assert "permessage-deflate" in offered[0]
    assert told.messages_ == [b"x" * 1000]
    assert "limit of 1000 bytes" in told.reasons[0]
