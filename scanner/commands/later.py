"""Commands that are imported when they are run: ``--help`` need not wait for all of them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

# name: (module, what it is there, the first line of its help)
LATER: dict[str, tuple[str, str, str]] = {
    "funding": (
        "scanner.commands.history",
        "funding",
        "Show the funding of every perpetual: now, next, its means, a year of it, when it is paid.",
    ),
    "history": ("scanner.commands.history", "history", "Look up what was found, or figures of it."),
    "explain": (
        "scanner.commands.history",
        "explain",
        "Explain one opportunity: levels, fees, arithmetic, and what its feeds did around it.",
    ),
    "spreads": (
        "scanner.commands.history",
        "spreads",
        "Show what each route of a symbol came to, minute by minute, flagged or not.",
    ),
    "verify": (
        "scanner.commands.history",
        "verify",
        "Compute what is stored again, from its own levels, fees and rates.",
    ),
    "parity": (
        "scanner.commands.parity",
        "parity",
        "Show how far stablecoins are from their pegs, and what stepping over costs.",
    ),
    "hedge": (
        "scanner.commands.hedge",
        "hedge",
        "Plan a hedge: a short against a holding, what it costs, what is left at other prices.",
    ),
    "alerts": ("scanner.commands.alerts", "alerts", "Try out the alert rules; see what was sent."),
    "check": (
        "scanner.commands.setup",
        "check",
        "Check the configuration, and whether its exchanges can be reached.",
    ),
    "init": (
        "scanner.commands.setup",
        "init",
        "Write a configuration to begin with, every key explained.",
    ),
    "db": (
        "scanner.commands.db",
        "db",
        "Look after the database: what is in it, upgrades, space, copies.",
    ),
}


class Later(TyperCommand):
    """Stands in for a command until it is run."""

    def load(self) -> Any:
        """The command itself."""
        assert self.name is not None
        module, name, _ = LATER[self.name]
        found = getattr(import_module(module), name)
        if isinstance(found, typer.Typer):
            return get_group(found)
        alone = typer.Typer(
            add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
        )
        alone.command(self.name)(found)
        return get_command(alone)

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """The context of the command itself, which is then what is run."""
        return self.load().make_context(info_name, args, parent, **extra)


class Commands(TyperGroup):
    """The group of all commands."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for name, (_, _, told) in LATER.items():
            self.commands[name] = Later(name, callback=None, help=told, rich_markup_mode=None)
