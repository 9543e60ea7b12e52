"""What the simulated Coinbase says of its products and currencies."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

from scanner.lab.seam import ASK, BID, LabBook, LabMarket, Row
from scanner.lab.units import SECOND
from scanner.lab.wire import plain

NAMES = {"BTC": "Bitcoin", "ETH": "Ethereum", "USD": "US Dollar", "USDT": "Tether", "EUR": "Euro"}
FIAT = ("USD", "EUR", "GBP")
# What the venue calls otherwise than everybody else.
OWN_NAMES = {"CELO": "CGLD"}
ALIASED, ALIAS = "USD", "USDC"


def product_id(base: str, quote: str) -> str:
    """``BTC-USD``, in the venue's own names of the currencies."""
    return f"{OWN_NAMES.get(base, base)}-{OWN_NAMES.get(quote, quote)}"


def rfc3339(at: int, digits: int = 9) -> str:
    """``at`` (ns) with at most ``digits`` decimals of a second and no trailing zeros."""
    seconds, rest = divmod(at, SECOND)
    whole = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    part = f"{rest:09d}"[:digits].rstrip("0")
    return f"{whole}.{part}Z" if part else f"{whole}Z"


class Catalogue:
    """The products of the venue: every market, and the USDC products that are other names of the
    USD markets."""

    def __init__(self, markets: Iterable[LabMarket]) -> None:
        self._markets = {market.id: market for market in markets}
        self._aliases: dict[str, str] = {}
        for market in self._markets.values():
            alias = product_id(market.base, ALIAS)
            if market.quote == ALIASED and market.base != ALIAS and alias not in self._markets:
                self._aliases[alias] = market.id

    def original(self, product: str) -> str | None:
        """The product whose book it is; None where there is no such product."""
        if product in self._markets:
            return product
        return self._aliases.get(product)

    def product(self, name: str) -> dict[str, object] | None:
        """How one product is listed; None where there is none."""
        original = self.original(name)
        if original is None:
            return None
        market = self._markets[original]
        is_alias = original != name
        quote = ALIAS if is_alias else market.quote
        aliases = [alias for alias, of in self._aliases.items() if of == name]
        return _listed(market, name, quote, original if is_alias else "", aliases)

    def products(self) -> list[dict[str, object]]:
        """Every product, aliases included."""
        names = [*self._markets, *self._aliases]
        return [listed for name in names if (listed := self.product(name))]

    def fiat(self) -> list[dict[str, str]]:
        """The national currencies."""
        return [{"id": c, "name": _name(c), "min_size": "0.01"} for c in self._codes(True)]

    def crypto(self) -> list[dict[str, str]]:
        """All other currencies."""
        return [
            {
                "asset_id": f"5b71fc48-3dd3-540c-809b-f8c94d0e{number:04x}",
                "code": code,
                "name": _name(code),
                "color": "#0433FF",
                "sort_index": str(100 + number),
                "exponent": "8",
                "type": "crypto",
                "address_regex": "^[0-9a-zA-Z]{20,64}$",
            }
            for number, code in enumerate(self._codes(False))
        ]

    def _codes(self, fiat: bool) -> list[str]:
        names = {code for name in [*self._markets, *self._aliases] for code in name.split("-")}
        return sorted(code for code in names if (code in FIAT) == fiat)


def _name(code: str) -> str:
    return NAMES.get(code, code)


def _listed(
    market: LabMarket, name: str, quote: str, alias: str, aliases: list[str]
) -> dict[str, object]:
    base = name.partition("-")[0]
    return {
        "product_id": name,
        "price": "",
        "price_percentage_change_24h": "0",
        "volume_24h": "0",
        "volume_percentage_change_24h": "0",
        "base_increment": market.lot,
        "quote_increment": market.tick,
        "quote_min_size": market.min_notional,
        "quote_max_size": "150000000",
        "base_min_size": market.min_amount,
        "base_max_size": "1000000",
        "base_name": _name(base),
        "quote_name": _name(quote),
        "watched": False,
        "is_disabled": False,
        "new": False,
        "status": "online",
        "cancel_only": False,
        "limit_only": False,
        "post_only": False,
        "trading_disabled": False,
        "auction_mode": False,
        "product_type": "SPOT",
        "quote_currency_id": quote,
        "base_currency_id": base,
        "fcm_trading_session_details": None,
        "mid_market_price": "",
        "alias": alias,
        "alias_to": aliases,
        "base_display_symbol": base,
        "quote_display_symbol": ALIASED if alias else quote,
        "view_only": False,
        "price_increment": market.tick,
        "display_name": name,
        "product_venue": "CBE",
        "approximate_quote_24h_volume": "0",
        "new_at": "2023-01-01T00:00:00Z",
    }


def rates(books: Iterable[LabBook]) -> dict[str, str]:
    """How much of each coin a dollar buys."""
    found = {"USD": "1.0"}
    for book in books:
        bid = book.best()[0]
        if book.market.quote == "USD" and bid:
            found[book.market.base] = f"{1 / Decimal(bid[0]):f}"
    return found


def price_book(book: LabBook, levels: int | None) -> dict[str, object]:
    """The answer to ``product_book``: the best ``levels`` levels, None for all."""
    pricebook = {
        "product_id": book.market.id,
        "bids": _priced(book.levels(BID, levels)),
        "asks": _priced(book.levels(ASK, levels)),
        "time": rfc3339(book.changed_at, 6),
    }
    return {"pricebook": pricebook, **_middle(book)}


def _priced(rows: list[Row]) -> list[dict[str, str]]:
    return [{"price": plain(price), "size": plain(size)} for price, size in rows]


def _middle(book: LabBook) -> dict[str, str]:
    bid, ask = book.best()
    if not bid or not ask:
        return {"last": "", "mid_market": "", "spread_bps": "", "spread_absolute": ""}
    low, high = Decimal(bid[0]), Decimal(ask[0])
    middle = (low + high) / 2
    return {
        "last": plain(bid[0]),
        "mid_market": plain(f"{middle:f}"),
        "spread_bps": f"{(high - low) / middle * 10_000:.12f}",
        "spread_absolute": plain(f"{high - low:f}"),
    }
