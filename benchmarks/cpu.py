"""CPU per message, from the raw bytes to book and scan: ours, the peers, and the limit."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec

from benchmarks import limit, peers
from benchmarks.corpus import Outcome, Session, books_only, sessions
from benchmarks.ours import Ours
from benchmarks.rows import Asked, Row, in_turn, rows
from scanner.types import Depth

OURS = "ours, by reads of 32"
PROGRAMS = {
    "ccxt": "ccxt_books.py",
    "cryptofeed": "cryptofeed_books.py",
    "nautilus_trader": "nautilus_books.py",
}
ADAPTERS = {"nautilus_trader": {"binance"}}
ANOTHER_CHANNEL = {"cryptofeed": {"bitget", "gate", "kucoin"}}
"""Where a peer reads another of the venue's channels than ours: there are no bytes for both."""
TOP = 10
QUICK = 1500
"""Of how many calls a session is in haste."""


def run(asked: Asked) -> Iterator[Row]:
    """A case for each venue. A peer whose book ends up another than ours is left out, and said."""
    for session in sessions(asked.venues, 8.0 if asked.quick else 40.0, [Depth.FULL]):
        some = books_only(session)
        if asked.quick:
            some = msgspec.structs.replace(some, calls=some.calls[:QUICK])
        yield from _venue(some, asked)


def _venue(session: Session, asked: Asked) -> Iterator[Row]:
    venue, frames = session.venue.id, session.frames
    size = sum(map(len, frames)) / max(len(frames), 1)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ours = {
            OURS: Ours(session, "reads"),
            "ours, one by one": Ours(session, "one"),
            "ours, reference lane": Ours(session, "reference"),
        }
        wanted = _first(ours)
        path = folder / "session"
        peers.write_session(session, path, wanted)
        beside: dict[str, peers.Peer] = {}
        for name, peer in list(_peers(venue, path, folder)):  # they start side by side
            stack.callback(peer.close)
            trouble = _trouble(peer, wanted)
            if trouble:
                print(f"{venue}: {name} is left out: {trouble}", flush=True)
            else:
                beside[name] = peer
        subjects: dict[str, Callable[[], float]] = {k: v.round for k, v in ours.items()}
        subjects |= {k: v.round for k, v in beside.items()}
        subjects |= limit.passes(frames)
        found = in_turn(subjects, asked.rounds)
        share = ours[OURS].share
        case = (
            f"{venue}, {session.source}, {len(frames)} messages of {size:.0f} B, fast {share:.0%}"
        )
        yield from rows("cpu", case, "us/message", found, OURS)


def _first(ours: dict[str, Ours]) -> Outcome:
    """The books that all ways of ours end with."""
    ended = []
    for subject in ours.values():
        subject.round()
        ended.append(subject.books)
    if any(books != ended[0] for books in ended):
        raise SystemExit("the lanes do not end with the same books")
    return ended[0]


def _peers(venue: str, path: Path, folder: Path) -> Iterator[tuple[str, peers.Peer]]:
    for name, program in PROGRAMS.items():
        if venue not in ADAPTERS.get(name, {venue}):
            continue
        if venue in ANOTHER_CHANNEL.get(name, ()):
            print(f"{venue}: {name} is left out: it reads another of the venue's channels")
            continue
        made = peers.driver(name, program, venue, path)
        if made is None:
            print(f"{venue}: {name} is not installed (--install-peers)", flush=True)
        else:
            yield name, made
    compiled = limit.books(folder)
    if compiled is None:
        print("no C compiler: the limit is left out", flush=True)
    else:
        yield "C", peers.Peer([str(compiled), venue, str(path)])


def _trouble(peer: peers.Peer, wanted: Outcome) -> str:
    """Why a peer cannot stand beside ours; "" if it ends with the same books."""
    try:
        peer.round()
    except RuntimeError as error:
        return str(error)
    for market, sides in wanted.items():
        came = peer.books.get(market)
        if came is None:
            return f"it has no book of {market}"
        for side, levels in enumerate(sides):
            if not same(levels, came[side]):
                return f"its book of {market} is another ({levels[:2]} {came[side][:2]})"
    return ""


def same(ours: list[tuple[float, float]], theirs: list[tuple[float, float]]) -> bool:
    """The best levels agree."""
    if len(theirs) < min(TOP, len(ours)):
        return False
    pairs = zip(ours[:TOP], theirs, strict=False)
    return all(abs(a - b) <= 1e-9 * abs(a) for o, t in pairs for a, b in zip(o, t, strict=True))
