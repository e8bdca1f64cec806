"""`sync --product`: one product fetched, published and explained; nothing else of the shop is touched."""

from __future__ import annotations

import pytest

from tests.shop import PRODUCTS, Shop

pytestmark = pytest.mark.alternating

INTEGRATION = "select last_sync_at, last_sync_status, last_complete_sync_at from integrations"


def test_one_product_follows_its_source_and_says_why(stocked: Shop) -> None:
    wanted, other = stocked.active(2)
    stocked.remove([stocked.active(3)[2]])
    wanted["pricing"] = {"price_type": "FLAT", "price_sell": 77.5}
    other["pricing"] = {"price_type": "FLAT", "price_sell": 99}
    stocked.serve()
    before, integration = stocked.products(), stocked.rows(INTEGRATION)
    stocked.execute(
        "update products set price_retail = -3 where source_id = $id", id=stocked.active(3)[2]["product_id"]
    )
    before = stocked.products()
    synced = stocked.sync("--product", wanted["product_id"])
    assert (synced.status, synced.counts) == (0, (1, 0, 1, 0)), synced.ran
    assert (synced.row["scope"], synced.row["listing_complete"]) == ("product", False)
    told = synced.result["product"]
    assert float(told["columns"]["price_retail"]["products"]) == 77.5
    assert told["received"]["pricing"] == wanted["pricing"]
    newest = told["changes"][0]
    assert (newest["change"], newest["cause"]) == ("updated", "source")
    assert newest["sync_log_id"] == synced.result["sync_log_id"] and newest["fields"]["price_retail"]["new"] == 77.5
    after = stocked.products()
    assert after.pop(wanted["product_id"]) != before.pop(wanted["product_id"])
    assert after == before
    assert stocked.rows(INTEGRATION) == integration
    full = stocked.sync()
    assert full.row["products_fetched"] == PRODUCTS - 1 and full.row["products_updated"] == 2


def test_an_edit_is_told_from_what_the_source_says(stocked: Shop) -> None:
    """The bearer dialect asks for the one product by its path; what is read aloud holds no secret."""
    stocked.configure(client_id=None)
    identity = stocked.active(1)[0]["product_id"]
    ran = stocked.command("sync", "--product", identity)
    assert ran.status == 0, ran.stderr
    assert (
        "received pricing" in ran.stdout
        and "created (source: it was listed, and not in products) by sync" in ran.stdout
    )


def test_a_product_that_is_not_listed_any_more(stocked: Shop) -> None:
    before = stocked.published()
    (gone,) = stocked.remove(stocked.active(1))
    synced = stocked.sync("--product", gone)
    assert (synced.status, synced.row["status"], synced.row["scope"]) == (1, "failed", "product")
    assert synced.row["error_message"] == (
        f"The source does not list a product {gone}: check the id, or run a full sync"
    )
    assert "product" not in synced.result
    assert stocked.published() == before


def test_an_id_of_any_letters(stocked: Shop) -> None:
    record = dict(stocked.active(1)[0]) | {"product_id": "it's :id {{ 1 }} %s & more"}
    record["pricing"] = {"price_type": "FLAT", "price_sell": -5}
    stocked.sandbox.products.append(record)
    stocked.serve()
    synced = stocked.sync("--product", record["product_id"])
    assert (synced.status, synced.counts) == (3, (1, 1, 0, 0)), synced.ran
    assert [kind for kind, _ in synced.problems] == ["check"], synced.problems
    assert record["product_id"] in synced.problems[0][1]


def test_a_bad_record_is_kept_and_told(stocked: Shop) -> None:
    record = stocked.active(1)[0]
    record["e_commerce"] = None
    record["product_configurable_fields"] = {}
    stocked.serve()
    synced = stocked.sync("--product", record["product_id"])
    assert (synced.status, synced.counts) == (3, (1, 0, 0, 0))
    assert "no usable name" in synced.problems[0][1]


def test_one_product_goes_with_neither_due_nor_an_unknown_type(stocked: Shop) -> None:
    ran = stocked.command("sync", "--product", "x", "--due")
    assert ran.status == 2 and "--due" in ran.error


def test_a_product_that_is_listed_twice_counts_once_and_the_latest_wins(stocked: Shop) -> None:
    twice = stocked.active(1)[0]
    again = twice | {"pricing": twice["pricing"] | {"price_type": "FLAT", "price_sell": 123, "discounted_price": None}}
    stocked.sandbox.products.append(again)
    stocked.serve()
    synced = stocked.sync("--product", twice["product_id"])
    assert synced.counts == (1, 0, 1, 0) and synced.summary["duplicates"] == 1
    assert stocked.products()[twice["product_id"]]["price_retail"] == 123
