"""Which products a source merged into which: the old one is no longer listed, the new one names it (TREEZ.md)."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from pipelines.database import Connection
from pipelines.sources import SOURCES


def merged_from(source: str, record: Any) -> list[str]:
    """The source_ids that a record names as merged into it; none of a record that is not there or says nothing."""
    named = record.get(SOURCES[source].merged_from) if isinstance(record, dict) else None
    return [str(one) for one in named if isinstance(one, str | int)] if isinstance(named, list) else []


def merged_into(connection: Connection, source: str, source_ids: Collection[str]) -> dict[str, list[str]]:
    """Of those products the ones that were merged, and into which, by every content that staging keeps."""
    if not source_ids:
        return {}
    member = SOURCES[source].merged_from
    only, given = "", {}
    if len(source_ids) == 1:
        only, given = "and strpos(cast(payload -> '{member}' as varchar), $id) > 0", {"id": _spelled(*source_ids)}
    rows = connection.rows(
        f"""
        select source_id, payload -> '{member}' as merged from staging_{source}.payloads
        where cast(payload -> '{member}' as varchar) like '[_%]' {only.format(member=member)}
        """,
        **given,
    )
    found: dict[str, set[str]] = {}
    for row in rows:
        for old in merged_from(source, {member: row["merged"]}):
            if old in source_ids and old != row["source_id"]:
                found.setdefault(old, set()).add(row["source_id"])
    return {old: sorted(new) for old, new in sorted(found.items())}


def _spelled(source_id: str) -> str:
    """An id as it stands inside a json text."""
    return json.dumps(source_id, ensure_ascii=False)[1:-1]
