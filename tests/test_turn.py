"""One sync of a source at a time: refused, waited for, taken over, by what is known of who has the turn."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.shop import PAGE, PRODUCTS, Shop
from tests.warm import Running, until

pytestmark = pytest.mark.alternating


@pytest.fixture
def running(stocked: Shop) -> Iterator[Running]:
    """A sync of the shop that waits for its page 3 until the gate is opened, or it is killed."""
    begun = stocked.hold(3)
    yield begun
    stocked.let_go()
    begun.wait()


def test_a_second_sync_is_refused_and_told_which_one_runs(stocked: Shop, running: Running) -> None:
    log = stocked.running_log()
    refused = stocked.sync()
    assert refused.status == 4
    assert refused.result["sync_log_id"] == str(log["id"]) and refused.result["status"] is None
    assert refused.result["error"] == refused.ran.error
    assert f"treez is already syncing: sync {log['id']} (process {running.pid}" in refused.ran.error
    assert refused.counts == (0, 0, 0, 0) and len(stocked.logs()) == 2
    stocked.let_go()
    first = stocked.ended(running)
    assert (first.status, first.row["id"], first.counts) == (0, log["id"], (PRODUCTS, 0, 0, PRODUCTS))
    assert stocked.sync().status == 0


def test_a_running_sync_shows_itself(stocked: Shop, running: Running) -> None:
    log = stocked.running_log()
    assert log["completed_at"] is None and log["published_at"] is None
    turn = stocked.rows("select sync_log_id, pid from sync_turns")[0]
    assert turn == {"sync_log_id": log["id"], "pid": running.pid}


@pytest.mark.postgres_only
def test_a_running_sync_shows_how_far_it_is(stocked: Shop, running: Running) -> None:
    assert until(lambda: stocked.running_log()["products_fetched"], "progress in the log") in (PAGE, 2 * PAGE)


def test_the_turn_of_a_process_that_died_is_taken_over_at_once(stocked: Shop, running: Running) -> None:
    before = stocked.published()
    dead = stocked.running_log()
    assert running.kill().status == -9
    assert stocked.published() == before
    stocked.let_go()
    began = time.monotonic()
    synced = stocked.sync()
    assert (synced.status, synced.counts) == (0, (PRODUCTS, 0, 0, PRODUCTS))
    assert time.monotonic() - began < 15, "a dead process is no reason to wait"
    closed = stocked.log(str(dead["id"]))
    assert (closed["status"], closed["error_message"]) == ("failed", "interrupted before publish")
    assert closed["errors_count"] == 1 and closed["completed_at"] is not None and closed["duration_ms"] >= 0
    assert stocked.published() == before


def test_a_sync_that_died_after_its_publish_is_closed_as_partial(stocked: Shop, running: Running) -> None:
    dead = stocked.running_log()
    stocked.execute("update sync_logs set published_at = now(), products_unchanged = 40 where status = 'running'")
    running.kill()
    stocked.let_go()
    assert stocked.sync().status == 0
    closed = stocked.log(str(dead["id"]))
    assert (closed["status"], closed["error_message"]) == ("partial", "interrupted after publish: not checked")
    assert closed["products_unchanged"] == 40


ELSEWHERE = "update sync_turns set host = 'elsewhere', heartbeat_at = clock_timestamp() - $age * interval '1 second'"


def orphaned(shop: Shop, running: Running, age: int) -> dict[str, Any]:
    """A turn of a process on another machine, silent for `age` seconds."""
    dead = shop.running_log()
    running.kill()
    shop.let_go()
    shop.execute(ELSEWHERE, age=age)
    return dead


@pytest.mark.postgres_only
def test_a_fresh_heartbeat_from_elsewhere_is_respected(stocked: Shop, running: Running) -> None:
    dead = orphaned(stocked, running, 5)
    refused = stocked.sync()
    assert refused.status == 4 and refused.result["sync_log_id"] == str(dead["id"])
    assert "on elsewhere" in refused.ran.error


@pytest.mark.postgres_only
def test_an_old_heartbeat_from_elsewhere_is_waited_for_until_it_beats(stocked: Shop, running: Running) -> None:
    dead = orphaned(stocked, running, 30)
    second = stocked.begin()
    until(lambda: "has been silent for" in second.stderr, "the second sync says that it waits")
    assert second.is_running and stocked.running_log()["id"] == dead["id"]
    stocked.execute("update sync_turns set heartbeat_at = clock_timestamp()")
    refused = stocked.ended(second)
    assert refused.status == 4 and refused.result["sync_log_id"] == str(dead["id"])


@pytest.mark.postgres_only
def test_a_minute_of_silence_gives_the_turn_away(stocked: Shop, running: Running) -> None:
    dead = orphaned(stocked, running, 30)
    second = stocked.begin()
    until(lambda: "has been silent for" in second.stderr, "the second sync says that it waits")
    stocked.execute(ELSEWHERE, age=61)
    synced = stocked.ended(second)
    assert (synced.status, synced.counts) == (0, (PRODUCTS, 0, 0, PRODUCTS))
    assert stocked.log(str(dead["id"]))["status"] == "failed"


@pytest.mark.postgres_only
def test_a_sync_beats_while_it_runs(stocked: Shop, running: Running) -> None:
    def beat() -> Any:
        return stocked.value("select heartbeat_at from sync_turns")

    first = beat()
    until(lambda: beat() > first, "another heartbeat")


@pytest.mark.duckdb_only
def test_a_sync_in_a_file_is_no_obstacle_to_readers(stocked: Shop, running: Running) -> None:
    assert len(stocked.products()) == PRODUCTS
    shown = stocked.command("logs", "list", "--json")
    assert shown.status == 0 and shown.json[0]["status"] == "running"


def test_the_turn_is_given_back(stocked: Shop) -> None:
    stocked.sandbox.set_faults(["key-refused"])
    assert stocked.sync().status == 1
    assert stocked.rows("select sync_log_id, heartbeat_at from sync_turns") == [
        {"sync_log_id": None, "heartbeat_at": None}
    ]
