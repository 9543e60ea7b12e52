"""Health lines, events, and the lines at the top and bottom."""

from __future__ import annotations

from msgspec.structs import replace

from scanner.sinks.terminal import header, panes
from scanner.sinks.terminal.ink import length
from scanner.sinks.terminal.palette import DARK
from scanner.sinks.terminal.wish import Wish
from scanner.view.frame import Event, Kind, Link, ServiceLine
from tests.sinks.terminal.frames import AT, events, frame, text, venues


def health(width: int = 100) -> list[str]:
    services = (ServiceLine("alerts", True, "3 channels"),)
    lines = panes.venues(venues(), services, palette=DARK, width=width, height=20)
    return text(lines).splitlines()


def test_a_health_line_for_each_venue() -> None:
    title, heading, *lines = health()
    assert "venues" in title
    assert heading.split() == ["VENUE", "BOOKS", "MSG/S", "LAG", "GAPS", "RETRY", "STATE"]
    assert lines[0].split() == ["●", "binance", "20/20", "312", "18ms", "0", "0", "live"]
    assert lines[2].split() == ["◐", "kucoin", "17/20", "312", "18ms", "4", "0", "partly", "2/3"]
    assert "✗ kraken      0/20     0     –    0    12  down: the connection was refused" in lines[4]
    assert "silent 64.0s" in lines[4]
    assert lines[7].split()[0] == "○" and "connecting" in lines[7]
    assert lines[8] == " ● alerts     3 channels"


def test_a_venue_that_is_live_and_silent_says_so_first() -> None:
    silent = replace(venues()[0], silent_ms=4000)
    lines = panes.venues([silent], (), palette=DARK, width=57, height=3)
    assert text(lines).splitlines()[2].endswith("  silent 4.0s")


def test_where_not_all_have_room_faults_come_first() -> None:
    lines = panes.venues(venues(), (), palette=DARK, width=100, height=5)
    assert [line.split()[1] for line in text(lines).splitlines()[2:]] == [
        "kucoin",
        "kraken",
        "bitget",
    ]


def test_a_hostile_error_is_harmless() -> None:
    bad = replace(venues()[4], venue="\x1b[31mX", last_error="\x1b]0;t\x07\nline")
    lines = panes.venues([bad], (), palette=DARK, width=90, height=5)
    told = "".join(part.text for line in lines for part in line)
    assert told.isprintable()


def test_events_newest_first_with_signs() -> None:
    lines = text(panes.events(events(), palette=DARK, width=100, height=3)).splitlines()
    assert lines[1].startswith(" 12:13:20 + BTC/USDT")
    assert lines[2].startswith(" 12:13:19 ! large")
    assert len(lines) == 3


def test_no_events_yet() -> None:
    assert "nothing yet" in text(panes.events((), palette=DARK, width=60, height=5))


def test_a_hostile_event_is_harmless() -> None:
    event = Event(at=AT, kind=Kind.ALERT, subject="[red]\x1b[2J", text="\n\r\x07")
    lines = panes.events([event], palette=DARK, width=60, height=5)
    assert "".join(part.text for part in lines[1]).isprintable()


def headline(width: int, **changes: object) -> str:
    line = header.headline(frame(**changes), paused=False, palette=DARK, width=width)
    assert length(line) == width
    return text([line])


def test_the_headline_has_what_fits() -> None:
    assert "5/8 venues !  alerts !" in headline(80)
    assert "alerts" not in headline(80, services=(ServiceLine("alerts", True, ""),))
    told = headline(160)
    for part in ("▲ 2 open", "117/160 books", "1,876 msg/s", "64 flagged in 13m", "12:13:20 UTC"):
        assert part in told
    for width in (1, 5, 20, 40):
        headline(width)


def test_all_venues_live_is_no_cause_for_a_sign() -> None:
    good = tuple(replace(line, link=Link.LIVE) for line in venues())
    assert "8/8 venues  " in headline(120, venues=good)


def test_the_banner_is_harmless_too() -> None:
    (line,) = header.banner_lines("NOT PERSISTING: \x1b[31mdisk full", DARK, 60)
    told = "".join(part.text for part in line)
    assert told.startswith(" ! NOT PERSISTING: ") and told.isprintable()


def test_a_long_banner_takes_more_lines_and_two_stay_apart() -> None:
    lines = header.banner_lines("SIMULATED\nNOT PERSISTING: " + "no room " * 12, DARK, 60)
    assert text(lines).splitlines() == [
        " ! SIMULATED",
        " ! NOT PERSISTING: no room no room no room no room no room",
        "   no room no room no room no room no room no room no room",
    ]
    assert all(length(line) == 60 for line in lines)
    assert header.banner_lines("", DARK, 60) == []
    header.banner_lines("x" * 500, DARK, 1)


def test_the_footer_shows_what_is_set() -> None:
    wish = Wish(venue="okx", quote="EUR", search="bt", paying=True)
    told = text([header.footer(wish, palette=DARK, width=100)])
    for part in ("? help", "q quit", "/ bt", "sort:net", "v okx", "u EUR", "o paying"):
        assert part in told


def test_a_long_search_shows_its_end() -> None:
    line = header.prompt("x" * 60 + "END", palette=DARK, width=60)
    assert length(line) == 60
    assert "END▏" in text([line])
