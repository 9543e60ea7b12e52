"""A real HTTP receiver on loopback that behaves as it is told."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """Takes POSTs: ``messages``, and how it took each, ``answers``.

    ``behaviour``: how it is to take the next ones, the last of them for all that follow: a status,
    ``hang``, ``close``, ``slow`` (answers after half a second), ``trickle`` (never gets done).
    """

    def __init__(self, *behaviour: int | str) -> None:
        self.behaviour: list[int | str] = list(behaviour or (200,))
        self.messages: list[dict[str, Any]] = []
        self.answers: list[int | str] = []
        self._turn = threading.Lock()
        self.released = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with outer._turn:
                    todo = outer.behaviour
                    behaviour = todo.pop(0) if len(todo) > 1 else todo[0]
                    outer.answers.append(behaviour)
                    outer.messages.append(message)
                outer.behave(self, behaviour)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """Its Apprise URL, with a path that must not be seen."""
        return f"json://127.0.0.1:{self._server.server_port}/s3cr3t-path"

    @property
    def texts(self) -> list[str]:
        return [message["message"] for message in self.messages]

    def behave(self, request: BaseHTTPRequestHandler, behaviour: int | str) -> None:
        if behaviour == "hang":
            self.released.wait(30)
        elif behaviour == "close":
            request.connection.shutdown(socket.SHUT_RDWR)
            request.close_connection = True
        elif behaviour == "trickle":
            request.send_response(200)
            request.send_header("Content-Length", "1000")
            request.end_headers()
            with suppress(OSError):
                while not self.released.wait(0.2):
                    request.wfile.write(b".")
        else:
            if behaviour == "slow":
                time.sleep(0.5)
            request.send_response(200 if behaviour == "slow" else int(behaviour))
            request.send_header("Content-Length", "0")
            request.end_headers()

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
