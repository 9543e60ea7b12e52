"""``crossbook parity``: how stablecoins stand against their pegs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from scanner import clock
from scanner.commands.common import ConfigPath, Database, config_in_use, end
from scanner.commands.history import Format, Limit, Out, Plot, Since, Until
from scanner.errors import CrossbookError
from scanner.history.options import Form, Show
from scanner.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.config import Config
    from scanner.parity.figures import Standing

PATIENCE = 15.0


def parity(
    context: typer.Context,
    symbol: Annotated[
        list[str] | None, typer.Option("--symbol", metavar="SYMBOL", help="Such as USDC/USDT.")
    ] = None,
    venue: Annotated[
        list[str] | None, typer.Option("--venue", metavar="NAME", help="There; or median.")
    ] = None,
    via: Annotated[
        str | None,
        typer.Option("--via", metavar="COIN", help="Only through this coin; none: only direct."),
    ] = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
    form: Format = Form.TABLE,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    plot: Plot = False,
    out: Out = None,
    config: ConfigPath = None,
    db: Database = None,
) -> None:
    """Show how far stablecoins are from their pegs, and what stepping over costs.

    By live books; with --since, --until, --plot or --db by what was stored. The direct book, what
    BTC implies, and the median over venues; bps are from par.
    """

    def run() -> int:
        settings, _ = config_in_use(context, config)
        show = Show(form=Form.JSON if json else form, limit=limit, plot=plot, out=out)
        if since is None and until is None and not plot and db is None:
            return _live(settings, show, symbol or (), venue or (), via)
        from scanner.configuration.places import database_to_read
        from scanner.history.parity import run_parity
        from scanner.history.wishes import Wishes

        url = database_to_read(db, settings.database.location)
        wishes = Wishes(symbols=symbol or (), venues=venue or (), since=since, until=until)
        return run_parity(url, wishes, via=via, show=show, now=clock.now())

    end(context, run)


def _live(
    config: Config, show: Show, symbols: Sequence[str], venues: Sequence[str], via: str | None
) -> int:
    import logging

    from scanner import logs
    from scanner.event_loop import fastest
    from scanner.hedging.pegs import look
    from scanner.history.common import print_to
    from scanner.history.parity import LIVE, live_lines, live_rows, verdicts
    from scanner.history.writers import write

    if logs.level() == "info":  # connections that come and go are not what is asked for
        logs.set_level("warning")
    seen: list[Standing] = []
    notes: list[str] = []

    async def see() -> int:
        found = await look(config, PATIENCE)
        seen.extend(found[0])
        notes.extend(found[1])
        return 0

    fastest()(see())
    for note in notes:
        logging.getLogger(__name__).warning("%s", printable(note))
    wanted = {symbol.upper() for symbol in symbols}
    rows = [
        one
        for one in seen
        if (not wanted or one.symbol in wanted)
        and (not venues or one.venue in venues)
        and (via is None or one.via == ("" if via == "none" else via.upper()))
    ][: show.limit or None]
    if not rows:
        raise CrossbookError("no pair of stablecoins fits: leave out --symbol, --venue or --via")
    if show.form is not Form.TABLE:
        write(show.form, live_rows(rows), LIVE, show.out)
    else:
        print_to(show.out, [*live_lines(rows), "", *verdicts(rows)])
    return 0
