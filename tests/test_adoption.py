"""A products, or the seed's tables, that were there before us: taken over unchanged, or refused before anything is."""

from __future__ import annotations

from typing import Any

import duckdb
import psycopg
import pytest

from pipelines.database import Connection, connect
from pipelines.errors import ConfigurationError
from pipelines.migrate import migrate
from pipelines.settings import target
from tests.databases import TestDatabase
from tests.test_migrate import TABLES, tables
from tests.test_schema import PRODUCTS, SEED, column_types, described

pytestmark = pytest.mark.alternating

APP = """
create type product_category as enum
  ('flower', 'pre_roll', 'edible', 'vape', 'concentrate', 'tincture', 'topical', 'other');
create table products (
  id uuid primary key default gen_random_uuid(),
  name varchar(20) not null,
  category product_category not null default 'other',
  shelf text not null default 'A1',
  staff_note text,
  in_stock boolean not null default true,
  terpenes jsonb,
  created_at timestamptz not null default now()
);
create view app_menu as select name, shelf from products;
insert into products (name, category, shelf, staff_note, terpenes) values
  ('Blue Dream', 'flower', 'B2', 'sells itself', '{"myrcene": 0.4}'), ('House Grinder', 'other', 'C3', null, null);
"""

APP_RIGHTS = """
alter table products enable row level security;
create policy "everybody reads" on products for select using (true);
create policy "nobody deletes" on products as restrictive for delete using (false);
grant select (name, category) on products to public;
comment on table products is 'The app''s own words.';
"""

APP_COLUMNS = "id, name, cast(category as text) as category, shelf, staff_note, in_stock, terpenes, created_at"


def app_state(connection: Connection) -> dict[str, Any]:
    """All of the app's that an adoption could harm."""
    state: dict[str, Any] = {
        "rows": connection.rows(f"select {APP_COLUMNS} from products order by name"),
        "menu": connection.rows("select * from app_menu order by name"),
        "types": {name: kind for name, kind in column_types(connection, "products").items() if name in APP_COLUMNS},
    }
    if connection.is_postgres:
        whole = described(connection, "products")
        state["columns"] = [column for column in whole["columns"] if column["name"] in APP_COLUMNS]
        theirs = [policy for policy in whole["policies"] if policy["roles"] != "{guidelight_sync}"]
        state["rights"] = [theirs, whole["table"], whole["constraints"]]
        state["catalog"] = connection.rows(
            "select oid::integer, relfilenode::integer, relacl::text[] as grants from pg_class "
            "where oid in (to_regclass('products'), to_regclass('app_menu')) order by oid"
        )
        state["versions"] = connection.rows("select ctid::text, xmin::text from products order by name")
        state["compression"] = connection.rows(
            "select attname::text, attcompression::text, array("
            "select one::text from unnest(attacl) as one where one::text not like 'guidelight_sync=%') "
            "from pg_attribute where attrelid = to_regclass('products') and attname in ('terpenes', 'name')"
        )
    return state


@pytest.mark.every_postgres
def test_an_adopted_products_keeps_all_that_was_the_apps(empty_database: TestDatabase) -> None:
    with connect(empty_database.target) as connection:
        if connection.is_postgres:
            connection.script(APP + APP_RIGHTS)
        else:
            connection.script("create type jsonb as json;" + APP)
        before = app_state(connection)
    migrate(empty_database.target)
    with connect(empty_database.target) as connection:
        assert app_state(connection) == before
        assert len(before["rows"]) == 2
        types = column_types(connection, "products")
        assert set(types) == {*PRODUCTS, "shelf", "staff_note"}
        assert all(types[name] == PRODUCTS[name] for name in set(PRODUCTS) - {"name", "category"})
        assert connection.rows("select distinct source, source_id, is_active from products") == [
            {"source": "manual", "source_id": None, "is_active": True}
        ]
        connection.execute("insert into products (name, source, source_id) values ('A', 'treez', '1')")
        with pytest.raises((psycopg.IntegrityError, duckdb.ConstraintException), match=r"[Dd]uplicate key"):
            connection.execute("insert into products (name, source, source_id) values ('B', 'treez', '1')")


@pytest.mark.postgres_only
def test_a_unique_key_of_the_apps_is_enough(empty_database: TestDatabase) -> None:
    with connect(empty_database.target) as connection:
        connection.script(
            "create table products (id bigint generated always as identity primary key, name text not null, "
            "category text not null, source text, source_id varchar(40), sku text, unique (source_id, source), "
            "unique (sku, source))"
        )
        before = described(connection, "products")
    migrate(empty_database.target)
    with connect(empty_database.target) as connection:
        assert described(connection, "products")["indexes"] == before["indexes"]


@pytest.mark.postgres_only
def test_a_unique_key_on_some_rows_or_other_columns_is_not(empty_database: TestDatabase) -> None:
    with connect(empty_database.target) as connection:
        connection.script(
            "create table products (id uuid primary key default gen_random_uuid(), name text not null, "
            "category text not null, source text, source_id text, unique (source_id, name));"
            "create unique index partly on products (source, source_id) where category = 'vape';"
        )
    migrate(empty_database.target)
    with connect(empty_database.target) as connection:
        names = {index["name"] for index in described(connection, "products")["indexes"]}
    assert "products_source_source_id_key" in names


USUAL = "id uuid primary key default gen_random_uuid(), name text not null, category text not null"
WRONG_ENUM = "create type kind as enum ('flower', 'edible');"

REFUSED_ON_BOTH = {
    "a view": ("create view products as select 1 as id", "products is a view: rename it"),
    "an enum without our categories": (
        f"{WRONG_ENUM} create table products (id uuid default gen_random_uuid(), name text, category kind)",
        "of products.category lacks pre_roll, vape, concentrate, tincture, topical, other: alter type",
    ),
    "a column of the app's without default": (
        f"create table products ({USUAL}, shelf text not null)",
        "products.shelf is not null without a default, so no sync could add a product: alter table",
    ),
    "doubled source ids": (
        (
            f"create table products ({USUAL}, source text, source_id text);"
            "insert into products (name, category, source, source_id) values ('A', 'vape', 'treez', '7'), "
            "('B', 'vape', 'treez', '7'), ('C', 'vape', 'treez', '8'), ('D', 'vape', 'manual', '7')"
        ),
        "several rows of one source and source_id: treez 7 (2 times): keep one of each",
    ),
    "rows without name and category": (
        "create table products (id uuid default gen_random_uuid(), sku text); insert into products (sku) values ('x')",
        "products.name is missing and its rows would have none",
    ),
    "a price of text": (f"create table products ({USUAL}, price_retail text)", "products.price_retail has the type"),
    "a price of whole numbers": (
        f"create table products ({USUAL}, price_retail integer)",
        "and numeric is needed: rename it, and ours is added",
    ),
    "terpenes as a list of texts": (
        f"create table products ({USUAL}, terpenes text[])",
        "and json is needed: rename it, and ours is added",
    ),
    "a name that is an enum": (
        f"{WRONG_ENUM} create table products (id uuid default gen_random_uuid(), name kind, category text)",
        "and text is needed",
    ),
    "an id without default": (
        "create table products (id uuid primary key, name text, category text)",
        "products.id has no default",
    ),
    "a column that a source may lack": (
        f"create table products ({USUAL}, brand text not null default '')",
        "products.brand is not null, and a source may have no value for it: alter table products alter column brand",
    ),
    "an integrations of another kind": (
        "create table integrations (id integer, url text)",
        "integrations lacks type, name, is_active, config, sync_enabled, last_sync_at, last_sync_status: it is not",
    ),
}

REFUSED_ON_POSTGRES = {
    "a materialized view": (
        "create materialized view products as select 1 as id",
        "products is a materialized view: rename it",
    ),
    "a foreign table": (
        (
            "create foreign data wrapper nowhere; create server away foreign data wrapper nowhere; "
            "create foreign table products (id integer) server away"
        ),
        "products is a foreign table: rename it",
    ),
    "a generated column of ours": (
        (
            f"create table products ({USUAL}, stock_quantity integer, "
            "in_stock boolean generated always as (stock_quantity > 0) stored)"
        ),
        "products.in_stock is generated and can't be written: alter table products alter column in_stock drop",
    ),
    "a source that is an enum without ours": (
        f"create type origin as enum ('manual'); create table products ({USUAL}, source origin)",
        "the enum origin of products.source lacks treez",
    ),
}


def refused(database: TestDatabase, setup: str) -> str:
    """Migrate what `setup` made, and return the refusal, having seen that nothing was changed."""
    with connect(database.target) as connection:
        connection.script(setup)
        before = tables(connection)
        columns = column_types(connection, "products")
    with pytest.raises(ConfigurationError) as error:
        migrate(database.target)
    with connect(database.target) as connection:
        assert tables(connection) == before
        assert column_types(connection, "products") == columns
        assert "guidelight_migrations" not in before
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(("setup", "said"), REFUSED_ON_BOTH.values(), ids=REFUSED_ON_BOTH.keys())
def test_what_would_stop_a_sync_is_refused_unchanged(empty_database: TestDatabase, setup: str, said: str) -> None:
    assert said in refused(empty_database, setup)


@pytest.mark.postgres_only
@pytest.mark.parametrize(("setup", "said"), REFUSED_ON_POSTGRES.values(), ids=REFUSED_ON_POSTGRES.keys())
def test_what_only_postgres_has_is_refused_too(empty_database: TestDatabase, setup: str, said: str) -> None:
    assert said in refused(empty_database, setup)


def test_every_reason_is_said_at_once(empty_database: TestDatabase) -> None:
    message = refused(
        empty_database, f"create table products ({USUAL}, shelf text not null, terpenes text[], price_sale text)"
    )
    assert message.startswith(f"The tables of {empty_database.target} can't be adopted, and nothing was changed: ")
    assert all(f"products.{column} " in message for column in ("shelf", "terpenes", "price_sale"))


@pytest.mark.postgres_only
def test_types_of_the_same_family_are_taken_as_they_are(empty_database: TestDatabase) -> None:
    with connect(empty_database.target) as connection:
        connection.script(
            "create domain percent as numeric check (value >= 0); create type strain as enum ('indica', 'sativa');"
            "create table products (id bigserial primary key, name varchar(80) not null, category char(12) not null, "
            "thc_percent percent, cbd_percent real, price_retail double precision, price_sale numeric(8,2), "
            "stock_quantity numeric, strain_type strain, terpenes json, last_synced_at timestamp, "
            "sort_order integer generated always as identity, doubled numeric generated always as (stock_quantity * 2) "
            "stored, touched timestamptz not null default now())"
        )
        before = column_types(connection, "products")
    migrate(empty_database.target)
    with connect(empty_database.target) as connection:
        after = column_types(connection, "products")
    assert {name: after[name] for name in before} == before


@pytest.mark.postgres_only
def test_a_products_of_another_owner_is_refused(empty_database: TestDatabase) -> None:
    with connect(empty_database.target) as connection:
        connection.script(f"create role stranger login; grant create on schema public to stranger; {APP}")
    try:
        with pytest.raises(ConfigurationError, match="products belongs to postgres: migrate as that role"):
            migrate(target(empty_database.url.replace("postgres@", "stranger@")))
        with connect(empty_database.target) as connection:
            assert tables(connection) == {"products", "app_menu"}
    finally:
        with connect(empty_database.target) as connection:
            connection.script("drop owned by stranger; drop role stranger")


@pytest.mark.postgres_only
def test_a_supabase_where_the_seed_was_followed_by_hand_is_completed(empty_database: TestDatabase) -> None:
    supabase = """
        create schema auth;
        create function auth.uid() returns uuid language sql stable as 'select null::uuid';
        create table budtenders (
          id uuid primary key default gen_random_uuid(), auth_user_id uuid, role text, team text
        );
        do $$ begin
          if not exists (select from pg_roles where rolname = 'authenticated') then create role authenticated; end if;
          if not exists (select from pg_roles where rolname = 'service_role') then create role service_role; end if;
        end $$;
    """
    filled = """
        insert into integrations (type, name) values ('treez', 'Main');
        insert into sync_logs (integration_id, sync_type, status) select id, 'manual', 'success' from integrations;
    """
    with connect(empty_database.target) as connection:
        connection.script(supabase + SEED.read_text() + filled)
        body = connection.value("select prosrc from pg_proc where oid = 'auth.uid'::regproc")
        before = {table: described(connection, table) for table in ("integrations", "sync_logs", "budtenders")}
    migrate(empty_database.target)
    with connect(empty_database.target) as connection:
        assert tables(connection) == TABLES
        assert connection.value("select prosrc from pg_proc where oid = 'auth.uid'::regproc") == body
        for table, was in before.items():
            now = described(connection, table)
            # Ours name the sync's own role and nobody else: for the app's people nothing is otherwise.
            now["policies"] = [policy for policy in now["policies"] if policy["roles"] != "{guidelight_sync}"]
            assert now["columns"][: len(was["columns"])] == was["columns"]
            assert {**now, "columns": None} == {**was, "columns": None}
        assert connection.rows("select status, scope from sync_logs") == [{"status": "success", "scope": "full"}]
