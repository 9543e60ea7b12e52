"""What a WebSocket server writes, byte by byte (RFC 6455)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import struct


def answer(head: bytes) -> bytes:
    """The answer to a handshake."""
    key = next(
        line.split(b":", 1)[1].strip()
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"sec-websocket-key")
    )
    digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
    )


async def shake(reader: asyncio.StreamReader) -> bytes:
    """Read a handshake; the answer to it."""
    return answer(await reader.readuntil(b"\r\n\r\n"))


def frame(payload: bytes, opcode: int = 1, fin: bool = True) -> bytes:
    """A frame without a mask, its length in as few bytes as can be."""
    first = (0x80 if fin else 0) | opcode
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", first, size) + payload
    if size < 1 << 16:
        return struct.pack("!BBH", first, 126, size) + payload
    return struct.pack("!BBQ", first, 127, size) + payload
