"""What the log says of a database that comes and goes."""

from __future__ import annotations

from scanner.persistence import CALM, FORGOTTEN, SECOND, Persistence


def test_each_trouble_is_said_once() -> None:
    followed = Persistence()
    said = [followed.begins("make room", second * SECOND) for second in range(5)]
    assert said == [True, False, False, False, False]
    assert followed.begins("end the other program", 5 * SECOND), "it is another one"


def test_its_end_is_believed_after_some_time() -> None:
    followed = Persistence()
    assert not followed.ends(0), "there was none"
    followed.begins("make room", SECOND)
    assert not followed.ends(2 * SECOND)
    assert not followed.ends(2 * SECOND + CALM - 1)
    assert followed.ends(2 * SECOND + CALM)
    assert not followed.ends(3 * SECOND + CALM), "once"


def test_a_disk_that_comes_and_goes_is_said_once_until_it_stays() -> None:
    followed, said = Persistence(), []
    for second in range(0, 600):
        at = second * SECOND
        if second < 300 and second % 5 == 0:
            if followed.begins("make room", at):
                said.append(("lost", second))
        elif followed.ends(at):
            said.append(("back", second))
    assert said == [("lost", 0), ("back", 306)]


def test_one_that_comes_back_later_is_believed_later() -> None:
    followed, said = Persistence(), []
    for second in range(0, 3600):
        at = second * SECOND
        if second % 30 < 2:
            if followed.begins("make room", at):
                said.append(second)
        else:
            followed.ends(at)
    assert said == [0, 30, 60], "10 s of calm, then 20 s; 40 s there are not"
    at = 3600 * SECOND
    assert not followed.ends(at)
    assert followed.ends(at + 40 * SECOND)
    at += FORGOTTEN + 40 * SECOND
    assert followed.begins("make room", at)
    assert not followed.ends(at)
    assert followed.ends(at + CALM), "after an hour it is a new story"
