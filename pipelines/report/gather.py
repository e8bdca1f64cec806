"""Reads once, from tables and views, what the page says: bounded, however many products there are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from models.integration import Integration
from pipelines import store
from pipelines.database import Connection, Row
from pipelines.report.told import Change, Changes, Last, Moves, Report, Shop, Standing
from pipelines.staging import fares
from pipelines.transform import release

SYNCS_SHOWN = 30
CHANGES_SHOWN = 100
MOVES_SHOWN = 50
REJECTED_SHOWN = 20

_UPDATES_READ = 5_000
"""Updates that are looked into: for prices those of the newest syncs with so many together, or else of one sync; which
are shown first is chosen among no more of them."""

_RECORD_SHOWN = 300
"""Letters of a rejected record."""

_PRICES = ("price_retail", "price_member", "price_sale")


def gather(connection: Connection) -> Report:
    """Everything that the page says of the database, at one moment; its views must be this release's."""
    with connection.transaction():
        if connection.is_postgres:
            connection.execute("set transaction isolation level repeatable read, read only")
            # Of tables that were filled a moment ago it expects so much that compiling a query took longer than it.
            connection.execute("set local jit = off")
        return _gathered(connection)


def _gathered(connection: Connection) -> Report:
    rows = {row["integration_id"]: row for row in fares(connection)}
    known = store.integrations(connection)
    now: datetime = connection.value("select now() as now")
    return Report(
        database=str(connection.target),
        release=release(),
        written_at=now,
        shops=[_shop(connection, one, rows[one.id]) for one in known if one.is_active],
        disabled=[rows[one.id] for one in known if not one.is_active],
    )


def _shop(connection: Connection, integration: Integration, health: Row) -> Shop:
    syncs = _syncs(connection, integration)
    ended = [row for row in syncs if row["status"] != "running"]
    changed = [row for row in ended if _changed(row)]
    return Shop(
        health=health,
        interval_minutes=(integration.sync_interval_minutes or 60) if integration.sync_enabled else None,
        standing=_standing(connection, integration),
        syncs=syncs,
        syncs_total=syncs[0]["total"] if syncs else 0,
        last=_last(connection, integration.type, ended[0]["id"]) if ended else None,
        changes=_changes(connection, integration.type, changed[0]) if changed else None,
        moves=_moves(connection, [row for row in changed if row["updated"]]),
    )


def _syncs(connection: Connection, integration: Integration) -> list[Row]:
    """The newest syncs, counted; without the texts and lists of their logs."""
    return connection.rows(
        f"""
        select
            id, status, scope, sync_type, started_at, published_at, duration_ms, products_fetched as fetched,
            coalesce(products_created, 0) as created, coalesce(products_updated, 0) as updated,
            coalesce(products_unchanged, 0) as unchanged, coalesce(errors_count, 0) as errors,
            coalesce(cast((summary -> 'receipt') ->> 'absent' as integer), 0) as absent,
            coalesce(cast((summary -> 'receipt') ->> 'rejected' as integer), 0) as rejected,
            count(*) over () as total
        from sync_logs where integration_id = $id
        order by started_at desc, id desc limit {SYNCS_SHOWN}
        """,
        id=integration.id,
    )


def _changed(row: Row) -> int:
    counted: int = row["created"] + row["updated"] + row["absent"]
    return counted if row["published_at"] is not None else 0


def _standing(connection: Connection, integration: Integration) -> Standing:
    row = connection.one(
        """
        select
            count(*) as active, count(case when in_stock then 1 end) as in_stock, count(price_sale) as on_sale,
            count(*) - count(price_retail) as without_price
        from products where source = $source and source_id is not null and is_active
        """,
        source=integration.type,
    )
    return Standing(**(row or {}), unconfirmed=_unconfirmed(connection, integration))


def _unconfirmed(connection: Connection, integration: Integration) -> int | None:
    """How many active products the last complete listing did not confirm, and no sync since.

    As many as marts.product_freshness would tell; that reads every sighting which staging keeps, a second of them on
    Postgres with 100,000 products, and a test holds the two together.
    """
    if integration.last_complete_sync_at is None:
        return None
    found: int = connection.value(
        f"""
        with doubted as (
            select source_id from product_sync_state where source = $source and absent_since is not null
            union
            select rejected.source_id
            from staging_{integration.type}.rejected_records as rejected
            inner join sync_logs on sync_logs.id = rejected.sync_log_id
            where
                sync_logs.integration_id = $integration and sync_logs.started_at = $complete
                and sync_logs.scope = 'full' and rejected.source_id is not null
        ),
        seen_since as (
            select sightings.source_id
            from staging_{integration.type}.sightings as sightings
            inner join sync_logs on sync_logs.id = sightings.sync_log_id
            where
                sync_logs.started_at >= $complete and sync_logs.published_at is not null
                and sync_logs.scope <> 'replay' and sightings.source_id in (select source_id from doubted)
        )
        select count(*) as n
        from products inner join doubted on doubted.source_id = products.source_id
        where
            products.source = $source and products.is_active
            and products.source_id not in (select source_id from seen_since)
        """,
        source=integration.type,
        integration=integration.id,
        complete=integration.last_complete_sync_at,
    )
    return found


def _last(connection: Connection, source: str, sync_log_id: UUID) -> Last:
    rows = connection.rows(
        f"""
        select page, source_id, reason, left(record_text, {_RECORD_SHOWN}) as record, count(*) over () as total
        from staging_{source}.rejected_records where sync_log_id = $id
        order by page, received_at, source_id limit {REJECTED_SHOWN}
        """,
        id=sync_log_id,
    )
    return Last(store.log(connection, sync_log_id), rows, rows[0]["total"] if rows else 0)


def _changes(connection: Connection, source: str, sync: Row) -> Changes:
    rank = _rank(connection) if sync["updated"] <= _UPDATES_READ else "0"
    each = " union all ".join(
        f"""
        (
            select source_id from product_changes
            where sync_log_id = $id and source = $source and change = '{change}'
            order by {first}source_id limit {CHANGES_SHOWN}
        )
        """
        for change, first in (("updated", f"{rank}, " if rank != "0" else ""), ("absent", ""), ("created", ""))
        if sync[change]
    )
    rows = connection.rows(
        f"""
        with picked as materialized ({each})
        select changed.source_id, products.name, changed.change, changed.cause, changed.fields
        from picked
        inner join product_changes as changed
            on changed.sync_log_id = $id and changed.source = $source and changed.source_id = picked.source_id
        left join products on products.source = changed.source and products.source_id = changed.source_id
        order by
            case changed.change when 'updated' then {rank} when 'absent' then 1 else 2 end,
            products.name, changed.source_id
        limit {CHANGES_SHOWN}
        """,
        id=sync["id"],
        source=source,
    )
    return Changes(sync, [_change(row) for row in rows], _changed(sync))


def _rank(connection: Connection) -> str:
    """Which updates come first: those of prices; last those of which nothing but the record itself is taken."""
    others = "fields - 'source_data' <> '{}'" if connection.is_postgres else "json_keys(fields) <> ['source_data']"
    prices = " or ".join(f"(fields -> '{name}') is not null" for name in _PRICES)
    return f"case when {prices} then 0 when {others} then 3 else 4 end"


def _change(row: Row) -> Change:
    fields = {name: value for name, value in row["fields"].items() if name != "source_data"}
    return Change(row["source_id"], row["name"], row["change"], row["cause"], fields)


def _moves(connection: Connection, syncs: Sequence[Row]) -> Moves:
    """The price changes of the newest of those syncs, as many as are cheap to read."""
    chosen: list[Row] = []
    for row in syncs:
        if chosen and sum(one["updated"] for one in (*chosen, row)) > _UPDATES_READ:
            break
        chosen.append(row)
    if not chosen:
        return Moves([], 0, 0)
    ids = {f"sync_{number}": row["id"] for number, row in enumerate(chosen)}
    rows = connection.rows(_moves_of(ids), **ids)
    return Moves(rows, rows[0]["total"] if rows else 0, len(chosen))


def _moves_of(ids: dict[str, Any]) -> str:
    given = ", ".join(f"${name}" for name in ids)
    each = " union all ".join(
        f"""
        select source, source_id, sync_log_id, changed_at, cause, '{column}' as price,
            cast((fields -> '{column}') ->> 'old' as numeric(18, 4)) as was,
            cast((fields -> '{column}') ->> 'new' as numeric(18, 4)) as becomes
        from product_changes
        where sync_log_id in ({given}) and change = 'updated' and (fields -> '{column}') is not null
        """
        for column in _PRICES
    )
    return f"""
        select moves.source_id, products.name, moves.price, moves.was, moves.becomes, moves.cause, moves.changed_at,
            moves.sync_log_id, count(*) over () as total
        from ({each}) as moves left join products using (source, source_id)
        order by moves.changed_at desc, products.name, moves.source_id, moves.price
        limit {MOVES_SHOWN}
    """
