"""The faults: what may happen to a venue, to its messages and to our own clock."""

from __future__ import annotations

import re
from random import Random
from typing import TYPE_CHECKING

from msgspec import Struct

from scanner.lab.book import ASK, BID
from tests.faults.wire import IDS, LEVELS, put

if TYPE_CHECKING:
    from tests.faults.link import Link
    from tests.faults.run import Run

MILLISECOND = 1_000_000
SECOND = 1_000_000_000

EPOCH = 50_000_000
LEAST_ID = 100_000_000
# No message with more than a best bid and offer is so short.
SHORT = 260
HUGE = (9_007_199_254_740_993, (1 << 62) + 1, (1 << 63) - 1, 10**30)


class Piece(Struct, frozen=True):
    """A message on its way; ``clean``: as the venue sent it, and in its order. ``delay`` ns."""

    raw: bytes
    clean: bool = True
    delay: int = 0


class Fault:
    """No fault at all. One object belongs to one connection of one world; ``times``: when (ns of
    true time) something happens, each for ``lasts``."""

    name = "none"
    lasts = (0.0, 0.0)

    def __init__(self, random: Random, begin: int, times: tuple[float, ...]) -> None:
        self.random = random
        self.spans: list[tuple[int, int]] = []
        for after in times:
            start = begin + int((after + random.random()) * SECOND)
            self.spans.append((start, start + int(random.uniform(*self.lasts) * SECOND)))
        self._next = 0
        self.happened = 0

    def now(self, now: int) -> bool:
        """Whether it goes on now."""
        return any(start <= now < end for start, end in self.spans)

    def begins(self, now: int) -> tuple[int, int] | None:
        """The span that begins now, each once."""
        if self._next < len(self.spans) and self.spans[self._next][0] <= now:
            self._next += 1
            self.happened += 1
            return self.spans[self._next - 1]
        return None

    def step(self, run: Run, link: Link, now: int) -> None:
        """Once in each step of the world."""
        span = self.begins(now)
        if span is not None:
            link.ill(*span)

    def frame(self, link: Link, raw: bytes, now: int) -> list[Piece]:
        """What becomes of a message of the venue."""
        return [Piece(raw)]

    def answer(self, link: Link, url: str, body: bytes, now: int) -> tuple[bytes, int]:
        """What becomes of an answer over HTTP, and how much later it comes (ns)."""
        return body, 0

    def ended(self) -> None:
        """The connection is gone, and with it what was on its way: nothing of it comes over the
        next one."""


class _Often(Fault):
    """Touches a part of the messages while it goes on."""

    lasts = (1.0, 2.0)
    share = 0.15

    def frame(self, link: Link, raw: bytes, now: int) -> list[Piece]:
        if not self.now(now) or self.random.random() >= self.share:
            return [Piece(raw)]
        return self.touch(link, raw, now)

    def touch(self, link: Link, raw: bytes, now: int) -> list[Piece]:
        raise NotImplementedError


class Gap(_Often):
    name = "gap"

    def touch(self, link: Link, raw: bytes, now: int) -> list[Piece]:
        return []


class Duplicate(_Often):
    name = "duplicate"
    share = 0.3

    def touch(self, link: Link, raw: bytes, now: int) -> list[Piece]:
        return [Piece(raw), Piece(raw, clean=False)]


class Reorder(_Often):
    name = "reorder"

    def __init__(self, random: Random, begin: int, times: tuple[float, ...]) -> None:
        super().__init__(random, begin, times)
        self._held: list[tuple[bytes, int]] = []

    def frame(self, link: Link, raw: bytes, now: int) -> list[Piece]:
        pieces = super().frame(link, raw, now)
        held, self._held = self._held, [(one, left - 1) for one, left in self._held if left > 0]
        return [*pieces, *(Piece(one, clean=False) for one, left in held if left <= 0)]

    def touch(self, link: Link, raw: bytes, now: int) -> list[Piece]:
        self._held.append((raw, self.random.randrange(1, 5)))
        return []

    def ended(self) -> None:
        self._held = []


class Cut(Fault):
    """At any moment, and once more before the subscriptions are through."""

    name = "cut"

    def __init__(self, random: Random, begin: int, times: tuple[float, ...]) -> None:
        super().__init__(random, begin, times)
        self._left = -1

    def step(self, run: Run, link: Link, now: int) -> None:
        span = self.begins(now)
        if span is not None:
            self._left = self.random.randrange(1, 8)
            link.cut("the fault", now, int(self.random.uniform(0.3, 2.5) * SECOND))

    def frame(self, link: Link, raw: bytes, now: int) -> list[Piece]:
        if self._left > 0 and now >= link.opened_at:
            self._left -= 1
            if self._left == 0:
                self._left = -1
                link.cut_soon = True
        return [Piece(raw)]


class Stale(Fault):
    """Snapshots older than the stream: those from REST are of before, or come late; those on the
    stream come after the changes that follow them."""

    name = "stale snapshot"
    lasts = (3.0, 4.0)

    def __init__(self, random: Random, begin: int, times: tuple[float, ...]) -> None:
        super().__init__(random, begin, times)
        self._kept: dict[str, bytes] = {}
        self._held: tuple[bytes, int] | None = None

    def step(self, run: Run, link: Link, now: int) -> None:
        if (span := self.begins(now)) is not None:
            link.ill(*span)
            link.cut("the fault", now)

    def answer(self, link: Link, url: str, body: bytes, now: int) -> tuple[bytes, int]:
        kept = self._kept.setdefault(url, body)
        if not self.now(now):
            self._kept[url] = body
            return body, 0
        if self.random.random() < 0.5:
            return kept, 0
        return body, int(self.random.uniform(0.1, 2.0) * SECOND)

    def frame(self, link: Link, raw: bytes, now: int) -> list[Piece]:
        if self._held is not None:
            held, left = self._held
            self._held = (held, left - 1) if left else None
            return [Piece(raw, clean=False), *([] if left else [Piece(held, clean=False)])]
        if self.now(now) and len(raw) > 3000 and self.random.random() < 0.5:
            self._held = (raw, self.random.randrange(1, 12))
            return []
        return [Piece(raw)]

    def ended(self) -> None:
        self._held = None


class Restart(Fault):
    """The venue counts anew, without a word."""

    name = "sequence reset"

    def __init__(self, random: Random, begin: int, times: tuple[float, ...]) -> None:
        super().__init__(random, begin, times[:1])
        self._counted = 0
        self._base = 0

    def frame(self, link: Link, raw: bytes, now: int) -> list[Piece]:
        if now < self.spans[0][0]:
            if (found := IDS.search(raw)) and found[1] == b"sequence_num":
                self._base = int(found[3])
            return [Piece(raw)]
        clean = now > self.spans[0][0] + 2 * SECOND
        if link.opened_at > self.spans[0][0]:
            self._base = 0  # what counts by the connection counts anew with it
        return [Piece(IDS.sub(self._shifted, raw), clean=clean)]

    def answer(self, link: Link, url: str, body: bytes, now: int) -> tuple[bytes, int]:
        return (body if now < self.spans[0][0] else IDS.sub(self._shifted, body)), 0

    def _shifted(self, found: re.Match[bytes]) -> bytes:
        number = int(found[3])
        if found[1] == b"sequence_num":
            number = max(number - self._base, 0)
        elif number > LEAST_ID:
            number -= EPOCH
        return b'"%b":%b%d' % (found[1], found[2], number)


class Zero(_Often):
    """Rows with a price or a size of zero, or less."""

    name = "zero rows"

    def touch(self, link: Link, raw: bytes, now: int) -> list[Piece]:
        for pattern in LEVELS:
            if found := pattern.search(raw):
                what = self.random.choice(("price", "both", "negative"))
                row = put(found, "price", b"-1" if what == "negative" else b"0")
                if what == "both":
                    row = re.sub(rb'(,"qty":|y":"|,")[\d.]+', rb"\g<1>0", row)
                both = row if pattern is LEVELS[-1] else row + b"," + found[0]
                return [Piece(raw[: found.start()] + both + raw[found.end() :], clean=False)]
        return [Piece(raw)]


class Huge(_Often):
    """A message with an id beyond all others; what comes after it of its channel may be lost."""

    name = "huge ids"
    share = 0.05
    lasts = (2.0, 3.0)
    ids = HUGE

    def __init__(self, random: Random, begin: int, times: tuple[float, ...]) -> None:
        super().__init__(random, begin, times)
        self._silenced: dict[int, int] = {}

    def frame(self, link: Link, raw: bytes, now: int) -> list[Piece]:
        if len(raw) < SHORT and self._silenced.get(link_market(link, raw), 0) > now:
            return []
        return super().frame(link, raw, now)

    def touch(self, link: Link, raw: bytes, now: int) -> list[Piece]:
        huge = b"%d" % self.random.choice(self.ids)
        if len(raw) < SHORT:
            self._silenced[link_market(link, raw)] = now + int(2.8 * SECOND)
        changed = IDS.sub(lambda found: b'"%b":%b%b' % (found[1], found[2], huge), raw)
        return [Piece(changed, clean=changed == raw)]


class Silence(Fault):
    """One market falls silent on a connection that goes on."""

    name = "silence"
    lasts = (2.0, 6.0)

    def frame(self, link: Link, raw: bytes, now: int) -> list[Piece]:
        if self.now(now) and link_market(link, raw) == self.random_market(link):
            return []
        return [Piece(raw)]

    def random_market(self, link: Link) -> int:
        return self._next % len(link.markets)


class Frozen(Fault):
    """No book changes any more; all else goes on."""

    name = "frozen book"
    lasts = (2.0, 6.0)

    def frame(self, link: Link, raw: bytes, now: int) -> list[Piece]:
        if self.now(now) and link_market(link, raw) >= 0:
            return []
        return [Piece(raw)]


class Stall(Fault):
    """Our own process stands still, and then reads all that has come as if it were new."""

    name = "clock jump"
    lasts = (0.5, 6.0)

    def __init__(self, random: Random, begin: int, times: tuple[float, ...]) -> None:
        super().__init__(random, begin, times[:1])

    def step(self, run: Run, link: Link, now: int) -> None:
        if (span := self.begins(now)) is not None:
            run.stalled_until = span[1]
            for one in run.links.values():
                one.ill(*span)


class Backlog(Fault):
    """One connection is late by seconds, all of it, and catches up slowly."""

    name = "backlog"
    lasts = (3.0, 6.0)

    def step(self, run: Run, link: Link, now: int) -> None:
        super().step(run, link, now)
        link.held = self.now(now)


class Crossed(Fault):
    """The venue itself shows a book whose bid is above its ask, for a while."""

    name = "crossed book"
    lasts = (1.5, 3.0)

    def step(self, run: Run, link: Link, now: int) -> None:
        super().step(run, link, now)
        if not self.now(now):
            return
        book = run.world.book(link.venue.id, link.markets[0].symbol)
        bids, asks = book.ticks(BID, 1), book.ticks(ASK, 1)
        if bids and asks and bids[0] < asks[0]:
            ticks = asks[0] + max(int(asks[0] * 0.004), 1)
            book.set(BID, ticks, book.lots(ASK, asks[0]), now)
            run.touched.add((link.venue.id, link.markets[0].symbol))


class Corrupt(_Often):
    """What no venue would send: cut short, other bytes, numbers that are none."""

    name = "corrupted"
    share = 0.02

    def touch(self, link: Link, raw: bytes, now: int) -> list[Piece]:
        random = self.random
        place = random.randrange(len(raw))
        kind = random.randrange(5)
        if kind == 0:
            raw = raw[:place]
        elif kind == 1:
            raw = raw[:place] + bytes(random.choices(range(256), k=3)) + b"\xff\x00" + raw[place:]
        elif kind == 2:
            raw = raw.replace(b"[", b"{", 1)
        else:
            text = random.choice((b"NaN", b"Infinity", b"1e999", b"-5", b"null", b"[]", b'"x"'))
            for pattern in LEVELS:
                if found := pattern.search(raw):
                    raw = raw[: found.start("price")] + text + raw[found.end("price") :]
                    break
        return [Piece(raw, clean=False)]


def link_market(link: Link, raw: bytes) -> int:
    """Which of the markets a message is about; -1: none."""
    head = raw[:400]
    for number, market in enumerate(link.markets):
        if market.id.encode() in head or market.id.lower().encode() in head:
            return number
    return -1


FAULTS: tuple[type[Fault], ...] = (
    Fault,
    Gap,
    Duplicate,
    Reorder,
    Cut,
    Stale,
    Restart,
    Zero,
    Huge,
    Silence,
    Frozen,
    Stall,
    Backlog,
    Crossed,
    Corrupt,
)
