"""A sync into a `products` that the app owns: what is the app's is as before, whatever shape its table has."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.database import Connection
from tests.databases import Engine
from tests.shop import PRODUCTS, Shop
from tests.shops import Shops
from tests.test_adoption import APP, APP_COLUMNS, APP_RIGHTS
from tests.test_schema import described

pytestmark = pytest.mark.alternating

OWN = "select {columns}{version} from products where source is distinct from 'treez' order by name"


def of_the_app(connection: Connection) -> dict[str, Any]:
    """The app's rows and its table, as a sync must leave them."""
    version = ", ctid::text, xmin::text" if connection.is_postgres else ""
    state: dict[str, Any] = {
        "rows": connection.rows(OWN.format(columns=APP_COLUMNS, version=version)),
        "types": connection.rows(
            "select column_name, data_type, is_nullable, column_default from information_schema.columns "
            "where table_name = 'products' and table_schema = $public order by ordinal_position",
            public=connection.public,
        ),
        "menu": connection.rows("select * from app_menu where name in ('Blue Dream', 'House Grinder') order by name"),
    }
    if connection.is_postgres:
        state["table"] = described(connection, "products")
        state["catalog"] = connection.rows(
            "select oid::integer, relfilenode::integer, relacl::text[] as grants from pg_class "
            "where oid in (to_regclass('products'), to_regclass('app_menu')) order by oid"
        )
    return state


@pytest.mark.every_postgres
def test_a_products_with_an_enum_a_short_name_and_a_view_on_it(shops: Shops, engine: Engine) -> None:
    script = APP + APP_RIGHTS if engine != "duckdb" else "create type jsonb as json;" + APP
    with shops.adopting(engine, script) as shop:
        with shop.connection() as connection:
            before = of_the_app(connection)
            menu = connection.value("select count(*) from app_menu")
        first = shop.sync()
        assert (first.status, first.counts) == (0, (PRODUCTS, PRODUCTS, 0, 0)), first.ran
        assert shop.sync().counts == (PRODUCTS, 0, 0, PRODUCTS)
        record, gone = shop.active(2)
        record["sellable_quantity"] = 777
        record["e_commerce"] = {
            **(record["e_commerce"] or {}),
            "menu_title": "A name that is longer than twenty characters",
        }
        shop.remove([gone])
        changed = shop.sync()
        assert changed.status == 0 and changed.counts == (PRODUCTS - 1, 0, 1, PRODUCTS - 2)
        product = shop.products()[record["product_id"]]
        assert product["stock_quantity"] == 777 and product["name"].startswith("A name that is long")
        assert (product["shelf"], product["staff_note"]) == ("A1", None)
        shop.execute(
            "update products set staff_note = 'ask Mo', shelf = 'Z9' where source_id = $id", id=record["product_id"]
        )
        record["sellable_quantity"] = 778
        shop.serve()
        assert shop.sync().counts == (PRODUCTS - 1, 0, 1, PRODUCTS - 2)
        product = shop.products()[record["product_id"]]
        assert (product["shelf"], product["staff_note"], product["stock_quantity"]) == ("Z9", "ask Mo", 778)
        with shop.connection() as connection:
            assert of_the_app(connection) == before and len(before["rows"]) == 2
            assert connection.value("select count(*) from app_menu") == menu + PRODUCTS


@pytest.mark.postgres_only
def test_a_products_whose_columns_have_other_types(shops: Shops, engine: Engine) -> None:
    script = """
        create table products (
          id bigint generated always as identity primary key, name varchar(255) not null, category text not null,
          price_retail numeric(12, 4), thc_percent double precision, stock_quantity bigint, sku varchar(8),
          is_active boolean, updated_at timestamp, last_synced_at timestamp(3), source varchar(20),
          source_id varchar(64)
        );
    """
    with shops.adopting(engine, script) as shop:
        first = shop.sync()
        assert (first.status, first.counts) == (0, (PRODUCTS, PRODUCTS, 0, 0)), first.ran
        before = shop.published()
        assert shop.sync().counts == (PRODUCTS, 0, 0, PRODUCTS)
        assert shop.published() == before
        record = shop.active(1)[0]
        record["sellable_quantity"] = 777
        shop.serve()
        assert shop.sync().counts == (PRODUCTS, 0, 1, PRODUCTS - 1)
        assert shop.products()[record["product_id"]]["stock_quantity"] == 777


@pytest.mark.postgres_only
def test_a_touch_trigger_of_the_apps_does_no_harm(stocked: Shop) -> None:
    """Supabase's usual moddatetime trigger sets updated_at on each update."""
    with stocked.connection() as connection:
        connection.script(
            "create function touch() returns trigger language plpgsql as "
            "$$ begin new.updated_at := clock_timestamp(); return new; end $$;"
            "create trigger touch before update on products for each row execute function touch()"
        )
    record = stocked.active(1)[0]
    record["sellable_quantity"] = 777
    stocked.serve()
    assert stocked.sync().counts == (PRODUCTS, 0, 1, PRODUCTS - 1)
    assert stocked.sync().counts == (PRODUCTS, 0, 0, PRODUCTS)


def test_products_that_the_app_had_from_the_source_already(shops: Shops, engine: Engine) -> None:
    """An adopted table that an earlier import filled: no state row, so what differs is an update."""
    with shops.open(engine, stocked=True) as shop:
        shop.execute("delete from product_sync_state")
        shop.execute("delete from product_changes")
        shop.execute("delete from staging_treez.sightings")
        shop.execute("delete from staging_treez.payloads")
        record = shop.active(1)[0]
        shop.execute("update products set name = 'Old name' where source_id = $id", id=record["product_id"])
        synced = shop.sync()
        assert synced.status == 0 and synced.row["products_created"] == 0
        assert shop.changes(synced)[record["product_id"]]["fields"]["name"]["old"] == "Old name"
        assert shop.sync().counts == (PRODUCTS, 0, 0, PRODUCTS)
