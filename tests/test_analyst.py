"""guidelight_analyst on Postgres: what it reads, beside what the owner reads of the same; and all that it can't do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from pipelines.database import Connection, connect
from pipelines.errors import ConfigurationError
from pipelines.inspect import QUESTIONS, ask
from pipelines.migrate import DIRECTORY, migrate
from pipelines.settings import Target, target
from tests.databases import TestDatabase
from tests.shop import PRODUCTS, Shop

pytestmark = [pytest.mark.postgres_only]

LOGIN = "ann_the_analyst"

READABLE = {
    "product_changes", "guidelight_migrations", "marts.products",
    "staging_treez.payloads", "staging_treez.sightings", "staging_treez.products",
    "staging_treez.products_history", "staging_treez.stg_treez__products", "staging_treez.stg_treez__prices",
    "staging_treez.stg_treez__stock", "staging_treez.stg_treez__lab_results", "staging_treez.stg_treez__images",
    "marts.category_map", "marts.product_freshness", "marts.sync_health", "marts.sync_counts",
}  # fmt: skip
"""Relations with rows in a shop that was synced once; staging_treez.rejected_records is readable, and empty there."""

CLOSED = {
    "integrations",
    "integration_secrets",
    "sync_logs",
    "sync_turns",
    "products",
    "product_sync_state",
    "budtenders",
    "media_assets",
}


@contextmanager
def analyst(connection: Connection) -> Iterator[None]:
    """As the role, for one transaction."""
    with connection.transaction():
        connection.execute("set local role guidelight_analyst")
        yield


@contextmanager
def logged_in(shop: Shop) -> Iterator[Target]:
    """As docs/analysts.md has a person get the role: a login of their own that is in it."""
    shop.execute(f"create role {LOGIN} login in role guidelight_analyst")
    try:
        yield target(shop.database.url.replace("postgres@", f"{LOGIN}@"))
    finally:
        shop.execute(f"drop role {LOGIN}")


def relations(connection: Connection) -> set[str]:
    """Every table and view that is not the engine's own, nor dlt's."""
    found = connection.rows(
        "select case when n.nspname = 'public' then '' else n.nspname || '.' end || c.relname as name "
        "from pg_class as c inner join pg_namespace as n on n.oid = c.relnamespace "
        "where c.relkind in ('r', 'v', 'm', 'p', 'f') and c.relname not like '\\_dlt\\_%' "
        "and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')"
    )
    return {row["name"] for row in found}


def test_reads_as_much_as_the_owner_of_what_is_open_and_nothing_of_the_rest(stocked: Shop) -> None:
    with stocked.connection() as connection:
        everything = relations(connection)
        assert everything == READABLE | CLOSED | {"staging_treez.rejected_records"}
        for name in sorted(everything - CLOSED):
            count = f"select count(*) from {name}"
            owners = connection.value(count)
            assert owners > 0 or name not in READABLE, name
            with analyst(connection):
                assert connection.value(count) == owners, name
        for name in sorted(CLOSED):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), analyst(connection):
                connection.value(f"select count(*) from {name}")


def test_has_no_right_but_to_read(stocked: Shop) -> None:
    rights = ("insert", "update", "delete", "truncate", "references", "trigger")
    with stocked.connection() as connection:
        for name in sorted(relations(connection)):
            for right in rights:
                has = "select has_table_privilege('guidelight_analyst', $name, $right)"
                assert not connection.value(has, name=name, right=right), (name, right)
            assert connection.value("select has_table_privilege(current_user, $name, 'insert')", name=name)
        for schema in ("public", "staging_treez", "marts", "auth"):
            assert not connection.value("select has_schema_privilege('guidelight_analyst', $s, 'create')", s=schema)
        for change in ("update product_changes set cause = 'return'", "update marts.products set name = 'x'"):
            with pytest.raises(psycopg.errors.Error), analyst(connection):
                connection.execute(change)
        assert connection.value("select count(*) from product_changes where cause = 'source'") == PRODUCTS
        role = connection.one(
            "select rolcanlogin, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb from pg_roles "
            "where rolname = 'guidelight_analyst'"
        )
        assert role is not None and not any(role.values())
        assert connection.value("select count(*) from products where name <> 'x'") == PRODUCTS


def test_what_the_logs_tell_are_counts(stocked: Shop) -> None:
    with stocked.connection() as connection:
        view = connection.rows("select * from marts.sync_counts")[0]
        table = connection.rows("select * from sync_logs")[0]
        assert {"error_message", "error_details", "summary", "triggered_by"} == table.keys() - view.keys() - {"id"}
        assert view["products_created"] == table["products_created"] == PRODUCTS


def test_views_that_are_made_anew_stay_readable(stocked: Shop) -> None:
    before = "select c.oid from pg_class as c where c.oid = 'marts.sync_health'::regclass"
    old = stocked.value(before)
    stocked.execute("delete from guidelight_migrations where name = 'views'")
    assert stocked.command("migrate").status == 0
    with stocked.connection() as connection:
        assert connection.value(before) != old
        with analyst(connection):
            for name in sorted(READABLE):
                assert connection.value(f"select count(*) from {name}") > 0, name


def test_a_person_with_the_role_asks_the_questions_and_the_commands(stocked: Shop) -> None:
    with logged_in(stocked) as person:
        for file in sorted(QUESTIONS.glob("*.sql")):
            assert ask(person, file.read_text()).rows == ask(stocked.database.target, file.read_text()).rows, file.name
        assert len(ask(person, (QUESTIONS / "last_sync_changes.sql").read_text()).rows) == PRODUCTS
        with pytest.raises(ConfigurationError, match="permission denied for table integrations"):
            ask(person, "select config from integrations")
        database = stocked.database.url.replace("postgres@", f"{LOGIN}@")
        from tests.warm import run

        for words in (["status"], ["staging", "list"], ["staging", "show"], ["staging", "rejected"]):
            ran = run([*words, "--json", "--database", database], home=stocked.home)
            owners = stocked.command(*words, "--json")
            assert owners.status in (0, 1) and (ran.status, ran.json) == (owners.status, owners.json), ran.stderr


def test_rollback_leaves_the_role_and_no_right_of_it(stocked: Shop) -> None:
    rights = (
        "select count(*) from pg_shdepend where refobjid = 'guidelight_analyst'::regrole "
        "and dbid = (select oid from pg_database where datname = current_database())"
    )
    assert stocked.value(rights) > 0
    with stocked.connection() as connection, connection.transaction():
        connection.script((DIRECTORY / "rollback.sql").read_text())
    # On schema public it keeps what everybody has there.
    stocked.execute("revoke usage on schema public from guidelight_analyst")
    assert stocked.value(rights) == 0
    migrate(stocked.database.target)
    with stocked.connection() as connection, analyst(connection):
        assert connection.value("select count(*) from marts.products") == PRODUCTS


@pytest.mark.every_postgres
def test_the_app_may_retype_and_drop_columns_that_analysts_read(database: TestDatabase) -> None:
    with connect(database.target) as connection:
        connection.script(
            "insert into products (name, category, source, source_id, brand) values ('A', 'vape', 'treez', '1', 'B');"
            "alter table products alter column name type varchar(80);"
            "alter table products alter column is_active drop default;"
            "alter table products alter column is_active type text using case when is_active then 'yes' else 'no' end"
        )
        with analyst(connection):
            row = connection.one("select name, is_active, thc_percent from marts.products")
        assert row == {"name": "A", "is_active": True, "thc_percent": None}
        connection.execute("alter table products drop column brand")
        with pytest.raises(psycopg.errors.UndefinedColumn), analyst(connection):
            connection.one("select name from marts.products")


def test_browser_roles_can_t_read_through_the_function(stocked: Shop) -> None:
    with stocked.connection() as connection:
        for role in ("anon", "authenticated"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.script(f"set local role {role}; select from marts.read_products()")
            assert not connection.value(
                "select has_function_privilege($role, 'marts.read_products()', 'execute')", role=role
            )


@pytest.mark.parametrize(
    ("file", "role"),
    [("0008_analyst.postgres.sql", "guidelight_analyst"), ("0009_sync_role.postgres.sql", "guidelight_sync")],
)
def test_the_role_that_may_not_be_created_is_named(
    empty_database: TestDatabase, tmp_path: Path, file: str, role: str
) -> None:
    text = (DIRECTORY / file).read_text().replace(f"'{role}'", "'role_of_nobody'")
    (tmp_path / file).write_text(text)
    with connect(empty_database.target) as connection:
        connection.script(
            "drop role if exists no_creator; create role no_creator login; grant create on schema public to no_creator"
        )
    try:
        with pytest.raises(ConfigurationError, match=f'let a superuser run "create role {role} nologin'):
            migrate(target(empty_database.url.replace("postgres@", "no_creator@")), directory=tmp_path)
    finally:
        with connect(empty_database.target) as connection:
            connection.script("drop owned by no_creator; drop role no_creator")
