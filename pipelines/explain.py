"""Why a product is as it is: what the source sent, what it maps to, what the app has, and who changed it last."""

from __future__ import annotations

from typing import Any

from pipelines.database import Connection
from pipelines.errors import ConfigurationError
from pipelines.history import changes, contents
from pipelines.sources import SOURCES

_OURS = (
    *("source", "source_id", "integration_id", "content_hash", "mapping_version", "warnings", "written"),
    *("absent_since", "updated_at"),
)
"""Columns of product_sync_state that are no columns of `products`, or say something else there."""

_CHANGES = 10
"""The newest changes that are told."""


def explain(connection: Connection, source: str, source_id: str) -> dict[str, Any]:
    """One product of a source, column by column, beside the members of its record that it comes from.

    `columns` holds {"products": what the app has, "source": what the record maps to} for each column, `received` the
    telling members of the record, `warnings` what was repaired, `changes` the newest first, as `history` tells them.
    Raises ConfigurationError where neither `products` nor staging knows the id.
    """
    state = connection.one(
        "select * from product_sync_state where source = $source and source_id = $id", source=source, id=source_id
    )
    columns = [name for name in state or () if name not in _OURS]
    product = state and connection.one(
        f"select {', '.join(columns)}, last_synced_at from products where source = $source and source_id = $id",
        source=source,
        id=source_id,
    )
    if product is None or state is None:
        raise ConfigurationError(f"No sync has published a product {source_id} of {source} yet")
    known = contents(connection, source, source_id)
    payload = known.get(state["content_hash"])
    return {
        "source": source,
        "source_id": source_id,
        "name": product["name"],
        "columns": {name: {"products": product[name], "source": state[name]} for name in columns},
        "received": {
            name: payload[name] for name in SOURCES[source].telling if isinstance(payload, dict) and name in payload
        },
        "warnings": state["warnings"] or [],
        "last_synced_at": product["last_synced_at"],
        **changes(connection, source, source_id, known, _CHANGES),
    }
