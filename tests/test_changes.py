"""What changed, and why: each way in which a product can be classified, by product_changes and the receipt."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.databases import Engine
from tests.shop import PRODUCTS, Shop
from tests.shops import Shops
from tests.warm import Prepare

pytestmark = pytest.mark.alternating


def price(record: dict[str, Any], value: float) -> None:
    record["pricing"] = {**record["pricing"], "price_type": "FLAT", "price_sell": value, "discounted_price": None}


def test_a_changed_catalogue(stocked: Shop) -> None:
    dearer, renamed, restocked, described = stocked.active(4)
    before = stocked.products()
    untouched = {
        identity: row for identity, row in before.items()
        if identity not in {record["product_id"] for record in (dearer, renamed, restocked, described)}
    }  # fmt: skip
    price(dearer, 987.65)
    renamed["e_commerce"] = {**(renamed["e_commerce"] or {}), "menu_title": "Grandma's “Purple” \\ Haze 🌿"}
    restocked["sellable_quantity"] = 4321
    described["e_commerce"] = {**(described["e_commerce"] or {}), "product_description": "Two\nlines, and a tab\t."}
    stocked.serve()
    synced = stocked.sync()
    assert (synced.status, synced.counts) == (0, (PRODUCTS, 0, 4, PRODUCTS - 4))
    changes, after = stocked.changes(synced), stocked.products()
    assert set(changes) == {record["product_id"] for record in (dearer, renamed, restocked, described)}
    for record, column, new in (
        (dearer, "price_retail", 987.65),
        (renamed, "name", "Grandma's “Purple” \\ Haze 🌿"),
        (restocked, "stock_quantity", 4321),
        (described, "description", "Two\nlines, and a tab\t."),
    ):
        identity = record["product_id"]
        change = changes[identity]
        assert (change["change"], change["cause"]) == ("updated", "source")
        old = before[identity][column]
        assert change["fields"][column] == {"old": float(old) if column == "price_retail" else old, "new": new}
        assert set(change["fields"]) - {"price_sale"} == {column, "source_data"}
        assert set(change["fields"]["source_data"]) == {"old", "new"}
        assert after[identity]["source_data"] == record
        assert after[identity]["last_synced_at"] == synced.row["published_at"]
        assert (float(after[identity][column]) if column == "price_retail" else after[identity][column]) == new
        assert after[identity]["id"] == before[identity]["id"]
        assert after[identity]["created_at"] == before[identity]["created_at"]
    assert {identity: after[identity] for identity in untouched} == untouched
    assert synced.summary["updated"] == sorted(changes)


def test_a_shops_own_category_may_be_written_in_any_signs(stocked: Shop) -> None:
    record = stocked.active(1)[0]
    record["category_type"] = '🌿 Flower\'s "best"'
    stocked.serve()
    stocked.configure(category_map={'🌿 Flower\'s "best"': "topical"})
    assert stocked.sync().status == 0
    assert stocked.products()[record["product_id"]]["category"] == "topical"


def test_a_change_that_shows_in_no_column_is_still_an_update(stocked: Shop) -> None:
    record = stocked.record(0)
    record["slug"] = "a-new-slug"
    stocked.serve()
    synced = stocked.sync()
    assert synced.counts == (PRODUCTS, 0, 1, PRODUCTS - 1)
    assert set(stocked.changes(synced)[record["product_id"]]["fields"]) == {"source_data"}
    assert stocked.products()[record["product_id"]]["source_data"] == record


def test_a_removed_product_becomes_absent_once_and_returns(stocked: Shop) -> None:
    listed = list(stocked.sandbox.products)
    record = stocked.active(1)[0]
    identity = record["product_id"]
    before = stocked.products()[identity]
    stocked.remove([record])
    synced = stocked.sync()
    assert (synced.status, synced.counts) == (0, (PRODUCTS - 1, 0, 0, PRODUCTS - 1))
    change = stocked.changes(synced)[identity]
    assert (change["change"], change["cause"]) == ("absent", "absence")
    assert change["fields"] == {"is_active": {"old": True, "new": False}, "in_stock": {"old": True, "new": False}}
    gone = stocked.products()[identity]
    ours = {"is_active": False, "in_stock": False, "last_synced_at": synced.row["published_at"]}
    assert gone | {"updated_at": None} == before | ours | {"updated_at": None}
    assert synced.summary["absent"] == [identity] and synced.receipt["absent_active"] == 1

    again = stocked.sync()
    assert again.counts == (PRODUCTS - 1, 0, 0, PRODUCTS - 1) and again.receipt["absent"] == 0

    stocked.sandbox.products[:] = listed
    stocked.serve()
    back = stocked.sync()
    assert (back.status, back.counts) == (0, (PRODUCTS, 0, 1, PRODUCTS - 1))
    change = stocked.changes(back)[identity]
    assert (change["change"], change["cause"]) == ("updated", "return")
    assert change["fields"] == {"is_active": {"old": False, "new": True}, "in_stock": {"old": False, "new": True}}
    assert back.summary["reactivated"] == [identity]
    assert stocked.value("select count(*) from product_sync_state where absent_since is not null") == 0
    assert stocked.sync().counts == (PRODUCTS, 0, 0, PRODUCTS)


def test_a_product_that_returns_changed_is_a_return_with_its_new_values(stocked: Shop) -> None:
    listed = list(stocked.sandbox.products)
    record = stocked.active(1)[0]
    stocked.remove([record])
    stocked.sync()
    price(record, 555.0)
    stocked.sandbox.products[:] = listed
    stocked.serve()
    change = stocked.changes(stocked.sync())[record["product_id"]]
    assert change["cause"] == "return" and change["fields"]["price_retail"]["new"] == 555.0


def test_a_product_first_seen_deactivated(stocked: Shop) -> None:
    record = copy.deepcopy(stocked.active(1)[0])
    record |= {"product_id": "first-seen-deactivated", "product_status": "DEACTIVATED", "above_threshold": False}
    stocked.sandbox.products.append(record)
    stocked.serve()
    synced = stocked.sync()
    assert (synced.status, synced.counts) == (0, (PRODUCTS + 1, 1, 0, PRODUCTS))
    assert stocked.products()["first-seen-deactivated"]["is_active"] is False
    assert synced.receipt["created_active"] == synced.receipt["deactivated"] == 0


def test_deactivated_and_reactivated_by_status(stocked: Shop) -> None:
    record = stocked.active(1)[0]
    identity = record["product_id"]
    record |= {"product_status": "DEACTIVATED", "above_threshold": False}
    stocked.serve()
    off = stocked.sync()
    assert (off.status, off.counts) == (0, (PRODUCTS, 0, 1, PRODUCTS - 1))
    assert off.summary["deactivated"] == [identity] and off.receipt["absent"] == 0
    assert stocked.changes(off)[identity]["fields"]["is_active"] == {"old": True, "new": False}
    assert stocked.products()[identity]["is_active"] is False
    record["product_status"] = "ACTIVE"
    stocked.serve()
    on = stocked.sync()
    assert on.summary["reactivated"] == [identity] and on.receipt["reactivated"] == 1
    assert stocked.changes(on)[identity]["cause"] == "source"
    assert stocked.products()[identity]["is_active"] is True


def test_a_deactivated_product_that_is_still_sold_is_active(stocked: Shop) -> None:
    record = stocked.active(1)[0]
    record |= {"product_status": "DEACTIVATED", "above_threshold": True}
    stocked.serve()
    synced = stocked.sync()
    assert synced.counts == (PRODUCTS, 0, 1, PRODUCTS - 1) and synced.receipt["deactivated"] == 0
    assert stocked.products()[record["product_id"]]["is_active"] is True


def test_an_edit_by_hand_is_overwritten(stocked: Shop) -> None:
    before = stocked.products()
    identity = stocked.active(1)[0]["product_id"]
    stocked.execute(
        "update products set name = 'Mine', price_retail = 1.23, is_active = false where source_id = $id", id=identity
    )
    synced = stocked.sync()
    assert (synced.status, synced.counts) == (0, (PRODUCTS, 0, 1, PRODUCTS - 1))
    change = stocked.changes(synced)[identity]
    assert (change["change"], change["cause"]) == ("updated", "edit overwritten")
    assert set(change["fields"]) == {"name", "price_retail", "is_active"}
    assert change["fields"]["name"] == {"old": "Mine", "new": before[identity]["name"]}
    written = {"last_synced_at": synced.row["published_at"], "updated_at": None}
    assert stocked.products()[identity] | written == before[identity] | written
    assert synced.receipt["reactivated"] == 1
    assert stocked.sync().counts == (PRODUCTS, 0, 0, PRODUCTS)


def test_columns_that_are_the_apps_survive_an_update(stocked: Shop) -> None:
    record = stocked.active(1)[0]
    picture = "22222222-2222-4222-8222-222222222222"
    stocked.execute(f"update products set image_asset_id = '{picture}' where source_id = $id", id=record["product_id"])
    assert stocked.sync().counts == (PRODUCTS, 0, 0, PRODUCTS)
    price(record, 77.0)
    stocked.serve()
    assert stocked.sync().counts == (PRODUCTS, 0, 1, PRODUCTS - 1)
    assert str(stocked.products()[record["product_id"]]["image_asset_id"]) == picture


def test_a_row_deleted_by_hand_is_created_again(stocked: Shop) -> None:
    before = stocked.products()
    identity = stocked.active(1)[0]["product_id"]
    stocked.execute("delete from products where source_id = $id", id=identity)
    synced = stocked.sync()
    assert (synced.status, synced.counts) == (0, (PRODUCTS, 1, 0, PRODUCTS - 1))
    change = stocked.changes(synced)[identity]
    assert change["change"] == "created" and change["fields"]["name"] == {"new": before[identity]["name"]}
    assert stocked.products()[identity]["source_data"] == before[identity]["source_data"]
    assert stocked.sync().counts == (PRODUCTS, 0, 0, PRODUCTS)


def test_a_new_category_map_is_a_new_mapping(stocked: Shop) -> None:
    merch = [record["product_id"] for record in stocked.sandbox.products if record["category_type"] == "MERCH"]
    before = {identity: row["category"] for identity, row in stocked.products().items() if identity in merch}
    assert merch and set(before.values()) == {"other"}
    stocked.configure(category_map={"MERCH": "topical"})
    synced = stocked.sync()
    assert (synced.status, synced.counts) == (0, (PRODUCTS, 0, len(merch), PRODUCTS - len(merch)))
    changes = stocked.changes(synced)
    assert set(changes) == set(merch)
    for change in changes.values():
        assert (change["cause"], change["fields"]) == ("mapping", {"category": {"old": "other", "new": "topical"}})
    assert stocked.sync().counts == (PRODUCTS, 0, 0, PRODUCTS)


def test_an_unknown_category_is_a_warning_and_other(stocked: Shop) -> None:
    record = stocked.active(1)[0]
    record["category_type"] = "SPACE_CAKE"
    stocked.serve()
    synced = stocked.sync()
    assert (synced.status, synced.row["errors_count"]) == (0, 0)
    assert stocked.products()[record["product_id"]]["category"] == "other"
    assert any("SPACE_CAKE" in warning["message"] for warning in synced.summary["warnings"])


def test_a_price_that_fits_no_column_is_null_with_a_warning(stocked: Shop) -> None:
    far, text = stocked.active(2)
    price(far, 10**12)
    price(text, 0)
    text["pricing"]["price_sell"] = "call us"
    stocked.serve()
    synced = stocked.sync()
    assert (synced.status, synced.counts) == (0, (PRODUCTS, 0, 2, PRODUCTS - 2))
    products = stocked.products()
    assert [products[one["product_id"]]["price_retail"] for one in (far, text)] == [None, None]
    warned = {identity for warning in synced.summary["warnings"] for identity in warning.get("source_ids", [])}
    assert {far["product_id"], text["product_id"]} <= warned


def each_page_a_batch() -> None:
    from pipelines import landing

    landing._SIGHTINGS = 1


@pytest.mark.parametrize("prepare", [None, each_page_a_batch], ids=["together", "landed in between"])
def test_a_product_on_two_pages_counts_once_and_the_latest_wins(stocked: Shop, prepare: Prepare | None) -> None:
    before = stocked.products()
    stocked.sandbox.set_faults(["duplicate:page=2"])
    synced = stocked.ended(stocked.begin(prepare=prepare))
    landed = f"select count(*) from staging_treez.sightings where sync_log_id = '{synced.row['id']}'"
    assert stocked.value(landed) == PRODUCTS
    assert (synced.status, synced.counts) == (0, (PRODUCTS, 0, 1, PRODUCTS - 1)), synced.ran.stderr
    assert synced.summary["duplicates"] == 1 and synced.row["listing_complete"] is True
    ((identity, change),) = stocked.changes(synced).items()
    old = float(before[identity]["price_retail"])
    assert change["fields"]["price_retail"] == {"old": old, "new": old + 5}


def test_both_contents_of_a_first_seen_duplicate(shops: Shops, engine: Engine) -> None:
    with shops.open(engine, stocked=False) as shop:
        shop.sandbox.set_faults(["duplicate:page=3"])
        synced = shop.sync()
        assert (synced.status, synced.counts) == (0, (PRODUCTS, PRODUCTS, 0, 0))
        assert shop.value("select count(*) from staging_treez.sightings") == PRODUCTS
