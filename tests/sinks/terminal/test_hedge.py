"""The pane of the hedge book, and the key that shows it."""

from __future__ import annotations

from msgspec.structs import replace

from scanner.sinks.terminal import hedge
from scanner.sinks.terminal.ink import length
from scanner.sinks.terminal.palette import DARK
from scanner.sinks.terminal.scene import Scene
from scanner.sinks.terminal.wish import Pane
from tests.sinks.terminal import frames


def lines(width: int, height: int = 20) -> list[str]:
    drawn = hedge.pane(frames.hedge(), palette=DARK, width=width, height=height)
    assert {length(line) for line in drawn} == {width}
    return frames.text(drawn).splitlines()


def test_both_values_stand_side_by_side() -> None:
    _, heading, btc, eth, *_ = lines(80)
    titles = ["COIN", "SPOT", "CONTRACTS", "DELTA", "DRIFT", "%", "FUNDING", "RESULT"]
    assert heading.split() == titles
    assert btc.split() == [
        "BTC",
        "95,000",
        "85,671",
        "+0.1",
        "+10.00",
        "+12.30",
        "+4,329.00",
        "USDT",
    ]
    assert eth.split() == ["ETH", "30,000", "–", "0", "+0.00", "–", "–", "USDT"]


def test_each_short_with_what_it_has_cost_and_how_far_it_is_from_its_end() -> None:
    told = lines(134)
    assert told[4].split() == [
        *(
            "SHORT",
            "AT",
            "CONTRACT",
            "COINS",
            "PRICE",
            "BASIS",
            "FUNDING",
            "RATE",
            "%",
            "AWAY",
            "%",
        ),
        *("EARNED", "PAID", "RESULT", "ENTRY", "LIQUIDATED"),
    ]
    assert told[5].split() == [
        *("okx", "BTC/USDT:USDT", "0.9", "95,190", "+20.00", "+12.30", "-0.0100", "+56.80"),
        *("+15.00".lstrip("+"), "2.70", "+4,329.00", "100,000", "149,253.73"),
    ]
    assert lines(80)[5].split()[-1] == "+56.80"


def test_by_how_many_payments_funding_is_known_where_there_is_room() -> None:
    coin = frames.hedge()[0]
    (short,) = coin.shorts

    def last(payments: int, at_entry: int, funding: float | None = 12.3) -> list[str]:
        told = replace(short, payments=payments, at_entry=at_entry, funding=funding)
        drawn = hedge.pane((replace(coin, shorts=(told,)),), palette=DARK, width=145, height=9)
        heading, row = frames.text(drawn).splitlines()[3:5]
        assert heading.split()[-1] == "PAYMENTS"
        return row.split()

    assert last(32, 0)[-1] == "32"
    assert " ".join(last(32, 30)[-2:]) == "32 (~30)"
    assert (last(0, 0)[-1], last(0, 0, None)[-1]) == ("0", "–")
    assert "PAYMENTS" not in "".join(lines(134))


def test_funding_by_the_entry_price_is_told_as_about() -> None:
    coin = frames.hedge()[0]
    (short,) = coin.shorts

    def drawn(at_entry: int, funding: float | None) -> list[str]:
        told = replace(short, payments=14, at_entry=at_entry, funding=funding)
        both = (replace(coin, funding=funding, shorts=(told,)),)
        return frames.text(hedge.pane(both, palette=DARK, width=80, height=9)).splitlines()

    title, _, of_coin, _, of_short = drawn(2, -14.62)
    assert "~ in part by the entry price" in title
    assert "~-14.62" in of_coin.split() and "~-14.62" in of_short.split()
    assert "~14.62" in drawn(2, 14.62)[4].split()
    assert "~" not in "".join(drawn(0, 14.62) + drawn(2, None)[2:])


def test_what_is_unknown_is_said_with_its_reason() -> None:
    assert lines(80)[6].strip() == "gate     ETH/USDT:USDT  10 sold; a book is syncing"


def test_of_funding_that_is_not_known_no_part_is_told_as_nothing() -> None:
    coin = frames.hedge()[0]
    (short,) = coin.shorts
    unknown = replace(short, funding=None, earned=0.0, given=0.0)
    drawn = hedge.pane((replace(coin, shorts=(unknown,)),), palette=DARK, width=134, height=9)
    assert frames.text(drawn).splitlines()[4].split()[5:10] == ["–", "-0.0100", "+56.80", "–", "–"]


def test_it_takes_as_many_lines_as_it_says() -> None:
    assert len(lines(80)) == hedge.height(frames.hedge()) == 7
    assert len(lines(80, 4)) == 4


def test_without_a_book_it_says_where_one_comes_from() -> None:
    drawn = hedge.pane((), palette=DARK, width=100, height=5)
    assert "'hedge_book' of the configuration" in frames.text(drawn)


def test_a_key_shows_it_and_the_ladders_again() -> None:
    scene = Scene(frames.frame(), DARK)
    scene.show_hedge()
    assert scene.layout.pane is Pane.HEDGE
    scene.help()
    scene.show_hedge()
    assert (scene.layout.pane, scene.layout.help) == (Pane.HEDGE, False)
    scene.show_hedge()
    assert scene.layout.pane is Pane.DETAIL


def test_the_next_pane_is_the_hedge_book_only_where_there_is_one() -> None:
    scene = Scene(frames.frame(), DARK)
    scene.show(Pane.EVENTS)
    scene.show(None)
    assert scene.layout.pane is Pane.HEDGE
    scene.take(frames.frame(hedge=()))
    scene.show(None)
    assert scene.layout.pane is Pane.DETAIL
    scene.show(Pane.EVENTS)
    scene.show(None)
    assert scene.layout.pane is Pane.DETAIL


def test_names_from_outside_are_harmless() -> None:
    coin = frames.hedge()[1]
    (short,) = coin.shorts
    bad = replace(short, venue="\x1b[2J", symbol="\x07", reason="\x1b]0;x\x07")
    drawn = hedge.pane(
        (replace(coin, coin="\x1b", shorts=(bad,)),), palette=DARK, width=90, height=9
    )
    assert "".join(part.text for line in drawn for part in line).isprintable()
