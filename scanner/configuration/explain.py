"""What pydantic says of a document, in one line that its author can act on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from scanner.configuration.located import Key, Located
from scanner.errors import ConfigError

SHOWN = 40
_MESSAGES = {
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "string_type": "must be text",
    "tuple_type": "must be a list, such as [a, b]",
    "is_instance_of": "must be the path of a folder",
    "dict_type": "must be a mapping of keys",
    "model_type": "must be a mapping of keys",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "enum": "must be one of {expected}",
    "literal_error": "must be one of {expected}",
}
_REMEDIES = {
    "dict_type": "write each of them as 'name:' on a line of its own",
    "model_type": "write each of them as 'key: value' on a line of its own",
}


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """The question that names the word next to ``word``; empty where none is near."""
    matches = get_close_matches(word, list(words), n=1, cutoff=0.6)
    return f"did you mean {matches[0]!r}?" if matches else ""


def explained(invalid: ValidationError, document: Located, model: type[BaseModel]) -> ConfigError:
    """The first thing that is wrong, in the order of the file; what is missing comes last."""
    detail = min(
        invalid.errors(include_url=False),
        key=lambda detail: (detail["type"] == "missing", document.line(_key(detail))),
    )
    kind, key = detail["type"], _key(detail)
    if kind == "missing":
        return document.error("is missing", key, "docs/configuration.md has an example")
    fields = _fields(model, key[:-1])
    if kind == "extra_forbidden":
        near = did_you_mean(key[-1], fields)
        return document.error("unknown key", key, near or f"known here: {', '.join(fields)}")
    field = fields.get(key[-1])
    remedy = _REMEDIES.get(kind, "")
    if field and field.examples:
        remedy = f"for example {field.examples[0]}"
    if kind == "value_error":
        return document.error(str(detail["ctx"]["error"]), key, remedy)
    message = _MESSAGES.get(kind, detail["msg"]).format(**detail.get("ctx", {}))
    return document.error(
        f"{message}, not {_shown(document.as_written(detail['input']))}", key, remedy
    )


def _shown(value: Any) -> str:
    text = repr(list(value) if isinstance(value, tuple) else value)
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."


def _key(detail: ErrorDetails) -> Key:
    return tuple(str(part) for part in detail["loc"])


def _fields(model: type[BaseModel], key: Key) -> Mapping[str, FieldInfo]:
    """The fields that may stand under ``key``; a part that names none is the key of a mapping."""
    fields: Mapping[str, FieldInfo] = model.model_fields
    for part in key:
        if part in fields:
            inner = _model_in(fields[part].annotation)
            fields = inner.model_fields if inner else {}
    return fields


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((inner for part in get_args(annotation) if (inner := _model_in(part))), None)
