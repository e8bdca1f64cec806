"""What the commands that look into staging do: which syncs it keeps, what was received, what was rejected, and why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pipelines import migrate
from pipelines.database import Connection, Row, connect
from pipelines.errors import ConfigurationError
from pipelines.settings import target
from pipelines.sources import SOURCES
from pipelines.transform import release
from pipelines.views import VIEWS


@contextmanager
def reading(database: str | None) -> Iterator[Connection]:
    """A connection to a database of this release, views included.

    Raises ConfigurationError: not reachable, behind, its views those of another release.
    """
    with connect(target(database), read_only=True) as connection:
        migrate.require_current(connection)
        if migrate.recorded(connection, VIEWS) != release():
            raise ConfigurationError(
                f"The database {connection.target} lacks this release's views: run `guidelight migrate`"
            )
        yield connection


def kept(database: str | None) -> list[Row]:
    """The syncs that staging keeps, newest first: how many products, new contents and rejected records each saw."""
    with reading(database) as connection:
        return [row for source in SOURCES for row in _kept(connection, source)]


def _kept(connection: Connection, source: str) -> list[Row]:
    return connection.rows(
        f"""
        with firsts as (
            select
                sync_log_id,
                row_number() over (partition by content_hash order by extracted_at, sync_log_id) as place
            from staging_{source}.sightings
        ),
        seen as (
            select sync_log_id, count(*) as products, count(case when place = 1 then 1 end) as new_contents
            from firsts group by sync_log_id
        ),
        refused as (
            select sync_log_id, count(*) as rejected from staging_{source}.rejected_records group by sync_log_id
        )
        select
            coalesce(seen.sync_log_id, refused.sync_log_id) as sync_log_id, cast('{source}' as varchar) as source,
            counts.started_at, counts.scope, counts.status, counts.published_at, coalesce(seen.products, 0) as products,
            coalesce(seen.new_contents, 0) as new_contents, coalesce(refused.rejected, 0) as rejected
        from seen
        full join refused on refused.sync_log_id = seen.sync_log_id
        left join marts.sync_counts as counts
            on counts.sync_log_id = coalesce(seen.sync_log_id, refused.sync_log_id)
        order by counts.started_at desc nulls first
        """
    )


def products(database: str | None, limit: int) -> list[Row]:
    """The products of each source's newest published sync, as their records map, by name, at most `limit` a source."""
    with reading(database) as connection:
        return [
            row
            for source in SOURCES
            for row in connection.rows(
                f"""
                select
                    cast('{source}' as varchar) as source, source_id, name, brand, category, product_type, price_retail,
                    price_sale, stock_quantity, is_active, page, extracted_at
                from staging_{source}.stg_{source}__products
                order by name, source_id limit {limit:d}
                """
            )
        ]


def product(database: str | None, given: str) -> dict[str, Any]:
    """One product as last received, and `contents`: each content that the kept syncs saw of it, oldest first.

    `given` is its source_id, or the id's first characters where they are unique. Raises ConfigurationError.
    """
    with reading(database) as connection:
        found = [(source, one) for source in SOURCES for one in _named(connection, source, given)]
        if len(found) > 1:
            raise ConfigurationError(f"{given} is the beginning of {len(found)} products' ids: give more of the id")
        seen = [row for source, source_id in found for row in _seen(connection, source, source_id)]
        if not seen:
            raise ConfigurationError(
                f"No kept sync received a product {given} (`guidelight staging show` lists the newest sync's, "
                "`guidelight staging rejected` what could not be used)"
            )
        source, source_id = found[0]
        payload = connection.value(
            f"select payload from staging_{source}.payloads where content_hash = $hash", hash=seen[-1]["content_hash"]
        )
    return {"source": source, "source_id": source_id, **seen[-1], "contents": _contents(seen), "payload": payload}


def _seen(connection: Connection, source: str, source_id: str) -> list[Row]:
    """Where a product was seen, oldest first; of a sync that is under way its content may not be there yet."""
    return connection.rows(
        f"""
        select sync_log_id, content_hash, extracted_at, published_at from staging_{source}.products_history
        where source_id = $id order by extracted_at, sync_log_id
        """,
        id=source_id,
    )


def _named(connection: Connection, source: str, given: str) -> list[str]:
    ids = [
        row["source_id"]
        for row in connection.rows(
            f"""
            select distinct source_id from staging_{source}.sightings
            where $start <> '' and starts_with(source_id, $start) order by source_id
            """,
            start=given.strip(),
        )
    ]
    return [given.strip()] if given.strip() in ids else ids


def _contents(seen: list[Row]) -> list[dict[str, Any]]:
    """One entry for as long as a content stayed the same; a content that comes back is an entry again."""
    contents: list[dict[str, Any]] = []
    for row in seen:
        if not contents or contents[-1]["content_hash"] != row["content_hash"]:
            contents.append({"content_hash": row["content_hash"], "first_seen_at": row["extracted_at"], "syncs": 0})
        contents[-1]["last_seen_at"] = row["extracted_at"]
        contents[-1]["syncs"] += 1
    return contents


def rejected(database: str | None, given: str | None) -> list[Row]:
    """What a sync rejected, in the listing's order: of the newest one, or of that whose id (or its beginning) is given.

    Raises ConfigurationError: no sync yet, or none of that id.
    """
    with reading(database) as connection:
        sync_log_id = _sync(connection, given)
        return [
            row
            for source in SOURCES
            for row in connection.rows(
                f"""
                select sync_log_id, cast('{source}' as varchar) as source, source_id, reason, page, received_at,
                    record_text, record_length
                from staging_{source}.rejected_records
                where sync_log_id = $sync order by page, received_at, source_id
                """,
                sync=sync_log_id,
            )
        ]


def _sync(connection: Connection, given: str | None) -> Any:
    if given is None:
        newest = connection.value("select sync_log_id from marts.sync_counts order by started_at desc limit 1")
        if newest is None:
            raise ConfigurationError("There is no sync yet: run `guidelight sync`")
        return newest
    syncs = connection.rows(
        "select sync_log_id from marts.sync_counts "
        "where $start <> '' and starts_with(cast(sync_log_id as varchar), $start)",
        start=given.strip().lower(),
    )
    if len(syncs) > 1:
        raise ConfigurationError(f"{given} is the beginning of {len(syncs)} syncs: give more of the id")
    if not syncs:
        raise ConfigurationError(f"Sync not found: {given} (`guidelight staging list` shows those that are kept)")
    return syncs[0]["sync_log_id"]


def health(database: str | None) -> list[Row]:
    """One row an integration, from marts.sync_health, by name."""
    with reading(database) as connection:
        return fares(connection)


def fares(connection: Connection) -> list[Row]:
    """`health`, on a connection that is open."""
    return connection.rows(
        """
        select integration_id, source, name, state, reason, last_good_sync_id, last_good_sync_at, age_minutes,
            failures_in_a_row, last_sync_id, last_sync_status
        from marts.sync_health order by name, integration_id
        """
    )


def is_healthy(rows: list[Row]) -> bool:
    """Whether something is synced, and all that is fares well: what was switched off on purpose doesn't count."""
    wanted = [row["state"] for row in rows if row["state"] != "disabled"]
    return bool(wanted) and set(wanted) == {"healthy"}
