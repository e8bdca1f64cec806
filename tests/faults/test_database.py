"""What a Postgres does to a sync: cut off, full, read-only, slow, in its way (RELIABILITY.md, 92 to 107)."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest

from pipelines.database import connect, given_room
from pipelines.settings import target
from tests.databases import TestDatabase
from tests.faults.aftermath import Control, control, left, moved
from tests.shop import Shop, Synced
from tests.shops import Shops
from tests.test_interrupt import products_locked, publishes_waiting
from tests.warm import until

pytestmark = pytest.mark.postgres_only

LIMITED = "guidelight_limited"
"""A role that is as good as the tables' owner, and that a limit can be put on."""


@pytest.fixture
def shop(shops: Shops) -> Iterator[Shop]:
    with moved(shops, "postgres") as opened:
        yield opened


@pytest.fixture
def undisturbed(shops: Shops) -> Control:
    return control(shops, "postgres")


@pytest.fixture
def limited(shop: Shop) -> Iterator[Shop]:
    """The shop as that role reaches it."""
    server = shop.database.server
    assert server is not None
    shop.execute(f"create role {LIMITED} login in role postgres")
    url = shop.database.url.replace("postgres@", f"{LIMITED}@")
    yield replace(shop, database=TestDatabase(url, target(url), "postgres", server))
    shop.execute(f"drop owned by {LIMITED} cascade")
    shop.execute(f"drop role {LIMITED}")


def failed(shop: Shop, synced: Synced, before: object, *words: str) -> None:
    """One clear line that names the cause, products as before, nothing left running."""
    assert synced.status in (1, 2), synced.ran
    error = synced.result["error"]
    assert "Traceback" not in synced.ran.stderr and "\n" not in error
    for word in words:
        assert word in error
    assert shop.published() == before
    assert {log["status"] for log in shop.logs()} <= {"success", "failed"}
    assert shop.value("select sync_log_id from sync_turns") is None


def healed(shop: Shop, by: Control) -> None:
    """The next sync leaves what an undisturbed one leaves."""
    again = shop.ended(shop.begin())
    assert (again.status, again.counts) == (by.synced.status, by.synced.counts), again.ran
    assert left(shop) == by.left


@dataclass(frozen=True, slots=True)
class Limit:
    """What is put on the role or the tables, how it is lifted, and what the error names."""

    put: str
    lift: str
    words: tuple[str, ...]


LIMITS = {
    "no connection": Limit(
        f"alter role {LIMITED} connection limit 0",
        f"alter role {LIMITED} connection limit -1",
        ("can't be reached", "too many connections for role"),
    ),
    "one connection": Limit(
        f"alter role {LIMITED} connection limit 1",
        f"alter role {LIMITED} connection limit -1",
        ("can't be reached", "too many connections for role"),
    ),
    "a replica that may only be read": Limit(
        f"alter role {LIMITED} set default_transaction_read_only = on",
        f"alter role {LIMITED} reset default_transaction_read_only",
        ("read-only transaction", "Use a role that may write"),
    ),
    "one row that breaks a rule of the app's": Limit(
        "alter table products add constraint nothing_so_dear check (price_retail is distinct from 777)",
        "alter table products drop constraint nothing_so_dear",
        ("nothing_so_dear",),
    ),
    "one row that a trigger of the app's refuses": Limit(
        "create function refuse() returns trigger language plpgsql as $$ begin "
        "raise 'the app says no to %', new.source_id; end $$;"
        "create trigger refuse before insert on products for each row execute function refuse()",
        "drop function refuse cascade",
        ("the app says no to new-one",),
    ),
}

IN_MAKE_TEST = ("one connection",)


@pytest.mark.parametrize(
    "what", [pytest.param(one, marks=() if one in IN_MAKE_TEST else pytest.mark.long) for one in LIMITS]
)
def test_a_limit(shop: Shop, limited: Shop, undisturbed: Control, what: str) -> None:
    limit = LIMITS[what]
    with shop.connection() as connection:
        connection.script(limit.put)
    before = shop.published()
    synced = shop.ended(limited.begin())
    failed(shop, synced, before, *limit.words)
    with shop.connection() as connection:
        connection.script(limit.lift)
    healed(limited, undisturbed)


@pytest.mark.long
def test_connections_for_all_but_the_checks(shop: Shop, limited: Shop, undisturbed: Control) -> None:
    """Two are enough to publish, beside the heartbeat's: what was not checked is said, check by check.

    Where the heartbeat had no connection just then, everything was.
    """
    shop.execute(f"alter role {LIMITED} connection limit 2")
    synced = shop.ended(limited.begin())
    assert (synced.status, synced.counts) == (3, undisturbed.synced.counts) and "Traceback" not in synced.ran.stderr
    told = [message for kind, message in synced.problems if kind == "check"]
    checks = [(one.row["summary"] or {})["checks"] for one in (synced, undisturbed.synced)]
    assert told or checks[0] == checks[1]
    assert all("too many connections for role" in message and "\n" not in message for message in told)
    assert left(shop) == undisturbed.left


def test_a_place_is_waited_for_a_moment(shop: Shop, limited: Shop) -> None:
    """A server gives back the place of a closed connection a little later; other refusals are final at once."""
    shop.execute(f"alter role {LIMITED} connection limit 1")
    held = psycopg.connect(limited.database.url)
    refused: list[str] = []

    def connecting(url: str) -> psycopg.Connection:
        try:
            return psycopg.connect(url)
        except psycopg.OperationalError as error:
            refused.append(str(error))
            held.close()
            raise

    given_room(lambda: connecting(limited.database.url)).close()
    assert refused and all("too many connections for role" in one for one in refused)
    refused.clear()
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        given_room(lambda: connecting(limited.database.url.replace(LIMITED, "nobody")))
    assert len(refused) == 1


@pytest.mark.long
def test_a_heartbeats_connection_that_answers_no_more(shop: Shop, undisturbed: Control) -> None:
    """As when a network swallows what is sent: nothing is refused, nothing comes back."""
    running = shop.hold(3)
    beating = (
        "select pid from pg_stat_activity where datname = current_database() and state = 'idle' "
        "and query like 'update sync_turns%' and pid <> pg_backend_pid()"
    )
    (backend,) = until(lambda: shop.rows(beating), "the heartbeat has a connection, idle just now")
    os.kill(backend["pid"], signal.SIGSTOP)
    try:
        shop.let_go()
        synced = shop.ended(running)
    finally:
        os.kill(backend["pid"], signal.SIGCONT)
    assert (synced.status, synced.counts) == (undisturbed.synced.status, undisturbed.synced.counts), synced.ran
    assert shop.value("select sync_log_id from sync_turns") is None


@pytest.mark.long
def test_a_statement_that_takes_too_long(shop: Shop, limited: Shop, undisturbed: Control) -> None:
    """The app has staging locked; the role's statements end after a second, and dlt tries again a few times."""
    shop.execute(f"alter role {LIMITED} set statement_timeout = '1s'")
    before = shop.published()
    with connect(shop.database.target) as app:
        app.execute("begin")
        app.execute("lock table staging_treez.sightings in access exclusive mode")
        synced = shop.ended(limited.begin())
        app.execute("rollback")
    failed(shop, synced, before, "statement timeout")
    healed(limited, undisturbed)


def _impatient_for_locks() -> None:
    """A second of patience for `products` in the publish, whose process is forked from this one."""
    from dbt.adapters.sql.connections import SQLConnectionManager

    original = SQLConnectionManager.add_query

    def add_query(self: Any, sql: str, *given: Any, **named: Any) -> Any:
        return original(self, sql.replace("lock_timeout = '30s'", "lock_timeout = '1s'"), *given, **named)

    SQLConnectionManager.add_query = add_query


@pytest.mark.long
def test_a_lock_that_is_waited_for_too_long(shop: Shop, undisturbed: Control) -> None:
    before = shop.published()
    with products_locked(shop):
        synced = shop.ended(shop.begin(prepare=_impatient_for_locks))
    failed(shop, synced, before, "canceling statement due to lock timeout")
    healed(shop, undisturbed)


@pytest.mark.long
def test_a_right_that_is_taken_away_while_pages_come(shop: Shop, limited: Shop, undisturbed: Control) -> None:
    """One that only the publish needs."""
    shop.execute(f"revoke postgres from {LIMITED}")
    shop.execute(f"grant guidelight_sync to {LIMITED}")
    before = shop.published()
    shop.configure(patience_seconds=60)
    gate = shop.sandbox.hold(3)
    running = limited.begin()
    gate.await_arrival()
    shop.execute("revoke insert on product_changes from guidelight_sync")
    shop.let_go()
    failed(shop, shop.ended(running), before, "permission denied for table product_changes")
    shop.execute("grant insert on product_changes to guidelight_sync")
    assert shop.ended(limited.begin()).counts == undisturbed.synced.counts
    assert left(shop) == undisturbed.left


@pytest.mark.long
def test_all_rights_are_taken_away_while_pages_come(shop: Shop, limited: Shop, undisturbed: Control) -> None:
    """The log can't be finished either: the next sync, which may, closes it."""
    before = shop.published()
    shop.configure(patience_seconds=60)
    gate = shop.sandbox.hold(3)
    running = limited.begin()
    gate.await_arrival()
    shop.execute(f"revoke postgres from {LIMITED}")
    shop.let_go()
    ran = running.wait()
    assert ran.status == 1 and "Traceback" not in ran.stderr
    assert "permission denied" in ran.error and "the log could not be finished" in ran.error
    assert "Use a role that may write there" in ran.error
    assert shop.published() == before and shop.logs()[-1]["status"] == "running"
    shop.execute(f"grant postgres to {LIMITED}")
    healed(limited, undisturbed)
    assert [log["status"] for log in shop.logs()] == ["success", "failed", "partial"]


@pytest.mark.long
def test_a_row_that_was_written_since_the_snapshot(shop: Shop, limited: Shop, undisturbed: Control) -> None:
    """Where the role's transactions are repeatable read, the publish can't go on from what it saw (40001)."""
    shop.execute(f"alter role {LIMITED} set default_transaction_isolation = 'repeatable read'")
    before = left(shop)["products"]
    with connect(shop.database.target) as app:
        app.execute("begin")
        app.execute("update products set image_asset_id = image_asset_id")
        running = limited.begin()
        until(lambda: publishes_waiting(shop), "the publish waits for the lock")
        app.execute("commit")
        synced = shop.ended(running)
    assert left(shop)["products"] == before
    failed(shop, synced, shop.published(), "could not serialize access")
    shop.execute(f"alter role {LIMITED} reset default_transaction_isolation")
    healed(limited, undisturbed)


@pytest.mark.long
def test_a_writer_that_waits_for_us_while_we_wait_for_it(shop: Shop, undisturbed: Control) -> None:
    """A deadlock: the app has the row of the turn, and wants products, which the publish has (40P01)."""
    name = dict(shop.database.target.parameters)["dbname"]
    shop.execute(f"alter database {name} set deadlock_timeout = '2s'")
    before = shop.published()
    running = shop.hold(4)
    with connect(shop.database.target) as app:
        app.execute("set deadlock_timeout = '1h'")
        app.execute("begin")
        app.execute("select 1 from sync_turns for update")
        shop.let_go()
        until(lambda: _publish_waits_for_the_turn(shop), "the publish waits for the row of the turn")
        app.execute("update products set brand = brand")
        app.execute("rollback")
        synced = shop.ended(running)
    failed(shop, synced, before, "deadlock detected")
    healed(shop, undisturbed)


def _publish_waits_for_the_turn(shop: Shop) -> bool:
    return bool(
        shop.value(
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' "
            "and application_name = 'dbt' and query like '%key share%'"
        )
    )
