"""The legs of a state as text, and back: what belongs to neither leg alone stands with the sale."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from scanner.events import Carry, Leg, Opportunity
from scanner.moving import Prefunded, Transfer


class Basis(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a state rests on besides its legs, as in ``scanner.events.Opportunity``."""

    conversion: Leg | None = None
    bound: str = ""
    unrounded: float = 0.0
    accounting: str = ""
    accounting_profit: float | None = None
    accounting_rate: float = 0.0
    accounting_venue: str = ""
    carry: Carry | None = None
    transfer: Transfer | None = None
    prefunded: Prefunded | None = None
    legs: tuple[Leg, ...] = ()


class Sale(Leg, frozen=True, kw_only=True):
    """The leg that sells, and under ``basis`` what else the state rests on."""

    basis: Basis = Basis()


_leg = msgspec.json.Decoder(Leg)
_sale = msgspec.json.Decoder(Sale)


def written(o: Opportunity) -> tuple[str, str]:
    """Both legs, the purchase first."""
    basis = Basis(**{name: getattr(o, name) for name in Basis.__struct_fields__})
    sale = Sale(**msgspec.structs.asdict(o.sell), basis=basis)
    return msgspec.json.encode(o.buy).decode(), msgspec.json.encode(sale).decode()


def leg(text: str) -> Leg:
    """One leg."""
    return _leg.decode(text)


def basis(sale: str) -> Basis:
    """What else a state rests on; that of an older version says nothing."""
    return _sale.decode(sale).basis
