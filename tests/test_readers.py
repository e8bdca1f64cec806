"""Who looks while a sync runs: readers of a file get in between, and on Postgres each role sees what it may."""

from __future__ import annotations

import subprocess
import sys

import psycopg
import pytest

from pipelines.database import connect
from tests.security.roles import MANAGER, STAFF, acting_as
from tests.shop import PRODUCTS, Shop
from tests.test_interrupt import products_locked, publishes_waiting
from tests.warm import until

READER = """
import duckdb, sys
seen = set()
print("reading", flush=True)
sys.stdin.close()
import os
while os.path.exists(sys.argv[2]):
    try:
        connection = duckdb.connect(sys.argv[1], read_only=True)
    except duckdb.Error:
        continue
    seen.add(connection.execute("select count(*) from products where stock_quantity = 4321").fetchone()[0])
    connection.close()
print(sorted(seen))
"""


@pytest.mark.duckdb_only
def test_a_reader_that_comes_again_and_again(stocked: Shop) -> None:
    for record in stocked.sandbox.products:
        record["sellable_quantity"] = 4321
    stocked.serve()
    stocked.home.mkdir(exist_ok=True)
    mark = stocked.home / "go-on"
    mark.touch()
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, stocked.database.url, str(mark)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert reader.stdout is not None and reader.stdout.readline() == "reading\n"
    running = stocked.begin()
    ran = running.wait()
    mark.unlink()
    seen, _ = reader.communicate()
    assert ran.status == 0, ran
    assert ran.json["stats"]["updated"] == PRODUCTS
    assert seen.strip() in ("[0]", f"[0, {PRODUCTS}]"), "a reader never sees half of a publish"


WRITER = """
import duckdb, os, sys
times = 0
counting = "select sum(i) from range({}) as t (i)"
print("writing", flush=True)
while os.path.exists(sys.argv[2]):
    try:
        connection = duckdb.connect(sys.argv[1])
    except duckdb.Error:
        continue
    connection.execute("update integrations set updated_at = now()")
    connection.execute(counting.format(60_000_000)).fetchone()
    connection.close()
    times += 1
    duckdb.execute(counting.format(20_000_000)).fetchone()
print(times)
"""


@pytest.mark.duckdb_only
def test_a_writer_that_has_the_file_most_of_the_time(stocked: Shop) -> None:
    stocked.home.mkdir(exist_ok=True)
    mark = stocked.home / "go-on"
    mark.touch()
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, stocked.database.url, str(mark)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None and writer.stdout.readline() == "writing\n"
    ran = stocked.begin().wait()
    mark.unlink()
    times, _ = writer.communicate()
    assert ran.status == 0, ran
    assert int(times) > 2


@pytest.mark.postgres_only
def test_readers_see_the_old_menu_until_the_new_one_is_whole(stocked: Shop) -> None:
    for record in stocked.sandbox.products:
        record["sellable_quantity"] = 4321
    stocked.serve()
    count = "select count(*) from products where stock_quantity = 4321"
    with connect(stocked.database.target) as reader:
        reader.execute("begin isolation level repeatable read")
        assert reader.value(count) == 0
        assert stocked.sync().counts == (PRODUCTS, 0, PRODUCTS, 0)
        assert reader.value(count) == 0
        reader.execute("commit")
        assert reader.value(count) == PRODUCTS


@pytest.mark.postgres_only
def test_the_roles_while_a_sync_runs(stocked: Shop) -> None:
    with stocked.connection() as connection:
        connection.script(
            "insert into budtenders (auth_user_id, name, role) values "
            f"('{MANAGER}', 'Mo', 'manager'), ('{STAFF}', 'Bo', 'budtender')"
        )
    with products_locked(stocked):
        running = stocked.begin()
        until(lambda: publishes_waiting(stocked), "the publish waits for the lock")
        with stocked.connection() as connection:
            for who, products, logs in (
                ("anon", 0, 0),
                ("staff", PRODUCTS, 0),
                ("manager", PRODUCTS, 2),
                ("service", PRODUCTS, 2),
            ):
                with acting_as(connection, who):
                    assert connection.value("select count(*) from products") == products, who
                    assert connection.value("select count(*) from sync_logs") == logs, who
            with acting_as(connection, "manager"):
                assert connection.value("select count(*) from sync_logs where status = 'running'") == 1
                assert connection.value("select count(*) from product_changes") == PRODUCTS
            for who in ("anon", "staff", "manager"):
                for table in ("staging_treez.payloads", "sync_turns", "integration_secrets"):
                    with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(connection, who):
                        connection.value(f"select count(*) from {table}")
    assert stocked.ended(running).status == 0
