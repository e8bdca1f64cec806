"""Forget what staging need not keep (DESIGN.md, Tables, Retention, and `plan`); only by who has the turn."""

from __future__ import annotations

from uuid import UUID

from pipelines.database import Connection

FULL_SYNCS_KEPT = 10
"""The newest published full syncs of a source, and everything since the oldest of them, stay in staging."""

LOG_DAYS = 400
"""Days that a sync log is kept."""

_LOGS = """
    select log.id from sync_logs as log
    inner join integrations as integration on integration.id = log.integration_id
    where integration.type = $source and log.started_at < (
        select min(kept.started_at) from (
            select newest.started_at from sync_logs as newest
            inner join integrations as its on its.id = newest.integration_id
            where its.type = $source and newest.published_at is not null and newest.scope = 'full'
            order by newest.started_at desc
            limit {kept}
        ) as kept
    )
"""


def prune(connection: Connection, source: str) -> dict[str, int]:
    """Remove from staging what no kept sync refers to, dlt's own rows of that age, and logs beyond their days.

    Payloads stay as long as a kept sighting or a product refers to them. product_changes is never pruned.
    Returns how many rows of which table went, those of which any did.
    """
    staging = f"staging_{source}"
    old = _LOGS.format(kept=FULL_SYNCS_KEPT)
    gone = {"sync_logs": _forget_logs(connection, source)}
    if connection.one(f"{old} limit 1", source=source) is not None:
        for table in ("sightings", "rejected_records"):
            gone[table] = connection.written(
                f"delete from {staging}.{table} "
                f"where sync_log_id in ({old}) or sync_log_id not in (select id from sync_logs)",
                source=source,
            )
        gone["payloads"] = _forget_payloads(connection, source)
        connection.execute(
            f"""
            delete from {staging}._dlt_loads where inserted_at < (
                select max(log.started_at) from sync_logs as log where log.id in ({old})
            )
            """,
            source=source,
        )
    return {table: count for table, count in gone.items() if count}


def forget_plan(connection: Connection, source: str, plan: UUID) -> None:
    """Remove from staging what a plan brought, which has the turn of the source or died with it."""
    staging = f"staging_{source}"
    for table in ("sightings", "rejected_records"):
        connection.execute(f"delete from {staging}.{table} where sync_log_id = $id", id=plan)
    _forget_payloads(connection, source)
    connection.execute(
        f"delete from {staging}._dlt_loads where inserted_at >= "
        "(select taken_at from sync_turns where source = $source and sync_log_id = $id)",
        source=source,
        id=plan,
    )


def _forget_payloads(connection: Connection, source: str) -> int:
    return connection.written(
        f"""
        delete from staging_{source}.payloads as payload
        where not exists (
            select 1 from staging_{source}.sightings as sighting
            where sighting.content_hash = payload.content_hash
        )
        and not exists (
            select 1 from product_sync_state as state
            where state.source = $source and state.content_hash = payload.content_hash
        )
        """,
        source=source,
    )


def _forget_logs(connection: Connection, source: str) -> int:
    """Logs of the source beyond their days, but not of a sync that staging still holds."""
    return connection.written(
        f"""
        delete from sync_logs
        where status <> 'running' and started_at < now() - interval '{LOG_DAYS} days'
            and integration_id in (select id from integrations where type = $source)
            and not exists (
                select 1 from staging_{source}.sightings as sighting where sighting.sync_log_id = sync_logs.id
            )
        """,
        source=source,
    )
