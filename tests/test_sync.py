"""The main job, through the command and real HTTP: a first sync, the same again, and what the tables then hold."""

from __future__ import annotations

import pytest

from tests.databases import Engine
from tests.shop import PRODUCTS, Shop
from tests.shops import Shops


@pytest.mark.every_postgres
def test_a_first_sync_creates_every_product(shop: Shop) -> None:
    synced = shop.sync()
    assert (synced.status, synced.counts) == (0, (PRODUCTS, PRODUCTS, 0, 0))
    assert synced.row["listing_complete"] is True
    assert synced.row["scope"] == "full" and synced.row["sync_type"] == "scheduled"
    products, changes = shop.products(), shop.changes(synced)
    assert set(products) == set(changes) == {record["product_id"] for record in shop.sandbox.products}
    for record in shop.sandbox.products:
        product, change = products[record["product_id"]], changes[record["product_id"]]
        assert product["source_data"] == record
        assert product["name"] == (
            (record["e_commerce"] or {}).get("menu_title") or record["product_configurable_fields"]["name"]
        )
        assert product["stock_quantity"] == record["sellable_quantity"]
        assert product["last_synced_at"] == synced.row["published_at"] == change["changed_at"]
        assert change["cause"] == "source" and change["fields"]["name"] == {"new": product["name"]}
        assert not any("old" in field for field in change["fields"].values())
        assert "last_synced_at" not in change["fields"]
    payloads = shop.rows("select content_hash, source_id, payload from staging_treez.payloads")
    assert {row["source_id"]: row["payload"] for row in payloads} == {
        record["product_id"]: record for record in shop.sandbox.products
    }
    state = shop.rows("select source_id, content_hash, absent_since from product_sync_state")
    assert {row["source_id"]: row["content_hash"] for row in state} == {
        row["source_id"]: row["content_hash"] for row in payloads
    }
    integration = shop.rows("select last_sync_at, last_sync_status, last_complete_sync_at from integrations")[0]
    assert integration["last_sync_status"] == "success"
    assert integration["last_complete_sync_at"] == synced.row["started_at"]
    assert integration["last_sync_at"] == synced.row["completed_at"]
    assert synced.summary["totals"]["new_products"] == PRODUCTS
    assert synced.summary["new_products"] == sorted(products)


@pytest.mark.every_postgres
def test_the_same_catalogue_again_rewrites_no_row(stocked: Shop) -> None:
    before = stocked.published()
    landed = stocked.rows("select * from staging_treez.payloads order by content_hash")
    complete_before = stocked.value("select last_complete_sync_at from integrations")
    synced = stocked.sync()
    assert (synced.status, synced.counts) == (0, (PRODUCTS, 0, 0, PRODUCTS))
    assert stocked.published() == before
    assert stocked.rows("select * from staging_treez.payloads order by content_hash") == landed
    assert stocked.value("select count(*) from staging_treez.sightings") == 2 * PRODUCTS
    complete_after = stocked.value("select last_complete_sync_at from integrations")
    assert complete_after == synced.row["started_at"] > complete_before


def test_the_same_contents_spelled_differently_are_unchanged(stocked: Shop) -> None:
    before = stocked.published()
    stocked.sandbox.set_faults(["reorder-keys"])
    synced = stocked.sync()
    assert (synced.status, synced.counts) == (0, (PRODUCTS, 0, 0, PRODUCTS))
    assert stocked.published() == before
    assert stocked.value("select count(*) from staging_treez.payloads") == PRODUCTS


def test_every_product_was_confirmed_by_the_last_sync(stocked: Shop) -> None:
    synced = stocked.sync()
    confirmed = stocked.rows(
        "select source_id from staging_treez.sightings where sync_log_id = $id order by source_id",
        id=synced.row["id"],
    )
    assert [row["source_id"] for row in confirmed] == sorted(stocked.products())


def test_the_shops_day_moves_on(shops: Shops, engine: Engine) -> None:
    with shops.open(engine, stocked=False, products=100, page_cap=50) as shop:
        shop.sync()
        for day in (1, 2, 3):
            shop.sandbox.set_day(day)
            synced = shop.sync()
            assert synced.status == 0
            products = shop.products()
            listed = {record["product_id"]: record for record in shop.sandbox.products}
            assert {
                identity for identity, product in products.items() if product["source_data"] == listed.get(identity)
            } == set(listed)
            gone = set(products) - set(listed)
            assert not any(products[identity]["is_active"] or products[identity]["in_stock"] for identity in gone)
        assert gone and synced.row["products_created"] and synced.row["products_updated"]


def test_the_bearer_dialect_as_the_seed_configures_it(shop: Shop) -> None:
    shop.configure(client_id=None)
    assert shop.sync().counts == (PRODUCTS, PRODUCTS, 0, 0)
    assert shop.sync().counts == (PRODUCTS, 0, 0, PRODUCTS)
    assert shop.sandbox.token_requests == 0


def test_an_empty_shop_is_a_shop(shops: Shops, engine: Engine) -> None:
    with shops.open(engine, stocked=False, products=0) as shop:
        synced = shop.sync()
        assert (synced.status, synced.counts) == (0, (0, 0, 0, 0))
        assert synced.row["listing_complete"] is True
        assert [warning["kind"] for warning in synced.summary["warnings"]] == ["listing"]


def test_manual_products_and_those_of_other_sources_are_never_touched(stocked: Shop) -> None:
    stocked.execute(
        "insert into products (source, source_id, name, category, is_active, in_stock) values "
        "('manual', null, 'House grinder', 'other', true, true), "
        "('manual', 'treez-like', 'Papers', 'other', true, true), "
        "('dutchie', 'a', 'Elsewhere', 'vape', true, true)"
    )
    foreign = "select * from products where source <> 'treez' order by name"
    before = stocked.rows(foreign)
    stocked.remove(stocked.active(2))
    synced = stocked.sync()
    assert synced.status == 0 and synced.receipt["absent"] == 2
    assert stocked.rows(foreign) == before and len(before) == 3


def test_a_sync_says_who_asked_for_it_and_how(stocked: Shop) -> None:
    stocked.execute("insert into budtenders (id, name) values ('11111111-1111-4111-8111-111111111111', 'Ada')")
    asked = stocked.sync("--triggered-by", "11111111-1111-4111-8111-111111111111")
    assert (asked.row["sync_type"], str(asked.row["triggered_by"])) == (
        "manual",
        "11111111-1111-4111-8111-111111111111",
    )
    called = stocked.sync("--sync-type", "webhook")
    assert (called.row["sync_type"], called.row["triggered_by"]) == ("webhook", None)
