"""Values that travel through the scanner; this module imports nothing of ours.

Prices are in quote currency per unit of base, sizes in base currency, fee rates are fractions,
times are integers: nanoseconds since the epoch (UTC) that only ever move forward (see
``scanner.clock``). Everything a venue says stays bytes until a kernel has checked it.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum

from msgspec import Struct


class Side(IntEnum):
    """The two sides of a book; the values index the arrays in ``scanner.books``."""

    BID = 0
    ASK = 1


class BookState(IntEnum):
    """How far a book can be trusted. Only ``LIVE`` books take part in a scan."""

    EMPTY = 0
    SYNCING = 1
    LIVE = 2
    STALE = 3
    UNSYNCHRONISED = 4
    CROSSED = 5


class Depth(StrEnum):
    """Which depth channel is subscribed: the venue's fast top-N channel, or all it has."""

    TOP = "top"
    FULL = "full"


class Proof(StrEnum):
    """What shows that a book equals the venue's: the strongest guard the channel offers."""

    CHAINED = "chained sequence"
    CHECKSUM = "checksum"
    SNAPSHOTS = "full snapshots"
    NONE = "none"


class ChecksumRule(IntEnum):
    """How a venue hashes the top of its book (CRC-32 in every case).

    ``DIGITS_10``: ten asks from the best down, then ten bids; of each price and size the decimal
    digits without dot and leading zeros, unsigned.
    ``INTERLEAVED_25``: bid and ask in turn, 25 of each, ``price:size`` as on the wire, joined by
    colons, the longer side's rest appended, signed.
    """

    NONE = 0
    DIGITS_10 = 1
    INTERLEAVED_25 = 2


class MarketKind(StrEnum):
    """What is traded: the coin itself, or a contract on it without or with a date of expiry."""

    SPOT = "spot"
    PERPETUAL = "perpetual"
    FUTURE = "future"


class FeeIn(StrEnum):
    """The currency that a venue takes its fee in, on one side of a market.

    ``TOKEN``: in a currency of its own (a venue's token); what it is worth is counted in the quote.
    """

    BASE = "base"
    QUOTE = "quote"
    TOKEN = "token"


class FeeSide(StrEnum):
    """How a venue chooses that currency, in ccxt's words: of what is got, of what is given, always
    the base or the quote, or another."""

    GET = "get"
    GIVE = "give"
    BASE = "base"
    QUOTE = "quote"
    OTHER = "other"

    @property
    def on(self) -> tuple[FeeIn, FeeIn]:
        """What it is when buying and when selling."""
        return {
            FeeSide.GET: (FeeIn.BASE, FeeIn.QUOTE),
            FeeSide.GIVE: (FeeIn.QUOTE, FeeIn.BASE),
            FeeSide.BASE: (FeeIn.BASE, FeeIn.BASE),
            FeeSide.QUOTE: (FeeIn.QUOTE, FeeIn.QUOTE),
            FeeSide.OTHER: (FeeIn.TOKEN, FeeIn.TOKEN),
        }[self]


class OrderKind(StrEnum):
    """Which fee rate counts: of orders that take from the book, or of those that rest in it."""

    TAKER = "taker"
    MAKER = "maker"


class LevelLayout(Struct, frozen=True):
    """How a venue writes one level of a book.

    ``[price, size, ...]`` arrays need no description; for objects the keys are named here. With
    ``side_key`` both sides stand in one list, and a level's side says ``bid_value`` or
    ``ask_value``; any other word makes the list malformed.
    ``zero_price_skips``: a row whose price is zero carries no level.
    """

    price_key: str = ""
    size_key: str = ""
    side_key: str = ""
    bid_value: str = ""
    ask_value: str = ""
    zero_price_skips: bool = False


class Network(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One way in and out of a venue's wallet for one coin; None: the venue does not say.

    ``name`` is ccxt's unified code (``ERC20``). ``deposit``, ``withdraw``: whether it is open.
    ``fee`` is taken off each withdrawal whatever its size, ``min_withdraw`` and ``min_deposit`` are
    the least amounts: in the venue's unit of the coin. ``confirmations``: blocks that a deposit
    waits for (0: not said). ``minutes``: how long a transfer takes, as the user states.
    ``contract``: the address of the coin's contract there, as it is compared (empty: not said).
    """

    name: str
    deposit: bool | None = None
    withdraw: bool | None = None
    fee: float | None = None
    min_withdraw: float | None = None
    min_deposit: float | None = None
    confirmations: int = 0
    minutes: float | None = None
    contract: str = ""


class Wallet(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a venue says of moving one coin. ``listed_at``: when it said so, ns (0: it says nothing
    in public, and all that is known is what the user states). ``suspended``: it names no networks,
    but says that the coin is not to be moved as usual."""

    networks: tuple[Network, ...] = ()
    listed_at: int = 0
    suspended: bool = False


class Market(Struct, frozen=True, kw_only=True):
    """One tradable pair on one venue.

    ``id`` is the venue's own name of it *on its stream*; ``symbol`` the unified one (``BTC/USDT``).
    ``price_tick`` and ``lot`` are the steps of price and size (0: unknown), ``min_amount`` in base,
    ``min_notional`` in quote (0: none known), ``taker_fee`` and ``maker_fee`` fractions.

    Sizes on the wire, ``lot`` and ``min_amount`` are in the venue's own unit: the base currency for
    spot, contracts else. One contract is ``contract_size`` of base, or of quote if ``inverse``.
    ``multiplier``: coins that one unit of the venue's base stands for (1000 for ``1000PEPE``, whose
    ``base`` and ``symbol`` are then those of ``PEPE``); prices on the wire are for that many.
    ``settle``: the currency of profit and margin of a contract; ``expiry``: ns, 0 for none.
    ``funding_interval``: ns between two payments of funding, where the venue's list tells (0: no).

    ``order`` says which of the two rates counts, ``fee_source`` where that rate comes from.
    ``buy_fee_in``: taken in base, a fee leaves less of what was bought; in quote, it is paid on
    top. ``sell_fee_in``: taken in base, it is given on top of what is sold; in quote, it is taken
    off what that brings. ``fee_in_source`` says where that is known from.
    ``wallet`` and ``quote_wallet`` are the venue's for the base (in its unit) and for the quote.
    """

    venue: str
    id: str
    symbol: str
    base: str
    quote: str
    price_tick: float = 0.0
    lot: float = 0.0
    min_amount: float = 0.0
    min_notional: float = 0.0
    taker_fee: float
    maker_fee: float = 0.0
    active: bool = True
    kind: MarketKind = MarketKind.SPOT
    settle: str = ""
    contract_size: float = 1.0
    inverse: bool = False
    expiry: int = 0
    multiplier: float = 1.0
    funding_interval: int = 0
    order: OrderKind = OrderKind.TAKER
    fee_source: str = ""
    buy_fee_in: FeeIn = FeeIn.QUOTE
    sell_fee_in: FeeIn = FeeIn.QUOTE
    fee_in_source: str = ""
    wallet: Wallet = Wallet()
    quote_wallet: Wallet = Wallet()

    @property
    def is_contract(self) -> bool:
        """It is a contract on the coin, not the coin itself."""
        return self.kind is not MarketKind.SPOT

    @property
    def fee_rate(self) -> float:
        """The rate that counts, a fraction."""
        return self.taker_fee if self.order is OrderKind.TAKER else self.maker_fee
