"""Streams of one connection by name, asked for with ``SUBSCRIBE``, each message in an envelope.

``{"stream": "btcusdt@depth@100ms", "data": {...}}``; what answers a request carries its ``id``.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw, Struct

from scanner.steps import Ack, Notice, Reconnect, Refused, Send
from scanner.venues.parts import Requests, batched, decode, encoded
from scanner.venues.protocol import Steps

STREAMS_PER_REQUEST = 100
CLOSING = (Reconnect("the venue announced that it closes this connection"),)


class _Error(Struct):
    code: int = 0
    msg: str = ""


class Message(Struct):
    """An envelope, or the answer to a request."""

    stream: str = ""
    data: Raw = Raw(b"")
    id: int | str | None = None
    error: _Error | None = None
    code: int | None = None
    msg: str = ""
    e: str = ""


_message = msgspec.json.Decoder(Message)


def read(raw: bytes) -> Message:
    """One message. Raises ``msgspec.DecodeError``."""
    return decode(_message, raw)


class Streams:
    """The requests for ``channels`` of markets, and what is said to them."""

    def __init__(self, channels: Sequence[str]) -> None:
        self._channels = tuple(channels)
        self._requests = Requests()

    def subscribe(self, markets: Sequence[str]) -> list[Send]:
        """The requests for all channels of ``markets``."""
        size = STREAMS_PER_REQUEST // len(self._channels)
        return [self._request("SUBSCRIBE", batch) for batch in batched(markets, size)]

    def again(self, market: str) -> list[Send]:
        """Leave and join: whatever opens a subscription comes again."""
        return [self._request("UNSUBSCRIBE", [market]), self._request("SUBSCRIBE", [market])]

    def answered(self, message: Message) -> Steps:
        """What a message means that is of no stream."""
        if message.e == "serverShutdown":
            return CLOSING
        if message.error is not None:
            return self._refused(message.id, message.error.code, message.error.msg)
        if message.code is not None:
            return self._refused(message.id, message.code, message.msg)
        if message.id is not None:
            return [Ack(market) for market in self._requests.answered(message.id)]
        return [Notice(f"unexpected message of type {message.e or 'unknown'!r:.40}")]

    def unknown(self, message: Message) -> Steps:
        """What a stream says that was not asked for: the envelope wraps whatever is sent."""
        return CLOSING if b'"serverShutdown"' in bytes(message.data) else ()

    def _request(self, method: str, markets: Sequence[str]) -> Send:
        names = [f"{market.lower()}@{channel}" for market in markets for channel in self._channels]
        number = self._requests.new(markets if method == "SUBSCRIBE" else ())
        return Send(encoded({"method": method, "params": names, "id": number}))

    def _refused(self, number: int | str | None, code: int, message: str) -> Steps:
        markets = self._requests.answered(number)
        if len(markets) > 1:
            return [self._request("SUBSCRIBE", [market]) for market in markets]
        return [Refused(markets[0] if markets else None, f"{message:.200} (code {code})")]
