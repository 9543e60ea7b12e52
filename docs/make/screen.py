"""Takes the picture of README: python -m docs.make.screen [--seconds N] [--out PATH]

It is the demo as anyone runs it, but that Textual's pilot stands in for the terminal: after so many
seconds, as soon as there is something to see, it keeps what is shown, as an SVG without fonts or
anything else from elsewhere.
"""

from __future__ import annotations

import asyncio
import os
import re
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from scanner import ending
from scanner.app import Output
from scanner.config import Config, builtin
from scanner.configuration.alerts import AlertRule, AlertSettings
from scanner.demo import demo
from scanner.sinks.terminal import app as terminal
from scanner.sinks.terminal.scene import Scene
from scanner.view.frame import Kind, Link

PICTURE = Path(__file__).parents[1] / "screen.svg"
SIZE = (118, 42)
PAYING, EVENTS = 2, 10
FONTS = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"


def main() -> None:
    """Take it."""
    arguments = ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=45.0, help="when to take it")
    arguments.add_argument("--seed", type=int, default=1, help="which simulated market")
    arguments.add_argument("--out", type=Path, default=PICTURE, help="where to put it")
    asked = arguments.parse_args()
    ending.on_signals()
    terminal.run_terminal = _pilot(asked.seconds, asked.out)
    with TemporaryDirectory() as folder:
        os.environ["XDG_STATE_HOME"] = folder
        demo(
            _config(),
            seed=asked.seed,
            seconds=None,
            output=Output.SCREEN,
            db=f"{folder}/demo.db",
        )


def _config() -> Config:
    """The shipped one, and an alert on the screen."""
    rule = AlertRule(min_net_bps=15, to=("terminal",))
    return builtin().model_copy(update={"alerts": AlertSettings(rules={"big": rule})})


def _pilot(seconds: float, out: Path) -> Callable[..., object]:
    """In place of ``scanner.sinks.terminal.app.run_terminal``."""

    async def show(
        view: terminal.Source,
        *,
        now: Callable[[], int],
        stop: asyncio.Event,
        banner: Callable[[], str],
    ) -> None:
        screen = terminal.Terminal(view, now=now, banner=banner)
        async with screen.run_test(size=SIZE) as pilot:
            await pilot.pause(seconds)
            while not worth_a_picture(screen.scene):
                await pilot.pause(0.5)
            out.write_text(plain(screen.export_screenshot(title="crossbook demo")))
        stop.set()

    return show


def worth_a_picture(scene: Scene) -> bool:
    """Whether all venues are live, something pays, its ladders are there, and an alert is."""
    frame = scene.frame
    return (
        all(line.link is Link.LIVE for line in frame.venues)
        and sum(row.standing.positive for row in frame.rows) >= PAYING
        and scene.detail is not None
        and any(event.kind is Kind.ALERT for event in frame.events[:EVENTS])
    )


def plain(svg: str) -> str:
    """The picture without fonts that would be fetched; those of the reader's machine do."""
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    return re.sub(r"font-family: Fira Code[^;]*;", f"font-family: {FONTS};", svg)


if __name__ == "__main__":
    main()
