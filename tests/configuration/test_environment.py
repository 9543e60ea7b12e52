"""``${NAME}`` in a document."""

from __future__ import annotations

import pytest

from scanner.configuration.environment import substituted
from scanner.configuration.located import Located, parse
from scanner.errors import ConfigError

ENVIRONMENT = {"A": "one", "B_2": "two: {x}", "_c": "${A}"}


def document(text: str) -> Located:
    return substituted(parse(text, "c.yaml"), ENVIRONMENT)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: ${A}", {"a": "one"}),
        ("a: x${A}-${B_2}y", {"a": "xone-two: {x}y"}),
        ("a: {b: ['${A}', 5, null]}", {"a": {"b": ("one", 5, None)}}),
        ("a: $A $ $$ {A}", {"a": "$A $ $$ {A}"}),
        ("a: $${A} and ${A}", {"a": "${A} and one"}),
        ("a: $$${A}", {"a": "$${A}"}),
        ("a: ${_c}", {"a": "${A}"}),
        ("${A}: 1", {"${A}": 1}),
        ("a: 5", {"a": 5}),
    ],
)
def test_it_is_replaced_once_in_texts_and_in_nothing_else(text: str, value: object) -> None:
    assert document(text).value == value


@pytest.mark.parametrize("text", ["${", "${}", "${A", "${A B}", "${1}", "${A:-x}", "x${\n  A}"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="begins the name of an environment variable"):
        document(f'a: "{text}"')


def test_a_missing_one_is_named_with_its_line_its_key_and_a_remedy() -> None:
    with pytest.raises(ConfigError) as caught:
        document("a: 1\nb:\n  c: [x, '${AA}']")
    error = caught.value
    assert (error.line, error.key, error.file) == (3, "b.c.1", "c.yaml")
    assert error.message == "the environment variable 'AA' is not set"
    assert error.remedy == "did you mean 'A'?"


def test_what_was_put_in_is_known_and_can_be_taken_out_again() -> None:
    found = document("a: x${A}\nb: {c: ['x${A}', y]}")
    assert found.inserted == {"one", "xone"}
    assert found.as_written(found.value) == {"a": "x${A}", "b": {"c": ("x${A}", "y")}}
