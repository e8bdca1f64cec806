"""Killed, stopped or cut off at any instant: the next sync leaves what one undisturbed run would have left."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipelines.database import Connection, connect
from tests.shop import PRODUCTS, Shop
from tests.warm import Running, until

pytestmark = pytest.mark.alternating


@pytest.fixture
def moved(stocked: Shop) -> Shop:
    """A shop whose catalogue moved on: one product changed, one new, one gone; nothing of it published."""
    changed, gone = stocked.active(2)
    changed["sellable_quantity"] = 4321
    stocked.sandbox.products.append(changed | {"product_id": "brand-new"})
    stocked.remove([gone])
    return stocked


def undisturbed(shop: Shop) -> None:
    """What any number of syncs must have left in the end: the listing, and each change once."""
    products = shop.products()
    listed = {record["product_id"]: record for record in shop.sandbox.products}
    assert {identity for identity, row in products.items() if row["is_active"] or row["in_stock"]} <= set(listed)
    assert all(products[identity]["source_data"] == record for identity, record in listed.items())
    changes = shop.rows("select change, count(*) as n from product_changes group by change order by change")
    assert [(row["change"], row["n"]) for row in changes] == [("absent", 1), ("created", PRODUCTS + 1), ("updated", 1)]
    assert shop.rows(
        "select log.id from sync_logs as log where log.published_at is null and exists "
        "(select 1 from product_changes as change where change.sync_log_id = log.id)"
    ) == []  # fmt: skip
    assert shop.value("select count(*) from sync_logs where status = 'running'") == 0


def children(pid: int) -> list[int]:
    """Those that live: one that was dismissed is waited for at the end."""
    found = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [child for child in found if is_alive(child)]


def has_open(pid: int, path: Path) -> bool:
    """Whether a process has a file open."""
    try:
        return any(entry.resolve() == path for entry in Path(f"/proc/{pid}/fd").iterdir())
    except (FileNotFoundError, ProcessLookupError):
        return False


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_pages_come(moved: Shop, signum: signal.Signals) -> None:
    before = moved.published()
    running = moved.hold(3)
    log = moved.running_log()
    began = time.monotonic()
    running.send(signum)
    ran = running.wait()
    assert time.monotonic() - began < 10, "what waits for an answer is no reason to stay"
    moved.let_go()
    assert ran.status == 128 + signum
    assert ran.error == f"interrupted by {signum.name}" and "Traceback" not in ran.stderr
    assert ran.json["success"] is False and ran.json["error"] == ran.error
    ended = moved.log(str(log["id"]))
    assert (ended["status"], ended["error_message"]) == ("failed", ran.error) and ended["completed_at"] is not None
    assert ended["error_details"]["counts"] == {"interrupted": 1}
    assert moved.value("select sync_log_id from sync_turns") is None
    assert moved.published() == before
    assert moved.sync().status == 0
    undisturbed(moved)


def test_a_signal_that_comes_twice_at_once_is_one(moved: Shop) -> None:
    """As timeout(1) sends it: to the process, and to its group."""
    running = moved.hold(3)
    log = moved.running_log()
    running.send(signal.SIGTERM)
    running.send(signal.SIGTERM)
    assert running.wait().status == 143
    moved.let_go()
    assert moved.log(str(log["id"]))["status"] == "failed"


def test_killed_while_pages_come(moved: Shop) -> None:
    before = moved.published()
    moved.hold(3).kill()
    moved.let_go()
    assert moved.published() == before
    assert moved.sync().status == 0
    undisturbed(moved)


def test_killed_again_and_again(moved: Shop) -> None:
    for page in (2, 4, 1):
        moved.hold(page).kill()
        moved.let_go()
    assert moved.sync().status == 0
    statuses = [log["status"] for log in moved.logs()]
    assert statuses == ["success", "failed", "failed", "failed", "success"]
    undisturbed(moved)


@contextmanager
def products_locked(shop: Shop) -> Iterator[Connection]:
    """`products` held by the app, so that a publish waits at its lock; given up on leaving."""
    with connect(shop.database.target) as app:
        app.execute("begin")
        app.execute("lock table products in row exclusive mode")
        yield app
        app.execute("rollback")


def publishes_waiting(shop: Shop) -> list[int]:
    """The database's processes that wait for a lock of another: those that publish."""
    rows = shop.rows(
        "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' order by pid"
    )
    return [row["pid"] for row in rows]


@pytest.mark.postgres_only
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_in_the_publish(moved: Shop, signum: signal.Signals) -> None:
    before = moved.published()
    with products_locked(moved):
        running = moved.begin()
        until(lambda: publishes_waiting(moved), "the publish waits for the lock")
        running.send(signum)
        ended = running.wait()
    assert ended.status == 128 + signum
    until(lambda: not publishes_waiting(moved), "the publish is gone")
    assert moved.published() == before
    assert [log["status"] for log in moved.logs()] == ["success", "failed"]
    assert moved.sync().status == 0
    undisturbed(moved)


@pytest.mark.postgres_only
def test_killed_in_the_publish_which_ends_by_itself(moved: Shop) -> None:
    with products_locked(moved):
        running = moved.begin()
        until(lambda: publishes_waiting(moved), "the publish waits for the lock")
        log = moved.running_log()
        running.kill()
    until(lambda: moved.log(str(log["id"]))["published_at"], "the publish, begun, is finished")
    assert moved.running_log()["id"] == log["id"]
    synced = moved.sync()
    assert (synced.status, synced.counts) == (0, (PRODUCTS, 0, 0, PRODUCTS))
    closed = moved.log(str(log["id"]))
    assert (closed["status"], closed["error_message"]) == ("partial", "interrupted after publish: not checked")
    assert (closed["products_created"], closed["products_updated"]) == (1, 1)
    undisturbed(moved)


@pytest.mark.postgres_only
def test_killed_in_the_publish_and_overtaken(moved: Shop) -> None:
    with products_locked(moved):
        running = moved.begin()
        (waiting,) = until(lambda: publishes_waiting(moved), "the publish waits for the lock")
        log = moved.running_log()
        running.kill()
        second = moved.begin()
        until(lambda: len(publishes_waiting(moved)) == 2, "the second publish waits too")
        assert waiting in publishes_waiting(moved)
        assert moved.log(str(log["id"]))["status"] == "failed"
    synced = moved.ended(second)
    assert synced.status == 0 and synced.counts == (PRODUCTS, 1, 1, PRODUCTS - 2)
    closed = moved.log(str(log["id"]))
    assert (closed["status"], closed["published_at"]) == ("failed", None)
    undisturbed(moved)


@pytest.mark.postgres_only
def test_the_database_drops_the_publishing_connection(moved: Shop) -> None:
    before = moved.published()
    with products_locked(moved):
        running = moved.begin()
        (waiting,) = until(lambda: publishes_waiting(moved), "the publish waits for the lock")
        moved.execute("select pg_terminate_backend($pid)", pid=waiting)
        synced = moved.ended(running)
    assert (synced.status, synced.row["status"]) == (1, "failed") and moved.published() == before
    assert moved.sync().status == 0
    undisturbed(moved)


@pytest.mark.postgres_only
def test_the_app_keeps_products_locked_too_long(moved: Shop) -> None:
    before = moved.published()
    with products_locked(moved):
        running = moved.begin()
        (waiting,) = until(lambda: publishes_waiting(moved), "the publish waits for the lock")
        moved.execute("select pg_cancel_backend($pid)", pid=waiting)  # what lock_timeout does after 30 s
        synced = moved.ended(running)
    assert (synced.status, synced.row["status"]) == (1, "failed") and moved.published() == before
    assert moved.sync().status == 0
    undisturbed(moved)


@pytest.mark.duckdb_only
@pytest.mark.parametrize("who", ["both", "the parent", "the child"])
def test_killed_while_the_file_is_written(moved: Shop, who: str) -> None:
    path = moved.database.target.path
    assert path is not None
    running = moved.hold(4)
    child, _dlt, _examiner = children(running.pid)
    moved.let_go()
    until(lambda: has_open(child, path) or not running.is_running, "dbt has the file open")
    if who != "the parent":
        _kill(child)
    if who != "the child":
        running.send(signal.SIGKILL)
    running.wait()
    # It opens the file several times for one publish: only when it is gone nothing more comes.
    until(lambda: not is_alive(child), "the child has ended")
    published = {log["id"] for log in moved.logs() if log["published_at"] is not None}
    changed = {row["sync_log_id"] for row in moved.rows("select distinct sync_log_id from product_changes")}
    assert published == changed
    assert moved.sync().status == 0
    undisturbed(moved)


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


@pytest.mark.postgres_only
def test_the_connection_is_lost_while_pages_come(moved: Shop) -> None:
    running = moved.hold(3)
    dropped: Any = moved.value(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity "
        "where datname = current_database() and pid <> pg_backend_pid()"
    )
    assert dropped >= 1
    moved.let_go()
    synced = moved.ended(running)
    assert synced.status == 0, synced.ran.stderr
    undisturbed(moved)


def test_a_publish_that_was_done_although_its_process_died(stocked: Shop) -> None:
    """The log says published, the process is gone: the same as a kill between the commit and the checks."""
    running: Running = stocked.hold(1)
    log = stocked.running_log()
    stocked.execute("update sync_logs set published_at = now() where id = $id", id=log["id"])
    running.send(signal.SIGTERM)
    assert running.wait().status == 143
    stocked.let_go()
    assert stocked.log(str(log["id"]))["status"] == "partial"
