"""Secrets: resolved where they are used, masked everywhere else."""

from __future__ import annotations

from pydantic import JsonValue

from models.integration import SECRETS, Integration, SecretReference, TreezSettings
from pipelines.errors import ConfigurationError
from pipelines.settings import variable

_TELLING = ("key", "secret", "token", "password")


def resolve(integration: Integration, settings: TreezSettings) -> str:
    """The key that an integration's requests carry. Raises ConfigurationError when it can't be had."""
    given = settings.api_key
    if isinstance(given, str):
        return given
    if given.env is None:
        raise ConfigurationError(
            f"The api_key of {integration.name} is sealed, and sealed secrets can't be opened by this release: "
            f"refer to an environment variable with --secret api_key=env:VARIABLE"
        )
    value = variable(given.env)
    if value is None:
        raise ConfigurationError(
            f"The environment variable {given.env}, in which the api_key of {integration.name} should be, is not set"
        )
    return value


def in_clear(integration: Integration) -> list[str]:
    """The keys of config in whose place a secret stands unsealed, as the app's form may write it."""
    if integration.is_sandbox:
        return []
    return [name for name in SECRETS.get(integration.type, ()) if isinstance(integration.config.get(name), str)]


def mask(config: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """A config that may be shown: of anything that could be a secret only the last four characters stay."""
    return {
        name: _masked(value) if any(word in name.lower() for word in _TELLING) else value
        for name, value in config.items()
    }


def _masked(value: JsonValue) -> JsonValue:
    if isinstance(value, dict) and set(value) <= {"env", "secret"}:
        return value
    text = value if isinstance(value, str) else ""
    return f"…{text[-4:]}" if len(text) > 8 else "…"


def parse(given: str) -> dict[str, JsonValue]:
    """What `--secret key=VALUE` stores: a reference to an environment variable. Raises ConfigurationError."""
    kind, _, name = given.partition(":")
    if kind != "env" or not name:
        raise ConfigurationError("A secret is given as key=env:VARIABLE, the name of an environment variable")
    return SecretReference(env=name).model_dump(exclude_none=True)
