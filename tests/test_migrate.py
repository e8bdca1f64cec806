"""Migrations: once each, all or nothing, two at once, on both engines; and the way back."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pipelines import migrate as module
from pipelines.database import Connection, connect
from pipelines.errors import ConfigurationError
from pipelines.migrate import DIRECTORY, migrate, pending, record, recorded, require_current
from pipelines.settings import target
from tests.databases import TestDatabase

TABLES = {
    "budtenders",
    "guidelight_migrations",
    "integration_secrets",
    "integrations",
    "marts.products",
    "media_assets",
    "product_changes",
    "product_sync_state",
    "products",
    "staging_treez._dlt_loads",
    "staging_treez._dlt_version",
    "staging_treez.payloads",
    "staging_treez.rejected_records",
    "staging_treez.sightings",
    "sync_logs",
    "sync_turns",
}
THE_APPS = {"products", "budtenders", "media_assets"}

MIGRATE = """
import json, sys
from pipelines.migrate import migrate
from pipelines.settings import target
print("ready", flush=True)
sys.stdin.readline()
print(json.dumps(migrate(target(sys.argv[1]))), flush=True)
"""


def tables(connection: Connection) -> set[str]:
    """The tables of every schema but the engine's own; those of public without its name."""
    found = connection.rows(
        "select table_schema as schema, table_name as name from information_schema.tables "
        "where table_schema not in ('pg_catalog', 'information_schema')"
    )
    return {row["name"] if row["schema"] == connection.public else f"{row['schema']}.{row['name']}" for row in found}


def applicable(engine: str) -> list[str]:
    other = ".duckdb.sql" if engine == "postgres" else ".postgres.sql"
    return sorted(path.name for path in DIRECTORY.glob("0*.sql") if not path.name.endswith(other))


@pytest.mark.every_postgres
def test_makes_every_table_and_the_second_time_does_nothing(empty_database: TestDatabase) -> None:
    applied = migrate(empty_database.target)
    assert sorted(applied) == applicable(empty_database.engine)
    assert migrate(empty_database.target) == []
    with connect(empty_database.target, read_only=True) as connection:
        assert tables(connection) == TABLES
        assert pending(connection) == []
        require_current(connection)


def test_common_file_comes_before_the_engines_own(empty_database: TestDatabase) -> None:
    applied = migrate(empty_database.target)
    assert [name[:4] for name in applied] == sorted(name[:4] for name in applied)
    assert applied.index("0004_product_columns.sql") + 1 == applied.index(
        f"0004_product_columns.{empty_database.engine}.sql"
    )


def test_two_processes_at_once_apply_each_file_once(empty_database: TestDatabase) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", MIGRATE, empty_database.url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    applied = [name for process in processes for name in json.loads(process.communicate(timeout=60)[0])]
    assert [process.returncode for process in processes] == [0, 0]
    assert sorted(applied) == applicable(empty_database.engine)


@pytest.mark.postgres_only
def test_waits_for_another_migration_and_says_so(empty_database: TestDatabase) -> None:
    told = threading.Event()
    said: list[str] = []
    applied: list[str] = []

    def waiting(sentence: str) -> None:
        said.append(sentence)
        told.set()

    runner = threading.Thread(target=lambda: applied.extend(migrate(empty_database.target, waiting=waiting)))
    with connect(empty_database.target) as other:
        with other.transaction():
            other.execute(f"select pg_advisory_xact_lock({module._LOCK})")
            runner.start()
            assert told.wait(30)
        runner.join(30)
    assert said[0] == f"waiting for another migration of {empty_database.target}"
    assert sorted(applied) == applicable("postgres")


def test_a_failing_file_leaves_nothing_and_can_be_mended(empty_database: TestDatabase, tmp_path: Path) -> None:
    (tmp_path / "0001_good.sql").write_text("create table good (a integer);")
    bad = tmp_path / "0002_bad.sql"
    bad.write_text("create table half (a integer); insert into half values (1); select nothing_of_that_name;")
    with pytest.raises(ConfigurationError, match="nothing_of_that_name") as refused:
        migrate(empty_database.target, directory=tmp_path)
    assert str(refused.value).startswith(f"sql/0002_bad.sql can't be applied to {empty_database.target}: ")
    assert "\n" not in str(refused.value)
    with connect(empty_database.target) as connection:
        assert tables(connection) == {"good", "guidelight_migrations"}
        assert pending(connection, tmp_path) == ["0002_bad.sql"]
    bad.write_text("create table half (a integer);")
    assert migrate(empty_database.target, directory=tmp_path) == ["0002_bad.sql"]


def test_an_applied_file_that_was_changed_is_refused(empty_database: TestDatabase, tmp_path: Path) -> None:
    file = tmp_path / "0001_first.sql"
    file.write_bytes(b"create table first (a integer);\n")
    migrate(empty_database.target, directory=tmp_path)
    file.write_bytes(b"create table first (a integer);\r\n")
    assert migrate(empty_database.target, directory=tmp_path) == []
    file.write_bytes(b"create table first (a bigint);\n")
    (tmp_path / "0002_second.sql").write_text("create table second (a integer);")
    with pytest.raises(ConfigurationError, match=r"sql/0001_first\.sql was changed after it was applied"):
        migrate(empty_database.target, directory=tmp_path)
    with connect(empty_database.target) as connection:
        assert "second" not in tables(connection)


def test_a_database_newer_than_the_checkout_is_refused(empty_database: TestDatabase, tmp_path: Path) -> None:
    (tmp_path / "0001_first.sql").write_text("create table first (a integer);")
    (tmp_path / "0002_second.sql").write_text("create table second (a integer);")
    migrate(empty_database.target, directory=tmp_path)
    (tmp_path / "0002_second.sql").unlink()
    with pytest.raises(ConfigurationError, match=r"newer than this checkout, which has no 0002_second\.sql: update"):
        migrate(empty_database.target, directory=tmp_path)


def test_a_reader_of_a_database_that_is_behind_is_told_to_migrate(empty_database: TestDatabase) -> None:
    with connect(empty_database.target) as connection:
        assert pending(connection)[0].startswith("0001_")
        assert recorded(connection, "views") is None
        with pytest.raises(ConfigurationError, match="run `guidelight migrate`"):
            require_current(connection)


def test_repeatable_steps_stand_in_the_ledger_beside_the_files(database: TestDatabase) -> None:
    with connect(database.target) as connection:
        assert recorded(connection, "views") is None
        record(connection, "views", "one")
        record(connection, "views", "two")
        assert recorded(connection, "views") == "two"
        assert pending(connection) == []
        with pytest.raises(ValueError, match="name of a file"):
            record(connection, "0009_new.sql", "one")


@pytest.mark.postgres_only
@pytest.mark.every_postgres
def test_lacking_rights_is_said_in_one_line(empty_database: TestDatabase) -> None:
    with connect(empty_database.target) as connection:
        connection.script("drop role if exists limited; create role limited login")
    limited = target(empty_database.url.replace("postgres@", "limited@"))
    with pytest.raises(ConfigurationError, match="lacking rights: permission denied for schema public") as refused:
        migrate(limited)
    assert "\n" not in str(refused.value)
    with connect(empty_database.target) as connection:
        assert tables(connection) == set()


@pytest.mark.postgres_only
@pytest.mark.every_postgres
def test_an_owner_who_is_no_superuser_is_enough_and_public_is_where_tables_go(
    database: TestDatabase, empty_database: TestDatabase
) -> None:
    """As on Supabase, where the roles are there already (`database` made them) and postgres is no superuser."""
    name = dict(empty_database.target.parameters)["dbname"]
    with connect(empty_database.target) as connection:
        connection.script("create role shop login")
        connection.execute(f"alter database {name} owner to shop")
        connection.execute("create schema shop authorization shop")  # first on its search_path, by "$user"
    try:
        migrate(target(empty_database.url.replace("postgres@", "shop@")))
        with connect(empty_database.target) as connection:
            assert tables(connection) == TABLES
    finally:
        with connect(empty_database.target) as connection:
            # What is granted in time to come on what it will make is no object to be reassigned.
            connection.script("drop schema shop; reassign owned by shop to postgres")
            connection.script("drop owned by shop; drop role shop")


@pytest.mark.postgres_only
def test_missing_roles_that_may_not_be_created_are_named(empty_database: TestDatabase, tmp_path: Path) -> None:
    # The roles are there for all databases of the server, so the file is read with names that are not.
    text = (DIRECTORY / "0001_platform.postgres.sql").read_text().replace("'anon'", "'anon_of_nobody'")
    (tmp_path / "0001_platform.postgres.sql").write_text(text)
    with connect(empty_database.target) as connection:
        connection.script(
            "drop role if exists owner_only; create role owner_only login; grant create on schema public to owner_only"
        )
    try:
        with pytest.raises(ConfigurationError, match='let a superuser run "create role anon nologin noinherit'):
            migrate(target(empty_database.url.replace("postgres@", "owner_only@")), directory=tmp_path)
    finally:
        with connect(empty_database.target) as connection:
            connection.script("drop owned by owner_only; drop role owner_only")


@pytest.mark.postgres_only
def test_a_server_that_takes_no_writes_is_named(empty_database: TestDatabase) -> None:
    name = dict(empty_database.target.parameters)["dbname"]
    with connect(empty_database.target) as connection:
        connection.execute(f"alter database {name} set default_transaction_read_only = on")
    with pytest.raises(ConfigurationError, match=r"it takes no writes .* Point DATABASE_URL at the primary"):
        migrate(empty_database.target)


@pytest.mark.every_postgres
def test_rollback_drops_what_is_ours_and_keeps_what_is_the_apps(database: TestDatabase) -> None:
    with connect(database.target) as connection:
        connection.execute(
            "insert into products (name, category, source, source_id) values ('A', 'vape', 'treez', '1')"
        )
        connection.execute("insert into budtenders (name) values ('Ann')")
        before = connection.rows("select * from products")
        with connection.transaction():
            connection.script((DIRECTORY / "rollback.sql").read_text())
        assert tables(connection) == THE_APPS
        assert connection.rows("select * from products") == before
        assert connection.value("select count(*) from budtenders") == 1
        schemas = connection.rows("select schema_name from information_schema.schemata")
        assert not {"marts", "staging_treez"} & {row["schema_name"] for row in schemas}
    assert sorted(migrate(database.target)) == applicable(database.engine)
    with connect(database.target) as connection:
        assert tables(connection) == TABLES
        assert connection.rows("select * from products") == before
