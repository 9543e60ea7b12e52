"""``${NAME}`` in the texts of a document: where secrets come in, so that they need not stand there.

``$${`` stands for a plain ``${``. Keys are taken as they are. What comes out of the environment is
always a text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from scanner.configuration.explain import did_you_mean
from scanner.configuration.located import Key, Located

_MARK = re.compile(r"\$(\$\{)|\$\{([^}\n]*)(\}?)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def substituted(document: Located, environment: Mapping[str, str]) -> Located:
    """``document`` with every ``${NAME}`` replaced; raises ``ConfigError``."""
    return _Substitution(document, environment).result()


class _Substitution:
    def __init__(self, document: Located, environment: Mapping[str, str]) -> None:
        self._document = document
        self._environment = environment
        self._written: dict[str, str] = {}

    def result(self) -> Located:
        value = self._value(self._document.value, ())
        return self._document.replaced(value, self._written)

    def _value(self, value: Any, key: Key) -> Any:
        if isinstance(value, dict):
            return {name: self._value(inner, (*key, name)) for name, inner in value.items()}
        if isinstance(value, tuple):
            return tuple(self._value(inner, (*key, str(i))) for i, inner in enumerate(value))
        return self._text(value, key) if isinstance(value, str) and "${" in value else value

    def _text(self, text: str, key: Key) -> str:
        found = False

        def variable(match: re.Match[str]) -> str:
            nonlocal found
            if match[1]:
                return match[1]
            found = True
            value = self._variable(match, key)
            self._written[value] = match[0]
            return value

        result = _MARK.sub(variable, text)
        if found:
            self._written[result] = text
        return result

    def _variable(self, match: re.Match[str], key: Key) -> str:
        name = match[2]
        if not (match[3] and _NAME.fullmatch(name)):
            told = "'${' begins the name of an environment variable, as in ${NAME}"
            raise self._document.error(told, key, "write '$${' for a plain '${'")
        value = self._environment.get(name, "")
        if not value:
            state = "empty" if name in self._environment else "not set"
            near = did_you_mean(name, self._environment) if state == "not set" else ""
            remedy = near or f"set it before the start: export {name}=..."
            raise self._document.error(f"the environment variable {name!r} is {state}", key, remedy)
        return value
