"""All workers of a scan."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable, Sequence
from random import Random

from scanner import logs
from scanner.config import Config, Database
from scanner.configuration.alerts import AlertSettings
from scanner.configuration.hedge import HedgeBook
from scanner.types import Market
from scanner.view.frame import Frame, Query, ServiceLine
from scanner.view.scan_state import ScanState, WorkersState, together
from scanner.workers.hand import Hand, Patience
from scanner.workers.messages import Carry, Place
from scanner.workers.split import Share, split


class Crew:
    """``count`` workers. ``tell`` gets what they find; ``measured``: ``state`` is to know every
    book. ``hedge_book`` gives that of the configuration with what its file holds."""

    def __init__(
        self,
        count: int,
        *,
        tell: Callable[[object], object],
        measured: bool = False,
        patience: Patience | None = None,
        rng: Random | None = None,
        hedge_book: Callable[[], HedgeBook] = HedgeBook,
    ) -> None:
        self.hands = [
            Hand(
                Place(index, count, logs.level()),
                tell,
                patience or Patience(),
                rng or Random(),
            )
            for index in range(count)
        ]
        self._hedge_book = hedge_book
        self._measured = measured
        self._shares: Sequence[Share] = ()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, group: asyncio.TaskGroup) -> None:
        """Start the processes; they wait for what to carry."""
        self._tasks = [group.create_task(hand.run()) for hand in self.hands]

    def carry(self, config: Config, markets: Sequence[Market]) -> None:
        """Scan these markets from now on, as ``config`` says."""
        self._shares = split(markets, len(self.hands), self._shares)
        # What only the parent needs, passwords among it, stays here.
        own = {
            "alerts": AlertSettings(),
            "database": Database(),
            "hedge_book": self._hedge_book(),
        }
        public = config.model_copy(update=own)
        public._inserted = frozenset()
        settings = pickle.dumps(public)
        for hand, share in zip(self.hands, self._shares, strict=True):
            hand.carry(
                Carry(
                    config=settings,
                    markets=share.markets,
                    conversions=share.conversions,
                    measured=self._measured,
                    level=logs.level(),
                )
            )

    def look(self, query: Query) -> list[Frame]:
        """The newest frame of each worker that has one."""
        return [frame for hand in self.hands if (frame := hand.look(query)) is not None]

    def state(self) -> ScanState:
        """How all of them are doing together, as of their last signs of life."""
        return together(hand.state for hand in self.hands)

    def workers(self) -> WorkersState:
        """How the processes are doing."""
        pulses = [hand.pulse for hand in self.hands if hand.pulse is not None]
        return WorkersState(
            running=len(pulses),
            restarts=sum(hand.restarts for hand in self.hands),
            frames_dropped=sum(pulse.frames_dropped for pulse in pulses),
        )

    def line(self) -> ServiceLine:
        """The health of the workers."""
        state = self.workers()
        troubles = [hand.trouble for hand in self.hands if hand.trouble]
        good = state.running == len(self.hands) and not troubles
        told = [f"{state.running} of {len(self.hands)} run"]
        behind = sum(hand.pulse.behind for hand in self.hands if hand.pulse is not None) >> 10
        if state.restarts:
            told.append(f"{state.restarts} restarts")
        if behind:
            told.append(f"{behind} KB wait")
        if state.frames_dropped:
            told.append(f"{state.frames_dropped} frames dropped")
        return ServiceLine("workers", good, ", ".join(told + troubles))

    @property
    def scanning(self) -> bool:
        """Whether one of them has begun."""
        return any(hand.state.connections for hand in self.hands)

    def banner(self) -> str:
        """What is to be said as long as none of them scans; empty from then on."""
        if self.scanning:
            return ""
        return (
            "STARTING: on a new machine its kernels are compiled first, which takes up to a minute"
        )

    async def stop(self, reason: str) -> None:
        """End them all, with what is open; takes their patience at most."""
        for hand in self.hands:
            hand.stop(reason)
        await asyncio.gather(*self._tasks, return_exceptions=True)
