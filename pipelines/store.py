"""integrations and sync_logs: every statement about them that is not the publish's."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import JsonValue

from models.integration import Integration
from models.record import storable
from models.sync import Problems, Status, SyncLog
from pipelines.database import Connection, Row
from pipelines.errors import ConfigurationError

_INTEGRATION = ", ".join(field.name for field in fields(Integration))
_LOG = ", ".join(field.name for field in fields(SyncLog))

_BEGINS = "$start <> '' and starts_with(cast(id as varchar), $start)"

# A sync that is due: DESIGN's `--due`. A first sync is due at once, and one after a clock that was ahead.
_DUE = """
    is_active and sync_enabled
    and (
        last_sync_at is null or last_sync_at > now()
        or last_sync_at < now() - coalesce(sync_interval_minutes, 60) * interval '1 minute'
    )
"""


def integrations(connection: Connection, *, due: bool = False) -> list[Integration]:
    """Every integration, oldest first, or only those that are due to be synced."""
    condition = _DUE if due else "true"
    rows = connection.rows(f"select {_INTEGRATION} from integrations where {condition} order by created_at, id")
    return [_integration(row) for row in rows]


def integration(connection: Connection, given: str) -> Integration:
    """The integration of an id, or of its first characters where they are unique. Raises ConfigurationError."""
    rows = connection.rows(f"select {_INTEGRATION} from integrations where {_BEGINS}", start=_start(given))
    if len(rows) > 1:
        raise ConfigurationError(f"{given} is the beginning of {len(rows)} integrations: give more of the id")
    if not rows:
        raise ConfigurationError(
            f"Integration not found: {given} (`guidelight integrations list` shows those that exist)"
        )
    return _integration(rows[0])


def active(connection: Connection, source: str) -> Integration | None:
    """The one active integration of a type, or None."""
    row = connection.one(f"select {_INTEGRATION} from integrations where type = $type and is_active", type=source)
    return None if row is None else _integration(row)


def add(
    connection: Connection, *, source: str, name: str, config: dict[str, JsonValue], created_by: UUID | None = None
) -> Integration:
    """Register an integration, active and enabled for scheduled syncs. Raises ConfigurationError if one is active."""
    only_active(connection, source)
    row = connection.one(
        f"""
        insert into integrations (type, name, config, sync_enabled, created_by)
        values ($type, $name, cast($config as jsonb), true, $created_by)
        returning {_INTEGRATION}
        """,
        type=source,
        name=name,
        config=_json(config),
        created_by=created_by,
    )
    assert row is not None
    return _integration(row)


def switch(connection: Connection, wanted: Integration, *, on: bool) -> Integration:
    """Enable or disable an integration. Raises ConfigurationError when another of its type is active."""
    if on and not wanted.is_active:
        only_active(connection, wanted.type)
    row = connection.one(
        f"update integrations set is_active = $is_on, updated_at = now() where id = $id returning {_INTEGRATION}",
        is_on=on,
        id=wanted.id,
    )
    assert row is not None
    return _integration(row)


def held(connection: Connection, wanted: Integration) -> Integration:
    """The integration as it stands now, kept from other writers until this transaction ends.

    Raises ConfigurationError when it has been deleted.
    """
    lock = " for update" if connection.is_postgres else ""
    row = connection.one(f"select {_INTEGRATION} from integrations where id = $id{lock}", id=wanted.id)
    if row is None:
        raise ConfigurationError(f"Integration {wanted.name} ({wanted.id}) has been deleted meanwhile")
    return _integration(row)


def configure(connection: Connection, wanted: Integration, config: dict[str, JsonValue]) -> Integration:
    """Replace an integration's settings."""
    row = connection.one(
        f"""
        update integrations set config = cast($config as jsonb), updated_at = now()
        where id = $id returning {_INTEGRATION}
        """,
        config=_json(config),
        id=wanted.id,
    )
    assert row is not None
    return _integration(row)


def only_active(connection: Connection, source: str) -> None:
    """One active integration a type, as the seed says; DuckDB has no partial index to enforce it."""
    other = active(connection, source)
    if other is not None:
        raise ConfigurationError(
            f"{other.name} ({other.id}) is the active {source} integration, and only one of a type can be: "
            f"run `guidelight integrations disable {other.id}` first"
        )


def budtender_exists(connection: Connection, wanted: UUID) -> bool:
    """Whether the app knows the person; True where that may not be read (guidelight_sync): the foreign key tells."""
    readable = "select has_table_privilege('budtenders', 'select')"
    if connection.is_postgres and not connection.value(readable):
        return True
    return connection.one("select id from budtenders where id = $id", id=wanted) is not None


def unknown_budtender(wanted: UUID | None) -> ConfigurationError:
    """The error for a --triggered-by of nobody."""
    return ConfigurationError(f"There is no budtender {wanted}: check the id, or leave --triggered-by out")


def logs(connection: Connection, *, limit: int, of: Integration | None = None) -> list[SyncLog]:
    """The newest sync logs first, of one integration or of all."""
    rows = connection.rows(
        f"""
        select {_LOG} from sync_logs
        where cast($integration as uuid) is null or integration_id = cast($integration as uuid)
        order by started_at desc limit {limit:d}
        """,
        integration=None if of is None else of.id,
    )
    return [_log(row) for row in rows]


def log(connection: Connection, given: str | UUID | None = None) -> SyncLog:
    """The sync log of an id or its unique first characters; without one the newest. Raises ConfigurationError."""
    if given is None:
        newest = logs(connection, limit=1)
        if not newest:
            raise ConfigurationError("There is no sync log yet: run `guidelight sync`")
        return newest[0]
    rows = connection.rows(f"select {_LOG} from sync_logs where {_BEGINS}", start=_start(given))
    if len(rows) != 1:
        how = f"{given} is the beginning of {len(rows)} sync logs: give more of the id" if rows else None
        raise ConfigurationError(how or f"Sync log not found: {given} (`guidelight logs list` shows the newest)")
    return _log(rows[0])


def finished_syncs(connection: Connection, of: Integration) -> int:
    """How many full syncs of the integration have ended: the sandbox's day (DESIGN.md, Sources)."""
    return int(
        connection.value(
            "select count(*) as n from sync_logs where integration_id = $id and status <> 'running' and scope = 'full'",
            id=of.id,
        )
    )


def fetched(connection: Connection, sync_log_id: UUID, count: int) -> None:
    """Set how many products came, of a sync that publishes nothing: the publish counts its own."""
    connection.execute(
        "update sync_logs set products_fetched = $count where id = $id and status = 'running'",
        count=count,
        id=sync_log_id,
    )


def finish(
    connection: Connection,
    sync_log_id: UUID,
    *,
    status: Status,
    problems: Problems,
    error_message: str | None,
    summary: dict[str, Any],
    traceback: list[str] | None = None,
) -> bool:
    """End a running log and, of a full sync, tell its integration; False when the log was no longer running.

    `summary` joins what the publish wrote there. To be called in a transaction.
    """
    row = connection.one(
        "select summary, integration_id, scope from sync_logs where id = $id and status = 'running'", id=sync_log_id
    )
    if row is None:
        return False
    details = problems.as_json()
    if traceback is not None:
        details = (details or {}) | {"traceback": traceback}
    connection.execute(
        """
        update sync_logs
        set status = $status, completed_at = now(),
            duration_ms = cast(extract(epoch from (now() - started_at)) * 1000 as integer),
            errors_count = $errors_count, error_message = $error_message,
            error_details = cast($details as jsonb), summary = cast($summary as jsonb)
        where id = $id and status = 'running'
        """,
        id=sync_log_id,
        status=str(status),
        errors_count=problems.total,
        error_message=None if error_message is None else storable(error_message),
        details=None if details is None else _json(details),
        summary=_json((row["summary"] or {}) | summary),
    )
    if row["scope"] == "full":
        connection.execute(
            "update integrations set last_sync_at = now(), last_sync_status = $status, updated_at = now() "
            "where id = $id",
            id=row["integration_id"],
            status=str(status),
        )
    return True


def published_at(connection: Connection, sync_log_id: UUID) -> datetime | None:
    """When the sync was published; None when it was not. The only proof (DESIGN.md, One sync, step 4).

    On Postgres it waits for a publish that is still being decided: its transaction holds the row.
    """
    lock = " for update" if connection.is_postgres else ""
    with connection.transaction():
        found: datetime | None = connection.value(
            f"select published_at from sync_logs where id = $id{lock}", id=sync_log_id
        )
    return found


def _json(value: Any) -> str:
    """json text that both engines take, whatever a source or an exception put into it (RELIABILITY.md, finding 10)."""
    return json.dumps(_storable(value), ensure_ascii=False, default=str)


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(str(key)): _storable(item) for key, item in value.items()}
    return [_storable(item) for item in value] if isinstance(value, list | tuple) else value


def _start(given: str | UUID) -> str:
    return str(given).strip().lower()


def _integration(row: Row) -> Integration:
    return Integration(**row)


def _log(row: Row) -> SyncLog:
    values = {name: row[name] for name in row}
    for name in ("products_fetched", "products_created", "products_updated", "products_unchanged", "errors_count"):
        values[name] = values[name] or 0
    return SyncLog(**(values | {"status": Status(row["status"])}))
