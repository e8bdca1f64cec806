"""What was repaired or is merely odd in a sync's records: `summary.warnings`, never a reason for a status."""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from uuid import UUID

from pipelines.database import Connection, Row

_IDS_KEPT = 20
_MESSAGES = {
    "unknown category": "category {value} is unknown and was mapped to other: name it in config.category_map",
    "stock shown as 30": "the stock is shown as 30, which may mean more",
}

_NUMBERS = {"thc_percent": 3, "cbd_percent": 3, "price_retail": 8, "price_member": 8, "price_sale": 8}
"""Digits before the point that our own columns hold; an adopted table's may hold fewer."""

_TEXTS = (
    *("name", "brand", "product_type", "description", "sku", "barcode"),
    *("strain_name", "strain_type", "image_url"),
)

_SEEN = """
    from product_sync_state as state
    inner join staging_{source}.sightings as sighting
        on sighting.source_id = state.source_id and sighting.sync_log_id = $id
"""


def of_sync(connection: Connection, source: str, sync_log_id: UUID) -> list[dict[str, Any]]:
    """The warnings of the products that a sync saw: one entry a kind (and category), with up to 20 source_ids.

    {kind, message, products: the true number, source_ids}. Those of contents that did not change are told again.
    """
    rows = connection.rows(
        f"""
        select state.source_id, state.warnings {_SEEN.format(source=source)}
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
    for column in _narrow_columns(connection):
        for key, ids in _misfits(connection, source, sync_log_id, column).items():
            found[key].extend(ids)
    return [
        {"kind": kind, "message": message, "products": len(ids), "source_ids": ids[:_IDS_KEPT]}
        for (kind, message), ids in sorted(found.items())
    ]


def _message(kind: str, value: str) -> str:
    if kind in _MESSAGES:
        return _MESSAGES[kind].format(value=value)
    return f"{kind} and was left empty"


def _narrow_columns(connection: Connection) -> list[Row]:
    """The columns of an adopted `products` that hold less than ours would: short texts, enums, fewer digits."""
    columns = connection.rows(
        """
        select column_name, data_type, character_maximum_length as longest,
            numeric_precision - numeric_scale as digits
        from information_schema.columns where table_schema = $schema and table_name = 'products'
        """,
        schema=connection.public,
    )
    return [
        column
        for column in columns
        if (column["column_name"] in _TEXTS and (column["longest"] or column["data_type"] == "USER-DEFINED"))
        or (column["digits"] is not None and column["digits"] < _NUMBERS.get(column["column_name"], 0))
    ]


def _misfits(connection: Connection, source: str, sync_log_id: UUID, column: Row) -> dict[tuple[str, str], list[str]]:
    name, longest = column["column_name"], column["longest"]
    if longest:
        condition = f"length(state.{name}) > {longest:d}"
        key = (f"{name} is shortened", f"{name} is shortened to the {longest} characters of products.{name}")
    else:
        condition = f"state.{name} is not null and product.{name} is null"
        key = (f"{name} does not fit", f"{name} does not fit the type of products.{name} and was left empty")
    rows = connection.rows(
        f"""
        select state.source_id {_SEEN.format(source=source)}
        inner join products as product on product.source = state.source and product.source_id = state.source_id
        where state.source = $source and {condition}
        order by state.source_id
        """,
        id=sync_log_id,
        source=source,
    )
    return {key: [row["source_id"] for row in rows]} if rows else {}
