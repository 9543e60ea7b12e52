"""Which worker scans what. Pure.

Whatever is compared stays in one process: a symbol on all its venues, and everything else in which
the same coin is traded (against other quotes, as a contract), so that a route may go through it.
Markets that convert one quote currency into another belong to no coin alone: each worker may need
them, as prices only, beside the one that scans them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from scanner.types import Market, MarketKind


class Share(Struct, frozen=True):
    """What one worker is given. ``markets``: it scans them; ``conversions``: markets of others that
    it takes prices from, and of which it tells nothing."""

    markets: tuple[Market, ...]
    conversions: tuple[Market, ...] = ()

    @property
    def coins(self) -> frozenset[str]:
        """The base currencies of what it scans."""
        return frozenset(market.base for market in self.markets)


def split(
    markets: Sequence[Market], workers: int, before: Sequence[Share] = ()
) -> tuple[Share, ...]:
    """Shares for ``workers``, in the order of the markets; some are empty if there are few coins.

    A coin stays with the worker that had it ``before``: moving it would lose its books. The others
    go where there is least, those with most markets first.
    """
    sizes: dict[str, int] = {}
    for market in markets:
        sizes[market.base] = sizes.get(market.base, 0) + 1
    owners = _kept(sizes, before, workers)
    loads = [0] * workers
    for coin, owner in owners.items():
        loads[owner] += sizes[coin]
    for coin in sorted(sizes.keys() - owners.keys(), key=lambda coin: (-sizes[coin], coin)):
        owner = loads.index(min(loads))
        owners[coin] = owner
        loads[owner] += sizes[coin]
    shared = conversions(markets)
    return tuple(_share(markets, shared, owners, worker) for worker in range(workers))


def conversions(markets: Sequence[Market]) -> frozenset[tuple[str, str]]:
    """(venue, id) of the spot markets whose base is itself what others are quoted in."""
    quotes = {market.quote for market in markets}
    return frozenset(
        (market.venue, market.id)
        for market in markets
        if market.kind is MarketKind.SPOT and market.base in quotes
    )


def _kept(sizes: Mapping[str, int], before: Sequence[Share], workers: int) -> dict[str, int]:
    return {
        coin: worker
        for worker, share in enumerate(before[:workers])
        for coin in sorted(share.coins)
        if coin in sizes
    }


def _share(
    markets: Sequence[Market],
    shared: frozenset[tuple[str, str]],
    owners: Mapping[str, int],
    worker: int,
) -> Share:
    own = tuple(market for market in markets if owners[market.base] == worker)
    others = tuple(
        market
        for market in markets
        if owners[market.base] != worker and (market.venue, market.id) in shared
    )
    return Share(own, others if own else ())
