"""Whether tables that the app made before us can be adopted: every reason against, before anything is changed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from models.integration import CATEGORIES, SETTINGS
from pipelines.database import Connection
from pipelines.errors import ConfigurationError

_BY_FAMILY = {
    "key": "id",
    "choice": "source category product_type strain_type",
    "text": "source_id name brand description sku barcode strain_name image_url",
    "fraction": "thc_percent cbd_percent price_retail price_member price_sale",
    "number": "stock_quantity",
    "json": "terpenes source_data",
    "boolean": "in_stock is_active",
    "time": "last_synced_at created_at updated_at",
    "any": "image_asset_id",
}
_WANTED = {name: family for family, names in _BY_FAMILY.items() for name in names.split()}
"""Our columns of `products` (DESIGN.md, Tables), each with the family of types that it may have."""

_FRACTIONS = ("numeric", "decimal", "float4", "float8", "float", "double")

_FAMILIES = {
    "key": ("uuid", "int8", "int4", "bigint", "integer"),
    "text": ("text", "varchar", "bpchar", "citext"),
    "choice": ("text", "varchar", "bpchar", "citext", "enum"),
    "fraction": _FRACTIONS,
    "number": (*_FRACTIONS, "int2", "int4", "int8", "smallint", "integer", "bigint"),
    "json": ("json", "jsonb"),
    "boolean": ("bool", "boolean"),
    "time": ("timestamp", "timestamptz", "timestamp with time zone"),
}

_OURS_ALONE = ("id", "image_asset_id", "created_at")
"""Columns that no sync writes: they may be generated, and what the app does with null in them is its own affair."""

_MAY_BE_NULL = frozenset(_WANTED) - {
    *_OURS_ALONE,
    *("name", "category", "source", "source_id", "source_data", "last_synced_at", "updated_at"),
    *("in_stock", "is_active"),
}
"""Columns for which a source may have no value."""

_CHOICES = {"category": CATEGORIES, "source": ("manual", *SETTINGS)}
"""Values that an enum must have."""

_SEED = {
    "integrations": ("id", "type", "name", "is_active", "config", "sync_enabled", "last_sync_at", "last_sync_status"),
    "sync_logs": ("id", "integration_id", "sync_type", "status", "started_at", "completed_at", "summary"),
}
"""Columns by which the seed's own tables are recognised, where somebody made them by hand."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the catalog describes it: `type` as people write it, `base` as _FAMILIES names it."""

    name: str
    type: str
    base: str
    values: tuple[str, ...] | None
    nullable: bool
    filled: bool
    generated: bool


def preflight(connection: Connection) -> None:
    """Raise one ConfigurationError with every reason why tables of the app's can't be adopted, and what to do."""
    reasons = [*_ownership(connection), *unusable(connection), *_seed_tables(connection)]
    if reasons:
        raise ConfigurationError(
            f"The tables of {connection.target} can't be adopted, and nothing was changed: " + "; ".join(reasons)
        )


def unusable(connection: Connection) -> Iterator[str]:
    """Every reason why a sync could not write `products` as it is, whoever owns it."""
    kind = _kind(connection, "products")
    if kind is None:
        return
    if kind != "table":
        yield f"products is a {kind}: rename it, or point DATABASE_URL at the database whose products is a table"
        return
    columns = {column.name: column for column in _columns(connection, "products")}
    for name, family in _WANTED.items():
        if name in columns:
            yield from _unusable(columns[name], family)
    yield from _unfillable(columns.values())
    missing = [name for name in ("name", "category") if name not in columns]
    if missing and connection.value(f"select exists (select 1 from {connection.public}.products)"):
        for name in missing:
            yield f"products.{name} is missing and its rows would have none: add the column and fill it"
    if {"source", "source_id"} <= set(columns):
        yield from _doubled(connection)


def _ownership(connection: Connection) -> Iterator[str]:
    if not connection.is_postgres or _kind(connection, "products") != "table":
        return
    owner = connection.value(
        "select pg_get_userbyid(relowner)::text from pg_class "
        "where oid = to_regclass('public.products') and not pg_has_role(relowner, 'USAGE')"
    )
    if owner is not None:
        yield f"products belongs to {owner}: migrate as that role, or as a member of it"


def _unusable(column: Column, family: str) -> Iterator[str]:
    where = f"products.{column.name}"
    if family != "any" and column.base not in _FAMILIES[family]:
        yield f"{where} has the type {column.type}, and {_said(family)} is needed: rename it, and ours is added"
    elif column.generated and column.name not in _OURS_ALONE:
        drop = f"alter table products alter column {column.name} drop expression"
        yield f"{where} is generated and can't be written: {drop}"
    elif column.name == "id" and not column.filled:
        yield f"{where} has no default: alter table products alter column id set default gen_random_uuid()"
    elif column.name in _MAY_BE_NULL and not column.nullable:
        yield (
            f"{where} is not null, and a source may have no value for it: "
            f"alter table products alter column {column.name} drop not null"
        )
    if column.values is not None and column.name in _CHOICES:
        lacking = [value for value in _CHOICES[column.name] if value not in column.values]
        if lacking:
            yield f"the enum {column.type} of {where} lacks {', '.join(lacking)}: alter type … add value for each"


def _unfillable(columns: Iterable[Column]) -> Iterator[str]:
    for column in columns:
        if column.name not in _WANTED and not (column.nullable or column.filled):
            yield (
                f"products.{column.name} is not null without a default, so no sync could add a product: "
                f"alter table products alter column {column.name} set default …, or drop not null"
            )


def _doubled(connection: Connection) -> Iterator[str]:
    doubled = connection.rows(
        "select cast(source as text) as source, cast(source_id as text) as source_id, count(*) as times "
        f"from {connection.public}.products where source is not null and source_id is not null "
        "group by 1, 2 having count(*) > 1 order by 1, 2 limit 4"
    )
    if doubled:
        shown = ", ".join(f"{row['source']} {row['source_id']} ({row['times']} times)" for row in doubled[:3])
        more = " and more" if len(doubled) > 3 else ""
        yield f"products has several rows of one source and source_id: {shown}{more}: keep one of each"


def _seed_tables(connection: Connection) -> Iterator[str]:
    for table, wanted in _SEED.items():
        kind = _kind(connection, table)
        if kind is None:
            continue
        found = {column.name for column in _columns(connection, table)}
        lacking = [name for name in wanted if name not in found]
        if kind != "table" or lacking:
            what = f"is a {kind}" if kind != "table" else f"lacks {', '.join(lacking)}"
            yield f"{table} {what}: it is not the seed's table; rename it"


def _said(family: str) -> str:
    names = {"choice": "text or an enum", "key": "uuid or bigint", "time": "timestamptz", "fraction": "numeric"}
    return names.get(family, family)


def _kind(connection: Connection, table: str) -> str | None:
    """What stands under this name in our schema: 'table', 'view', 'materialized view', 'foreign table', or None."""
    if connection.is_postgres:
        sql = (
            "select case relkind when 'v' then 'view' when 'm' then 'materialized view' "
            "when 'f' then 'foreign table' else 'table' end from pg_class "
            "where relnamespace = 'public'::regnamespace and relname = $table"
        )
    else:
        sql = (
            "select case table_type when 'VIEW' then 'view' else 'table' end from information_schema.tables "
            "where table_schema = 'main' and table_name = $table"
        )
    kind: str | None = connection.value(sql, table=table)
    return kind


def _columns(connection: Connection, table: str) -> list[Column]:
    return _postgres_columns(connection, table) if connection.is_postgres else _duckdb_columns(connection, table)


def _postgres_columns(connection: Connection, table: str) -> list[Column]:
    """A domain counts as the type that it restricts."""
    found = connection.rows(
        """
        select
          a.attname::text as name,
          format_type(a.atttypid, a.atttypmod) as type,
          case when base.typtype = 'e' then 'enum' else base.typname::text end as base,
          (
            select array_agg(e.enumlabel::text order by e.enumsortorder)
            from pg_enum as e where e.enumtypid = base.oid
          ) as values,
          not (a.attnotnull or t.typnotnull) as nullable,
          a.atthasdef or a.attidentity <> '' or t.typdefault is not null as filled,
          a.attgenerated <> '' as generated
        from pg_attribute as a
        inner join pg_type as t on a.atttypid = t.oid
        inner join pg_type as base on base.oid = case t.typtype when 'd' then t.typbasetype else t.oid end
        where a.attrelid = to_regclass('public.' || $table) and a.attnum > 0 and not a.attisdropped
        order by a.attnum
        """,
        table=table,
    )
    return [Column(**{**row, "values": tuple(row["values"]) if row["values"] else None}) for row in found]


def _duckdb_columns(connection: Connection, table: str) -> list[Column]:
    """DuckDB's catalog doesn't tell a generated column from a default."""
    found = connection.rows(
        "select column_name, data_type, is_nullable, column_default from duckdb_columns() "
        "where schema_name = 'main' and table_name = $table order by column_index",
        table=table,
    )
    columns = []
    for row in found:
        kind: str = row["data_type"]
        values = re.findall(r"'((?:[^']|'')*)'", kind) if kind.startswith("ENUM(") else None
        base = kind.lower() if kind.endswith("[]") else re.sub(r"\(.*", "", kind.lower())
        filled = row["column_default"] is not None
        columns.append(
            Column(
                name=row["column_name"],
                type=kind,
                base=base,
                values=tuple(values) if values is not None else None,
                nullable=row["is_nullable"],
                filled=filled,
                generated=False,
            )
        )
    return columns
