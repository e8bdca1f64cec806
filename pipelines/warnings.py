"""What was repaired or is merely odd in a sync's records: `summary.warnings`, never a reason for a status."""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from uuid import UUID

from pipelines.database import Connection

_IDS_KEPT = 20
_MESSAGES = {
    "unknown category": "category {value} is unknown and was mapped to other: name it in config.category_map",
    "stock shown as 30": "the stock is shown as 30, which may mean more",
}


def of_sync(connection: Connection, source: str, sync_log_id: UUID) -> list[dict[str, Any]]:
    """The warnings of the products that a sync saw: one entry a kind (and category), with up to 20 source_ids.

    {kind, message, products: the true number, source_ids}. Those of contents that did not change are told again.
    """
    rows = connection.rows(
        f"""
        select state.source_id, state.warnings
        from product_sync_state as state
        inner join staging_{source}.sightings as sighting
            on sighting.source_id = state.source_id and sighting.sync_log_id = $id
        where state.source = $source and state.warnings is not null
        order by state.source_id
        """,
        id=sync_log_id,
        source=source,
    )
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        for warning in row["warnings"]:
            kind, value = warning["kind"], warning["value"] or "(none)"
            found[kind, _message(kind, value)].append(row["source_id"])
    return [
        {"kind": kind, "message": message, "products": len(ids), "source_ids": ids[:_IDS_KEPT]}
        for (kind, message), ids in sorted(found.items())
    ]


def _message(kind: str, value: str) -> str:
    if kind in _MESSAGES:
        return _MESSAGES[kind].format(value=value)
    return f"{kind} and was left empty"
