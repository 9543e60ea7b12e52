"""What the simulated venues read and write alike."""

from __future__ import annotations

import msgspec
import pytest

from scanner.lab.wire import decoded, decoded_object, encoded, plain, plain_rows


@pytest.mark.parametrize(
    ("number", "written"),
    [("76794.00", "76794"), ("0.50", "0.5"), ("0.000", "0"), ("100", "100"), ("0", "0")],
)
def test_plain_numbers_have_no_trailing_zeros(number: str, written: str) -> None:
    assert plain(number) == written


def test_plain_rows() -> None:
    assert plain_rows([("1.0", "0.20"), ("10", "3.5")]) == [("1", "0.2"), ("10", "3.5")]


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '"\ud800"', '{"a":1}x'])
def test_what_is_no_json_raises_one_kind_of_error(text: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        decoded(text)
    assert decoded_object(text) is None


def test_only_an_object_is_an_object() -> None:
    assert decoded_object('{"a":[1]}') == {"a": [1]}
    assert decoded_object("[]") is None
    assert decoded("[]") == []
    with pytest.raises(msgspec.ValidationError, match="Expected `object`"):
        decoded("[]", dict)


def test_encoded_text_is_compact() -> None:
    assert encoded({"a": [1, "é"]}) == '{"a":[1,"é"]}'
