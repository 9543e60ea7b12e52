"""A WebSocket server in a process of its own, as cheap as one in Python can be: its frames are made
beforehand and sent by blocking calls, so that it is the client that is measured.

``/blast?count=N&size=B`` packs frames into large writes; ``/paced?count=N&size=B&rate=R`` writes
each when it is due.
"""

from __future__ import annotations

import json
import multiprocessing
import random
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from urllib.parse import parse_qsl, urlsplit

from tests.feeds.server_wire import answer, frame

BLOCK = 1 << 16
KINDS = 64


@contextmanager
def source(tls: ssl.SSLContext | None) -> Iterator[int]:
    """The server, until the block ends; its port on 127.0.0.1."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=16)
    context = multiprocessing.get_context("fork")
    process = context.Process(target=_accept, args=(listener, tls), daemon=True)
    process.start()
    try:
        yield listener.getsockname()[1]
    finally:
        process.kill()
        process.join()
        listener.close()


def _accept(listener: socket.socket, tls: ssl.SSLContext | None) -> None:
    while True:
        connection, _ = listener.accept()
        Thread(target=_serve, args=(connection, tls), daemon=True).start()


def _serve(connection: socket.socket, tls: ssl.SSLContext | None) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with suppress(OSError):
        if tls is not None:
            connection = tls.wrap_socket(connection, server_side=True)
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(4096)
        connection.sendall(answer(head))
        asked = urlsplit(head.split()[1].decode())
        wish = {name: int(value) for name, value in parse_qsl(asked.query)}
        frames = [frame(payload) for payload in payloads(wish["size"])]
        if asked.path == "/blast":
            _blast(connection, frames, wish["count"])
        else:
            _pace(connection, frames, wish["count"], wish["rate"])
        connection.sendall(frame((1000).to_bytes(2, "big"), 8))
        while connection.recv(4096):
            pass
    connection.close()


def _blast(connection: socket.socket, frames: list[bytes], count: int) -> None:
    block = b"".join(frames)
    block *= max(1, BLOCK // len(block))
    each = block.count(b'{"stream"')
    for _ in range(count // each):
        connection.sendall(block)
    connection.sendall(b"".join(frames[i % KINDS] for i in range(count % each)))


def _pace(connection: socket.socket, frames: list[bytes], count: int, rate: int) -> None:
    began = time.perf_counter()
    for i in range(count):
        ahead = i / rate - (time.perf_counter() - began)
        if ahead > 0:
            time.sleep(ahead)
        connection.sendall(frames[i % KINDS])


def payloads(size: int) -> list[bytes]:
    """Messages of about ``size`` bytes that look like changes of a book."""
    chance = random.Random(1)
    made = []
    for sequence in range(KINDS):
        bids: list[list[str]] = []
        while True:
            data = {"u": 499869752 + sequence, "b": bids, "a": []}
            text = json.dumps({"stream": "btcusdt@depth", "data": data}, separators=(",", ":"))
            if len(text) >= size:
                break
            price = 30000 + chance.randrange(2000) / 100
            bids.append([f"{price:.2f}", f"{chance.random() * 9:.5f}"])
        made.append(text.encode())
    return made
