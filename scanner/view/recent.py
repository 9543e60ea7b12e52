"""What happened of late, to be shown: a bounded list of each kind of event."""

from __future__ import annotations

from collections import deque
from threading import Lock

from scanner.events import Alert, FeedEvent, Opportunity
from scanner.view.frame import Event, Kind

LENGTH = 100


class Recent:
    """A sink; it keeps the newest hundred of each kind, so that a storm of one does not push the
    others out.

    ``opened`` counts what was flagged; ``best`` is (net bps, symbol) of the best of it; ``bells``
    counts how often the bell was to ring. Any thread may call.
    """

    def __init__(self) -> None:
        self.opened = 0
        self.best: tuple[float, str] = (0.0, "")
        self.bells = 0
        self._events: dict[Kind, deque[Event]] = {kind: deque(maxlen=LENGTH) for kind in Kind}
        self._lock = Lock()

    def __call__(self, event: object) -> None:
        """Take note of an event; what is not worth showing is left out."""
        match event:
            case Opportunity():
                self._note(event)
            case FeedEvent():
                text = f"#{event.connection} {event.kind} {event.market} {event.reason}"
                self.say(Kind.FEED, event.venue, " ".join(text.split()), event.at)
            case Alert(state="sent"):
                self.say(Kind.ALERT, event.rule, event.text, event.at)
            case Alert(state="failed"):
                text = f"not sent to {event.channel}: {event.error}"
                self.say(Kind.ALERT, event.rule, text, event.at)

    def say(self, kind: Kind, subject: str, text: str, at: int) -> None:
        """Have this shown, once; of a text of several lines the first, which can stand alone."""
        event = Event(at=at, kind=kind, subject=subject, text=text.partition("\n")[0])
        with self._lock:
            if event not in self._events[kind]:
                self._events[kind].appendleft(event)

    def ring(self) -> None:
        """Have the bell ring."""
        with self._lock:
            self.bells += 1

    def newest(self) -> tuple[Event, ...]:
        """All that is kept, the newest first."""
        with self._lock:
            events = [event for kind in self._events.values() for event in kind]
        events.sort(key=lambda event: event.at, reverse=True)
        return tuple(events)

    def _note(self, event: Opportunity) -> None:
        if event.event == "opened":
            self.opened += 1
        if event.peak_net_bps > self.best[0]:
            self.best = (event.peak_net_bps, event.symbol)
        if event.event != "updated":
            kind, text = _told(event)
            self.say(kind, event.symbol, text, event.at)


def _told(event: Opportunity) -> tuple[Kind, str]:
    where = f"{event.buy.venue} → {event.sell.venue}"
    if event.event == "opened":
        profit = f"{event.net_profit:+,.2f} {event.currency}"
        return Kind.OPENED, f"{event.net_bps:+.2f} bps {where} {profit}"
    seconds = (event.at - event.opened_at) / 1e9
    best = f"{event.peak_net_bps:+.2f} bps at best"
    return Kind.CLOSED, f"{best}, {seconds:.1f} s, {where}: {event.reason}"
