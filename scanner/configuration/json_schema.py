"""The JSON schema of config.yaml, by which editors complete and check it."""

from __future__ import annotations

import json
from typing import Any

from scanner.config import Config
from scanner.venues.registry import CONTRACTS, VENUES

DIALECT = "https://json-schema.org/draft/2020-12/schema"
NOTHING = {"type": "null"}


def text() -> str:
    """The schema as it stands in docs/config.schema.json."""
    found = Config.model_json_schema()
    for part in (found, *found.get("$defs", {}).values()):
        _loosen(part)
    venues = found["properties"]["venues"]
    venues["properties"] = dict.fromkeys((*VENUES, *CONTRACTS), venues["additionalProperties"])
    schema = {"$schema": DIALECT, **found, "title": "Crossbook's config.yaml"}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _loosen(model: dict[str, Any]) -> None:
    """A key without a value has its default, whatever the value would have to be."""
    model.pop("title", None)
    for name, field in model.get("properties", {}).items():
        values = field.get("additionalProperties")
        if isinstance(values, dict):
            field["additionalProperties"] = {"anyOf": [values, NOTHING]}
        model["properties"][name] = _described(field, name in model.get("required", ()))


def _described(field: dict[str, Any], required: bool) -> dict[str, Any]:
    """What describes the field, and what it may be. Titles and examples are for people."""
    told = {key: field.pop(key) for key in ("description", "default") if key in field}
    inner = {key: value for key, value in field.items() if key not in ("title", "examples")}
    if required:
        return told | inner
    forms = inner.get("anyOf") or [inner]
    return told | {"anyOf": [*forms, *([NOTHING] if NOTHING not in forms else [])]}
