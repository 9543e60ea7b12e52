"""``crossbook hedge --spot-price``: a plan by prices that are named, without any feed."""

from __future__ import annotations

from msgspec import Struct
from msgspec.json import encode

from scanner.commands.common import positive, print_lines
from scanner.errors import UserError
from scanner.hedge.contract import Contract, TooSmall, short_of
from scanner.hedge.plan import Hedge, prices_around, rows
from scanner.hedge.report import Terms, fields, lines
from scanner.history.table import terminal_width


class Figures(Struct, frozen=True, kw_only=True):
    """A hedge by prices that the user names; ``payments`` of funding, ``contract_size`` in base, or
    in quote where ``inverse``."""

    coin: str
    held: float
    spot_price: float
    short_price: float
    fee_rate: float
    funding_rate: float
    payments: int
    earned: float
    contract_size: float | None
    inverse: bool


def by_figures(
    given: Figures, terms: Terms, prices: list[float], *, plot: bool, json: bool
) -> None:
    """Print what becomes of it. Raises ``UserError``."""
    positive("--spot-price", given.spot_price)
    positive("--short-price", given.short_price)
    size = given.contract_size
    if size is not None:
        positive("--contract-size", size)
    whole = 1.0 if size is not None or given.inverse else 0.0
    contract = Contract(contract_size=size or 1.0, inverse=given.inverse, lot=whole)
    try:
        short = short_of(given.held, given.short_price, contract)
    except TooSmall as error:
        what = f"{given.held:g} {given.coin} is less than one contract"
        raise UserError(f"{what}: {error} {given.coin}") from None
    plan = Hedge(
        quantity=given.held,
        spot_price=given.spot_price,
        short=short,
        fee_rate=given.fee_rate,
        funding_rate=given.funding_rate,
        intervals=given.payments,
        earned=given.earned,
    )
    found = rows(plan, prices or prices_around(given.spot_price))
    if json:
        print(encode(fields(plan, found, terms)).decode())
    else:
        print_lines(lines(plan, found, terms, terminal_width(), plot=plot))
