"""One stream of bytes, given to ``Stream`` and to ``websockets``' protocol alike.

After every piece, wherever the cuts are, both must have told the same messages, answered the same
bytes and be in the same state for the same reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from websockets.client import ClientProtocol
from websockets.frames import CONT, DATA_OPCODES, Frame
from websockets.protocol import Protocol, State
from websockets.uri import parse_uri

from scanner.feeds.frames import Run
from scanner.feeds.stream import Stream
from tests.feeds.server_wire import answer, frame

ADDRESS = parse_uri("ws://venue.test/x")


class Told:
    """A receiver that keeps what it hears."""

    def __init__(self) -> None:
        self.messages_: list[bytes] = []
        self.reasons: list[str] = []

    def opened(self) -> None:
        assert not self.messages_

    def message(self, raw: bytes) -> None:
        assert not self.reasons, "a message after the end"
        self.messages_.append(raw)

    def messages(self, run: Run) -> None:
        found = list(run)
        assert sum(map(len, found)) == run.bytes
        for raw in found:
            self.message(raw)

    def ended(self, reason: str) -> None:
        self.reasons.append(reason)


class Ours:
    """``Stream``, fed through its buffer."""

    def __init__(self, limit: int, capacity: int) -> None:
        self.protocol = ClientProtocol(ADDRESS, max_size=limit)
        self.told = Told()
        self.written: list[bytes] = []
        self.stream = Stream(self.protocol, self.told, self.written.append, limit, capacity)

    def feed(self, data: bytes) -> None:
        while data:
            room = self.stream.room()
            part = data[: len(room)]
            room[: len(part)] = part
            self.stream.took(len(part))
            data = data[len(part) :]

    def check(self) -> None:
        """Nothing is told late, and the protocol stands where frames meet."""
        assert len(self.told.reasons) == (self.protocol.state is not State.OPEN)
        if self.protocol.state is State.OPEN and not self.stream._owed:
            assert not self.protocol.reader.buffer


class Theirs:
    """``websockets``' protocol, and its frames put together."""

    def __init__(self, limit: int) -> None:
        self.protocol = ClientProtocol(ADDRESS, max_size=limit)
        self.written: list[bytes] = []
        self.messages: list[bytes] = []
        self._parts: list[bytes] = []

    def feed(self, data: bytes) -> None:
        self.protocol.receive_data(data)
        self.turn()

    def turn(self) -> None:
        for event in self.protocol.events_received():
            if isinstance(event, Frame) and event.opcode in DATA_OPCODES:
                assert (event.opcode is CONT) == bool(self._parts)
                self._parts.append(bytes(event.data))
                if event.fin:
                    self.messages.append(b"".join(self._parts))
                    self._parts = []
        self.written += self.protocol.data_to_send()


def compare(data: bytes, cuts: Sequence[int], limit: int, capacity: int, eof: bool) -> int:
    """Both take ``data``, cut at ``cuts``, and then perhaps its end; how many messages were told.
    ``limit``, ``capacity``: bytes of a message, of our buffer."""
    ours, theirs = Ours(limit, capacity), Theirs(limit)
    heads = [answer(request(side.protocol)) for side in (ours, theirs)]
    begin = 0
    for end in [*sorted(set(cuts)), len(data) + len(heads[0])]:
        for side, head in zip((ours, theirs), heads, strict=True):
            side.feed((head + data)[begin:end])  # type: ignore[attr-defined]
        begin = end
        if end >= len(heads[0]):
            same(ours, theirs)
    if eof:
        ours.stream.eof()
        theirs.protocol.receive_eof()
        theirs.turn()
        same(ours, theirs)
    return len(theirs.messages)


def request(protocol: ClientProtocol) -> bytes:
    """The handshake as it is sent."""
    protocol.send_request(protocol.connect())
    return b"".join(protocol.data_to_send())


def same(ours: Ours, theirs: Theirs) -> None:
    """Raises AssertionError unless both have told, answered and become the same."""
    ours.check()
    assert ours.told.messages_ == theirs.messages
    assert answers(ours.written) == answers(theirs.written)
    assert end_of(ours.protocol) == end_of(theirs.protocol)


def end_of(protocol: Protocol) -> tuple[object, ...]:
    """The state of a connection and how it came about."""
    error = protocol.parser_exc
    return (
        protocol.state,
        type(error),
        str(error),
        protocol.close_rcvd,
        protocol.close_sent,
        protocol.close_rcvd_then_sent,
    )


def answers(written: Sequence[bytes]) -> list[tuple[int, bytes]]:
    """Control frames as the client sent them, without their masks; the end as (0, b"")."""
    found = []
    for data in written:
        mask, masked = data[2:6], data[6:]
        plain = bytes(byte ^ mask[i % 4] for i, byte in enumerate(masked))
        found.append((data[0] if data else 0, plain))
    return found


def anything(rng: Random, limit: int) -> bytes:
    """A piece of a stream: mostly a frame a venue would send, now and then one it must not."""
    size = rng.choice((0, 1, 5, 60, 125, 126, 127, rng.randrange(2 * limit), limit, limit + 1))
    payload = rng.randbytes(size)
    match rng.randrange(24):
        case 0:
            return frame(payload, rng.choice((1, 2)), False)
        case 1 | 2:
            return frame(payload, 0, rng.random() < 0.5)
        case 3 | 4:
            return frame(payload[:125], rng.choice((9, 10)), rng.random() < 0.98)
        case 5:
            return close(rng) if rng.random() < 0.3 else b""
        case 6:
            return invalid(rng, payload) if rng.random() < 0.3 else b""
        case 7:
            wide = (
                rng.choice((2, 8)) if size < 1 << 16 else 8
            )  # a length in more bytes than it needs
            return bytes((0x81, 126 if wide == 2 else 127)) + size.to_bytes(wide) + payload
        case 8:
            return message_in_fragments(rng, limit)
        case 9:
            return frame(b"", rng.choice((1, 2))) * rng.choice((1, 50, 5000))
        case _:
            return frame(payload[: rng.choice((limit, 60))], rng.choice((1, 2)))


def close(rng: Random) -> bytes:
    """A close frame, more or less."""
    code = rng.choice((1000, 1001, 1005, 1009, 1015, 3000, 4999, 5000, rng.randrange(1 << 16)))
    reason = rng.choice((b"", b"bye", rng.randbytes(5), b"\xff", "é".encode()[:1]))
    return frame(rng.choice((b"", b"\x03", code.to_bytes(2) + reason)), 8)


def invalid(rng: Random, payload: bytes) -> bytes:
    """What no server may send."""
    good = bytearray(frame(payload))
    match rng.randrange(5):
        case 0:
            good[1] |= 0x80  # masked
        case 1:
            good[0] |= rng.choice((0x40, 0x20, 0x10))  # reserved bits
        case 2:
            good[0] = 0x80 | rng.choice((3, 4, 5, 6, 7, 11, 12, 13, 14, 15))  # no such opcode
        case 3:
            return bytes((rng.choice((0x81, 0x88, 0x01, 0xC1)), 127)) + rng.randbytes(8)
        case _:
            return rng.randbytes(rng.randrange(1, 12))
    return bytes(good)


def message_in_fragments(rng: Random, limit: int) -> bytes:
    """A message in some fragments, with control frames between them."""
    count = rng.randrange(2, 6)
    out = b""
    for i in range(count):
        part = rng.randbytes(rng.randrange(1 + limit // rng.choice((count, 2))))
        out += frame(part, 0 if i else rng.choice((1, 2)), i == count - 1)
        if rng.random() < 0.4:
            out += frame(rng.randbytes(rng.randrange(8)), rng.choice((9, 10)))
        if rng.random() < 0.02:
            out += frame(b"no fragment")
    return out


def one_of(seed: int) -> int:
    """A whole stream out of ``seed``, compared; how many messages it told."""
    rng = Random(seed)
    limit = rng.choice((10, 200, 1000, 70_000))
    capacity = rng.choice((16, 64, 300, 1 << 12, 1 << 16, 1 << 18))
    pieces = [anything(rng, limit) for _ in range(rng.randrange(1, 30))]
    data = b"".join(pieces)
    if rng.random() < 0.1:
        data = data[: rng.randrange(len(data) + 1)]
    if len(data) and rng.random() < 0.1:
        broken = bytearray(data)
        broken[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        data = bytes(broken)
    total = len(data) + 140
    cuts: Sequence[int] = [rng.randrange(total) for _ in range(rng.choice((0, 1, 5, 40)))]
    if total < 500 and rng.random() < 0.3:
        cuts = range(total)
    return compare(data, cuts, limit, capacity, rng.random() < 0.5)
