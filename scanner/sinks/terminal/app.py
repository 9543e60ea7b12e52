"""The application: keys and frames in, changed lines out. It runs in the scanner's event loop."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from msgspec.structs import replace
from textual import events
from textual.app import App
from textual.geometry import Size

from scanner.sinks.terminal.background import is_light
from scanner.sinks.terminal.driver import TerminalDriver
from scanner.sinks.terminal.layout import Part
from scanner.sinks.terminal.palette import DARK, LIGHT, PLAIN, Palette
from scanner.sinks.terminal.scene import Scene
from scanner.sinks.terminal.tile import Tile
from scanner.sinks.terminal.wish import Pane
from scanner.view.frame import Frame, Query

FRAMES_PER_SECOND = 4
LAST_ROW = 1_000_000


class Source(Protocol):
    """Whatever gives frames (``scanner.view.view.View``)."""

    def frame(self, at: int, query: Query) -> Frame: ...


class Terminal(App[None], inherit_bindings=False):
    """The screen. ``palette`` may be changed by a key, unless it is the one without colours."""

    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    CSS = "Screen { background: ansi_default; overflow: hidden; }"

    def __init__(
        self,
        source: Source,
        *,
        now: Callable[[], int],
        banner: Callable[[], str],
        palette: Palette = DARK,
        **options: Any,
    ) -> None:
        super().__init__(ansi_color=True, **options)
        self._source = source
        self._now = now
        self._banner = banner
        self.scene = Scene(source.frame(now(), Query()), palette)
        self._bells = self.scene.frame.bells
        self._tiles = {part: Tile(part) for part in Part}
        self._tiles[Part.TABLE] = Tile(Part.TABLE, clicked=self._click, scrolled=self._scroll)
        self._keys = self._bound_keys()
        self._cells = Size(0, 0)

    def compose(self) -> Iterator[Tile]:
        """Every part of the screen; they are placed when its size is known."""
        yield from self._tiles.values()

    def on_mount(self) -> None:
        """From here on frames come."""
        self.set_interval(1 / FRAMES_PER_SECOND, self._tick)

    def on_resize(self, event: events.Resize) -> None:
        """The screen has another size."""
        self._cells = event.size
        self._show()

    def on_key(self, event: events.Key) -> None:
        """A key has been pressed."""
        if event.key in ("ctrl+c", "ctrl+q"):
            self.exit()
        elif self.scene.typing:
            self._type(event)
        elif event.key in self._keys:
            self._keys[event.key]()
        else:
            return
        event.stop()
        self._show()

    def on_paste(self, event: events.Paste) -> None:
        """A text has been pasted: it can only be a search."""
        if self.scene.typing:
            self.scene.type(self.scene.wish.search + event.text)
            self._show()

    def _bound_keys(self) -> dict[str, Callable[[], object]]:
        scene = self.scene
        return {
            **dict.fromkeys(("q",), self.exit),
            **dict.fromkeys(("up", "k"), lambda: scene.move(-1)),
            **dict.fromkeys(("down", "j"), lambda: scene.move(1)),
            **dict.fromkeys(("pageup", "ctrl+b"), lambda: scene.page(-1)),
            **dict.fromkeys(("pagedown", "ctrl+f"), lambda: scene.page(1)),
            **dict.fromkeys(("home", "g"), scene.first),
            **dict.fromkeys(("end", "G"), lambda: scene.move(LAST_ROW)),
            "s": lambda: scene.ask(scene.wish.next_sort()),
            "r": lambda: scene.ask(replace(scene.wish, reverse=not scene.wish.reverse)),
            "v": lambda: scene.ask(scene.wish.next_venue(scene.frame)),
            "u": lambda: scene.ask(scene.wish.next_quote(scene.frame)),
            "o": lambda: scene.ask(replace(scene.wish, paying=not scene.wish.paying)),
            "slash": scene.search,
            "escape": scene.back,
            "tab": lambda: scene.show(None),
            "1": lambda: scene.show(Pane.DETAIL),
            "2": lambda: scene.show(Pane.VENUES),
            "3": lambda: scene.show(Pane.EVENTS),
            "4": scene.show_hedge,
            **dict.fromkeys(("enter", "z"), scene.zoom),
            **dict.fromkeys(("p", "space"), self._pause),
            "t": self._turn,
            **dict.fromkeys(("question_mark", "h", "f1"), scene.help),
        }

    def _type(self, event: events.Key) -> None:
        scene = self.scene
        if event.key == "enter":
            scene.typing = False
        elif event.key == "escape":
            scene.typing = False
            scene.type("")
        elif event.key == "backspace":
            scene.type(scene.wish.search[:-1])
        elif event.key == "ctrl+u":
            scene.type("")
        elif event.is_printable and event.character:
            scene.type(scene.wish.search + event.character)

    def _pause(self) -> None:
        self.scene.pause()
        self.scene.take(self._source.frame(self._now(), self.scene.query))

    def _turn(self) -> None:
        """Dark becomes light."""
        scene = self.scene
        if scene.palette is not PLAIN:
            scene.palette = LIGHT if scene.palette is DARK else DARK

    def _click(self, line: int) -> None:
        self.scene.click(line)
        self._show()

    def _scroll(self, rows: int) -> None:
        self.scene.move(rows)
        self._show()

    def _tick(self) -> None:
        """The next frame, unless the terminal has not taken the last one yet.

        It is asked for while pausing too: the source remembers what it has shown.
        """
        held = self.scene.held
        frame = self._source.frame(self._now(), self.scene.query)
        if frame.bells > self._bells:
            self.bell()
        self._bells = frame.bells
        if not held:
            self.scene.take(frame)
        if not getattr(self._driver, "busy", False):
            self._show()

    def _show(self) -> None:
        """Draw what is now to be seen; of a row selected just now the ladders are fetched."""
        scene = self.scene
        if not scene.paused and scene.row is not None and scene.detail is None:
            scene.take(self._source.frame(self._now(), scene.query))
        scene.banner = self._banner()
        drawn = scene.draw(*self._cells)
        for part, tile in self._tiles.items():
            box, lines = drawn.get(part, (None, []))
            tile.place(box)
            if box is not None:
                tile.show(lines, scene.palette)

    def _fatal_error(self) -> None:
        """Textual's way would print every local variable; ``run_terminal`` raises instead."""
        self._close_messages_no_wait()


async def run_terminal(
    view: Source, *, now: Callable[[], int], stop: asyncio.Event, banner: Callable[[], str]
) -> None:
    """Show ``view`` on the terminal until the user quits, ``stop`` is set, or the terminal is gone.

    ``banner`` is asked with every frame for what must not be overlooked (an empty text: nothing).
    Standard input and output have to be a terminal; nothing else may write to it meanwhile.
    """
    app = Terminal(
        view, now=now, banner=banner, palette=await _palette(), driver_class=TerminalDriver
    )
    with _hangup(app.exit):
        await _until(stop, app)
    if app._exception is not None:
        raise app._exception


async def _palette() -> Palette:
    if os.environ.get("NO_COLOR"):
        return PLAIN
    return LIGHT if await asyncio.to_thread(is_light) else DARK


async def _until(stop: asyncio.Event, app: Terminal) -> None:
    """Run the application until it ends or has to; it leaves the terminal as it was."""
    loop = asyncio.get_running_loop()
    factory = loop.get_task_factory()
    running, stopping = loop.create_task(app.run_async()), loop.create_task(stop.wait())
    await asyncio.sleep(0)
    # Textual makes the tasks of the whole loop eager (CPython 3.12 on), those of the feeds too.
    loop.set_task_factory(factory)
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        app.exit()
        await asyncio.shield(running)
        if isinstance(app._driver, TerminalDriver):
            await asyncio.to_thread(app._driver.wait)


@contextmanager
def _hangup(call: Callable[[], object]) -> Iterator[None]:
    """Meanwhile the end of the terminal (SIGHUP) is a ``call``, not the end of the process."""
    loop, before = asyncio.get_running_loop(), signal.getsignal(signal.SIGHUP)
    loop.add_signal_handler(signal.SIGHUP, call)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
        signal.signal(signal.SIGHUP, before)
