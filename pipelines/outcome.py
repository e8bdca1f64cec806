"""What one sync did, beyond its log row: which columns changed, what was rejected and why, how to run it again."""

from __future__ import annotations

from dataclasses import asdict
from shlex import quote
from typing import Any

from models.sync import SyncLog
from pipelines.database import Connection, Row
from pipelines.merged import merged_into
from pipelines.sources import SOURCES

REASONS_SHOWN = 20


def outcome(connection: Connection, log: SyncLog) -> dict[str, Any]:
    """The log row, and beside it:

    `integration_name` and `source` (None when the integration has been deleted) · `changed_fields`: {column: how many
    products got another value there}, the most first, created products apart · `rejected`: the first REASONS_SHOWN
    reasons as {reason, records, source_id, page} with one record as an example, the most frequent first; empty too
    where staging has been pruned · `merged_into`: {source_id: [source_ids]} of the absent products that were merged ·
    `repeat`: the command that does the same again.
    """
    of = connection.one("select name, type from integrations where id = $id", id=log.integration_id)
    source = of["type"] if of and of["type"] in SOURCES else None
    return asdict(log) | {
        "integration_name": of["name"] if of else None,
        "source": of["type"] if of else None,
        "changed_fields": _changed_fields(connection, log),
        "rejected": _rejected(connection, log, source) if source else [],
        "merged_into": merged_into(connection, source, (log.summary or {}).get("absent") or []) if source else {},
        "repeat": _repeat(log),
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


def _repeat(log: SyncLog) -> str:
    asked = (log.summary or {}).get("asked") or {}
    act = "replay" if log.scope == "replay" else "sync"
    words = [f"guidelight {act} --integration {log.integration_id}"]
    if log.scope == "product":
        words.append(f"--product {quote(asked.get('product', 'SOURCE_ID'))}")
    if "sync" in asked:
        words.append(f"--sync {asked['sync']}")
    return " ".join(words)
