"""A venue on the loopback: snapshots, and then changes as fast as the client takes them or at a
rate, each with the microsecond of its sending where its time stands."""

from __future__ import annotations

import json
import multiprocessing
import random
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import msgspec
import numpy as np
from numba import njit

from benchmarks.drivers.report import START, stamp
from tests.feeds.server_wire import answer, frame

POOL = 2000
LEVELS = 50
TIME, SEQUENCE = b"1111111111111", b"2222222222"
FIRST = 1_000_000_000
AT_ONCE = 100


class Load(msgspec.Struct, frozen=True):
    """``rate`` (messages a second, 0: as many as go) and ``messages`` are of all connections."""

    connections: int
    symbols: int
    messages: int
    rate: float


@contextmanager
def served(load: Load, tls: ssl.SSLContext | None) -> Iterator[int]:
    """In a process of its own, until the block ends; its port on 127.0.0.1."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=16)
    process = multiprocessing.get_context("fork").Process(
        target=_accept, args=(listener, load, tls), daemon=True
    )
    process.start()
    try:
        yield listener.getsockname()[1]
    finally:
        process.kill()
        process.join()
        listener.close()


def _accept(listener: socket.socket, load: Load, tls: ssl.SSLContext | None) -> None:
    ready = threading.Barrier(load.connections)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=_serve, args=(client, load, tls, ready), daemon=True).start()


def _serve(
    client: socket.socket, load: Load, tls: ssl.SSLContext | None, ready: threading.Barrier
) -> None:
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with suppress(OSError, StopIteration):
        if tls is not None:
            client = tls.wrap_socket(client, server_side=True)
        head = b""
        while b"\r\n\r\n" not in head:
            came = client.recv(4096)
            if not came:
                return
            head += came
        client.sendall(answer(head))
        venue = int(head.split()[1].split(b"/")[1])
        topics: dict[str, int] = {}
        heard = _heard(client, head.partition(b"\r\n\r\n")[2])
        while len(topics) < load.symbols:
            _asked(client, next(heard), topics, venue)
        stream = _Stream(topics, venue)
        ready.wait()
        threading.Thread(target=_listen, args=(client, heard, topics, venue), daemon=True).start()
        time.sleep(0.5)
        _stream(client, stream, load)
        time.sleep(30)


def _heard(client: socket.socket, data: bytes) -> Iterator[tuple[int, bytes]]:
    """The client's frames: (opcode, payload)."""
    while True:
        while len(data) < 2 or len(data) < _size(data):
            came = client.recv(4096)
            if not came:
                return
            data += came
        size, start = _size(data), 4 if data[1] & 127 == 126 else 2
        mask = data[start : start + 4]
        payload = bytes(b ^ mask[i & 3] for i, b in enumerate(data[start + 4 : size]))
        yield data[0] & 15, payload
        data = data[size:]


def _size(data: bytes) -> int:
    size = data[1] & 127
    if size == 126:
        return 8 + struct.unpack("!H", data[2:4])[0] if len(data) >= 4 else 8
    return 6 + size


def _listen(
    client: socket.socket,
    heard: Iterator[tuple[int, bytes]],
    topics: dict[str, int],
    venue: int,
) -> None:
    with suppress(OSError):
        for told in heard:
            _asked(client, told, topics, venue)


def _asked(
    client: socket.socket, told: tuple[int, bytes], topics: dict[str, int], venue: int
) -> None:
    opcode, payload = told
    if opcode == 9:
        client.sendall(frame(payload, 10))
    if opcode != 1:
        return
    asked = json.loads(payload)
    if asked["op"] == "ping":
        client.sendall(frame(b'{"success":true,"ret_msg":"pong","op":"ping"}'))
        return
    done = {"success": True, "ret_msg": "", "op": "subscribe", "conn_id": "1"}
    client.sendall(frame(json.dumps(done | {"req_id": asked.get("req_id", "")}).encode()))
    for topic in asked["args"]:
        _, depth, name = topic.split(".")
        if depth != "1":
            symbol = int(name[1:].removesuffix("USDT"))
            topics[topic] = symbol
            rows = [(side, place, 1.5) for side in (0, 1) for place in range(LEVELS)]
            text = _text(topic, "snapshot", symbol, venue, rows)
            text = text.replace(TIME, str(START).encode()).replace(SEQUENCE, str(FIRST).encode())
            client.sendall(frame(text))


def _text(
    topic: str, kind: str, symbol: int, venue: int, rows: list[tuple[int, int, float]]
) -> bytes:
    """A message; the prices of no two venues cross after fees."""
    middle, sides = 1000.0 * (symbol + 1) * (1 + venue * 1e-5), ([], [])
    for side, place, size in rows:
        price = middle + 0.01 * (symbol + 1) * (place + 1) * (1 if side else -1)
        sides[side].append([f"{price:.2f}", f"{size:.5f}" if size else "0"])
    b, a = (json.dumps(side, separators=(",", ":")) for side in sides)
    time_, sequence = TIME.decode(), SEQUENCE.decode()
    return (
        f'{{"ts":{time_},"topic":"{topic}","type":"{kind}","data":{{"s":"{topic.rpartition(".")[2]}","b":{b},'
        f'"a":{a},"u":{sequence},"seq":{sequence}}},"cts":{time_}}}'
    ).encode()


class _Stream:
    """A pool of messages, one after the other in memory, and where times and sequences stand."""

    def __init__(self, topics: dict[str, int], venue: int) -> None:
        chance = random.Random(venue)
        frames = []
        self.symbols = len(topics)
        for k in range(POOL):
            topic, symbol = list(topics.items())[k % self.symbols]
            rows = set()
            for _ in range(1 + int(chance.expovariate(1 / 4.5))):
                rows.add((chance.randrange(2), min(int(chance.expovariate(1 / 6)), LEVELS - 1)))
            sized = [
                (s, p, 0.0 if p > 4 and chance.random() < 0.15 else chance.random() * 5 + 0.001)
                for s, p in sorted(rows)
            ]
            frames.append(frame(_text(topic, "delta", symbol, venue, sized)))
        self.ends = np.cumsum([0, *map(len, frames)])
        whole = b"".join(frames)
        self.buffer = np.frombuffer(whole, np.uint8).copy()
        self.times = _places(whole, TIME)
        self.sequences = _places(whole, SEQUENCE)

    def stamped(self, first: int, count: int, round_: int) -> memoryview:
        """Messages of the pool, as they are sent now."""
        _stamp(self.buffer, self.times, self.sequences, first, count, stamp(),
               FIRST + 1 + round_ * (POOL // self.symbols), self.symbols)  # fmt: skip
        return memoryview(self.buffer)[self.ends[first] : self.ends[first + count]]


def _places(whole: bytes, text: bytes) -> np.ndarray:
    found, at = [], whole.find(text)
    while at >= 0:
        found.append(at)
        at = whole.find(text, at + 1)
    return np.array(found)


@njit(nogil=True)
def _stamp(buffer, times, sequences, first, count, now, number, symbols):  # type: ignore[no-untyped-def]
    for k in range(first, first + count):
        for which in range(2):
            left, at = now, times[2 * k + which]
            for d in range(12, -1, -1):
                buffer[at + d] = 48 + left % 10
                left //= 10
            left, at = number + k // symbols, sequences[2 * k + which]
            for d in range(9, -1, -1):
                buffer[at + d] = 48 + left % 10
                left //= 10


def _stream(client: socket.socket, stream: _Stream, load: Load) -> None:
    total, rate = load.messages // load.connections, load.rate / load.connections
    stream.stamped(0, 1, 0)
    sent, began = 0, time.perf_counter()
    while sent < total:
        first = sent % POOL
        count = min(AT_ONCE, total - sent, POOL - first)
        if rate:
            due = int((time.perf_counter() - began) * rate) + 1
            if due <= sent:
                time.sleep(max(0.0, sent / rate - (time.perf_counter() - began)))
                continue
            count = min(count, due - sent)
        client.sendall(stream.stamped(first, count, sent // POOL))
        sent += count
