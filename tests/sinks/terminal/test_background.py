"""Dark or light, by the terminal's own word."""

from __future__ import annotations

import pytest

from scanner.sinks.terminal.background import brightness, is_light


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"\x1b]11;rgb:0000/0000/0000\x1b\\\x1b[?62;c", 0.0),
        (b"\x1b]11;rgb:ffff/ffff/ffff\x07\x1b[?1;2c", 1.0),
        (b"\x1b]11;rgb:ff/ff/ff\x1b\\", 1.0),
        (b"\x1b]11;rgba:0d0d/1111/1717/ffff\x1b\\", 0.065),
        (b"\x1b[?62;c", None),
        (b"", None),
        (b"\x1b]11;rgb:zz/00/00\x1b\\", None),
    ],
)
def test_the_answer(answer: bytes, expected: float | None) -> None:
    found = brightness(answer)
    assert found == (None if expected is None else pytest.approx(expected, abs=0.01))


def test_without_a_terminal_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.__stdin__", None)
    assert is_light({"COLORFGBG": "0;15"})
    assert not is_light({"COLORFGBG": "15;0"})
    assert not is_light({"COLORFGBG": "15;default;0"})
    assert not is_light({})
