"""``crossbook alerts test`` and ``crossbook alerts list``."""

from __future__ import annotations

import json as json_text
import sys
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from scanner import clock
from scanner.commands.common import ConfigPath, Database, config_in_use, end, print_lines
from scanner.errors import UserError
from scanner.events import Alert
from scanner.since import FORMS, moment
from scanner.sinks.formats import rfc3339
from scanner.text import printable

if TYPE_CHECKING:
    from scanner.config import Config
    from scanner.sinks.alerts.desk import Job
    from scanner.sinks.alerts.trial import Trial

SHOWN_RULE = 40
NO_RULES = "the configuration has no alert rules in force; docs/alerts.md shows how they look"

alerts = typer.Typer(
    help="Try out the alert rules; see what was sent.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


class Form(StrEnum):
    """How a list is printed."""

    TABLE = "table"
    JSON = "json"


class State(StrEnum):
    """What became of an alert."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    SUPPRESSED = "suppressed"


TOLD = (State.PENDING, State.SENT, State.FAILED)


@alerts.command("test")
def test_command(context: typer.Context, config: ConfigPath = None) -> None:
    """Send a sample through every rule, to every channel.

    Says of each what came of it. Ends with 1 if one of them failed.
    """

    def run() -> int:
        settings, _ = config_in_use(context, config)
        return try_out(settings)

    end(context, run)


@alerts.command("list")
def list_command(
    context: typer.Context,
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help=f"From when on: {FORMS}.")
    ] = "7d",
    rule: Annotated[
        list[str] | None, typer.Option("--rule", metavar="NAME", help="Only of this rule.")
    ] = None,
    channel: Annotated[
        list[str] | None,
        typer.Option("--channel", metavar="NAME", help="Only through this channel."),
    ] = None,
    state: Annotated[
        list[State] | None,
        typer.Option("--state", help="Only in this state; none named: all but suppressed."),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, max=100_000, help="At most so many.")
    ] = 50,
    form: Annotated[Form, typer.Option("--format", help="How it is printed.")] = Form.TABLE,
    config: ConfigPath = None,
    db: Database = None,
) -> None:
    """Show what was sent, or could not be and why; the newest first.

    What a cooldown, a digest or quiet hours held back comes with --state suppressed.
    """

    def run() -> int:
        settings, _ = config_in_use(context, config)
        from scanner.configuration.places import database_to_read
        from storage.queries import open_reader

        reader = open_reader(database_to_read(db, settings.database.location))
        try:
            found = reader.alerts(
                since=moment(since, clock.now()),
                rules=rule or (),
                channels=channel or (),
                states=[one.value for one in state or TOLD],
                limit=limit,
            )
        finally:
            reader.close()
        print_lines([as_json(found)] if form is Form.JSON else as_table(found))
        return 0

    end(context, run)


def try_out(config: Config) -> int:
    """Send the samples and print what came of them; 1 if one failed."""
    from scanner.sinks.alerts.trial import trials

    settings = config.alerts
    rules = [name for name, _ in settings.enabled]
    if not rules:
        raise UserError(NO_RULES)
    width = max(map(len, rules)), max(map(len, settings.known))
    failed = 0
    venues = tuple(config.enabled)
    for trial in trials(settings, venues=venues, show=_show, ring=_ring, at=clock.now()):
        failed += bool(trial.error)
        print(_line(trial, *width), flush=True)
    for name in [name for name, rule in settings.rules.items() if not rule.enabled]:
        print(f"{name:<{width[0]}}  not in force")
    return 1 if failed else 0


def as_json(found: Sequence[Alert]) -> str:
    """A JSON array, an object a line."""
    rows = [json_text.dumps(_fields(alert), ensure_ascii=False) for alert in found]
    return "[\n" + ",\n".join(rows) + "\n]" if rows else "[]"


def as_table(found: Sequence[Alert]) -> Iterator[str]:
    """A line for each, and one more for what went wrong."""
    if not found:
        yield "no alerts"
        return
    rules, channels = _width(a.rule for a in found), _width(a.channel for a in found)
    yield f"{'when (UTC)':<19}  {'state':<10}  {'rule':<{rules}}  {'channel':<{channels}}  what"
    for alert in found:
        when = rfc3339(alert.at)[:19].replace("T", " ")
        rule, channel = printable(alert.rule, SHOWN_RULE), printable(alert.channel, SHOWN_RULE)
        what = printable(alert.text.partition("\n")[0])
        yield f"{when}  {alert.state:<10}  {rule:<{rules}}  {channel:<{channels}}  {what}"
        if alert.error:
            yield f"{'':<19}  {_told(alert)}"


def _told(alert: Alert) -> str:
    tries = f" (tried {alert.attempts} times)" if alert.attempts > 1 else ""
    return printable(alert.error) + tries


def _width(names: Iterable[str]) -> int:
    return max(len("channel"), *(len(printable(name, SHOWN_RULE)) for name in names))


def _fields(alert: Alert) -> dict[str, object]:
    return {
        "id": alert.id,
        "at": rfc3339(alert.at),
        "rule": alert.rule,
        "channel": alert.channel,
        "state": alert.state,
        "opportunity_id": alert.opportunity_id or None,
        "symbol": alert.symbol or None,
        "buy": alert.buy or None,
        "sell": alert.sell or None,
        "digest": alert.digest or None,
        "attempts": alert.attempts,
        "sent_at": rfc3339(alert.sent_at) if alert.sent_at else None,
        "text": alert.text,
        "error": alert.error or None,
    }


def _line(trial: Trial, rule: int, channel: int) -> str:
    result = f"FAILED: {trial.error}" if trial.error else "sent"
    note = f" ({trial.note})" if trial.note else ""
    return f"{trial.rule:<{rule}}  {trial.channel:<{channel}}  {printable(result)}{note}"


def _show(job: Job) -> None:
    print(job.text)


def _ring(job: Job) -> None:
    if sys.stdout.isatty():
        print("\a", end="", flush=True)
