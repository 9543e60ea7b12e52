"""A WebSocket connection without its socket: bytes in, messages and bytes out.

``websockets``' sans-I/O protocol is the authority: the handshake, control frames, fragments, close
frames, errors are its business. Runs of plain data frames go past it, and it must not notice: they
are cut out only where it stands at the border between two frames with no message in fragments
pending, so what it sees is a stream in which they never were.
"""

from __future__ import annotations

from collections.abc import Callable
from os import urandom

from websockets.client import ClientProtocol
from websockets.frames import CONT, DATA_OPCODES, CloseCode, Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import Event, State

from scanner.feeds.frames import WAIT, Run
from scanner.feeds.socket import MOST_FRAGMENTS, Receiver

CAPACITY = 1 << 18
"""Bytes of one read at most. A larger frame is put together by the protocol, within its limit."""

END_OF_HEAD = b"\r\n\r\n"


class Stream:
    """``receiver`` hears what comes in, in the very call that brings it.

    ``write`` takes what is to be sent (empty: the end of it). ``limit``: the largest message,
    bytes, as ``protocol`` has it. ``capacity``: bytes of the buffer.
    """

    def __init__(
        self,
        protocol: ClientProtocol,
        receiver: Receiver,
        write: Callable[[bytes], None],
        limit: int,
        capacity: int = CAPACITY,
    ) -> None:
        self.opened = False
        self.ended = False
        self.answered: Callable[[], None] = lambda: None  # the last ping was
        self._protocol = protocol
        self._receiver = receiver
        self._write = write
        self._limit = limit
        self._run = Run(capacity)
        self._memory = self._run.memory
        self._filled = 0
        self._owed = 0
        self._tail = b""
        self._parts: list[bytes] = []
        self._pinged = b""

    def room(self) -> memoryview:
        """Where the next bytes go; never empty."""
        return self._memory[self._filled :]

    def took(self, count: int) -> None:
        """``count`` bytes came."""
        end = self._filled + count
        at = 0 if self.opened else self._shake(end)
        while at < end:
            if self.ended:
                self._hand(at, end)
                at = end
            elif self._owed:
                part = min(self._owed, end - at)
                self._owed -= part
                self._hand(at, at + part)
                at += part
            else:
                limit = -1 if self._parts else self._limit
                at, why, self._owed = self._run.find(at, end, limit)
                if self._run.count:
                    self._receiver.messages(self._run)
                if why == WAIT:
                    break
        self._filled = end - at
        if at and at < end:
            self._memory[: self._filled] = self._memory[at:end]

    def eof(self) -> None:
        """Nothing will come any more."""
        if self._filled:
            self._hand(0, self._filled)
            self._filled = 0
        self._protocol.receive_eof()
        self._turn()

    def lost(self, reason: str) -> None:
        """The socket is gone; ``reason`` is empty when nothing is known."""
        self._protocol.receive_eof()
        self._protocol.data_to_send()
        if self.opened:
            self._end(reason or self._why())

    def send(self, text: str) -> None:
        """Send a message; raises ``websockets``' InvalidState when that cannot be."""
        self._protocol.send_text(text.encode())
        self._flush()

    def ping(self) -> None:
        """Ask the other side whether it is there; ``answered`` is called when it says so."""
        if self._protocol.state is State.OPEN:
            self._pinged = urandom(4)
            self._protocol.send_ping(self._pinged)
            self._flush()

    def fail(self, code: int, reason: str) -> None:
        """The connection is over, for ``reason``."""
        self._protocol.fail(code, reason)
        self._flush()
        if self.opened:
            self._end(reason)

    def close(self) -> None:
        """Begin to end the connection; no message is told of any more."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(CloseCode.NORMAL_CLOSURE)
            self._flush()
        if self.opened:
            self._end("closed on our side")

    def _shake(self, end: int) -> int:
        """Give the protocol what belongs to the handshake; where the frames begin."""
        seen = self._tail + self._memory[:end]
        found = seen.find(END_OF_HEAD)
        cut = end if found < 0 else found + len(END_OF_HEAD) - len(self._tail)
        self._tail = seen[1 - len(END_OF_HEAD) :]
        self._hand(0, cut)
        if not self.opened and cut < end:  # refused, with a body
            self._hand(cut, end)
            cut = end
        return cut

    def _hand(self, at: int, end: int) -> None:
        self._protocol.receive_data(bytes(self._memory[at:end]))
        self._turn()

    def _turn(self) -> None:
        events = self._protocol.events_received()
        self._flush()
        for event in events:
            self._event(event)
        if self.opened and self._protocol.state is not State.OPEN:
            self._end(self._why())

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            self._write(data)

    def _event(self, event: Event) -> None:
        if isinstance(event, Response):
            if self._protocol.handshake_exc is None:
                self.opened = True
                self._receiver.opened()
        elif isinstance(event, Frame) and not self.ended:
            if event.opcode in DATA_OPCODES:
                self._data(event)
            elif event.opcode is Opcode.PONG and self._pinged and event.data == self._pinged:
                self._pinged = b""
                self.answered()

    def _data(self, frame: Frame) -> None:
        if frame.fin and frame.opcode is not CONT:
            self._receiver.message(bytes(frame.data))
            return
        self._parts.append(bytes(frame.data))
        if len(self._parts) > MOST_FRAGMENTS:
            told = f"a message in more than {MOST_FRAGMENTS} fragments"
            self.fail(CloseCode.MESSAGE_TOO_BIG, told)
        elif frame.fin:
            whole = b"".join(self._parts)
            self._parts.clear()
            self._receiver.message(whole)

    def _end(self, reason: str) -> None:
        if not self.ended:
            self.ended = True
            self._parts.clear()
            self._receiver.ended(reason)

    def _why(self) -> str:
        protocol = self._protocol
        if isinstance(protocol.parser_exc, EOFError):
            return "connection lost"
        if protocol.parser_exc is not None:
            return f"broken WebSocket stream: {protocol.parser_exc}"
        if protocol.close_rcvd is not None:
            return f"closed by the venue: {protocol.close_rcvd}"
        return "connection lost"
