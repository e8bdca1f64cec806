"""guidelight_sync, by a login in it: all that a scheduled sync does, on our products and an app's; and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest

from pipelines.database import Connection, connect
from pipelines.job_summary import read
from pipelines.migrate import DIRECTORY, migrate
from pipelines.settings import target
from tests.databases import Engine, TestDatabase
from tests.security.roles import MANAGER, PEOPLE
from tests.shop import PRODUCTS, Shop
from tests.shops import Shops
from tests.test_adoption import APP, APP_RIGHTS
from tests.test_schema import described

pytestmark = [pytest.mark.postgres_only]

BOT = "guidelight_bot"
KEY = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="
"""A GUIDELIGHT_SECRET_KEY of these tests."""

MANUAL = "insert into products (name, category) values ('Grinder of our own', 'other')"

OLD = """
insert into sync_logs (integration_id, sync_type, status, started_at, published_at)
select id, 'scheduled', 'success', now() - n * interval '1 hour', now() - n * interval '1 hour'
from integrations cross join generate_series(1, 12) as n;
insert into staging_treez.sightings
select id, integration_id, 'old', 'old', 1, started_at from sync_logs;
insert into staging_treez.rejected_records
select id, integration_id, 'old', 'is odd', 1, started_at, 't', 1 from sync_logs;
"""
"""Published syncs that staging no longer keeps, so that something is pruned."""


@contextmanager
def login(database: TestDatabase) -> Iterator[str]:
    """The URL of a login in the role, as docs/permissions.md has an administrator make it."""
    with connect(database.target) as owner:
        owner.execute(f"create role {BOT} login in role guidelight_sync")
    try:
        yield database.url.replace("postgres@", f"{BOT}@")
    finally:
        with connect(database.target) as owner:
            owner.execute(f"drop role {BOT}")


@contextmanager
def scheduled(shop: Shop) -> Iterator[Shop]:
    """The shop, whose commands run as the login; what a test asks of it, it asks as the owner."""
    with login(shop.database) as url:
        yield replace(shop, database=replace(shop.database, url=url))


@pytest.mark.every_postgres
def test_all_that_a_scheduled_sync_does(shop: Shop) -> None:
    with shop.connection() as connection:
        connection.script(f"{PEOPLE} {MANUAL}; {OLD}")
        manager = connection.value("select id::text from budtenders where auth_user_id = $id", id=MANAGER)
    shop.configure(api_key=shop.sandbox.api_key)
    with scheduled(shop) as bot:
        env = {"GUIDELIGHT_SECRET_KEY": KEY}
        nobody = bot.command("sync", "--json", "--triggered-by", MANAGER, env=env)
        assert (nobody.status, nobody.error) == (
            2,
            f"There is no budtender {MANAGER}: check the id, or leave --triggered-by out",
        )
        assert shop.value("select count(*) from sync_logs where status = 'running'") == 0
        first = bot.sync("--triggered-by", manager, env=env)
        assert (first.status, first.counts) == (0, (PRODUCTS, PRODUCTS, 0, 0)), first.ran
        assert shop.value("select count(*) from integration_secrets") == 2, "the key was sealed, and a token kept"
        assert shop.value("select count(*) from pg_stats where tablename = 'sightings'") > 0
        assert shop.value("select count(*) from staging_treez.sightings where source_id = 'old'") == 9
        changed, gone = shop.active(2)
        changed["sellable_quantity"] = 777
        shop.remove([gone])
        planned = bot.command("plan", "--json", env=env)
        assert planned.status == 0 and len(planned.json["changes"]) == 2, planned
        second = bot.sync("--expect", planned.json["digest"], env=env)
        assert (second.status, second.counts) == (0, (PRODUCTS - 1, 0, 1, PRODUCTS - 2)), second.ran
        assert "not renewed" not in first.ran.stderr + second.ran.stderr
        page = (bot.home / "build" / "report" / "index.html").read_text()
        assert "The menu is fresh" in page and "777" in page
        told = read([second.result], bot.database.url)
        assert told == read([second.result], shop.database.url) and told.told[0].changed.total == 2, told.unread
        due = bot.command("sync", "--due", "--json", env=env)
        assert (due.status, due.json) == (0, []), due.stderr
        one = bot.sync("--product", changed["product_id"], env=env)
        assert one.result["product"]["columns"]["stock_quantity"]["products"] == 777, one.ran
        assert bot.command("replay", "--json", env=env).status == 0
        for words in (["verify"], ["status"], ["logs", "list"], ["logs", "show"], ["integrations", "list"]):
            ran = bot.command(*words, "--json", env=env)
            assert (ran.status, ran.json) == (0, shop.command(*words, "--json", env=env).json), words
        assert shop.value("select count(*) from products where source = 'manual' and updated_at = created_at") == 1


@pytest.mark.every_postgres
def test_an_adopted_products_with_policies_of_the_apps_and_a_number_for_id(shops: Shops, engine: Engine) -> None:
    app = (APP + APP_RIGHTS).replace("id uuid primary key default gen_random_uuid()", "id bigserial primary key")
    with shops.adopting(engine, app) as shop, scheduled(shop) as bot:
        assert shop.command("migrate").status == 0
        with shop.connection() as connection:
            policies = described(connection, "products")["policies"]
        named = {row["name"]: row for row in policies if row["roles"] == "{guidelight_sync}"}
        assert set(named) == {"products_all_sync", "products_never_manual_sync"}
        assert [row["name"] for row in policies if row["name"] not in named] == ["everybody reads", "nobody deletes"]
        first = bot.sync()
        assert (first.status, first.counts) == (0, (PRODUCTS, PRODUCTS, 0, 0)), first.ran
        shop.active(1)[0]["sellable_quantity"] = 777
        shop.serve()
        assert bot.sync().counts == (PRODUCTS, 0, 1, PRODUCTS - 1)
        with as_login(bot) as connection:
            assert connection.value("select count(*) from products") == PRODUCTS, "not the two that the app made"
            for statement in ("update products set shelf = 'Z9'", "select staff_note from products"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement)


def test_a_policy_of_the_apps_that_hides_products_fails_the_sync_and_changes_nothing(
    shops: Shops, engine: Engine
) -> None:
    app = APP + APP_RIGHTS + "create policy hidden on products as restrictive for update using (false);"
    with shops.adopting(engine, app) as shop, scheduled(shop) as bot:
        assert shop.command("migrate").status == 0
        assert bot.sync().status == 0
        before = shop.published()
        shop.active(1)[0]["sellable_quantity"] = 777
        shop.serve()
        failed = bot.sync()
        assert failed.status == 1 and "the receipt does not balance" in failed.result["error"], failed.ran
        assert shop.published() == before


@contextmanager
def as_login(shop: Shop) -> Iterator[Connection]:
    with connect(target(shop.database.url)) as connection:
        yield connection


REFUSED = {
    "staff": "select count(*) from budtenders",
    "pictures": "select count(*) from media_assets",
    "a table of the app's": "select count(*) from app_secrets",
    "users": "select auth.uid()",
    "what analysts read": "select count(*) from marts.products",
    "what analysts run": "select count(*) from marts.read_products()",
    "a picture's column": "select image_asset_id from products",
    "all columns": "select * from products",
    "a picture of a product": "update products set image_asset_id = gen_random_uuid()",
    "another source": "update products set source = 'manual'",
    "a product of people's own": MANUAL,
    "a product by default": "insert into products (name, category, source) values ('A', 'other', default)",
    "a product's end": "delete from products",
    "what the publish alone locks": "lock table products in share row exclusive mode",
    "everything at once": "truncate products",
    "an integration": "insert into integrations (type, name) values ('leafly', 'Mine')",
    "an integration's end": "delete from integrations",
    "another shop": "update integrations set type = 'leafly'",
    "what happened": "update product_changes set cause = 'return'",
    "that it happened": "delete from product_changes",
    "a content": "update staging_treez.payloads set payload = '{}'",
    "the ledger": "insert into guidelight_migrations (name, digest) values ('0999_mine.sql', 'd')",
    "a table": "create table mine (a integer)",
    "a table in staging": "create table staging_treez.mine (a integer)",
    "a view": "create view marts.mine as select 1",
    "a schema": "create schema mine",
    "a column": "alter table products add column mine integer",
    "a policy's end": "drop policy products_never_manual_sync on products",
    "security's end": "alter table products disable row level security",
    "the function": "create or replace function marts.lock_products() returns void language sql as ''",
    "a role": "create role mine superuser",
    "the owner": "set role postgres",
    "the app's server": "set role service_role",
}


@pytest.mark.every_postgres
def test_nothing_else(database: TestDatabase) -> None:
    with connect(database.target) as owner:
        owner.script(f"create table app_secrets (a integer); insert into app_secrets values (1); {PEOPLE} {MANUAL}")
        owner.execute("insert into products (name, category, source, source_id) values ('A', 'vape', 'treez', '1')")
        before = owner.rows("select *, xmin::text as version from products order by name")
        with login(database) as url, connect(target(url)) as connection:
            for what, statement in REFUSED.items():
                with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                    connection.execute(statement)
                    pytest.fail(f"{what}: {statement}")
            # What row level security keeps back it keeps back silently; a grant without the right to it is a warning.
            connection.execute("grant select on integration_secrets to guidelight_analyst")
            assert not connection.value(
                "select has_table_privilege('guidelight_analyst', 'integration_secrets', 'select')"
            )
            assert connection.rows("select name, source from products") == [{"name": "A", "source": "treez"}]
            connection.execute("update products set name = 'B' where source = 'manual'")
        assert owner.rows("select *, xmin::text as version from products order by name") == before


def test_what_is_not_there_yet_names_who_has_to_migrate(shop: Shop) -> None:
    with scheduled(shop) as bot:
        for lacking, statement in (
            ("this release's views", "update guidelight_migrations set digest = 'older' where name = 'views'"),
            (
                "1 of this release's migrations (first 0009_sync_role.postgres.sql)",
                "delete from guidelight_migrations where name = '0009_sync_role.postgres.sql'",
            ),
        ):
            shop.execute(statement)
            ran = bot.command("sync", "--json")
            assert (ran.status, ran.error) == (
                2,
                f"The database {target(bot.database.url)} lacks {lacking}, which {BOT} may not make: "
                "run `guidelight migrate` as postgres, the tables' owner",
            )
        assert shop.logs() == []


@pytest.mark.every_postgres
def test_the_way_back_and_what_removes_the_rest(database: TestDatabase) -> None:
    rights = (
        "select count(*) from pg_shdepend "
        "where refobjid in ('guidelight_sync'::regrole, 'guidelight_analyst'::regrole) "
        "and dbid = (select oid from pg_database where datname = current_database())"
    )
    with connect(database.target) as owner:
        owner.execute("insert into products (name, category, source, source_id) values ('A', 'vape', 'treez', '1')")
        with owner.transaction():
            owner.script((DIRECTORY / "rollback.sql").read_text())
        assert {row["name"] for row in described(owner, "products")["policies"]} >= {"products_all_sync"}
        assert "drop owned by guidelight_sync, guidelight_analyst" in (DIRECTORY / "rollback.sql").read_text()
        owner.execute("drop owned by guidelight_sync, guidelight_analyst")
        assert owner.value(rights) == 0
        assert not [row for row in described(owner, "products")["policies"] if "sync" in row["name"]]
    migrate(database.target)
    with login(database) as url, connect(target(url)) as connection:
        assert connection.value("select count(*) from products") == 1
