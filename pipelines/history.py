"""One product's life: what each sync did to it and why, how it stands now, and whom it was merged from or into."""

from __future__ import annotations

from typing import Any

from pipelines.database import Connection, Row
from pipelines.errors import ConfigurationError
from pipelines.merged import merged_from, merged_into
from pipelines.sources import SOURCES
from pipelines.staging import reading

CAUSES = {
    "source": "the source's record changed",
    "mapping": "a new release or category_map reads the same record otherwise",
    "edit overwritten": "the app's value was no longer the source's, and was overwritten",
    "absence": "a complete listing lacked it",
    "return": "it is listed again",
}
"""What each cause of product_changes means (DESIGN.md, Tables)."""


def history(database: str | None, given: str, source: str | None, limit: int) -> dict[str, Any]:
    """One product by its source_id, or by the id's first characters where they are unique; of one source or of any.

    `changes`: the newest `limit`, newest first, each with `edits`, the columns whose old value was somebody's edit, and
    `members`, those of the record that changed (None where staging no longer has both contents). `changes_total`.
    `now`: its row in `products`, with when it was last confirmed (None: it is not there). `staging`: when and how often
    the kept syncs saw it. `rejected`: the newest record of it that could not be used. `merged_from`, `merged_into`:
    [{source_id, name, is_active}].
    Raises ConfigurationError: an unknown id or source, a beginning of several ids.
    """
    if source is not None and source not in SOURCES:
        raise ConfigurationError(f"Unknown integration type: {source} (known: {', '.join(SOURCES)})")
    with reading(database) as connection:
        source, source_id = _found(connection, [source] if source else list(SOURCES), given.strip())
        kept = contents(connection, source, source_id)
        seen = _seen(connection, source, source_id)
        newest = kept.get(seen["content_hash"], next(iter(kept.values()), None))
        return {
            "source": source,
            "source_id": source_id,
            "now": _now(connection, source, source_id),
            "staging": seen,
            "rejected": _rejected(connection, source, source_id),
            "merged_from": [_named(connection, source, old) for old in merged_from(source, newest)],
            "merged_into": [
                _named(connection, source, new)
                for new in merged_into(connection, source, [source_id]).get(source_id, [])
            ],
            **changes(connection, source, source_id, kept, limit),
        }


def contents(connection: Connection, source: str, source_id: str) -> dict[str, Any]:
    """What the record of a product looked like, as long as staging keeps it: {content_hash: payload}."""
    rows = connection.rows(
        f"select content_hash, payload from staging_{source}.payloads where source_id = $id", id=source_id
    )
    return {row["content_hash"]: row["payload"] for row in rows}


def _found(connection: Connection, sources: list[str], given: str) -> tuple[str, str]:
    found = [(source, one) for source in sources for one in _ids(connection, source, given)]
    exact = [one for one in found if one[1] == given]
    if len(exact or found) > 1:
        several = exact or found
        what = "give its source with --type" if exact else "give more of the id"
        raise ConfigurationError(f"{given} means {len(several)} products: {what}")
    if not found:
        raise ConfigurationError(
            f"No sync has seen a product {given} of {', '.join(sources)}: "
            "`guidelight staging show` lists the products of the newest sync"
        )
    return (exact or found)[0]


def _ids(connection: Connection, source: str, given: str) -> list[str]:
    places = (
        "marts.products where source = $source and",
        "product_changes where source = $source and",
        f"staging_{source}.sightings where",
        f"staging_{source}.rejected_records where",
    )
    each = " union ".join(f"select source_id from {place} starts_with(source_id, $start)" for place in places)
    rows = connection.rows(
        f"select source_id from ({each}) as known where $start <> '' order by source_id", source=source, start=given
    )
    return [row["source_id"] for row in rows]


def _now(connection: Connection, source: str, source_id: str) -> Row | None:
    return connection.one(
        """
        select
            products.id, products.name, products.is_active, products.in_stock, products.stock_quantity,
            products.price_retail, products.price_sale, products.last_synced_at, freshness.last_confirmed_at,
            freshness.is_rejected, products.created_at
        from marts.products as products
        left join marts.product_freshness as freshness
            on freshness.source = products.source and freshness.source_id = products.source_id
        where products.source = $source and products.source_id = $id
        """,
        source=source,
        id=source_id,
    )


def _seen(connection: Connection, source: str, source_id: str) -> Row:
    """{first_seen_at, last_seen_at, syncs, content_hash, content_since}: of the syncs that staging keeps.

    content_since is when the content that was seen last was first seen, whatever it was in between.
    """
    row = connection.one(
        f"""
        with seen as (
            select
                content_hash, extracted_at,
                row_number() over (order by extracted_at desc, sync_log_id desc) as place
            from staging_{source}.sightings where source_id = $id
        ),
        newest as (select content_hash from seen where place = 1)
        select
            min(seen.extracted_at) as first_seen_at, max(seen.extracted_at) as last_seen_at, count(*) as syncs,
            max(newest.content_hash) as content_hash,
            min(case when seen.content_hash = newest.content_hash then seen.extracted_at end) as content_since
        from seen cross join newest
        """,
        id=source_id,
    )
    assert row is not None
    return row


def _rejected(connection: Connection, source: str, source_id: str) -> Row | None:
    return connection.one(
        f"""
        select sync_log_id, received_at, reason, count(*) over () as times
        from staging_{source}.rejected_records where source_id = $id
        order by received_at desc limit 1
        """,
        id=source_id,
    )


def changes(
    connection: Connection, source: str, source_id: str, contents: dict[str, Any], limit: int
) -> dict[str, Any]:
    """`changes` and `changes_total` of `history`, for a product and the contents of it that are known."""
    rows = connection.rows(
        """
        select
            product_changes.changed_at, product_changes.sync_log_id, product_changes.change, product_changes.cause,
            counts.sync_type, counts.scope, product_changes.fields
        from product_changes
        left join marts.sync_counts as counts on counts.sync_log_id = product_changes.sync_log_id
        where product_changes.source = $source and product_changes.source_id = $id
        order by product_changes.changed_at, product_changes.sync_log_id
        """,
        source=source,
        id=source_id,
    )
    edits = _edits(rows)
    told = [
        row | {"edits": edited, "members": _members(row["fields"], contents)}
        for row, edited in zip(rows, edits, strict=True)
    ]
    return {"changes_total": len(rows), "changes": told[::-1][:limit]}


def _edits(rows: list[Row]) -> list[list[str]]:
    """Of each change, oldest first, the columns whose old value no sync had written: somebody else's edits.

    What stood in an adopted row before the first sync is not known, and counts as nobody's.
    """
    found = []
    written: dict[str, Any] = {}
    is_known = False
    for row in rows:
        fields = {name: value for name, value in row["fields"].items() if name != "source_data"}
        if row["change"] == "created":
            written, is_known = {}, True
        found.append(
            [
                name
                for name, value in fields.items()
                if row["change"] != "created" and (is_known or name in written) and value["old"] != written.get(name)
            ]
        )
        written |= {name: value["new"] for name, value in fields.items()}
    return found


def _members(fields: dict[str, Any], contents: dict[str, Any]) -> list[str] | None:
    """The members of the record that a change of content changed; None where staging has not kept both."""
    hashes = fields.get("source_data") or {}
    old, new = (contents.get(str(hashes.get(which))) for which in ("old", "new"))
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return None
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))


def _named(connection: Connection, source: str, source_id: str) -> Row:
    row = connection.one(
        "select name, is_active from marts.products where source = $source and source_id = $id",
        source=source,
        id=source_id,
    )
    return {"source_id": source_id, **(row or {"name": None, "is_active": None})}
