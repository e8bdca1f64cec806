"""Forget what is old enough (DESIGN.md, Tables, Retention); only by who has the turn, after a publish."""

from __future__ import annotations

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


def prune(connection: Connection, source: str) -> None:
    """Remove from staging what no kept sync refers to, dlt's own rows of that age, and logs beyond their days.

    Payloads stay as long as a kept sighting or a product refers to them. product_changes is never pruned.
    """
    staging = f"staging_{source}"
    old = _LOGS.format(kept=FULL_SYNCS_KEPT)
    _forget_logs(connection, source)
    if connection.one(f"{old} limit 1", source=source) is None:
        return
    for table in ("sightings", "rejected_records"):
        connection.execute(
            f"delete from {staging}.{table} "
            f"where sync_log_id in ({old}) or sync_log_id not in (select id from sync_logs)",
            source=source,
        )
    connection.execute(
        f"""
        delete from {staging}.payloads as payload
        where not exists (
            select 1 from {staging}.sightings as sighting where sighting.content_hash = payload.content_hash
        )
        and not exists (
            select 1 from product_sync_state as state
            where state.source = $source and state.content_hash = payload.content_hash
        )
        """,
        source=source,
    )
    loads = "select 1 from information_schema.tables where table_schema = $schema and table_name = '_dlt_loads'"
    if connection.one(loads, schema=staging) is not None:
        connection.execute(
            f"""
            delete from {staging}._dlt_loads where inserted_at < (
                select max(log.started_at) from sync_logs as log where log.id in ({old})
            )
            """,
            source=source,
        )


def _forget_logs(connection: Connection, source: str) -> None:
    """Logs of the source beyond their days, but not of a sync that staging still holds."""
    connection.execute(
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
