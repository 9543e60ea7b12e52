"""``crossbook hedge``: plan a hedge of a holding."""

from __future__ import annotations

import math
from typing import Annotated

import typer

from scanner.command import ConfigPath, end, finite, print_lines
from scanner.errors import UserError
from scanner.text import printable

Price = Annotated[
    float | None,
    typer.Option("--spot-price", metavar="PRICE", callback=finite, help="What the coin costs now."),
]


def hedge(
    context: typer.Context,
    coin: Annotated[str, typer.Argument(metavar="COIN", help="What is held, such as BTC.")],
    quantity: Annotated[str, typer.Argument(metavar="QUANTITY", help="How much of it.")],
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
        int,
        typer.Option(
            "--payments", metavar="N", min=0, max=1_000_000, help="Over how many funding payments."
        ),
    ] = 1,
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
    plot: Annotated[bool, typer.Option("--plot", help="Also draw it.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    config: ConfigPath = None,
) -> None:
    """Plan a hedge: a short against a holding, what it costs, what is left at other prices.

    COIN and QUANTITY may come in either order: BTC 1, 3 BNB. With --spot-price it needs no feed.
    """

    def run() -> int:
        name, held = _holding(coin, quantity)
        if spot_price is None:
            raise UserError("say what the coin costs now: --spot-price PRICE")
        _positive("--spot-price", spot_price)
        _positive("--leverage", leverage)
        sold_at = spot_price if short_price is None else short_price
        _positive("--short-price", sold_at)
        if contract_size is not None:
            _positive("--contract-size", contract_size)
        if not 0 <= maintenance < 1:
            raise UserError("--maintenance must be at least 0 and below 1")
        prices = _prices(at)
        from scanner.hedge.contract import Contract, TooSmall, short_of
        from scanner.hedge.plan import Hedge, prices_around, rows
        from scanner.hedge.report import Terms, fields, lines
        from scanner.history.table import terminal_width

        whole = 1.0 if contract_size is not None or inverse else 0.0
        contract = Contract(contract_size=contract_size or 1.0, inverse=inverse, lot=whole)
        try:
            short = short_of(held, sold_at, contract)
        except TooSmall as error:
            raise UserError(f"{held:g} {name} is less than one contract: {error} {name}") from None
        plan = Hedge(
            quantity=held,
            spot_price=spot_price,
            short=short,
            fee_rate=fee_bps / 1e4,
            funding_rate=funding_rate,
            intervals=payments,
            earned=earned,
        )
        found = rows(plan, prices or prices_around(spot_price))
        terms = Terms(
            coin=name,
            currency=printable(currency),
            leverage=leverage,
            maintenance=maintenance,
        )
        if json:
            from msgspec.json import encode

            print(encode(fields(plan, found, terms)).decode())
        else:
            print_lines(lines(plan, found, terms, terminal_width(), plot=plot))
        return 0

    end(context, run)


def _holding(coin: str, quantity: str) -> tuple[str, float]:
    """Name and amount, whichever comes first."""
    for name, amount in ((coin, quantity), (quantity, coin)):
        try:
            held = float(amount)
        except ValueError:
            continue
        _positive("the quantity", held)
        if name.isalnum() and not name.isdecimal():
            return name.upper(), held
        break
    raise UserError(f"{coin!r} {quantity!r}: name a coin and how much of it, such as BTC 1")


def _positive(name: str, value: float) -> None:
    if not (value > 0 and math.isfinite(value)):
        raise UserError(f"{name} must be a positive number")


def _prices(text: str | None) -> list[float]:
    prices = []
    for part in (text or "").replace(";", ",").split(",") if text else ():
        try:
            prices.append(float(part))
        except ValueError:
            raise UserError(f"--at: {part!r} is no price; such as --at 95000,105000") from None
        _positive("--at: a price", prices[-1])
    return prices
