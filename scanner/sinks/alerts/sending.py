"""The process that sends: ``python -m scanner.sinks.alerts.sending``, with Apprise in it.

It reads an ``Order`` a line and answers each with an ``Answer`` a line, after a first line that
says ``Ready``. Every channel has a thread, so that one that hangs holds up no other. It ends when
its input does, whatever its threads are doing.
"""

from __future__ import annotations

import contextvars
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any, BinaryIO

import msgspec

from scanner.sinks.alerts.channel import DOUBT, Outcome
from scanner.sinks.alerts.failures import Heard, failure
from scanner.sinks.alerts.wire import Answer, Order, Ready

NICENESS = 5
LONGEST_ERROR = 300

_heard: contextvars.ContextVar[list[Heard] | None] = contextvars.ContextVar("heard", default=None)


class _Ear(logging.Handler):
    """Apprise says of a failure only that there was one; its log knows which."""

    def emit(self, record: logging.LogRecord) -> None:
        heard = _heard.get()
        if heard is not None:
            heard.append(Heard(record.levelno, record.getMessage(), sys.exc_info()[1]))


class Sender:
    """Sends through Apprise; one object may be used by several threads for different URLs."""

    def __init__(self) -> None:
        import apprise

        self._apprise = apprise
        # No retries, no other threads, no files: all that is decided on the other side of the pipe.
        self._asset = apprise.AppriseAsset(
            async_mode=False, secure_logging=True, storage_mode="memory", service_timeout=0
        )
        self._known: dict[str, Any] = {}
        log = logging.getLogger("apprise")
        log.setLevel(logging.DEBUG)
        log.propagate = False
        log.addHandler(_Ear())

    def obey(self, order: Order) -> Answer:
        """Carry out an order; never raises."""
        with _listening() as heard:
            try:
                service = self._service(order)
                if service is None:
                    return _answer(order, Outcome.IMPOSSIBLE, self._wrong(order.url))
                if not order.body:
                    return _answer(order, None)
                if self._send(service, order):
                    return _answer(order, Outcome.SENT)
                return _answer(order, *failure(heard, len(service), order.timeout))
            except Exception as error:
                return _answer(order, Outcome.UNKNOWN, f"{type(error).__name__}: {error}; {DOUBT}")

    def _service(self, order: Order) -> Any:
        if order.url not in self._known:
            service = self._apprise.Apprise.instantiate(order.url, asset=self._asset)
            self._known[order.url] = service
        return self._known[order.url]

    def _wrong(self, url: str) -> str:
        """Why there is no service for that URL."""
        scheme = url.partition("://")[0].lower()
        details = self._apprise.Apprise().details(show_requirements=True, show_disabled=True)
        for service in details["schemas"]:
            if scheme in (*(service["protocols"] or ()), *(service["secure_protocols"] or ())):
                if service["enabled"]:
                    return f"its URL is not as {scheme}:// needs it: {service['setup_url']}"
                needs = str(service["requirements"]["details"])
                return f"{scheme}:// is not to be had on this system: {needs}"
        return f"Apprise has no service {scheme}://"

    def _send(self, service: Any, order: Order) -> bool:
        service.socket_connect_timeout = service.socket_read_timeout = order.timeout
        # What the URL may ask for: to try again by itself, and to call a failure a success.
        service.retry, service.optional = 0, False
        messenger = self._apprise.Apprise(asset=self._asset)
        messenger.add(service)
        text = self._apprise.NotifyFormat.TEXT
        return bool(messenger.notify(title=order.title, body=order.body, body_format=text))


def serve(orders: BinaryIO, tell: Callable[[Answer | Ready], None], sender: Sender) -> None:
    """Read orders to the end of the input and give each to its channel's thread."""
    channels: dict[str, SimpleQueue[Order]] = {}
    decoder = msgspec.json.Decoder(Order)
    for line in orders:
        order = decoder.decode(line)
        if order.channel not in channels:
            queue = channels[order.channel] = SimpleQueue()
            work = threading.Thread(target=_work, args=(queue, tell, sender), daemon=True)
            work.start()
        channels[order.channel].put(order)


def main() -> None:
    """Serve standard input, answer on standard output, and end with the former."""
    os.nice(NICENESS)
    # What a library prints must not be taken for an answer.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    lock = threading.Lock()

    def tell(answer: Answer | Ready) -> None:
        line = msgspec.json.encode(answer) + b"\n"
        with lock:
            answers.write(line)

    try:
        sender = Sender()
    except Exception as error:
        tell(Ready(error=f"Apprise cannot be used: {error}"))
        return
    tell(Ready())
    serve(sys.stdin.buffer, tell, sender)
    os._exit(0)  # threads that hang in a library are not waited for


def _work(
    orders: SimpleQueue[Order], tell: Callable[[Answer | Ready], None], sender: Sender
) -> None:
    while True:
        tell(sender.obey(orders.get()))


@contextmanager
def _listening() -> Iterator[list[Heard]]:
    heard: list[Heard] = []
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)


def _answer(order: Order, outcome: Outcome | None, error: str = "") -> Answer:
    return Answer(id=order.id, channel=order.channel, outcome=outcome, error=error[:LONGEST_ERROR])


if __name__ == "__main__":
    main()
