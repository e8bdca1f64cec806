"""What the commands about integrations and logs do: open, ask the store, mask, close."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any
from uuid import UUID

from pydantic import JsonValue

from models.integration import SECRETS, Integration
from pipelines import migrate, practice, secrets, store
from pipelines.configure import settings_of
from pipelines.database import Connection, connect
from pipelines.errors import ConfigurationError
from pipelines.settings import target

Tell = Callable[[str], None]


def add(
    database: str | None,
    tell: Tell,
    *,
    source: str,
    name: str,
    given: list[str] | None,
    secrets: list[str] | None,
    created_by: UUID | None,
) -> dict[str, Any]:
    """Register an integration, checked; the practice shop of its type is cleared away. Raises ConfigurationError."""
    config = _config(source, given or [], secrets or [])
    settings_of(source, name, config)
    with _to_write(database, tell) as connection:
        if created_by is not None and not store.budtender_exists(connection, created_by):
            raise ConfigurationError(f"There is no budtender {created_by}: leave --created-by out, or check the id")
        cleared = practice.clear_away(connection, source)
        if cleared:
            tell(cleared)
        return _masked(store.add(connection, source=source, name=name, config=config, created_by=created_by))


def _config(source: str, given: list[str], hidden: list[str]) -> dict[str, JsonValue]:
    config: dict[str, JsonValue] = {}
    for pair in given:
        key, value = _pair(pair, "--set")
        if key in SECRETS.get(source, ()):
            raise ConfigurationError(f"{key} is a secret: give it as --secret {key}=env:VARIABLE")
        if key == "sandbox":
            raise ConfigurationError("sandbox is no setting to be made: `make sync` registers the shop to practise on")
        config[key] = _value(value)
    for pair in hidden:
        key, value = _pair(pair, "--secret")
        config[key] = dict(secrets.parse(value))
    return config


def _pair(text: str, option: str) -> tuple[str, str]:
    key, mark, value = text.partition("=")
    if not key or not mark:
        raise ConfigurationError(f"{option} takes key=value")
    return key, value


def _value(text: str) -> JsonValue:
    """JSON where it is JSON, else text (INTERFACE.md)."""
    try:
        value: JsonValue = json.loads(text)
    except ValueError:
        return text
    return value


def listed(database: str | None, *, due: bool) -> list[dict[str, Any]]:
    """Every integration, or those that are due; secrets masked."""
    with _to_read(database) as connection:
        return [_masked(one) for one in store.integrations(connection, due=due)]


def shown(database: str | None, given: str) -> dict[str, Any]:
    """One integration, secrets masked."""
    with _to_read(database) as connection:
        return _masked(store.integration(connection, given))


def switched(database: str | None, tell: Tell, given: str, *, on: bool) -> dict[str, Any]:
    """Enable or disable an integration; enabling a real one clears the practice shop away."""
    with _to_write(database, tell) as connection:
        wanted = store.integration(connection, given)
        if on and not wanted.is_sandbox:
            cleared = practice.clear_away(connection, wanted.type)
            if cleared:
                tell(cleared)
        return _masked(store.switch(connection, wanted, on=on))


def logs(database: str | None, integration: str | None, limit: int) -> list[dict[str, Any]]:
    """The newest sync logs."""
    with _to_read(database) as connection:
        of = None if integration is None else store.integration(connection, integration)
        return [asdict(one) for one in store.logs(connection, limit=limit, of=of)]


def log(database: str | None, given: str | None) -> dict[str, Any]:
    """One sync log, the newest where none is named."""
    with _to_read(database) as connection:
        return asdict(store.log(connection, given))


@contextmanager
def _to_read(database: str | None) -> Iterator[Connection]:
    with connect(target(database), read_only=True) as connection:
        migrate.require_current(connection)
        yield connection


@contextmanager
def _to_write(database: str | None, tell: Tell) -> Iterator[Connection]:
    where = target(database)
    migrate.migrate(where, waiting=tell)
    with connect(where, waiting=tell) as connection:
        yield connection


def _masked(integration: Integration) -> dict[str, Any]:
    return asdict(integration) | {"config": secrets.mask(integration.config)}
