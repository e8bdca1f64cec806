"""docs/permissions.md is true, letter by letter; and the rules that hold for every table, view, policy and function."""

from __future__ import annotations

import json
import re

import pytest

from pipelines.database import connect
from pipelines.settings import ROOT
from tests.databases import TestDatabase
from tests.security.permissions import DOCUMENT, ROWS, SCHEMAS, functions, relations, renewed, tried
from tests.security.roles import MANAGER, PEOPLE, WHO
from tests.shop import Shop

pytestmark = [pytest.mark.postgres_only, pytest.mark.every_postgres]

BROWSER = ["anon", "authenticated", "public"]
OURS = sorted({role for role, _ in WHO.values()})


def test_each_may_do_what_the_document_says(stocked: Shop) -> None:
    with stocked.connection() as connection:
        connection.script(ROWS)
        text = DOCUMENT.read_text()
        found = renewed(text, tried(connection))
    if found != text:
        new = ROOT / "build" / DOCUMENT.name
        new.parent.mkdir(exist_ok=True)
        new.write_text(found)
    assert found.splitlines() == text.splitlines(), "if that is meant: cp build/permissions.md docs/permissions.md"


def test_what_runs_as_its_owner_is_explained_and_closed_to_browser_roles(stocked: Shop) -> None:
    part = DOCUMENT.read_text().partition("## What runs as its owner")[2].partition("\n## ")[0]
    explained = set()
    for cell in re.findall(r"^\| (`.*?) \|", part, re.MULTILINE):
        names = re.findall(r"`([^`]+)`", cell)
        schema = names[0].partition(".")[0]
        explained |= {name if "." in name else f"{schema}.{name}" for name in names}
    with stocked.connection() as connection:
        invokers = connection.rows(
            "select oid::regclass::text as name from pg_class where 'security_invoker=true' = any(reloptions)"
        )
        views = {name for name, kind in relations(connection).items() if kind == "v"}
        views -= {row["name"] for row in invokers}
        definers = {name for name, as_owner in functions(connection).items() if as_owner}
        assert explained == views | definers
        for name in definers:
            for role in ("anon", "authenticated"):
                has = "select has_function_privilege($role, $name, 'execute')"
                assert not connection.value(has, role=role, name=name), name
    assert not [name for name in explained if name.startswith("public.")]


def test_every_table_of_public_has_row_level_security_and_there_is_nothing_but_tables(database: TestDatabase) -> None:
    with connect(database.target) as connection:
        found = connection.rows(
            "select relname::text as name, relkind::text as kind, relrowsecurity as guarded from pg_class "
            "where relnamespace = 'public'::regnamespace and relkind not in ('i', 't', 'c')"
        )
    assert len(found) == 10
    assert {(row["kind"], row["guarded"]) for row in found} == {("r", True)}


def test_no_policy_lets_a_browser_role_write_whatever_it_likes(database: TestDatabase) -> None:
    with connect(database.target) as connection:
        policies = connection.rows(
            "select tablename::text as name, policyname::text as policy, roles::text[] as roles, cmd, qual, with_check "
            "from pg_policies"
        )
    theirs = [row for row in policies if set(row["roles"]) & set(BROWSER)]
    assert {row["cmd"] for row in theirs} == {"SELECT", "INSERT", "UPDATE", "DELETE"}
    assert not [row for row in theirs if row["cmd"] != "SELECT" and "true" in (row["qual"], row["with_check"])]
    mixed = [row for row in policies if len(row["roles"]) != 1]
    assert not mixed, "a policy for one role can be read by itself"


def test_no_function_looks_its_names_up_in_a_path_of_the_callers(database: TestDatabase) -> None:
    with connect(database.target) as connection:
        found = connection.rows(
            "select oid::regprocedure::text as name, proconfig as settings from pg_proc "
            "where pronamespace = any($schemas::regnamespace[])",
            schemas=list(SCHEMAS),
        )
    assert len(found) == 3
    assert all("search_path=pg_catalog, pg_temp" in (row["settings"] or ()) for row in found)


def test_the_roles_can_make_and_own_nothing(database: TestDatabase) -> None:
    with connect(database.target) as connection:
        roles = connection.rows(
            "select rolname::text as name, rolcanlogin or rolsuper or rolcreaterole or rolcreatedb or rolreplication "
            "or (rolbypassrls and rolname <> 'service_role') as is_more, "
            "has_database_privilege(oid, current_database(), 'create') as creates, "
            "exists (select from pg_auth_members where member = pg_roles.oid) as is_member, "
            "exists (select from pg_shdepend where refobjid = pg_roles.oid and deptype = 'o') as owns "
            "from pg_roles where rolname = any($ours) order by 1",
            ours=OURS,
        )
    assert [row["name"] for row in roles] == OURS
    assert not [row for row in roles if row["is_more"] or row["creates"] or row["is_member"] or row["owns"]]


@pytest.mark.parametrize("setting", ["request.jwt.claims", "request.jwt.claim.sub"])
def test_the_user_is_read_from_either_form_of_the_claims(database: TestDatabase, setting: str) -> None:
    value = json.dumps({"sub": MANAGER}) if setting.endswith("claims") else MANAGER
    with connect(database.target) as connection:
        connection.script(f"{PEOPLE} insert into integrations (type, name) values ('treez', 'Main')")
        with connection.transaction():
            connection.execute("select set_config($setting, $value, true)", setting=setting, value=value)
            connection.execute("set local role authenticated")
            assert str(connection.value("select auth.uid()")) == MANAGER
            assert connection.value("select count(*) from integrations") == 1
        with connection.transaction():
            connection.execute("set local role anon")
            assert connection.value("select auth.uid()") is None
