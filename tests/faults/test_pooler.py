"""Everything works through pgbouncer in transaction mode, its settings the defaults (RELIABILITY.md, 110)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from tests.databases import Databases
from tests.faults.aftermath import control, left, moved
from tests.faults.pooler import pooled, through
from tests.shop import KEY, PAGE, PRODUCTS, GatedSandbox, Shop
from tests.shops import ADD, Shops
from tests.test_interrupt import publishes_waiting
from tests.warm import run, until

pytestmark = [pytest.mark.postgres_only, pytest.mark.long]


@pytest.fixture(scope="module")
def pooler(databases: Databases) -> Iterator[Path]:
    with pooled(databases.server("postgres")) as directory:
        yield directory


def test_every_command_from_the_first_on(databases: Databases, pooler: Path, tmp_path: Path) -> None:
    """An empty database, reached in no other way: migrated, registered, synced, asked."""
    with (
        databases.make("postgres", migrated=False) as direct,
        GatedSandbox(products=PRODUCTS, page_cap=PAGE, rate=None) as sandbox,
    ):
        database = through(pooler, direct)

        def command(*words: str, status: int = 0) -> str:
            ran = run([*words, "--database", database.url], home=tmp_path, env={KEY: sandbox.api_key})
            assert ran.status == status, ran
            return ran.stdout

        command("migrate")
        integration = command(*ADD, "--set", f"base_url={sandbox.base_url}").strip()
        shop = Shop(sandbox, database, tmp_path, integration)
        assert '"created": 40' in command("plan", "--json")
        assert shop.sync().counts == (PRODUCTS, PRODUCTS, 0, 0)
        dearer = shop.active(1)[0]
        dearer["pricing"] |= {"price_type": "FLAT", "price_sell": 777, "discounted_price": None}
        shop.serve()
        identity = dearer["product_id"]
        assert shop.sync("--product", identity).counts == (1, 0, 1, 0)
        assert shop.sync().counts == (PRODUCTS, 0, 0, PRODUCTS)
        for words in (
            ["verify"], ["logs", "list"], ["logs", "show"], ["history", identity], ["integrations", "list"],
            ["staging", "list"], ["staging", "show", identity], ["staging", "rejected"], ["replay"],
        ):  # fmt: skip
            command(*words)
        assert settings_of_the_pool(pooler, database.url) == {('"$user", public', "none", "0", "on")}


def settings_of_the_pool(pooler: Path, url: str) -> set[tuple[str, ...]]:
    """What the pool's connections are set to after all that: what one command sets, another's statement would meet."""
    name = url.rpartition("@/")[2].partition("?")[0]
    asked = ", ".join(
        f"current_setting('{setting}')" for setting in ("search_path", "role", "statement_timeout", "jit")
    )
    with ExitStack() as stack:
        clients = [
            stack.enter_context(psycopg.connect(host=str(pooler), user="postgres", dbname=name)) for _ in "123456"
        ]
        # Each in a transaction that stays open: so many connections of the pool at once.
        return {one.execute(f"select {asked}").fetchone() or () for one in clients}


def test_a_sync_that_is_killed_and_overtaken(shops: Shops, pooler: Path) -> None:
    """The turn, its heartbeat and the fence need no session: the pool gives each transaction another connection."""
    by = control(shops, "postgres")
    with moved(shops, "postgres") as direct:
        shop = replace(direct, database=through(pooler, direct.database))
        running = shop.hold(3)
        refused = shop.ended(shop.begin())
        assert refused.status == 4
        running.kill()
        shop.let_go()
        synced = shop.ended(shop.begin())
        assert (synced.status, synced.counts) == (by.synced.status, by.synced.counts)
        assert left(direct) == by.left
        assert [log["status"] for log in shop.logs()] == ["success", "failed", "partial"]


def test_a_publish_that_waits_is_cut_off_with_its_client(shops: Shops, pooler: Path) -> None:
    """SIGTERM in the publish: the pooler ends the statement's connection, and nothing is written."""
    with moved(shops, "postgres") as direct:
        shop = replace(direct, database=through(pooler, direct.database))
        before = direct.published()
        with psycopg.connect(**dict(direct.database.target.parameters)) as app:
            app.execute("lock table products in row exclusive mode")
            running = shop.begin()
            until(lambda: publishes_waiting(direct), "the publish waits for the lock")
            running.kill()
        until(lambda: not publishes_waiting(direct), "the publish is gone, or done")
        again = shop.ended(shop.begin())
        assert again.status == 3, again.ran
        assert before != direct.published()
