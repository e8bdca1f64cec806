"""Verify a sync: find it, count what the tables hold of it, and let its equations judge."""

from __future__ import annotations

from typing import Any

from models.sync import Status, SyncLog
from pipelines import migrate, store
from pipelines.database import Connection, connect
from pipelines.equations import KINDS, Case, Equation, equations
from pipelines.equations_now import equations_now, equations_past
from pipelines.errors import ConfigurationError
from pipelines.retention import FULL_SYNCS_KEPT
from pipelines.settings import target
from pipelines.sources import SOURCES


def verify(database: str | None, given: str | None) -> dict[str, Any]:
    """Recompute the receipt of a sync (DESIGN.md, Counts): of the newest published one, or of the one given.

    {sync_log_id, status, published_at, ok, equations: [{equation, ok, says, source_ids, products}]}; `ok` is false
    where an equation fails. Of a sync that published nothing, it is verified that nothing was written.
    Raises ConfigurationError: no such sync, none published yet, still running, its integration gone.
    """
    with connect(target(database), read_only=True) as connection:
        migrate.require_current(connection)
        with connection.transaction():
            if connection.is_postgres:
                # All equations of one state: a sync may publish meanwhile.
                connection.execute("set transaction isolation level repeatable read, read only")
            log = _log(connection, given)
            found = _unpublished(connection, log) if log.published_at is None else _published(connection, log)
    return {
        "sync_log_id": log.id,
        "status": log.status,
        "published_at": log.published_at,
        "ok": all(one.ok is not False for one in found),
        "equations": [one.as_json() for one in found],
    }


def _log(connection: Connection, given: str | None) -> SyncLog:
    if given is None:
        newest = connection.value(
            "select id from sync_logs where published_at is not null order by published_at desc limit 1"
        )
        if newest is None:
            raise ConfigurationError("No sync has published anything yet: run `guidelight sync`")
        return store.log(connection, newest)
    log = store.log(connection, given)
    if log.published_at is None and log.status == Status.RUNNING:
        raise ConfigurationError(f"The sync {log.id} is still running: wait for its end (`guidelight logs show`)")
    return log


def _unpublished(connection: Connection, log: SyncLog) -> list[Equation]:
    rows = connection.rows(
        "select source_id from product_changes where sync_log_id = $id order by source_id", id=log.id
    )
    ids = [row["source_id"] for row in rows]
    counted = log.products_created + log.products_updated + log.products_unchanged
    says = f"it {log.status}; {len(ids):,} changes stand under it, and its log counts {counted:,} products as written"
    return [Equation("published nothing = wrote nothing", not ids and not counted, says, ids)]


def _published(connection: Connection, log: SyncLog) -> list[Equation]:
    source = connection.value("select type from integrations where id = $id", id=log.integration_id)
    if source not in SOURCES:
        raise ConfigurationError(f"The integration of sync {log.id} is gone, or of an unknown type: {source}")
    receipt = (log.summary or {}).get("receipt")
    if not receipt:
        return [Equation("a published sync has a receipt", False, "sync_logs.summary holds none")]
    sightings, rejected = (
        connection.value(f"select count(*) as n from staging_{source}.{table} where sync_log_id = $id", id=log.id)
        for table in ("sightings", "rejected_records")
    )
    kinds = ", ".join(f"count(case when {condition} then 1 end) as {kind}" for kind, condition in KINDS.items())
    counts = connection.one(f"select {kinds} from product_changes where sync_log_id = $id", id=log.id)
    assert counts is not None
    is_pruned = not (sightings or rejected) and _is_old(connection, source, log)
    case = Case(connection, log, source, receipt, counts, sightings, rejected, is_pruned)
    return equations(case) + (equations_now(case) if _is_newest(connection, source, log) else equations_past())


def _is_old(connection: Connection, source: str, log: SyncLog) -> bool:
    """Whether retention lets go of the sync's staging (DESIGN.md, Tables, Retention)."""
    oldest = connection.value(
        f"""
        select min(started_at) as oldest from (
            select log.started_at from sync_logs as log
            inner join integrations as integration on integration.id = log.integration_id
            where integration.type = $source and log.published_at is not null and log.scope = 'full'
            order by log.started_at desc limit {FULL_SYNCS_KEPT}
        ) as kept
        """,
        source=source,
    )
    return oldest is not None and log.started_at < oldest


def _is_newest(connection: Connection, source: str, log: SyncLog) -> bool:
    later = connection.one(
        """
        select log.id from sync_logs as log
        inner join integrations as integration on integration.id = log.integration_id
        where integration.type = $source and log.published_at > $published_at limit 1
        """,
        source=source,
        published_at=log.published_at,
    )
    return later is None
