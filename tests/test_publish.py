"""The publish is one transaction: whatever fails in it leaves every table as it was, and the next sync heals."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.shop import PRODUCTS, Shop, Synced
from tests.warm import Running

pytestmark = pytest.mark.alternating


@pytest.fixture
def moved(stocked: Shop) -> Shop:
    """A shop whose catalogue moved on: one product dearer, one new, one gone; nothing of it published."""
    dearer, gone = stocked.active(2)
    dearer["sellable_quantity"] = 4321
    stocked.sandbox.products.append(dearer | {"product_id": "brand-new"})
    stocked.remove([gone])
    return stocked


def healed(shop: Shop) -> None:
    """The next sync publishes all that the failed one could not, each change once."""
    synced = shop.sync()
    assert (synced.status, synced.counts) == (0, (PRODUCTS, 1, 1, PRODUCTS - 2)), synced.ran
    assert synced.receipt["absent"] == 1
    changed = shop.rows(
        "select source_id, count(*) as n from product_changes group by source_id having count(*) > 1 order by n desc"
    )
    assert [row["n"] for row in changed] == [2, 2]  # what was dearer and what is gone: created by the first sync


def failed_with(synced: Synced, words: str) -> None:
    assert (synced.status, synced.row["status"], synced.row["published_at"]) == (1, "failed", None)
    assert words in synced.row["error_message"] and "\n" not in synced.row["error_message"]
    assert "Traceback" not in synced.ran.stderr


BROKEN = {"product_changes": "fields", "product_sync_state": "warnings"}
"""A column that the publish writes late, when `products` has been written already."""


@pytest.mark.parametrize("table", BROKEN)
def test_a_statement_that_fails_leaves_all_as_it_was(moved: Shop, table: str) -> None:
    before = moved.published()
    moved.execute(f"alter table {table} rename column {BROKEN[table]} to broken")
    synced = moved.sync()
    failed_with(synced, "")
    moved.execute(f"alter table {table} rename column broken to {BROKEN[table]}")
    assert moved.published() == before
    healed(moved)


TRIGGERS = {
    "on the history": "after insert on product_changes deferrable initially immediate",
    "on products": "after update on products deferrable initially immediate",
    "at the commit": "after insert on product_changes deferrable initially deferred",
}


@pytest.mark.postgres_only
@pytest.mark.parametrize("when", TRIGGERS)
def test_a_trigger_of_the_apps_that_raises(moved: Shop, when: str) -> None:
    with moved.connection() as connection:
        connection.script(
            "create function refuse() returns trigger language plpgsql as $$ begin raise 'the app says no'; end $$;"
            f"create constraint trigger refuse {TRIGGERS[when]} for each row execute function refuse()"
        )
    before = moved.published()
    failed_with(moved.sync(), "the app says no")
    assert moved.published() == before
    with moved.connection() as connection:
        connection.script("drop function refuse cascade")
    healed(moved)


@pytest.mark.postgres_only
def test_a_write_that_the_database_swallows_is_noticed(moved: Shop) -> None:
    with moved.connection() as connection:
        connection.script(
            "create function swallow() returns trigger language plpgsql as $$ begin return null; end $$;"
            "create trigger swallow before update on products for each row execute function swallow()"
        )
    before = moved.published()
    failed_with(moved.sync(), "the receipt does not balance")
    assert moved.published() == before
    with moved.connection() as connection:
        connection.script("drop function swallow cascade")
    healed(moved)


@pytest.mark.postgres_only
def test_new_rows_are_written_last(moved: Shop) -> None:
    """Statistics know nothing of them: where `products` had been emptied, the update went through all for each."""
    with moved.connection() as connection:
        connection.script(
            "create table written (place serial, what text);"
            "create function note() returns trigger language plpgsql as "
            "$$ begin insert into written (what) values (tg_op); return null; end $$;"
            "create trigger note after insert or update on products for each statement execute function note()"
        )
    synced = moved.sync()
    assert synced.status == 0, synced.ran.stderr
    _, created, updated, _ = synced.counts
    assert created and updated
    written = [row["what"] for row in moved.rows("select what from written order by place")]
    assert written == sorted(written, reverse=True) and set(written) == {"INSERT", "UPDATE"}


@pytest.fixture
def running(moved: Shop) -> Iterator[Running]:
    """A sync of the shop that waits for page 3."""
    begun = moved.hold(3)
    yield begun
    moved.let_go()
    begun.wait()


def end(shop: Shop, running: Running) -> Synced:
    shop.let_go()
    return shop.ended(running)


def test_a_history_that_holds_more_than_was_changed(moved: Shop, running: Running) -> None:
    log = moved.running_log()
    moved.execute(
        "insert into product_changes select $id, integration_id, source, 'stray', 'created', 'source', '{}', now() "
        "from product_sync_state limit 1",
        id=log["id"],
    )
    before = moved.published()
    synced = end(moved, running)
    failed_with(synced, "the receipt does not balance: rows_of_history = created + updated + absent")
    assert moved.published() == before
    moved.execute("delete from product_changes where source_id = 'stray'")
    healed(moved)


def test_a_load_that_is_not_whole(moved: Shop, running: Running) -> None:
    before = moved.published()
    moved.execute("delete from staging_treez.payloads where source_id = $id", id=moved.record(9)["product_id"])
    failed_with(
        end(moved, running), f"of {PRODUCTS} sightings {PRODUCTS} are in staging, {PRODUCTS - 1} with their payload"
    )
    assert moved.published() == before
    healed(moved)


LOST = {
    "the turn was taken": "update sync_turns set sync_log_id = gen_random_uuid()",
    "the turn was cleared": "update sync_turns set sync_log_id = null, heartbeat_at = null",
    "the log was closed": "update sync_logs set status = 'failed', error_message = 'closed', completed_at = now(), "
    "duration_ms = 1 where status = 'running'",
    "the log is gone": "delete from sync_logs where status = 'running'",
}


@pytest.mark.parametrize("how", list(LOST)[:3])
def test_a_sync_that_lost_its_turn_publishes_nothing(moved: Shop, running: Running, how: str) -> None:
    before = moved.published()
    log = moved.running_log()
    moved.execute(LOST[how])
    synced = end(moved, running)
    assert (synced.status, synced.row["status"], synced.row["published_at"]) == (1, "failed", None)
    assert (
        "turn" in synced.ran.stderr or "turn" in synced.row["error_message"] or synced.row["error_message"] == "closed"
    )
    assert moved.published() == before
    if how == "the turn was taken":
        assert moved.value("select sync_log_id from sync_turns") not in (None, log["id"])
        moved.execute("update sync_turns set sync_log_id = null")
    healed(moved)


def test_a_sync_whose_log_was_deleted_ends_without_a_traceback(moved: Shop, running: Running) -> None:
    before = moved.published()
    moved.execute(LOST["the log is gone"])
    moved.let_go()
    ran = running.wait()
    assert ran.status == 1 and "Traceback" not in ran.stderr and ran.json["success"] is False
    assert moved.published() == before
    healed(moved)
