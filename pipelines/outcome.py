"""What one sync did, beyond its log row: which columns changed, what was rejected and why, how to run it again."""

from __future__ import annotations

from dataclasses import asdict
from shlex import quote
from typing import Any

from models.sync import SyncLog
from pipelines.database import Connection, Row
from pipelines.sources import SOURCES

REASONS_SHOWN = 20


def outcome(connection: Connection, log: SyncLog) -> dict[str, Any]:
    """The log row, and beside it:

    `integration_name` and `source` (None when the integration has been deleted) · `changed_fields`: {column: how many
    products got another value there}, the most first, created products apart · `rejected`: the first REASONS_SHOWN
    reasons as {reason, records, source_id, page} with one record as an example, the most frequent first; empty too
    where staging has been pruned · `repeat`: the command that does the same again.
    """
    of = connection.one("select name, type from integrations where id = $id", id=log.integration_id)
    source = of["type"] if of and of["type"] in SOURCES else None
    return asdict(log) | {
        "integration_name": of["name"] if of else None,
        "source": of["type"] if of else None,
        "changed_fields": _changed_fields(connection, log),
        "rejected": _rejected(connection, log, source) if source else [],
        "repeat": _repeat(connection, log, source),
    }


def _changed_fields(connection: Connection, log: SyncLog) -> dict[str, int]:
    names = "jsonb_object_keys(fields)" if connection.is_postgres else "unnest(json_keys(fields))"
    rows = connection.rows(
        f"""
        select name, count(*) as products
        from (
            select {names} as name from product_changes where sync_log_id = $id and change <> 'created'
        ) as changed
        group by name order by products desc, name
        """,
        id=log.id,
    )
    return {row["name"]: row["products"] for row in rows}


def _rejected(connection: Connection, log: SyncLog, source: str) -> list[Row]:
    return connection.rows(
        f"""
        select reason, count(*) as records, min(source_id) as source_id, min(page) as page
        from staging_{source}.rejected_records where sync_log_id = $id
        group by reason order by records desc, reason limit {REASONS_SHOWN}
        """,
        id=log.id,
    )


def _repeat(connection: Connection, log: SyncLog, source: str | None) -> str:
    wanted = f"guidelight sync --integration {log.integration_id}"
    if log.scope != "product":
        return wanted
    return f"{wanted} --product {quote(_product(connection, log, source))}"


def _product(connection: Connection, log: SyncLog, source: str | None) -> str:
    """The one product that a sync was asked for; SOURCE_ID where it came to nothing and no table names it."""
    if source is None:
        return "SOURCE_ID"
    found: str | None = connection.value(
        f"""
        select source_id from (
            select source_id from staging_{source}.sightings where sync_log_id = $id
            union all
            select source_id from staging_{source}.rejected_records where sync_log_id = $id and source_id is not null
            union all
            select source_id from product_changes where sync_log_id = $id
        ) as known limit 1
        """,
        id=log.id,
    )
    return found or "SOURCE_ID"
