"""What the commands about integrations and logs do: open, ask the store, seal or mask, close."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any
from uuid import UUID

from models.integration import SECRETS, Integration
from pipelines import migrate, practice, secrets, store, vault
from pipelines.configure import settings_of
from pipelines.database import Connection, connect
from pipelines.errors import ConfigurationError
from pipelines.given import Given, New, given
from pipelines.outcome import outcome
from pipelines.seal import needed
from pipelines.settings import target

Tell = Callable[[str], None]


def add(
    database: str | None,
    tell: Tell,
    new: New,
    created_by: UUID | None,
) -> dict[str, Any]:
    """Register an integration, checked; the practice shop of its type is cleared away. Raises ConfigurationError."""
    source, name, options = new.source, new.name, new.options
    settings_of(source, name, options.settings)
    texts = read(options)
    with _to_write(database, tell) as connection:
        if created_by is not None and not store.budtender_exists(connection, created_by):
            raise ConfigurationError(f"There is no budtender {created_by}: leave --created-by out, or check the id")
        cleared = practice.clear_away(connection, source)
        if cleared:
            tell(cleared)
        with connection.transaction():
            added = store.add(connection, source=source, name=name, config=options.settings, created_by=created_by)
            _seal(connection, added, texts)
        return _masked(added)


def refuse_second(database: str | None, tell: Tell, source: str) -> None:
    """Raise ConfigurationError where a real integration of the type is active: no other can be added."""
    with _to_write(database, tell) as connection:
        known = store.active(connection, source)
        if known is not None and not known.is_sandbox:
            store.only_active(connection, source)


def changed(
    database: str | None,
    tell: Tell,
    wanted: str,
    *,
    settings: list[str] | None,
    removed: list[str] | None,
    secrets: list[str] | None,
) -> dict[str, Any]:
    """Change an integration's settings: all that was given, or on an error nothing. Raises ConfigurationError."""
    if not (settings or removed or secrets):
        raise ConfigurationError("There is nothing to change: give --set key=value, --unset key or --secret key=…")
    with _to_write(database, tell) as connection:
        found = store.integration(connection, wanted)
    if found.is_sandbox:
        raise ConfigurationError(
            f"{found.name} is the shop to practise on, whose settings are made for it: "
            f"add your own, {practice.HOW_TO_ADD.removeprefix('add one ')}"
        )
    options = given(found.type, settings, secrets, removed)
    settings_of(found.type, found.name, options.applied(found.config))
    texts = read(options)  # before the database is opened again: somebody may be typing
    with connect(target(database), waiting=tell) as connection, connection.transaction():
        now = store.held(connection, found)
        config = options.applied(now.config)
        settings_of(now.type, now.name, config)
        _seal(connection, now, texts)
        for name in SECRETS[now.type]:
            reference = config.get(name)
            if not (isinstance(reference, dict) and "secret" in reference):
                vault.remove(connection, now.id, name)
        return _masked(store.configure(connection, now, config))


def read(options: Given) -> dict[str, str]:
    """The secrets to seal; asked for only where there is a key to seal them with."""
    if options.awaited is not None:
        needed(f"Sealing the {options.awaited}")
    return options.read()


def _seal(connection: Connection, integration: Integration, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        vault.put(connection, needed(f"Sealing the {name}"), integration.id, name, text)


def rotated(database: str | None, tell: Tell, wanted: str | None) -> dict[str, Any]:
    """Put what is sealed, of one integration or of all, under the newest key; return how much. ConfigurationError."""
    seal = needed("Rotating")
    with _to_write(database, tell) as connection:
        of = None if wanted is None else store.integration(connection, wanted).id
        return asdict(vault.rotate(connection, seal, of))


def listed(database: str | None, *, due: bool) -> list[dict[str, Any]]:
    """Every integration, or those that are due; secrets masked."""
    with _to_read(database) as connection:
        return [_masked(one) for one in store.integrations(connection, due=due)]


def shown(database: str | None, wanted: str) -> dict[str, Any]:
    """One integration, secrets masked."""
    with _to_read(database) as connection:
        return _masked(store.integration(connection, wanted))


def switched(database: str | None, tell: Tell, wanted: str, *, on: bool) -> dict[str, Any]:
    """Enable or disable an integration; enabling a real one clears the practice shop away."""
    with _to_write(database, tell) as connection:
        found = store.integration(connection, wanted)
        if on and not found.is_sandbox:
            cleared = practice.clear_away(connection, found.type)
            if cleared:
                tell(cleared)
        return _masked(store.switch(connection, found, on=on))


def logs(database: str | None, integration: str | None, limit: int) -> list[dict[str, Any]]:
    """The newest sync logs."""
    with _to_read(database) as connection:
        of = None if integration is None else store.integration(connection, integration)
        return [asdict(one) for one in store.logs(connection, limit=limit, of=of)]


def log(database: str | None, wanted: str | None) -> dict[str, Any]:
    """One sync log, the newest where none is named, and what came of it (pipelines/outcome.py)."""
    with _to_read(database) as connection:
        return outcome(connection, store.log(connection, wanted))


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
