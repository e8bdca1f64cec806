"""Several at once: two syncs, readers and writers beside a publish, an analyst (RELIABILITY.md, 106, 108, 115)."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from pipelines import store, turn
from tests.shop import PRODUCTS, Shop
from tests.test_interrupt import products_locked, publishes_waiting
from tests.test_publish import moved
from tests.warm import until

__all__ = ["moved"]

RACES = 50
"""On each engine."""


def race(shop: Shop) -> None:
    """Begin two syncs at once: the shop answers nobody before one of them has gone."""
    gate = shop.sandbox.hold(1)
    both = [shop.begin(), shop.begin()]
    until(lambda: not all(one.is_running for one in both), "one of the two has gone")
    gate.await_arrival()
    shop.let_go()
    first, second = sorted((one.wait() for one in both), key=lambda ran: ran.status)
    assert (first.status, second.status) == (0, 4), (first, second)
    assert second.json["sync_log_id"] == first.json["sync_log_id"], "the refused one names who has the turn"
    assert f"treez is already syncing: sync {first.json['sync_log_id']} (process " in second.error


def races(shop: Shop, count: int) -> None:
    shop.configure(patience_seconds=60)
    for _ in range(count):
        race(shop)
    assert [log["status"] for log in shop.logs()] == ["success"] * (count + 1), "who was refused left no row"
    assert shop.value("select count(*) from product_changes") == PRODUCTS


@pytest.mark.alternating
def test_two_syncs_at_once(stocked: Shop) -> None:
    races(stocked, 3)


@pytest.mark.faults
@pytest.mark.parametrize("part", range(5))
def test_fifty_races(stocked: Shop, part: int) -> None:
    races(stocked, RACES // 5)


def opening(shop: Shop, source: str) -> turn.Opening:
    """What takes the turn of another source, whose integration is registered for it."""
    shop.execute(
        "insert into integrations (type, name, config, sync_enabled) select $type, 'Another', config, false "
        "from integrations limit 1",
        type=source,
    )
    with shop.connection() as connection:
        other = store.active(connection, source)
    assert other is not None
    return turn.Opening(other, "manual", None, "test")


@pytest.mark.postgres_only
def test_another_source_is_synced_beside_it(stocked: Shop) -> None:
    running = stocked.hold(3)
    with turn.take(stocked.database.target, opening(stocked, "leafly"), print) as held:
        beats = "select source, heartbeat_at from sync_turns order by source"
        first = stocked.rows(beats)
        assert [row["source"] for row in first] == ["leafly", "treez"]
        assert stocked.value("select count(*) from sync_logs where status = 'running'") == 2
        stocked.let_go()
        synced = stocked.ended(running)
        assert (synced.status, synced.counts) == (0, (PRODUCTS, 0, 0, PRODUCTS))
        assert stocked.value("select sync_log_id from sync_turns where source = 'leafly'") == held.sync_log_id
    # It published nothing, and its turn was given back without a finished log.
    assert stocked.log(str(held.sync_log_id))["status"] == "failed"


@pytest.mark.duckdb_only
def test_another_source_waits_for_the_file(stocked: Shop) -> None:
    running = stocked.hold(3)
    told: list[str] = []
    wanted = opening(stocked, "leafly")

    def tell(said: str) -> None:
        told.append(said)
        stocked.let_go()

    with turn.take(stocked.database.target, wanted, tell) as held:
        assert running.wait().status == 0
        assert told[0] == f"waiting for the sync of treez (process {running.pid}), which has the file"
        assert stocked.value("select count(*) from sync_logs where status = 'running'") == 1
    assert stocked.log(str(held.sync_log_id))["status"] == "failed"


def priced(shop: Shop, price: int) -> None:
    """Every product has one price, and no other."""
    for record in shop.sandbox.products:
        record["pricing"] |= {"price_type": "FLAT", "price_sell": price, "discounted_price": None}
        record["merged_from_product_ids"] = []
    shop.serve()


@contextmanager
def beside(work: Callable[[psycopg.Connection], None], shop: Shop) -> Iterator[list[BaseException]]:
    """Repeat some work of the app's on a connection of its own until left; what it raised ends it, and is kept."""
    done = threading.Event()
    raised: list[BaseException] = []

    def repeat() -> None:
        try:
            with psycopg.connect(**dict(shop.database.target.parameters), autocommit=True) as connection:
                while not done.is_set():
                    work(connection)
        except psycopg.Error as error:
            raised.append(error)

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield raised
    finally:
        done.set()
        thread.join()


@pytest.mark.postgres_only
def test_readers_and_a_writer_beside_a_publish(stocked: Shop) -> None:
    """A reader sees the old menu or the new, whole; every click that the app counts in two rows is there at the end."""
    priced(stocked, 111)
    assert stocked.sync().status == 0
    priced(stocked, 222)
    stocked.execute("alter table products add column clicks integer not null default 0")
    one, other = sorted(stocked.products())[:2]
    seen: set[frozenset[object]] = set()
    clicks = 0

    def read(connection: psycopg.Connection) -> None:
        seen.add(frozenset(row[0] for row in connection.execute("select price_retail from products")))

    def write(connection: psycopg.Connection) -> None:
        nonlocal clicks
        both = (one, other) if clicks % 2 else (other, one)
        with connection.transaction():
            for source_id in both:
                connection.execute("update products set clicks = clicks + 1 where source_id = %s", (source_id,))
        clicks += 1

    with beside(read, stocked) as unread, beside(read, stocked), beside(write, stocked) as unwritten:
        until(lambda: clicks > 0 and seen, "the app is at work")
        synced = stocked.sync()
        published = clicks
        until(lambda: clicks > published and len(seen) > 1, "and goes on after it")
    assert (synced.status, synced.counts) == (0, (PRODUCTS, 0, PRODUCTS, 0)), synced.ran
    assert unread == unwritten == []
    assert seen == {frozenset({111}), frozenset({222})}, "the old prices, or the new ones"
    rows = stocked.rows("select clicks from products where source_id in ($one, $other)", one=one, other=other)
    assert [row["clicks"] for row in rows] == [clicks, clicks], "no edit is lost"


@pytest.mark.postgres_only
def test_an_edit_that_is_not_committed_yet_is_waited_for(stocked: Shop) -> None:
    """It began before the publish, and holds one row: the publish takes it in, or overwrites it, and says so."""
    identity = stocked.active(1)[0]["product_id"]
    with products_locked(stocked) as app:
        app.execute("update products set brand = 'Mine', sku = sku where source_id = $id", id=identity)
        running = stocked.begin()
        until(lambda: publishes_waiting(stocked), "the publish waits for the edit")
        app.execute("update products set description = 'Mine too' where source_id = $id", id=identity)
        app.execute("commit")
        synced = stocked.ended(running)
        app.execute("begin")
    assert (synced.status, synced.counts) == (0, (PRODUCTS, 0, 1, PRODUCTS - 1)), synced.ran
    change = stocked.changes(synced)[identity]
    assert change["cause"] == "edit overwritten" and set(change["fields"]) == {"brand", "description"}
    assert change["fields"]["brand"]["old"] == "Mine"


HOLDER = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "reader")
print("has it", flush=True)
sys.stdin.read()
"""


@contextmanager
def analyst(shop: Shop, how: str) -> Iterator[subprocess.Popen[str]]:
    """Somebody who has the file open, to read or to write, until told to close it."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, shop.database.url, how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "has it\n"
    try:
        yield process
    finally:
        process.communicate()


@pytest.mark.duckdb_only
@pytest.mark.parametrize("how", ["reader", pytest.param("writer", marks=pytest.mark.long)])
def test_an_analyst_who_has_the_file(moved: Shop, how: str) -> None:
    """The sync waits, names who has it, and goes on when the file is closed: before it begins, and in its middle."""
    moved.home.mkdir(exist_ok=True)
    running = moved.hold(4)
    with analyst(moved, how) as first:
        moved.let_go()
        says = f"waiting for guidelight.duckdb, which process {first.pid} (python"
        until(lambda: says in running.stderr, "the sync says whom it waits for")
        assert running.is_running
    synced = moved.ended(running)
    assert (synced.status, synced.counts) == (0, (PRODUCTS, 1, 1, PRODUCTS - 2)), synced.ran
    with analyst(moved, how) as second:
        running = moved.begin()
        says = f"waiting for guidelight.duckdb, which process {second.pid} (python"
        until(lambda: says in running.stderr, "the next one waits before it begins")
    assert moved.ended(running).counts == (PRODUCTS, 0, 0, PRODUCTS)


@pytest.mark.duckdb_only
def test_an_analyst_who_asks_while_the_file_is_written(stocked: Shop) -> None:
    """DuckDB's own words name the process; our inspect waits for it."""
    with analyst(stocked, "writer") as writer:
        refused = subprocess.run(
            [sys.executable, "-c", HOLDER, stocked.database.url, "reader"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )  # fmt: skip
        assert refused.returncode != 0 and f"(PID {writer.pid})" in refused.stderr
