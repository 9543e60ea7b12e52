"""``crossbook hedge``: plan a hedge of a holding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec import Struct

from scanner.commands.common import (
    ConfigPath,
    Database,
    config_in_use,
    end,
    finite,
    positive,
    print_lines,
)
from scanner.errors import CrossbookError, UserError
from scanner.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from scanner.config import Config
    from scanner.hedge.offers import Offer, Refusal, Seen
    from scanner.hedge.plan import Hedge, Row
    from scanner.hedge.report import Terms

PATIENCE = 15.0
HOUR = 3_600_000_000_000

Price = Annotated[
    float | None,
    typer.Option("--spot-price", metavar="PRICE", callback=finite, help="What the coin costs now."),
]


def hedge(
    context: typer.Context,
    coin: Annotated[
        str | None, typer.Argument(metavar="COIN", help="What is held, such as BTC.")
    ] = None,
    quantity: Annotated[
        str | None, typer.Argument(metavar="QUANTITY", help="How much of it.")
    ] = None,
    spot_price: Price = None,
    short_price: Annotated[
        float | None,
        typer.Option(
            "--short-price",
            metavar="PRICE",
            callback=finite,
            help="At which the contract is sold; else the spot price.",
        ),
    ] = None,
    fee_bps: Annotated[
        float,
        typer.Option(
            "--fee-bps", metavar="N", callback=finite, help="Taker fee of the short, bps a trade."
        ),
    ] = 0.0,
    funding_rate: Annotated[
        float,
        typer.Option(
            "--funding-rate",
            metavar="RATE",
            callback=finite,
            help="A fraction of the notional a payment; positive: the short receives it.",
        ),
    ] = 0.0,
    payments: Annotated[
        int | None,
        typer.Option(
            "--payments",
            metavar="N",
            min=0,
            max=1_000_000,
            help="Over how many funding payments, with --spot-price; else one.",
        ),
    ] = None,
    earned: Annotated[
        float,
        typer.Option(
            "--yield",
            metavar="AMOUNT",
            callback=finite,
            help="What the holding itself brings meanwhile, in the quote currency.",
        ),
    ] = 0.0,
    leverage: Annotated[
        float, typer.Option("--leverage", metavar="X", callback=finite, help="Of the short.")
    ] = 1.0,
    maintenance: Annotated[
        float,
        typer.Option(
            "--maintenance",
            metavar="RATE",
            callback=finite,
            help="Maintenance margin, a fraction of the notional.",
        ),
    ] = 0.005,
    contract_size: Annotated[
        float | None,
        typer.Option(
            "--contract-size",
            metavar="N",
            callback=finite,
            help="Whole contracts of so much base, or of so much quote with --inverse.",
        ),
    ] = None,
    inverse: Annotated[
        bool, typer.Option("--inverse", help="The contract is settled in the coin.")
    ] = False,
    currency: Annotated[
        str, typer.Option("--currency", metavar="NAME", help="In which prices and amounts are.")
    ] = "USDT",
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="PRICES", help="The prices of the table: 95000,105000."),
    ] = None,
    into: Annotated[
        str | None,
        typer.Option(
            "--into", metavar="NAME", help="Also what leaving for this stablecoin would cost."
        ),
    ] = None,
    horizon: Annotated[
        str | None,
        typer.Option(
            "--horizon",
            metavar="TIME",
            help="How long it is held, with live books: 36h, 7d, or hours; else 24h.",
        ),
    ] = None,
    plot: Annotated[bool, typer.Option("--plot", help="Also draw it.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    book: Annotated[
        bool, typer.Option("--book", help="Instead: what is held and sold short already.")
    ] = False,
    db: Database = None,
    config: ConfigPath = None,
) -> None:
    """Plan a hedge: a short against a holding, what it costs, what is left at other prices.

    COIN and QUANTITY may come in either order: BTC 1, 3 BNB. With --spot-price it needs no feed;
    without it, the books of the configured venues say which short is the cheapest now. With --book
    it needs neither: it puts the hedge book of the configuration side by side.
    """

    def run() -> int:
        if book:
            if coin is not None:
                raise UserError("--book takes no coin: 'hedge_book' of the configuration names all")
            return _book(context, config, db, json)
        name, held = _holding(coin or "", quantity or "")
        if not 0 <= maintenance < 1:
            raise UserError("--maintenance must be at least 0 and below 1")
        positive("--leverage", leverage)
        prices = _prices(at)
        from scanner.hedge.report import Terms

        if spot_price is None:
            given = (short_price, contract_size, payments, fee_bps or None, funding_rate or None)
            if any(value is not None for value in given) or inverse:
                raise UserError(
                    "prices, fees and contracts that you name need --spot-price as well"
                )
            settings, _ = config_in_use(context, config)
            wish = Wish(
                coin=name,
                held=held,
                into=printable(into or "").upper(),
                horizon=_horizon(horizon or "24h"),
                leverage=leverage,
                maintenance=maintenance,
                earned=earned,
                prices=prices,
                plot=plot,
                json=json,
            )
            _known(settings, wish.into)
            return _live(settings, wish)
        if into is not None:
            raise UserError("--into needs live books: leave --spot-price away")
        if horizon is not None:
            raise UserError("--horizon needs live books; here --payments says over how many")
        from scanner.hedging.figures import Figures, by_figures

        figures = Figures(
            coin=name,
            held=held,
            spot_price=spot_price,
            short_price=spot_price if short_price is None else short_price,
            fee_rate=fee_bps / 1e4,
            funding_rate=funding_rate,
            payments=1 if payments is None else payments,
            earned=earned,
            contract_size=contract_size,
            inverse=inverse,
        )
        terms = Terms(
            coin=name, currency=printable(currency), leverage=leverage, maintenance=maintenance
        )
        by_figures(figures, terms, prices, plot=plot, json=json)
        return 0

    end(context, run)


def _book(context: typer.Context, config: Path | None, db: str | None, json: bool) -> int:
    settings, _ = config_in_use(context, config)
    from scanner.configuration.places import database_to_write
    from scanner.hedging.book import run

    return run(settings, database_to_write(db, settings.database.location), PATIENCE, json=json)


class Wish(Struct, frozen=True, kw_only=True):
    """What is asked of live books; ``horizon`` ns, ``into`` empty for nothing."""

    coin: str
    held: float
    into: str
    horizon: int
    leverage: float
    maintenance: float
    earned: float
    prices: list[float]
    plot: bool
    json: bool


def _known(config: Config, into: str) -> None:
    """Raises ``UserError`` for what one cannot leave for as if it were money."""
    coins = config.stablecoins
    if into and into not in {*coins, *coins.values()}:
        raise UserError(
            f"--into {into}: no stablecoin known here. The configuration's 'stablecoins' names"
            f" them: {', '.join(map(printable, coins)) or 'none now'}"
        )


def _live(config: Config, wish: Wish) -> int:
    """Plan with the books as they are now; the exit code."""
    import logging

    from scanner import clock, logs
    from scanner.event_loop import fastest
    from scanner.hedge.offers import exits, offers
    from scanner.hedging.live import look

    if logs.level() == "info":  # connections that come and go are not what is asked for
        logs.set_level("warning")
    books: list[Seen] = []
    notes: list[str] = []

    async def see() -> int:
        found = await look(config, wish.coin, PATIENCE)
        books.extend(found[0])
        notes.extend(found[1])
        return 0

    fastest()(see())
    for note in notes:
        logging.getLogger(__name__).warning("%s", printable(note))
    found, refused = offers(books, wish.held, clock.now(), wish.horizon)
    if not found:
        why = "; ".join(f"{one.market.venue} {one.market.symbol}: {one.reason}" for one in refused)
        raise CrossbookError(
            f"no short of {wish.held:g} {wish.coin} can be had now: "
            + (why or f"no book of a contract on it could be trusted within {PATIENCE:g} s")
        )
    ways = exits(books, wish.held, wish.into) if wish.into else ([], [])
    _print(wish, found, refused, ways)
    return 0


def _print(
    wish: Wish,
    found: Sequence[Offer],
    refused: Sequence[Refusal],
    ways: tuple[Sequence[Any], Sequence[Refusal]],
) -> None:
    from scanner.hedge import offered
    from scanner.hedge.plan import prices_around, rows
    from scanner.hedge.report import Terms, fields

    best = found[0]
    plan = best.plan(wish.held, wish.earned)
    prices = wish.prices or prices_around(best.spot)
    of = Terms(
        coin=wish.coin,
        currency=printable(best.market.quote),
        leverage=wish.leverage,
        maintenance=wish.maintenance,
    )
    table = rows(plan, prices)
    if not wish.json:
        print_lines(_text(wish, found, refused, ways, plan, table, of))
        return
    from msgspec.json import encode

    told = fields(plan, table, of) | offered.fields(found, refused, wish.leverage)
    if wish.into:
        told |= offered.exit_fields(*ways)
    print(encode(told).decode())


def _text(
    wish: Wish,
    found: Sequence[Offer],
    refused: Sequence[Refusal],
    ways: tuple[Sequence[Any], Sequence[Refusal]],
    plan: Hedge,
    table: Sequence[Row],
    of: Terms,
) -> Iterator[str]:
    from scanner.hedge import offered
    from scanner.hedge.report import lines
    from scanner.history.table import terminal_width

    width, hours = terminal_width(), wish.horizon / HOUR
    yield from offered.lines(found, refused, hours, width)
    if wish.into:
        yield ""
        yield from offered.ways_out(*ways, wish.into, found[0], hours, width)
    yield ""
    best = found[0]
    yield printable(f"the cheapest: {best.market.symbol} on {best.market.venue}, for {hours:g} h")
    if best.funding is None:
        yield "its venue does not say its funding: none is reckoned below"
    yield from lines(plan, table, of, width, plot=wish.plot)


def _holding(coin: str, quantity: str) -> tuple[str, float]:
    """Name and amount, whichever comes first."""
    for name, amount in ((coin, quantity), (quantity, coin)):
        try:
            held = float(amount)
        except ValueError:
            continue
        positive("the quantity", held)
        if name.isalnum() and not name.isdecimal():
            return name.upper(), held
        break
    raise UserError(f"{coin!r} {quantity!r}: name a coin and how much of it, such as BTC 1")


def _horizon(text: str) -> int:
    from scanner.since import duration

    length = duration(text, unit="h")
    positive("--horizon", length)
    return length


def _prices(text: str | None) -> list[float]:
    prices = []
    for part in (text or "").replace(";", ",").split(",") if text else ():
        try:
            prices.append(float(part))
        except ValueError:
            raise UserError(f"--at: {part!r} is no price; such as --at 95000,105000") from None
        positive("--at: a price", prices[-1])
    return prices
