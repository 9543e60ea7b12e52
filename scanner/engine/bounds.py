"""How old and how far apart in time the books of an opportunity may be, and when one that is quiet
is asked about. Apart from what abides by it: who reads a configuration needs no kernels."""

from __future__ import annotations

from msgspec import Struct

from scanner.books.layout import LEAD


class Bounds(Struct, frozen=True, kw_only=True):
    """What legs must keep (ns): ``max_age`` since the last proof, ``max_skew`` between the two.

    ``max_lead``: how long a best bid and offer may be newer than depth that is still received; past
    it, or past ``max_age``, the two contradict each other (``scanner.books.kernels``).
    """

    max_age: int = 3_000_000_000
    max_skew: int = 1_500_000_000
    max_lead: int = LEAD


class Probing(Struct, frozen=True, kw_only=True):
    """``quiet``: for how long (ns) nothing was heard of a book before REST is asked. ``rate``: how
    many requests a second may go to a venue, at most (0: none)."""

    quiet: int = 1_000_000_000
    rate: float = 2.0
