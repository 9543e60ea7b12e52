"""Which contracts of a venue are asked for what they settled, and when: pure, time is an argument.

Each is asked for once from far back; from then on shortly after each boundary that its venue has
announced, from the newest that is known on, until the venue has it. Of a contract whose next
boundary nobody has said, now and then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from scanner.events import FundingSample
from scanner.types import Market
from scanner.venues.funding_history import Settled, at_minute, payments

SECOND = 1_000_000_000
SETTLING = 20 * SECOND
"""From a boundary until it is asked for: venues need a moment to list it."""
UNANNOUNCED = 3600 * SECOND
FIRST_PAUSE = 30 * SECOND
LAST_PAUSE = 900 * SECOND


class Wanted(Struct, frozen=True):
    """A contract, and from which time (ns) on its settlements are wanted."""

    market: Market
    since: int


class _Contract(Struct):
    """``reached``: from when on it has been asked for (0: never). Of boundaries, ``last``: the
    newest that is known; ``said``: that was announced; ``awaited``: that is asked for next (0:
    none). ``tries``: in vain, one after the other."""

    wanted: Wanted
    reached: int = 0
    last: int = 0
    said: int = 0
    awaited: int = 0
    asked_at: int = 0
    not_before: int = 0
    tries: int = 0


class Schedule:
    """The contracts of one venue."""

    def __init__(self) -> None:
        self._contracts: dict[str, _Contract] = {}
        self._not_before = 0
        self._failures = 0

    def carry(self, wanted: Iterable[Wanted]) -> None:
        """These are all from now on; what is known of one stays known."""
        before = self._contracts
        self._contracts = {}
        for one in wanted:
            contract = before.get(one.market.id) or _Contract(one)
            contract.wanted = one
            self._contracts[one.market.id] = contract

    def announced(self, market: str, due: int, at: int) -> None:
        """The venue says that funding of ``market`` is paid at ``due`` (ns) next."""
        due = at_minute(due)
        contract = self._contracts.get(market)
        if contract is None or due <= contract.last:
            return
        contract.said = due
        # One that has passed is waited for, whatever comes after it.
        if contract.awaited <= contract.last or contract.awaited > at:
            contract.awaited = due

    def due(self, at: int, most: int) -> list[Wanted]:
        """What is to be asked for now: those that were asked for longest ago first."""
        if at < self._not_before:
            return []
        due = [contract for contract in self._contracts.values() if _is_due(contract, at)]
        due.sort(key=lambda contract: contract.asked_at)
        return [self._ask(contract, at) for contract in due[:most]]

    def answered(
        self, market: str, found: Sequence[Settled], interval: int, at: int
    ) -> list[FundingSample]:
        """What it has settled, the oldest first; as events, those that are new. ``interval`` as in
        ``scanner.venues.funding_history.payments``."""
        self._failures = 0
        contract = self._contracts.get(market)
        if contract is None:
            return []
        whole = contract.reached != contract.wanted.since
        contract.reached = contract.wanted.since
        paid = [
            (one, length)
            for one, length in payments(found, interval, at)
            if whole or one.at > contract.last
        ]
        contract.last = max([contract.last, *(one.at for one in found if one.at <= at)])
        if contract.awaited and contract.last < contract.awaited <= at:
            self._in_vain(contract, at)
        else:
            contract.tries = contract.not_before = 0
            if contract.awaited <= contract.last:
                contract.awaited = contract.said if contract.said > contract.last else 0
        return list(_samples(contract.wanted.market, paid, marked=whole))

    def failed(self, market: str, at: int) -> float:
        """There was no answer that could be used: for how many seconds it is not asked for now. A
        venue that goes on to fail is left alone as long."""
        contract = self._contracts.get(market)
        if contract is not None:
            self._in_vain(contract, at)
        pause = _pause(self._failures) if self._failures else 0
        self._failures += 1
        self._not_before = at + pause
        return ((contract.not_before if contract else self._not_before) - at) / SECOND

    def _ask(self, contract: _Contract, at: int) -> Wanted:
        contract.asked_at = at
        if contract.reached != contract.wanted.since or not contract.last:
            return contract.wanted
        return Wanted(contract.wanted.market, contract.last)

    @staticmethod
    def _in_vain(contract: _Contract, at: int) -> None:
        contract.not_before = at + _pause(contract.tries)
        contract.tries += 1


def _is_due(contract: _Contract, at: int) -> bool:
    if at < contract.not_before:
        return False
    if contract.reached != contract.wanted.since:
        return True
    if contract.awaited:
        return at >= contract.awaited + SETTLING
    return at - contract.asked_at >= UNANNOUNCED


def _pause(tries: int) -> int:
    return min(FIRST_PAUSE << min(tries, 10), LAST_PAUSE)


def _samples(
    market: Market, paid: Iterable[tuple[Settled, int]], *, marked: bool
) -> Iterator[FundingSample]:
    """``marked``: with the marks that the venue names. Of what is paid while it is scanned there
    are better ones, and a sample with nothing else would stand before them."""
    for one, length in paid:
        yield FundingSample(
            at=one.at,
            venue=market.venue,
            market=market.id,
            symbol=market.symbol,
            interval=length,
            settled=one.rate,
            settled_at=one.at,
            mark=one.mark if marked else None,
        )
