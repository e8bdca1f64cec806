"""Who wins where a person edited a product (DESIGN.md, What changed): field by field, on both engines."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.shop import Shop, Synced

pytestmark = pytest.mark.alternating

EDITS: dict[str, Any] = {
    "name": "Named by hand",
    "brand": "A brand by hand",
    "category": "topical",
    "product_type": "by hand",
    "description": 'By hand, "quoted" and é',
    "sku": "0042",
    "barcode": "0099",
    "thc_percent": Decimal("1.25"),
    "cbd_percent": Decimal("2.50"),
    "terpenes": '{"By hand": 1.5}',
    "strain_name": "A strain by hand",
    "strain_type": "BY HAND",
    "price_retail": Decimal("3.10"),
    "price_member": Decimal("4.20"),
    "price_sale": Decimal("5.00"),
    "in_stock": False,
    "stock_quantity": 4711,
    "image_url": "https://example.com/by-hand.jpg",
    "is_active": False,
}
FOLLOWED = ("price_retail", "price_member", "price_sale", "in_stock", "stock_quantity", "is_active")
"""What follows the source under manual_wins (DESIGN.md)."""


def edit(shop: Shop, source_id: str, **columns: Any) -> None:
    """Write into a product as the app does."""
    for column, value in columns.items():
        cast = (
            f"cast($value as {'jsonb' if column == 'terpenes' else 'varchar'})" if isinstance(value, str) else "$value"
        )
        shop.execute(f"update products set {column} = {cast} where source_id = $id", value=value, id=source_id)


def mapped(shop: Shop) -> dict[str, dict[str, Any]]:
    """What the newest contents map to, by source_id."""
    return {row["source_id"]: row for row in shop.rows("select * from product_sync_state")}


def columns_of(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in EDITS}


def moved_on(shop: Shop, word: str, stock: int) -> None:
    """The source changes a name and a stock of every product, and so in both a field that is edited and others."""
    for record in shop.sandbox.products:
        record["e_commerce"] = {**(record["e_commerce"] or {}), "menu_title": f"{word} {record['product_id'][:8]}"}
        record["sellable_quantity"] = stock
    shop.serve()


def edited(shop: Shop) -> dict[str, str]:
    """Each column edited by hand, on a product of its own: {column: source_id}."""
    records = shop.active(len(EDITS))
    on = {column: record["product_id"] for column, record in zip(EDITS, records, strict=True)}
    for column, source_id in on.items():
        edit(shop, source_id, **{column: EDITS[column]})
    return on


def settled(shop: Shop) -> None:
    """The same catalogue again changes nothing and writes no row."""
    before = shop.published()
    again = shop.sync()
    assert again.row["products_created"] == again.row["products_updated"] == 0, shop.changes(again)
    assert shop.published() == before


def causes(shop: Shop, synced: Synced) -> dict[str, str]:
    return {source_id: change["cause"] for source_id, change in shop.changes(synced).items()}


def test_api_wins_overwrites_every_edit(stocked: Shop) -> None:
    on = edited(stocked)
    synced = stocked.sync()
    assert synced.status == 0 and synced.row["products_updated"] == len(EDITS)
    assert causes(stocked, synced) == dict.fromkeys(on.values(), "edit overwritten")
    products, source = stocked.products(), mapped(stocked)
    assert all(columns_of(products[one]) == columns_of(source[one]) for one in products)
    assert synced.summary["edits_kept"] == []
    settled(stocked)


def test_merge_keeps_the_edited_fields_and_no_others(stocked: Shop) -> None:
    stocked.configure(conflict_strategy="merge")
    on = edited(stocked)
    kept = {
        source_id: columns_of(row)[column]
        for column, source_id in on.items()
        for row in [stocked.products()[source_id]]
    }
    moved_on(stocked, "New", 77)
    synced = stocked.sync()
    products, source = stocked.products(), mapped(stocked)
    for column, source_id in on.items():
        assert columns_of(products[source_id]) == columns_of(source[source_id]) | {column: kept[source_id]}, column
    others = set(products) - set(on.values())
    assert all(columns_of(products[one]) == columns_of(source[one]) for one in others)
    assert synced.summary["edits_kept"] == sorted(on.values())
    assert all(products[one]["source_data"]["sellable_quantity"] == 77 for one in products)
    settled(stocked)

    # Undone, an edit no longer holds; equal to what the source brings, it is over, and the next change follows.
    undone, equalled = on["name"], on["stock_quantity"]
    edit(stocked, undone, name=stocked.rows(
        "select fields from product_changes where source_id = $id order by changed_at", id=undone
    )[0]["fields"]["name"]["new"])  # fmt: skip
    moved_on(stocked, "New", 4711)
    followed = stocked.sync()
    assert stocked.products()[undone]["name"].startswith("New ")
    assert undone not in followed.summary["edits_kept"] and equalled not in followed.summary["edits_kept"]
    moved_on(stocked, "Newer", 12)
    stocked.sync()
    assert stocked.products()[equalled]["stock_quantity"] == 12
    assert stocked.products()[undone]["name"].startswith("Newer ")


def test_manual_wins_leaves_all_but_prices_and_stock_to_people(stocked: Shop) -> None:
    stocked.configure(conflict_strategy="manual_wins")
    on = edited(stocked)
    before = stocked.products()
    moved_on(stocked, "New", 77)
    stocked.sandbox.products.append(dict(stocked.record(0)) | {"product_id": "brand-new"})
    stocked.serve()
    synced = stocked.sync()
    products, source = stocked.products(), mapped(stocked)
    assert columns_of(products["brand-new"]) == columns_of(source["brand-new"])
    for source_id, row in before.items():
        expected = columns_of(row) | {column: source[source_id][column] for column in FOLLOWED}
        if source_id == on["is_active"]:
            expected["is_active"] = False
        assert columns_of(products[source_id]) == expected
    kept = {source_id for column, source_id in on.items() if column not in FOLLOWED} | {on["is_active"]}
    assert set(synced.summary["edits_kept"]) == kept
    settled(stocked)

    # Under merge only what was edited stays: the names that lagged behind follow now, for the source's reason.
    stocked.configure(conflict_strategy="merge")
    switched = stocked.sync()
    products, source = stocked.products(), mapped(stocked)
    for column, source_id in on.items():
        if column not in FOLLOWED:
            expected = columns_of(source[source_id]) | {column: columns_of(before[source_id])[column]}
            assert columns_of(products[source_id]) == expected, column
    assert set(causes(stocked, switched).values()) == {"source"}

    # And back to api_wins nothing stays.
    stocked.configure(conflict_strategy=None)
    last = stocked.sync()
    products, source = stocked.products(), mapped(stocked)
    assert all(columns_of(products[one]) == columns_of(source[one]) for one in products)
    assert causes(stocked, last) == dict.fromkeys(kept, "edit overwritten")
    settled(stocked)


@pytest.mark.parametrize("strategy", ["merge", "manual_wins"])
def test_what_a_person_switched_off_stays_off_and_what_was_absent_comes_back(stocked: Shop, strategy: str) -> None:
    stocked.configure(conflict_strategy=strategy)
    off, other = stocked.active(2)
    edit(stocked, off["product_id"], is_active=False)
    away = [dict(off), dict(other)]
    stocked.remove([off, other])
    gone = stocked.sync()
    assert set(gone.summary["absent"]) == {off["product_id"], other["product_id"]}
    stocked.sandbox.products.extend(away)
    stocked.serve()
    back = stocked.sync()
    products = stocked.products()
    assert (products[other["product_id"]]["is_active"], products[other["product_id"]]["in_stock"]) == (True, True)
    assert (products[off["product_id"]]["is_active"], products[off["product_id"]]["in_stock"]) == (False, True)
    assert back.summary["reactivated"] == [other["product_id"]]
    settled(stocked)

    # The source switches both off and on again by itself, as when they are sold out: only the other comes back.
    for is_on in (False, True):
        for record in away:
            record["product_status"] = "ACTIVE" if is_on else "DEACTIVATED"
            record["above_threshold"] = is_on
        stocked.serve()
        stocked.sync()
    assert stocked.products()[other["product_id"]]["is_active"] is True
    assert stocked.products()[off["product_id"]]["is_active"] is False
    settled(stocked)


@pytest.mark.parametrize("strategy", ["merge", "manual_wins"])
def test_an_adopted_tables_first_sync(stocked: Shop, strategy: str) -> None:
    """Without a state row no field counts as edited."""
    stocked.configure(conflict_strategy=strategy)
    identity = stocked.active(1)[0]["product_id"]
    stocked.execute("delete from product_sync_state")
    edit(stocked, identity, name="From the app", price_retail=Decimal("1.00"))
    synced = stocked.sync()
    source, product = mapped(stocked)[identity], stocked.products()[identity]
    assert product["name"] == (source["name"] if strategy == "merge" else "From the app")
    assert product["price_retail"] == source["price_retail"]
    assert synced.summary["edits_kept"] == []
    stocked.configure(conflict_strategy="merge")
    stocked.sync()
    assert stocked.products()[identity]["name"] == source["name"]


def test_an_edit_made_while_a_sync_runs_is_kept(stocked: Shop) -> None:
    stocked.configure(conflict_strategy="merge")
    identity = stocked.active(1)[0]["product_id"]
    picture = "8e0c0a52-94c5-4f2e-9d0e-0d6f6f1c2b11"
    moved_on(stocked, "New", 77)
    running = stocked.hold(3)
    stocked.execute("update products set image_asset_id = $picture where source_id = $id", picture=picture, id=identity)
    edit(stocked, identity, name="Meanwhile")
    stocked.let_go()
    synced = stocked.ended(running)
    product = stocked.products()[identity]
    assert synced.status == 0 and (product["name"], product["stock_quantity"]) == ("Meanwhile", 77)
    assert str(product["image_asset_id"]) == picture


def test_a_new_mapping_is_no_edit(stocked: Shop) -> None:
    stocked.configure(conflict_strategy="merge")
    flowers = [row["source_id"] for row in stocked.rows("select source_id from products where category = 'flower'")]
    edit(stocked, flowers[0], category="vape")
    stocked.configure(category_map={"FLOWER": "concentrate"})
    synced = stocked.sync()
    products = stocked.products()
    assert products[flowers[0]]["category"] == "vape"
    assert {products[one]["category"] for one in flowers[1:]} == {"concentrate"}
    assert set(causes(stocked, synced).values()) == {"mapping"}
    settled(stocked)


def test_a_product_first_entered_by_hand_and_later_linked(stocked: Shop) -> None:
    stocked.configure(conflict_strategy="merge")
    record = dict(stocked.active(1)[0]) | {"product_id": "linked-later"}
    stocked.execute(
        "insert into products (id, source, name, category) values ($id, 'manual', 'By hand', 'other')",
        id="5b0c0a52-94c5-4f2e-9d0e-0d6f6f1c2b11",
    )
    stocked.sandbox.products.append(record)
    stocked.serve()
    stocked.execute("update products set source = 'treez', source_id = 'linked-later' where name = 'By hand'")
    synced = stocked.sync()
    product = stocked.products()["linked-later"]
    assert synced.row["products_created"] == 0 and synced.row["products_updated"] == 1
    assert columns_of(product) == columns_of(mapped(stocked)["linked-later"])
    assert str(product["id"]) == "5b0c0a52-94c5-4f2e-9d0e-0d6f6f1c2b11"
