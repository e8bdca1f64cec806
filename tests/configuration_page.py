"""docs/configuration.md, made from the typed settings: `python -m tests.configuration_page` writes it anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from models.integration import SECRETS, SETTINGS, CheckSettings
from pipelines.settings import ROOT, Settings

PAGE = ROOT / "docs" / "configuration.md"

_HEAD = """# Everything that can be set

Made from the typed settings (`pipelines/settings.py`, `models/integration.py`); a test holds it to them. Values are
checked when a command starts, and one that can't be used is named, exit 2. There is no file of settings: what is about
a machine stands in its environment, what is about a shop in the database, beside its integration.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *_environment(), *_integrations(), *_checks()]) + "\n"


def _environment() -> Iterator[str]:
    yield "## The environment\n"
    yield "| variable | default | what it is |\n| --- | --- | --- |"
    for field in Settings.model_fields.values():
        yield f"| `{field.validation_alias}` | {_default(field)} | {field.description} |"
    yield "\nA secret of an integration may stand in any variable that `--secret NAME=env:VARIABLE` names.\n"


def _integrations() -> Iterator[str]:
    for source, settings in SETTINGS.items():
        yield f"## An integration of type `{source}`\n"
        yield "`integrations.config`: the app's form writes it, or `integrations add | set --set KEY=VALUE`.\n"
        yield from _table(settings, without=("checks",))
        secrets = ", ".join(f"`{name}`" for name in SECRETS[source])
        yield f"\nSecrets: {secrets}: `--secret NAME=env:VARIABLE`, or `--secret NAME=-`, which is sealed.\n"


def _checks() -> Iterator[str]:
    yield "## Thresholds of the checks\n"
    yield "In `config.checks`, as one value: `--set 'checks={\"max_drop_percent\": 30}'`.\n"
    yield from _table(CheckSettings)


def _table(settings: type[BaseModel], without: tuple[str, ...] = ()) -> Iterator[str]:
    yield "| key | takes | default | what it is |\n| --- | --- | --- | --- |"
    members = settings.model_json_schema()["properties"]
    for name, field in settings.model_fields.items():
        if name not in without:
            yield f"| `{name}` | {_takes(members[name])} | {_default(field)} | {_cell(field.description or '')} |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True)
    if value is None or value == {}:
        return "none"
    if isinstance(value, str) and value.startswith(str(ROOT)):
        return f"`{Path(value).relative_to(ROOT)}` in the checkout"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _takes(schema: dict[str, Any]) -> str:
    """What a setting takes, from its JSON schema."""
    if any(one.get("$ref", "").endswith("SecretReference") for one in schema.get("anyOf", [])):
        return "a secret"
    if "anyOf" in schema:
        kinds = [one for one in schema["anyOf"] if one.get("type") != "null"]
        return _takes(kinds[0])
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    bounds = {"minimum": "from {}", "exclusiveMinimum": "above {}", "maximum": "to {}"}
    said = [words.format(f"{schema[key]:g}") for key, words in bounds.items() if key in schema]
    kind = {"boolean": "true or false", "number": "a number", "integer": "a whole number", "object": "an object"}
    return " ".join([kind.get(schema["type"], "text"), *said])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page())
