"""Secrets: resolved where they are used, sealed where they are found in clear, masked everywhere else."""

from __future__ import annotations

import re
from typing import Any

from pydantic import JsonValue

from models.integration import SECRETS, SETTINGS, Integration, SourceSettings
from pipelines import store, vault
from pipelines.database import Connection
from pipelines.errors import ConfigurationError
from pipelines.seal import Seal, seal
from pipelines.settings import variable

_PLAIN = {name for settings in SETTINGS.values() for name in settings.model_fields} - {
    name for names in SECRETS.values() for name in names
}
"""Settings that may be shown whatever they are called, and whatever a shop calls its categories in them."""

_USER_IN_URL = re.compile(r"(?<=://)[^?#\s]*@")


def resolve(connection: Connection, integration: Integration, settings: SourceSettings) -> str:
    """The key that an integration's requests carry.

    Raises ConfigurationError when it can't be had: variable not set, nothing sealed, no key that opens it; and where
    GUIDELIGHT_SECRET_KEY holds no key, whether it is needed now or not.
    """
    given = settings.api_key
    if integration.is_sandbox and isinstance(given, str):
        return given
    opener = seal()
    if isinstance(given, str):
        found = given
    elif given.env is not None:
        found = _in_environment(integration, given.env)
    else:
        found = _opened(connection, integration, opener)
    if not found.strip():
        raise ConfigurationError(f"The api_key of {integration.name} is blank: {_again(integration)}")
    return found


def _in_environment(integration: Integration, name: str) -> str:
    value = variable(name)
    if value is None:
        raise ConfigurationError(
            f"The environment variable {name}, in which the api_key of {integration.name} should be, is not set"
        )
    return value


def _opened(connection: Connection, integration: Integration, opener: Seal | None) -> str:
    sealed = vault.sealed(connection, integration.id, "api_key")
    if sealed is None:
        raise ConfigurationError(
            f"The api_key of {integration.name} should be sealed in the database, and is not there: "
            f"{_again(integration)}"
        )
    if opener is None:
        raise ConfigurationError(
            f"The api_key of {integration.name} is sealed, and GUIDELIGHT_SECRET_KEY is not set: "
            "set it to the key that it was sealed with"
        )
    return opener.open(integration.id, "api_key", sealed[0])


def _again(integration: Integration) -> str:
    return f"give it with `guidelight integrations set {integration.id} --secret api_key=-`"


def in_clear(integration: Integration) -> list[str]:
    """The keys of config in whose place a secret stands unsealed, as the app's form may write it."""
    if integration.is_sandbox or not isinstance(integration.config, dict):
        return []
    return [name for name in SECRETS.get(integration.type, ()) if isinstance(integration.config.get(name), str)]


def warnings(integration: Integration, sealed: list[str]) -> list[dict[str, Any]]:
    """What summary.warnings says of each secret that stood in clear in the integration's config and was not sealed."""
    return [
        {
            "kind": "secret in clear",
            "message": f"{name} stands in clear in config: set GUIDELIGHT_SECRET_KEY, and the next sync seals it, "
            f"or use --secret {name}=env:VARIABLE",
        }
        for name in in_clear(integration)
        if name not in sealed
    ]


def seal_found(connection: Connection, integration: Integration) -> list[str]:
    """Seal and mask what stands in clear in the integration's config, where there is a key to do it with.

    To be called by who has the turn. What was changed in config since `integration` was read is left for the next
    sync, which reads it. Returns the names of what was sealed; for the rest `in_clear` is a warning.
    Raises ConfigurationError where GUIDELIGHT_SECRET_KEY holds no key.
    """
    found = in_clear(integration)
    sealer = seal() if found else None
    if sealer is None:
        return []
    with connection.transaction():
        now = store.held(connection, integration)
        if not isinstance(now.config, dict) or now.config != integration.config:
            return []
        config = dict(now.config)
        for name in found:
            text = str(config[name])
            vault.put(connection, sealer, integration.id, name, text)
            config[name] = {"secret": masked(text)}
        store.configure(connection, integration, config)
    return found


def mask(config: JsonValue) -> JsonValue:
    """A config that may be shown: of all that isn't a setting which is no secret only the last characters stay."""
    if isinstance(config, dict):
        return {name: _shown(name, value) for name, value in config.items()}
    if isinstance(config, list):
        return [mask(item) for item in config]
    return masked(config) if isinstance(config, str) else config


def _shown(name: str, value: JsonValue) -> JsonValue:
    if name not in _PLAIN:
        return value if _is_reference(value) else masked(value if isinstance(value, str) else "")
    if isinstance(value, str):
        return _USER_IN_URL.sub("…@", value)
    return value


def _is_reference(value: JsonValue) -> bool:
    """Whether it only says where a secret is: {"env": "VARIABLE"}, {"secret": "…last4"}."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    kind, where = next(iter(value.items()))
    if not isinstance(where, str):
        return False
    return kind == "env" or (kind == "secret" and where.startswith("…") and len(where) <= 5)


def masked(text: str) -> str:
    """What is shown of a secret: its last four characters, or of a short one nothing."""
    text = text.strip()
    return "…" + "".join(one if one.isprintable() else "?" for one in text[-4:]) if len(text) > 8 else "…"
