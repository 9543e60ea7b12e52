"""``crossbook history``, ``explain``, ``spreads`` and ``verify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scanner import clock
from scanner.commands.common import ConfigPath, Database, config_in_use, end, finite
from scanner.errors import UserError
from scanner.history.options import (
    Form,
    GroupBy,
    Moment,
    Order,
    RouteOrder,
    Show,
    Side,
    SpreadsBy,
    TextForm,
)
from scanner.since import FORMS

Symbols = Annotated[
    list[str] | None, typer.Option("--symbol", metavar="SYMBOL", help="Such as BTC/USDT.")
]
Venues = Annotated[
    list[str] | None, typer.Option("--venue", metavar="NAME", help="Bought or sold there.")
]
Since = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help=f"From when on (UTC): {FORMS}.")
]
Until = Annotated[
    str | None,
    typer.Option("--until", metavar="TIME", help="Until before when; a day is included."),
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        metavar="N",
        min=0,
        max=1_000_000_000,
        help="At most so many, 0: all. A table ends after 50 unless it is of groups.",
    ),
]
Reverse = Annotated[bool, typer.Option("--reverse", help="The smallest or oldest first.")]
Format = Annotated[Form, typer.Option("--format", help="How it is printed.")]
Plot = Annotated[bool, typer.Option("--plot", help="Draw it instead.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="PATH", help="Write it to this file.")]


def register(cli: typer.Typer) -> None:
    """Add the commands."""
    cli.command()(history)
    cli.command()(explain)
    cli.command()(spreads)
    cli.command()(verify)
    cli.command()(funding)


def history(
    context: typer.Context,
    symbol: Symbols = None,
    venue: Venues = None,
    side: Annotated[
        Side | None, typer.Option("--side", help="On which side the --venue has to be.")
    ] = None,
    buy: Annotated[
        list[str] | None, typer.Option("--buy", metavar="NAME", help="Bought there.")
    ] = None,
    sell: Annotated[
        list[str] | None, typer.Option("--sell", metavar="NAME", help="Sold there.")
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            metavar="KIND",
            help="Such as spot-spot; or basis, funding: what was read of contracts, by time.",
        ),
    ] = None,
    since: Since = None,
    until: Until = None,
    min_net_bps: Annotated[
        float | None,
        typer.Option(
            "--min-net-bps", metavar="N", callback=finite, help="Least net bps at its peak."
        ),
    ] = None,
    min_profit: Annotated[
        float | None,
        typer.Option(
            "--min-profit",
            metavar="N",
            callback=finite,
            help="Least net profit at its peak, in its own currency.",
        ),
    ] = None,
    min_duration: Annotated[
        str | None,
        typer.Option("--min-duration", metavar="TIME", help="It lasted at least 250ms, 2s, 1m."),
    ] = None,
    by: Annotated[
        GroupBy | None,
        typer.Option("--by", help="Figures of groups: counts, profits, durations, the best."),
    ] = None,
    sort: Annotated[
        Order | None,
        typer.Option("--sort", help="The greatest or newest first; count, total, name: of groups."),
    ] = None,
    rejects: Annotated[
        bool,
        typer.Option(
            "--rejects", help="What stopped the spreads that looked good, by route and gate."
        ),
    ] = False,
    reverse: Reverse = False,
    limit: Limit = None,
    form: Format = Form.TABLE,
    plot: Plot = False,
    out: Out = None,
    config: ConfigPath = None,
    db: Database = None,
) -> None:
    """Look up what was found, or figures of it.

    Bps, profits and what is sorted or added up by them are those of each opportunity's peak. Times
    are of its opening, in UTC. An option for a name may be given several times.
    """

    def run() -> int:
        url = _database(context, config, db)
        from scanner.history.find import run_history
        from scanner.history.wishes import Wishes

        wishes = Wishes(
            symbols=symbol or (),
            venues=venue or (),
            side=side,
            buy=buy or (),
            sell=sell or (),
            kinds=_kinds(kind),
            since=since,
            until=until,
            min_net_bps=min_net_bps,
            min_profit=min_profit,
            min_duration=min_duration,
        )
        show = Show(form=form, limit=limit, reverse=reverse, plot=plot, out=out)
        if rejects:
            from scanner.history.rejects import run_rejects

            if by is not None or sort is not None:
                raise UserError("--rejects has its own order: leave out --by and --sort")
            return run_rejects(url, wishes, show=show, now=clock.now())
        from scanner.history.series import kind_of, run_series

        read = kind_of(kind or ())
        if read:
            if by is not None or sort is not None:
                raise UserError(f"--kind {read} comes by time: leave out --by and --sort")
            return run_series(url, read, wishes, show=show, now=clock.now())
        return run_history(url, wishes, by=by, sort=sort, show=show, now=clock.now())

    end(context, run)


def _kinds(asked: list[str] | None, *, contracts: bool = True) -> list[str]:
    """Those that there are, with ``contracts`` of readings too. Raises ``UserError``."""
    from typing import get_args

    from scanner.config import Kind
    from scanner.history.series import KINDS

    known = [*get_args(Kind), *(KINDS if contracts else ())]
    for one in asked or ():
        if one.strip() not in known:
            raise UserError(f"--kind {one!r:.40}: there are {', '.join(known)}")
    return asked or []


def explain(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="ID", help="Its id, or how that begins.")],
    moment: Annotated[
        Moment, typer.Option("--moment", help="Which state of it is computed.")
    ] = Moment.PEAK,
    form: Annotated[TextForm, typer.Option("--format", help="How it is printed.")] = TextForm.TEXT,
    out: Out = None,
    config: ConfigPath = None,
    db: Database = None,
) -> None:
    """Explain one opportunity: levels, fees, arithmetic, and what its feeds did around it.

    Everything is computed again from the levels and fees that were stored, and compared.
    """

    def run() -> int:
        url = _database(context, config, db)
        from scanner.history.explain import run_explain

        return run_explain(url, key, moment=moment, form=form, out=out)

    end(context, run)


def spreads(
    context: typer.Context,
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="Such as BTC/USDT.")],
    buy: Annotated[
        str | None, typer.Option("--buy", metavar="NAME", help="Only bought there.")
    ] = None,
    sell: Annotated[
        str | None, typer.Option("--sell", metavar="NAME", help="Only sold there.")
    ] = None,
    since: Since = None,
    until: Until = None,
    by: Annotated[
        SpreadsBy, typer.Option("--by", help="A row for each route, or each minute of each.")
    ] = SpreadsBy.ROUTE,
    sort: Annotated[
        RouteOrder | None, typer.Option("--sort", help="The greatest first; high, if not said.")
    ] = None,
    reverse: Reverse = False,
    limit: Limit = None,
    form: Format = Form.TABLE,
    plot: Plot = False,
    out: Out = None,
    config: ConfigPath = None,
    db: Database = None,
) -> None:
    """Show what each route of a symbol came to, minute by minute, flagged or not.

    The figures are net bps at the touch: of the best prices, after the fees of both. The last 24
    hours, unless --since says otherwise.
    """

    def run() -> int:
        url = _database(context, config, db)
        from scanner.history.spreads import Routes, run_spreads

        wishes = Routes(symbol=symbol, buy=buy, sell=sell, since=since, until=until)
        show = Show(form=form, limit=limit, reverse=reverse, plot=plot, out=out)
        return run_spreads(url, wishes, by=by, sort=sort, show=show, now=clock.now())

    end(context, run)


def verify(
    context: typer.Context,
    symbol: Symbols = None,
    venue: Venues = None,
    kind: Annotated[
        list[str] | None, typer.Option("--kind", metavar="KIND", help="Such as spot-spot.")
    ] = None,
    since: Since = None,
    until: Until = None,
    form: Annotated[TextForm, typer.Option("--format", help="How it is printed.")] = TextForm.TEXT,
    out: Out = None,
    config: ConfigPath = None,
    db: Database = None,
) -> None:
    """Compute what is stored again, from its own levels, fees and rates.

    Everything, unless an option says otherwise; what does not agree is named, and the exit code is
    then 1.
    """

    def run() -> int:
        url = _database(context, config, db)
        from scanner.history.verify import run_verify
        from scanner.history.wishes import Wishes

        wishes = Wishes(
            symbols=symbol or (),
            venues=venue or (),
            kinds=_kinds(kind, contracts=False),
            since=since,
            until=until,
        )
        return run_verify(url, wishes, form=form, out=out, now=clock.now())

    end(context, run)


def funding(
    context: typer.Context,
    symbol: Annotated[
        list[str] | None,
        typer.Option("--symbol", metavar="SYMBOL", help="Such as BTC/USDT:USDT."),
    ] = None,
    venue: Annotated[
        list[str] | None, typer.Option("--venue", metavar="NAME", help="Listed there.")
    ] = None,
    reverse: Reverse = False,
    limit: Limit = None,
    form: Format = Form.TABLE,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    out: Out = None,
    config: ConfigPath = None,
    db: Database = None,
) -> None:
    """Show the funding of every perpetual: now, next, its means, a year of it, when it is paid.

    Rates are for one of the venue's own intervals; longs pay shorts where they are positive. What
    pays a short most a year comes first.
    """

    def run() -> int:
        url = _database(context, config, db)
        from scanner.history.funding import run_funding
        from scanner.history.wishes import Wishes

        wishes = Wishes(symbols=symbol or (), venues=venue or ())
        show = Show(form=Form.JSON if json else form, limit=limit, reverse=reverse, out=out)
        return run_funding(url, wishes, show=show, now=clock.now())

    end(context, run)


def _database(context: typer.Context, config: Path | None, db: str | None) -> str:
    settings, _ = config_in_use(context, config)
    from scanner.configuration.places import database_to_read

    return database_to_read(db, settings.database.location)
