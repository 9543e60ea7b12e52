"""Every command, option, configuration key and venue is documented, in the words of the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, get_args
from xml.etree import ElementTree

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from typer.main import get_command

from docs.make import venues
from scanner.cli import cli
from scanner.commands.later import Later
from scanner.config import Config
from scanner.types import Depth
from scanner.venues.registry import CONTRACTS, native

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
REFERENCE = (ROOT / "docs" / "configuration.md").read_text()
OPERATING = (ROOT / "docs" / "operating.md").read_text()
SHIPPED = (ROOT / "config.yaml").read_text()
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
DOCUMENTED = "".join(document.read_text() for document in DOCUMENTS)


def shown(default: Any) -> str:
    if default is PydanticUndefined:
        return "required"
    if default is None or default in ((), {}):
        return "none"
    value = default.value if isinstance(default, Enum) else default
    if isinstance(value, tuple):
        return f"`[{', '.join(map(repr, value))}]`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def rows(model: type[BaseModel]) -> Iterator[str]:
    """The lines of the reference, in the order of the model; a section has a table of its own."""
    for name, field in model.model_fields.items():
        if not is_model(field.annotation):
            yield f"| `{name}` | {shown(field.default)} | {field.description} |"


def models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        for inner in within(field.annotation):
            if is_model(inner):
                yield from models(inner)


def within(annotation: Any) -> Iterator[Any]:
    """The annotation and all that it is made of, such as the values of a mapping of mappings."""
    yield annotation
    for part in get_args(annotation):
        yield from within(part)


def is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def commands() -> Iterator[tuple[str, Any]]:
    """Every command with its whole name, such as "db info"."""
    for name, command in get_command(cli).commands.items():  # type: ignore[attr-defined]
        loaded = command.load() if isinstance(command, Later) else command
        below = getattr(loaded, "commands", None)
        if below is None:
            yield name, loaded
        else:
            yield from ((f"{name} {inner}", command) for inner, command in below.items())


def options() -> Iterator[tuple[str, str]]:
    for name, command in commands():
        for parameter in command.params:
            for option in parameter.opts:
                if option.startswith("--"):
                    yield name, option


@pytest.mark.parametrize("model", list(models(Config)))
def test_every_key_is_in_the_reference_with_its_default_and_description(
    model: type[BaseModel],
) -> None:
    expected = list(rows(model))
    assert expected == [row for row in expected if row in REFERENCE]


def test_the_reference_has_no_key_that_the_model_lacks() -> None:
    known = {name for model in models(Config) for name in model.model_fields}
    named = set(re.findall(r"^\| `(\w+)` \|", REFERENCE, re.M))
    assert named <= known


@pytest.mark.parametrize("model", list(models(Config)))
def test_every_key_is_in_the_shipped_configuration(model: type[BaseModel]) -> None:
    keys = set(re.findall(r"^\s*(?:#\s*)?(?:- )?(\w+):", SHIPPED, re.M))
    assert set(model.model_fields) <= keys


def test_every_command_is_in_the_readme() -> None:
    missing = [name for name, _ in commands() if f"`crossbook {name}" not in README]
    assert missing == []


def test_every_option_is_documented() -> None:
    missing = [f"{name} {option}" for name, option in options() if f"`{option}" not in DOCUMENTED]
    assert missing == []


def test_every_metric_is_documented() -> None:
    source = (ROOT / "scanner" / "metrics.py").read_text()
    for kind, name in re.findall(r'_(gauge|counter)\(\s*"(\w+)"', source):
        assert f"`crossbook_{name}{'_total' if kind == 'counter' else ''}`" in OPERATING


@pytest.mark.parametrize("document", venues.WRITTEN, ids=lambda path: path.name)
def test_what_is_said_of_the_venues_is_what_the_registry_says(document: Path) -> None:
    told = "python -m docs.make.venues writes it anew"
    assert document.read_text() == venues.WRITTEN[document](), told


@pytest.mark.parametrize("name", CONTRACTS)
def test_every_venue_of_contracts_is_in_the_readme_with_its_channels(name: str) -> None:
    venue = native(name, contracts=True)
    assert venue is not None
    rows = README.partition("## Perpetuals and futures")[2].splitlines()
    row = next(line for line in rows if line.startswith(f"| {venue.name} | `{name}`"))
    for depth in Depth:
        assert f"{venue.channels[depth]} ({venue.proof[depth].value})" in row


def test_the_picture_is_small_and_shows_nothing_from_elsewhere() -> None:
    assert "](docs/screen.svg)" in README
    picture = (ROOT / "docs" / "screen.svg").read_bytes()
    assert len(picture) < 150_000
    svg = ElementTree.fromstring(picture)
    shown = "".join(svg.itertext()).replace("\xa0", " ")
    for text in ("CROSSBOOK", "SIMULATED", "NET BPS", "BUY ", "SELL ", "venues", "alerts", "▲"):
        assert text in shown
    told = picture.decode()
    assert set(re.findall(r"\w+://[^\s\"'<)]+", told)) <= {
        "http://www.w3.org/2000/svg",
        "https://www.textualize.io",
    }
    assert not re.search(r"/(home|root|tmp|work|usr)\b", told)


def headings(document: Path) -> set[str]:
    """What may stand behind ``#`` in a link to it."""
    titles = re.findall(r"^#+ (.+)$", document.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_within_the_repository_lead_somewhere(document: Path) -> None:
    for target, heading in re.findall(r"\]\(([^)#:]*)#?([^):]*)\)", document.read_text()):
        place = document.parent / target if target else document
        assert place.exists(), target
        assert not heading or heading in headings(place), f"{target}#{heading}"


def test_every_document_is_reached_from_the_readme() -> None:
    for document in DOCUMENTS[1:]:
        assert f"](docs/{document.name}" in README
