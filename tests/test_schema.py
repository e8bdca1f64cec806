"""The tables as the seed and DESIGN.md say: columns, keys and defaults on both engines; on Postgres compared whole."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from pipelines.database import Connection, connect
from pipelines.migrate import DIRECTORY, migrate
from tests.databases import Databases, Engine, TestDatabase

SEED = Path(__file__).with_name("seed.sql")

OURS = {
    "integrations": {"last_complete_sync_at"},
    "sync_logs": {"published_at", "listing_complete", "scope", "release"},
}

_PRODUCTS_BY_TYPE = {
    "uuid": "id image_asset_id",
    "text": "source source_id name category brand product_type description sku barcode "
    "strain_name strain_type image_url",
    "numeric(5,2)": "thc_percent cbd_percent",
    "numeric(10,2)": "price_retail price_member price_sale",
    "json": "terpenes source_data",
    "boolean": "in_stock is_active",
    "integer": "stock_quantity",
    "timestamptz": "last_synced_at created_at updated_at",
}
PRODUCTS = {name: kind for kind, names in _PRODUCTS_BY_TYPE.items() for name in names.split()}

SPELLINGS = {
    "jsonb": "json",
    "varchar": "text",
    "timestamp with time zone": "timestamptz",
    "decimal(5,2)": "numeric(5,2)",
    "decimal(10,2)": "numeric(10,2)",
}


def column_types(connection: Connection, table: str) -> dict[str, str]:
    if connection.is_postgres:
        sql = (
            "select attname::text as name, format_type(atttypid, atttypmod) as type from pg_attribute "
            "where attrelid = to_regclass($table) and attnum > 0 and not attisdropped order by attnum"
        )
    else:
        sql = (
            "select column_name as name, lower(data_type) as type from duckdb_columns() "
            "where table_name = $table order by column_index"
        )
    types: dict[str, str] = {row["name"]: row["type"] for row in connection.rows(sql, table=table)}
    return {name: SPELLINGS.get(kind, kind) for name, kind in types.items()}


def described(connection: Connection, table: str) -> dict[str, Any]:
    """A table of Postgres as its catalog tells it, without oids."""
    queries = {
        "columns": (
            "select a.attname::text as name, format_type(a.atttypid, a.atttypmod) as is, a.attnotnull as not_null, "
            "pg_get_expr(d.adbin, d.adrelid) as filled, col_description(a.attrelid, a.attnum) as comment "
            "from pg_attribute as a left join pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum "
            "where a.attrelid = to_regclass($table) and a.attnum > 0 order by a.attnum"
        ),
        "constraints": (
            "select conname::text as name, pg_get_constraintdef(oid) as is from pg_constraint "
            "where conrelid = to_regclass($table) and contype <> 'n' order by 1"
        ),
        "indexes": (
            "select indexname::text as name, indexdef as is from pg_indexes "
            "where schemaname = 'public' and tablename = $table order by 1"
        ),
        "policies": (
            "select policyname::text as name, permissive, roles::text, cmd, qual, with_check from pg_policies "
            "where schemaname = 'public' and tablename = $table order by 1"
        ),
        "table": (
            "select relrowsecurity, relforcerowsecurity, obj_description(oid) as comment from pg_class "
            "where oid = to_regclass($table)"
        ),
    }
    return {what: connection.rows(sql, table=table) for what, sql in queries.items()}


@pytest.mark.postgres_only
@pytest.mark.every_postgres
@pytest.mark.parametrize("table", ["integrations", "sync_logs"])
def test_the_seeds_tables_are_exactly_the_seeds(
    database: TestDatabase, databases: Databases, engine: Engine, tmp_path: Path, table: str
) -> None:
    shutil.copy(DIRECTORY / "0001_platform.postgres.sql", tmp_path)
    with databases.make(engine, migrated=False) as by_hand:
        migrate(by_hand.target, directory=tmp_path)
        with connect(by_hand.target) as connection:
            connection.script(SEED.read_text())
            wanted = described(connection, table)
    with connect(database.target) as connection:
        found = described(connection, table)
    assert len(wanted["policies"]) == {"integrations": 4, "sync_logs": 3}[table]
    added = [column for column in found["columns"] if column["name"] in OURS[table]]
    assert {column["name"] for column in added} == OURS[table]
    found["columns"] = [column for column in found["columns"] if column not in added]
    ours = {policy["name"] for policy in found["policies"] if policy["roles"] == "{guidelight_sync}"}
    assert (
        ours
        == {
            "integrations": {"integrations_select_sync", "integrations_update_sync"},
            "sync_logs": {"sync_logs_all_sync"},
        }[table]
    )
    found["policies"] = [policy for policy in found["policies"] if policy["name"] not in ours]
    assert found == wanted


def test_products_has_the_designs_columns(database: TestDatabase) -> None:
    with connect(database.target) as connection:
        assert column_types(connection, "products") == PRODUCTS
        product = connection.one("insert into products (name, category) values ('A', 'flower') returning *")
    assert product is not None
    assert (product["source"], product["is_active"], product["in_stock"]) == ("manual", True, True)
    assert None not in (product["id"], product["created_at"], product["updated_at"])


@pytest.mark.parametrize(
    "statement",
    [
        "insert into products (name, category) values (null, 'flower')",
        "insert into products (name, category) values ('A', 'weapons')",
        (
            "insert into products (name, category, source, source_id) values "
            "('A', 'vape', 'treez', '1'), ('B', 'vape', 'treez', '1')"
        ),
        "insert into sync_logs (integration_id, sync_type, status) values (null, 'manual', 'running')",
        (
            "insert into sync_logs (integration_id, sync_type, status, scope) values "
            "(gen_random_uuid(), 'manual', 'running', null)"
        ),
        (
            "insert into product_changes values (gen_random_uuid(), gen_random_uuid(), 'treez', '1', "
            "'vanished', 'source', '{}', now())"
        ),
        (
            "insert into product_changes values (gen_random_uuid(), gen_random_uuid(), 'treez', '1', "
            "'absent', 'weather', '{}', now())"
        ),
    ],
)
def test_what_breaks_a_rule_is_refused(database: TestDatabase, statement: str) -> None:
    with connect(database.target) as connection, pytest.raises((psycopg.IntegrityError, duckdb.ConstraintException)):
        connection.execute(statement)


def test_two_products_of_peoples_own_need_no_source_id(database: TestDatabase) -> None:
    with connect(database.target) as connection:
        connection.execute("insert into products (name, category) values ('A', 'flower'), ('B', 'other')")
        assert connection.value("select count(*) from products where source = 'manual' and source_id is null") == 2


def test_json_is_json_on_both_engines(database: TestDatabase) -> None:
    with connect(database.target) as connection:
        connection.execute(
            "insert into integrations (type, name, config) values ('treez', 'Main', $config)", config='{"a": {"b": 1}}'
        )
        row = connection.one("select config, config->'a'->>'b' as inner, sync_interval_minutes from integrations")
    assert row == {"config": {"a": {"b": 1}}, "inner": "1", "sync_interval_minutes": 60}


@pytest.mark.postgres_only
@pytest.mark.every_postgres
def test_our_json_columns_are_compressed_with_lz4_where_the_server_has_it(database: TestDatabase) -> None:
    with connect(database.target) as connection:
        has_lz4 = connection.value(
            "select 'lz4' = any(enumvals) from pg_settings where name = 'default_toast_compression'"
        )
        found = connection.rows(
            "select c.relname || '.' || attname as name, attcompression::text as how "
            "from pg_attribute as a inner join pg_class as c on c.oid = a.attrelid "
            "where atttypid = 'jsonb'::regtype and c.relkind = 'r' "
            "and c.relnamespace in ('public'::regnamespace, 'staging_treez'::regnamespace)"
        )
    assert {"payloads.payload", "products.source_data", "sync_logs.summary"} <= {row["name"] for row in found}
    assert {row["how"] for row in found} == {"l" if has_lz4 else ""}
