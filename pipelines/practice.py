"""The practice shop: registered where nothing real is, served for one command, cleared away when a real shop comes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from models.integration import Integration, SourceSettings
from pipelines import store
from pipelines.database import Connection
from pipelines.errors import ConfigurationError
from pipelines.sandbox.server import Sandbox
from pipelines.settings import Settings, Target

TYPE = "treez"

HOW_TO_ADD = (
    "add one with `guidelight integrations add --type treez --name NAME --set dispensary_id=ID "
    "--set client_id=ID --secret api_key=env:VARIABLE`"
)


def register(connection: Connection, target: Target) -> Integration:
    """The practice integration, registered or enabled again (DESIGN.md, Sources).

    Raises ConfigurationError where anything real could be hurt: under CI, a database on another host, an
    integration that is no sandbox, a product that the sandbox didn't bring.
    """
    refuse_under_ci()
    if not target.is_local:
        raise ConfigurationError(f"There is no active integration, and {target} is on another host: {HOW_TO_ADD}")
    known = store.integrations(connection)
    real = [one for one in known if not one.is_sandbox]
    if real:
        raise ConfigurationError(
            f"There is no active integration, but {real[0].name} is registered: "
            f"`guidelight integrations enable {real[0].id}`, or {HOW_TO_ADD}"
        )
    strangers = connection.value(
        """
        select count(*) as n from products as product
        where not exists (
            select 1 from product_sync_state as state
            where state.source = product.source and state.source_id = product.source_id
        )
        """
    )
    if strangers:
        raise ConfigurationError(
            f"There is no active integration, and {target} holds {strangers} products "
            f"that no sandbox brought: {HOW_TO_ADD}"
        )
    if known:
        return store.switch(connection, known[0], on=True)
    config = {"sandbox": True, "dispensary_id": "sandbox", "client_id": "sandbox-client", "api_key": "sandbox-key"}
    return store.add(connection, source=TYPE, name="Sandbox", config=config)  # type: ignore[arg-type]


def refuse_under_ci() -> None:
    """Raise ConfigurationError under CI: a scheduled run must never be green on a sandbox."""
    if Settings().under_ci:
        raise ConfigurationError(
            "There is no real integration, and under CI the sandbox is never synced: "
            f"set DATABASE_URL to the real database, and {HOW_TO_ADD}"
        )


_RATE = 12
"""Requests a second that the practice shop takes, of which it is asked 10. Both are on this machine, where dbt, dlt and
Great Expectations start at the same time: what left in good time may come late."""


@contextmanager
def served(integration: Integration, settings: SourceSettings, day: int) -> Iterator[SourceSettings]:
    """The settings to read with: for the practice shop those of a server that runs meanwhile, at its `day`."""
    if not integration.is_sandbox:
        yield settings
        return
    refuse_under_ci()
    with Sandbox(day=day, rate=_RATE) as shop:
        yield settings.model_copy(update={"base_url": shop.base_url, "allow_private_address": True})


def clear_away(connection: Connection, source: str) -> str | None:
    """Before a real integration of the type becomes active: disable the practice shop and remove what it brought.

    Returns a sentence of what was done, or None where there was nothing. One transaction.
    """
    known = store.integrations(connection)
    practice = next((one for one in known if one.type == source and one.is_sandbox), None)
    if practice is None:
        return None
    with connection.transaction():
        brought = connection.value(
            f"""
            select count(*) as n from products where source = $source and source_id in ({_STATE})
            """,
            source=source,
            id=practice.id,
        )
        for removal in _REMOVALS:
            statement = removal.format(source=source, state=_STATE)
            # DuckDB refuses a parameter that the statement doesn't name.
            connection.execute(statement, **({"id": practice.id} if "$id" in statement else {}))
        store.switch(connection, practice, on=False)
    if not practice.is_active and not brought:
        return None
    return f"{practice.name} was disabled, and its {brought} products, their history and its logs were removed"


_STATE = "select source_id from product_sync_state where integration_id = $id"

_REMOVALS = (
    "delete from products where source = '{source}' and source_id in ({state})",
    "delete from product_changes where integration_id = $id",
    "delete from product_sync_state where integration_id = $id",
    "delete from staging_{source}.sightings where integration_id = $id",
    "delete from staging_{source}.rejected_records where integration_id = $id",
    "delete from staging_{source}.payloads where content_hash not in "
    "(select content_hash from staging_{source}.sightings)",
    "delete from sync_logs where integration_id = $id",
)
