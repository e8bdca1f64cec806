"""Who may see and write what on Postgres, tried as each role; asserted for every table, so that none is forgotten."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from pipelines.database import Connection, connect
from tests.databases import TestDatabase

pytestmark = [pytest.mark.postgres_only, pytest.mark.every_postgres]

MANAGER = "11111111-1111-4111-8111-111111111111"
STAFF = "22222222-2222-4222-8222-222222222222"

ROWS = f"""
insert into budtenders (auth_user_id, name, role) values ('{MANAGER}', 'Mo', 'manager'), ('{STAFF}', 'Bo', 'budtender');
insert into media_assets (url) values ('https://example.com/a.png');
insert into integrations (type, name) values ('treez', 'Main');
insert into sync_logs (integration_id, sync_type, status) select id, 'manual', 'success' from integrations;
insert into integration_secrets (integration_id, name, sealed) select id, 'api_key', 'sealed' from integrations;
insert into sync_turns (source) values ('treez');
insert into products (name, category, source, source_id) values ('A', 'vape', 'treez', '1');
insert into product_sync_state (source, source_id, content_hash, mapping_version, updated_at)
values ('treez', '1', 'h', 'm', now());
insert into product_changes select id, integration_id, 'treez', '1', 'created', 'source', '{{}}', now() from sync_logs;
"""

DENIED = "denied"

SEEN: dict[str, dict[str, int | str]] = {
    #                        anon, staff, manager, service_role: how many of the rows above
    "budtenders": {"anon": 0, "staff": 1, "manager": 1, "service": 2},
    "media_assets": {"anon": 0, "staff": 1, "manager": 1, "service": 1},
    "products": {"anon": 0, "staff": 1, "manager": 1, "service": 1},
    "integrations": {"anon": 0, "staff": 0, "manager": 1, "service": 1},
    "sync_logs": {"anon": 0, "staff": 0, "manager": 1, "service": 1},
    "product_changes": {"anon": DENIED, "staff": 0, "manager": 1, "service": 1},
    "product_sync_state": {"anon": DENIED, "staff": DENIED, "manager": DENIED, "service": 1},
    "integration_secrets": {"anon": DENIED, "staff": DENIED, "manager": DENIED, "service": 1},
    "sync_turns": {"anon": DENIED, "staff": DENIED, "manager": DENIED, "service": 1},
    "guidelight_migrations": {"anon": DENIED, "staff": DENIED, "manager": DENIED, "service": DENIED},
}

ANALYSTS: dict[str, int | str] = {"product_changes": 1, "guidelight_migrations": "the whole ledger"}
"""What guidelight_analyst sees of the rows above, and nothing else of public; tests/test_analyst.py has the views."""

WHO = {
    "anon": ("anon", None),
    "staff": ("authenticated", STAFF),
    "manager": ("authenticated", MANAGER),
    "service": ("service_role", None),
    "analyst": ("guidelight_analyst", None),
}
BROWSER_AND_SERVICE = [who for who in WHO if who != "analyst"]


@pytest.fixture
def connection(database: TestDatabase) -> Iterator[Connection]:
    """A migrated database with the rows above, as its owner."""
    with connect(database.target) as opened:
        opened.script(ROWS)
        yield opened


@contextmanager
def acting_as(connection: Connection, who: str) -> Iterator[None]:
    """As PostgREST does it: the role and the claims of the token, for one transaction, which is committed."""
    role, user = WHO[who]
    with connection.transaction():
        if user is not None:
            connection.execute(
                "select set_config('request.jwt.claims', $claims, true)", claims=json.dumps({"sub": user})
            )
        connection.execute(f"set local role {role}")
        yield


def written(connection: Connection, who: str, statement: str) -> int | str:
    """How many rows the statement wrote, or DENIED."""
    try:
        with acting_as(connection, who):
            return len(connection.rows(f"{statement} returning 1"))
    except psycopg.errors.InsufficientPrivilege:
        return DENIED


def test_every_table_of_public_has_row_level_security_and_a_line_here(connection: Connection) -> None:
    found = connection.rows(
        "select relname::text as name, relkind::text as kind, relrowsecurity as guarded from pg_class "
        "where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f')"
    )
    assert {row["name"] for row in found} == set(SEEN)
    assert {(row["kind"], row["guarded"]) for row in found} == {("r", True)}


@pytest.mark.parametrize("who", BROWSER_AND_SERVICE)
def test_each_sees_what_is_theirs_to_see(connection: Connection, who: str) -> None:
    seen: dict[str, int | str] = {}
    for table in SEEN:
        try:
            with acting_as(connection, who):
                seen[table] = connection.value(f"select count(*) from {table}")
        except psycopg.errors.InsufficientPrivilege:
            seen[table] = DENIED
    assert seen == {table: row[who] for table, row in SEEN.items()}


def test_analysts_see_what_is_theirs_to_see(connection: Connection) -> None:
    seen: dict[str, int | str] = {}
    for table in SEEN:
        try:
            with acting_as(connection, "analyst"):
                seen[table] = connection.value(f"select count(*) from {table}")
        except psycopg.errors.InsufficientPrivilege:
            seen[table] = DENIED
    ledger = connection.value("select count(*) from guidelight_migrations")
    assert ledger > 0
    assert seen == dict.fromkeys(SEEN, DENIED) | ANALYSTS | {"guidelight_migrations": ledger}


def test_policies_that_name_the_analysts_let_them_read_and_name_nobody_else(connection: Connection) -> None:
    found = connection.rows(
        "select polrelid::regclass::text as name, polcmd::text as command, polroles as roles, "
        "'guidelight_analyst'::regrole::oid as analyst from pg_policy "
        "where 'guidelight_analyst'::regrole = any(polroles)"
    )
    assert {row["name"] for row in found} == set(ANALYSTS)
    assert {row["command"] for row in found} == {"r"}
    assert all(row["roles"] == [row["analyst"]] for row in found)


def test_the_owner_sees_every_row(connection: Connection) -> None:
    assert all(connection.value(f"select count(*) from {table}") > 0 for table in SEEN)


def test_tables_without_a_policy_have_no_grant_to_browser_roles(connection: Connection) -> None:
    closed = connection.rows(
        "select c.relname::text as name from pg_class as c where relnamespace = 'public'::regnamespace "
        "and relkind = 'r' and not exists (select from pg_policy where polrelid = c.oid "
        "and polroles <> array['guidelight_analyst'::regrole::oid])"
    )
    assert {row["name"] for row in closed} == {
        table for table, row in SEEN.items() if row["anon"] == DENIED and row["manager"] == DENIED
    }
    for row in closed:
        for role in ("anon", "authenticated"):
            for right in ("select", "insert", "update", "delete", "truncate", "references", "trigger"):
                assert not connection.value(
                    "select has_table_privilege($role, $table, $right)", role=role, table=row["name"], right=right
                )


@pytest.mark.parametrize("schema", ["staging_treez", "marts"])
def test_staging_and_marts_are_closed_to_browser_roles(connection: Connection, schema: str) -> None:
    for role in ("anon", "authenticated"):
        for right in ("usage", "create"):
            assert not connection.value(
                "select has_schema_privilege($role, $schema, $right)", role=role, schema=schema, right=right
            )
        assert connection.value("select has_schema_privilege($role, 'public', 'usage')", role=role)


WRITES = {
    "insert into integrations (type, name) values ('leafly', 'Other')": (DENIED, DENIED, 1, 1),
    "update integrations set sync_enabled = true": (0, 0, 1, 1),
    "insert into sync_logs (integration_id, sync_type, status) select id, 'manual', 'running' from integrations": (
        *(0, 0),  # they see no integration to insert one for
        *(DENIED, 1),
    ),
    "update sync_logs set status = 'failed'": (0, 0, 0, 1),
    "delete from sync_logs": (0, 0, 0, 1),
    "insert into products (name, category) values ('B', 'other')": (DENIED, DENIED, 1, 1),
    "update products set name = 'C' where source = 'treez'": (0, 0, 1, 1),
    "delete from products": (0, 0, 1, 1),
    "update budtenders set role = 'manager'": (0, 0, 0, 2),
    "insert into budtenders (name, role) values ('Me', 'manager')": (DENIED, DENIED, DENIED, 1),
    "delete from product_changes": (DENIED, DENIED, DENIED, 1),
    "update product_changes set cause = 'return'": (DENIED, DENIED, DENIED, 1),
    "delete from integrations": (0, 0, 1, 1),
}


@pytest.mark.parametrize("statement", WRITES)
def test_each_writes_what_is_theirs_to_write(connection: Connection, statement: str) -> None:
    found = []
    for who in BROWSER_AND_SERVICE:
        with connection.transaction(), undone(connection):
            found.append(written(connection, who, statement))
    assert tuple(found) == WRITES[statement]
    assert written(connection, "analyst", statement) == DENIED


@contextmanager
def undone(connection: Connection) -> Iterator[None]:
    """Undo what was written, so that the next one finds the same rows."""
    assert isinstance(connection.raw, psycopg.Connection)
    with connection.raw.transaction(force_rollback=True):
        yield


@pytest.mark.parametrize("setting", ["request.jwt.claims", "request.jwt.claim.sub"])
def test_the_user_is_read_from_either_form_of_the_claims(connection: Connection, setting: str) -> None:
    value = json.dumps({"sub": MANAGER}) if setting.endswith("claims") else MANAGER
    with connection.transaction():
        connection.execute("select set_config($setting, $value, true)", setting=setting, value=value)
        connection.execute("set local role authenticated")
        assert str(connection.value("select auth.uid()")) == MANAGER
        assert connection.value("select count(*) from integrations") == 1


def test_nobody_is_signed_in_without_claims(connection: Connection) -> None:
    with connection.transaction():
        connection.execute("set local role anon")
        assert connection.value("select auth.uid()") is None
