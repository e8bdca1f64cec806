"""Turn what an integration's row says into settings that a sync can use, or into one clear sentence."""

from __future__ import annotations

from pydantic import JsonValue, ValidationError

from models.integration import SETTINGS, Integration, SourceSettings
from pipelines.errors import ConfigurationError


def configured(integration: Integration) -> SourceSettings:
    """The settings of an integration that can be synced.

    Raises ConfigurationError: not active, of an unknown type, a setting missing, unknown or of no use.
    """
    if not integration.is_active:
        raise ConfigurationError(
            f"Integration is not active: {integration.name}. Run `guidelight integrations enable {integration.id}`"
        )
    return settings_of(integration.type, integration.name, integration.config)


def unknown(source: str) -> ConfigurationError:
    """The error for a type of integration that there is not."""
    return ConfigurationError(f"Unknown integration type: {source} (known: {', '.join(SETTINGS)})")


def unusable(name: str, where: str, why: str) -> ConfigurationError:
    """The error for a setting that can't be used."""
    return ConfigurationError(
        f"The configuration of {name} is not usable: {where}: {why}. See the README for the settings of each type"
    )


def flaw(source: str, config: dict[str, JsonValue], key: str) -> str | None:
    """What is wrong with one setting, whatever else is missing; None where nothing is."""
    try:
        SETTINGS[source].model_validate(config)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        return next((one["msg"] for one in found if one["loc"][:1] == (key,)), None)
    return None


def settings_of(source: str, name: str, config: JsonValue) -> SourceSettings:
    """A config checked against the settings of its source type. Raises ConfigurationError, never quoting a value."""
    if source not in SETTINGS:
        raise unknown(source)
    if not isinstance(config, dict):
        raise ConfigurationError(
            f"The config of {name} is no JSON object: give it its settings anew, with `guidelight integrations set`"
        )
    try:
        return SETTINGS[source].model_validate(config)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise unusable(name, ".".join(str(step) for step in first["loc"]) or "config", first["msg"]) from None
