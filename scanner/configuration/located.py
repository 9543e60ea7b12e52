"""YAML as plain values that still know their lines: what a configuration error needs.

Plain means: mappings with text keys, tuples, numbers, text, true, false and null. Aliases are
refused, which keeps a small file small; numbers such as ``1e-3`` are numbers (YAML 1.2), for which
PyYAML alone wants a dot.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from scanner.errors import ConfigError

Key: TypeAlias = tuple[str, ...]
MAX_BYTES = 1 << 20
SHORTEST_HIDDEN = 4
_TAG = "tag:yaml.org,2002:"
_CONSTRUCTED = frozenset(_TAG + name for name in ("null", "bool", "int", "float"))
_TEXT = frozenset(_TAG + name for name in ("str", "timestamp", "merge", "value"))
_TAGS = _CONSTRUCTED | _TEXT | {_TAG + "map", _TAG + "seq"}


class Located:
    """The value of a document and the line of each of its keys.

    ``written``: how texts that were put into the value stood in the file; they are never shown.
    """

    def __init__(
        self,
        file: str,
        value: Any,
        lines: Mapping[Key, int],
        written: Mapping[str, str] | None = None,
    ) -> None:
        self.file = file
        self.value = value
        self._lines = lines
        self._written = dict(written or {})

    @property
    def inserted(self) -> frozenset[str]:
        """The texts that do not stand in the file."""
        return frozenset(self._written)

    def replaced(self, value: Any, written: Mapping[str, str]) -> Located:
        """The same document with texts put into its value; ``written``: what stood for them."""
        return Located(self.file, value, self._lines, written)

    def as_written(self, value: Any) -> Any:
        """A part of the value as the file has it."""
        if isinstance(value, dict):
            return {name: self.as_written(inner) for name, inner in value.items()}
        if isinstance(value, tuple):
            return tuple(map(self.as_written, value))
        return self._written.get(value, value) if isinstance(value, str) else value

    def line(self, key: Key) -> int:
        """The line of ``key``, or of what would hold it where the file does not have it."""
        while key and key not in self._lines:
            key = key[:-1]
        return self._lines.get(key, 0)

    def error(self, message: str, key: Key = (), remedy: str = "") -> ConfigError:
        """An error at ``key``; what does not stand in the file is not in its text either."""
        for text in sorted(self._written, key=len, reverse=True):
            if len(text) >= SHORTEST_HIDDEN:
                message = message.replace(text, self._written[text])
        return ConfigError(
            message, file=self.file, line=self.line(key), key=".".join(key), remedy=remedy
        )


# What PyYAML says (a part of it), and what to do about it; ``{line}``: where it began.
_REMEDIES = {
    "'\\t'": "indent with spaces, not tabs",
    "found another document": "keep one, and no '---' in between",
    "mapping values are not allowed": "give each key a line of its own, and put a text that has"
    " ': ' in it in quotes",
    "while scanning an alias": "put a text that begins with '*' in quotes, as in '*/USDT'",
    "cannot start any token": "put it in quotes",
    "while parsing a flow sequence": "close the list that begins in line {line} with ']'",
    "while parsing a flow mapping": "close what begins in line {line} with '}}'",
    "while scanning a quoted scalar": "close the quote that begins in line {line}",
    "could not find expected ':'": "write a colon and a space behind the key",
    "expected <block end>": "indent what belongs together by the same number of spaces",
    "aliases": "write out what it stands for, or put the text in quotes",
    "the tag": "remove it, or put the text in quotes",
}


def _refused(problem: str, at: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=at.start_mark)


class _Loader(yaml.SafeLoader):
    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise _refused("aliases (*name) are not taken here", event)
        return super().compose_node(parent, index)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+$"),
    list("-+.0123456789"),
)


def read(path: Path) -> Located:
    """The document in the file at ``path``; raises ``ConfigError``."""
    file = str(path)
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(
            "there is no such file", file=file, remedy="give one by --config PATH"
        ) from None
    except IsADirectoryError:
        raise ConfigError("is a folder, not a file", file=file) from None
    except OSError as error:
        raise ConfigError(f"cannot be read ({error.strerror})", file=file) from None
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"is larger than {MAX_BYTES} bytes", file=file)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            "is not UTF-8 text", file=file, line=line, remedy="save it as UTF-8"
        ) from None
    return parse(text, file)


def parse(text: str, file: str) -> Located:
    """The document ``text``, which came from ``file``; raises ``ConfigError``."""
    loader = None
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        lines: dict[Key, int] = {}
        value = None if root is None else _plain(loader, root, (), lines)
    except yaml.MarkedYAMLError as error:
        raise _syntax(error, file) from None
    except yaml.reader.ReaderError as error:
        raise ConfigError(
            f"holds a character that YAML forbids (number {error.character:#x})",
            file=file,
            line=text.count("\n", 0, error.position) + 1,
            remedy="remove it",
        ) from None
    except (RecursionError, ValueError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ConfigError(f"cannot be read as YAML: {reason}", file=file) from None
    finally:
        if loader is not None:
            loader.dispose()
    return Located(file, value, lines)


def _syntax(error: yaml.MarkedYAMLError, file: str) -> ConfigError:
    mark = error.problem_mark or error.context_mark
    problem = error.problem or error.context or "unreadable"
    line = mark.line + 1 if mark else 0
    began = error.context_mark.line + 1 if error.context_mark else line
    said = f"{problem} {error.context}"
    remedy = next((remedy for part, remedy in _REMEDIES.items() if part in said), "")
    return ConfigError(
        f"cannot be read as YAML: {problem.removeprefix('but ')}",
        file=file,
        line=line,
        remedy=remedy.format(line=began),
    )


def _plain(loader: _Loader, node: yaml.Node, key: Key, lines: dict[Key, int]) -> Any:
    if node.tag not in _TAGS:
        raise _refused(f"the tag {node.tag!r} is not taken here", node)
    lines.setdefault(key, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return _mapping(loader, node, key, lines)
    if isinstance(node, yaml.SequenceNode):
        return tuple(
            _plain(loader, item, (*key, str(place)), lines) for place, item in enumerate(node.value)
        )
    return node.value if node.tag in _TEXT else loader.construct_object(node)


def _mapping(
    loader: _Loader, node: yaml.MappingNode, key: Key, lines: dict[Key, int]
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in node.value:
        if not isinstance(name, yaml.ScalarNode):
            raise _refused("a key must be a word", name)
        if name.value in values:
            first = lines[(*key, name.value)]
            raise _refused(
                f"the key {name.value!r} stands here again after line {first}; keep one", name
            )
        below = (*key, name.value)
        lines[below] = name.start_mark.line + 1
        values[name.value] = _plain(loader, value, below, lines)
    return values
