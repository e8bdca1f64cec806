"""The main job, through the command and real HTTP: a first sync, the same again, and what the tables then hold."""

from __future__ import annotations

import pytest

from tests.shop import PRODUCTS, Shop


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
