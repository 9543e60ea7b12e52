"""A connected TCP socket.

Names are looked up in a thread that nobody waits for: the system's resolver cannot be interrupted,
and where no name server answers it takes longer than a program may take to end. (The event loops'
own look-ups hold them until they are done.)
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from contextlib import suppress
from threading import Thread
from typing import Any, TypeAlias

Found: TypeAlias = Sequence[tuple[int, int, int, str, Any]]
"""What ``socket.getaddrinfo`` gives."""


async def dial(host: str, port: int, patience: float) -> socket.socket:
    """Connect to the first address of ``host`` that lets us, ``patience`` seconds for each; raises
    OSError."""
    failure = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in await look_up(host, port):
        found = socket.socket(family, kind, protocol)
        try:
            found.setblocking(False)
            async with asyncio.timeout(patience):
                await asyncio.get_running_loop().sock_connect(found, address)
            return found
        except TimeoutError:
            found.close()
            failure = OSError(f"no answer from {address[0]} within {patience:g} s")
        except OSError as error:
            found.close()
            failure = error
        except BaseException:
            found.close()
            raise
    raise failure


async def look_up(host: str, port: int) -> Found:
    """The addresses of ``host``; raises OSError. Cancelled, it ends at once."""
    with suppress(socket.gaierror):
        return _ask(host, port, socket.AI_NUMERICHOST)
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Found] = loop.create_future()

    def settle(found: Found | OSError) -> None:
        if answer.done():
            return
        if isinstance(found, OSError):
            answer.set_exception(found)
        else:
            answer.set_result(found)

    def work() -> None:
        try:
            found: Found | OSError = _ask(host, port, 0)
        except OSError as error:
            found = error
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, found)

    Thread(target=work, name=f"look up {host}", daemon=True).start()
    return await answer


def _ask(host: str, port: int, flags: int) -> Found:
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    except UnicodeError:
        raise OSError(f"{host!r} is no host name") from None
