"""`guidelight replay`: staging published once more after the mapping was mended, without a request to the source."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.shop import KEY, Shop, Synced
from tests.warm import start

pytestmark = pytest.mark.alternating


def replay(shop: Shop, *options: str) -> Synced:
    """As the shop's `sync`; the source is not reachable, and its key not there."""
    words = ["replay", "--json", *options, "--database", shop.database.url]
    return shop.ended(start(words, home=shop.home, env={KEY: ""}))


def test_a_mended_mapping_reaches_products_and_stock_stays_as_it_is(stocked: Shop) -> None:
    sold, hoodie, gone, back = stocked.active(4)
    hoodie["category_type"] = "SOUVENIRS"
    stocked.remove([gone])
    stocked.serve()
    assert stocked.sync().row["status"] == "success"
    assert stocked.products()[hoodie["product_id"]]["category"] == "other"
    with stocked.connection() as connection:
        requests = list(stocked.sandbox.requests)
        connection.execute(
            "update products set stock_quantity = 4711, price_retail = 1 where source_id = $id", id=sold["product_id"]
        )
        connection.execute("delete from products where source_id = $id", id=back["product_id"])
    health = stocked.rows("select last_sync_at, last_sync_status, last_complete_sync_at from integrations")
    confirmed = stocked.rows("select source_id, last_confirmed_at from marts.product_freshness order by source_id")
    stocked.configure(category_map={"SOUVENIRS": "topical"})

    done = replay(stocked)
    assert done.status == 0 and stocked.sandbox.requests == requests, done.ran
    assert (done.row["scope"], done.row["listing_complete"]) == ("replay", False)
    changes = stocked.changes(done)
    assert {source_id: row["cause"] for source_id, row in changes.items()} == {
        sold["product_id"]: "edit overwritten",
        hoodie["product_id"]: "mapping",
        back["product_id"]: "edit overwritten",
    }
    assert changes[hoodie["product_id"]]["fields"] == {"category": {"old": "other", "new": "topical"}}
    assert set(changes[sold["product_id"]]["fields"]) == {"price_retail"}
    products = stocked.products()
    assert products[sold["product_id"]]["stock_quantity"] == 4711
    assert products[gone["product_id"]]["is_active"] is False, "what is absent stays so"
    assert products[back["product_id"]]["stock_quantity"] == back["sellable_quantity"]
    assert stocked.rows("select last_sync_at, last_sync_status, last_complete_sync_at from integrations") == health
    now = stocked.rows("select source_id, last_confirmed_at from marts.product_freshness order by source_id")
    unmoved = [row for row in confirmed if row["source_id"] != back["product_id"]]
    assert [row for row in now if row["source_id"] != back["product_id"]] == unmoved
    assert stocked.command("verify").status == 0
    assert stocked.command("verify", "--sync", str(done.row["id"])).status == 0
    assert "guidelight replay --integration" in stocked.command("logs", "show", str(done.row["id"])).stdout

    again = replay(stocked)
    assert again.counts[1:3] == (0, 0)
    synced = stocked.sync()
    (change,) = stocked.changes(synced).values()
    assert (change["source_id"], change["cause"]) == (sold["product_id"], "edit overwritten")
    assert set(change["fields"]) == {"stock_quantity"}


def test_a_replay_takes_the_newest_sighting_of_each_product(stocked: Shop) -> None:
    dearer, other = stocked.active(2)
    for record in (dearer, other):
        record["pricing"] |= {"price_type": "FLAT", "price_sell": 777, "discounted_price": None}
    stocked.serve()
    one = stocked.sync("--product", dearer["product_id"])
    stocked.execute("update products set price_retail = 1 where source = 'treez'")
    done = replay(stocked)
    prices = {source_id: row["price_retail"] for source_id, row in stocked.products().items()}
    assert prices[dearer["product_id"]] == Decimal(777) != prices[other["product_id"]]
    first = stocked.logs()[0]
    assert done.row["summary"]["asked"] == {}
    back = replay(stocked, "--sync", str(first["id"])[:8])
    assert back.row["summary"]["asked"] == {"sync": str(first["id"])}
    assert stocked.products()[dearer["product_id"]]["price_retail"] != Decimal(777)
    assert f"--sync {first['id']}" in stocked.command("logs", "show", str(back.row["id"])).stdout
    alone = replay(stocked, "--sync", str(one.row["id"]))
    assert alone.counts == (1, 0, 1, 0)


@pytest.mark.parametrize("strategy", ["merge", "manual_wins"])
def test_what_a_replay_left_is_no_edit_to_the_next_sync(stocked: Shop, strategy: str) -> None:
    record = stocked.active(1)[0]
    source_id = record["product_id"]
    stocked.configure(conflict_strategy=strategy)
    first = stocked.logs()[0]["id"]
    record["sellable_quantity"] += 5
    stocked.serve()
    assert stocked.sync().counts[2] == 1
    stocked.execute("update products set name = 'Mine' where source_id = $id", id=source_id)
    done = replay(stocked, "--sync", str(first))
    assert source_id in done.summary["edits_kept"]
    row = stocked.products()[source_id]
    assert (row["name"], row["stock_quantity"]) == ("Mine", record["sellable_quantity"])
    record["sellable_quantity"] += 5
    stocked.serve()
    stocked.sync()
    row = stocked.products()[source_id]
    assert (row["name"], row["stock_quantity"]) == ("Mine", record["sellable_quantity"])


def test_what_cannot_be_replayed(shop: Shop) -> None:
    def error(*options: str) -> str:
        ran = shop.command("replay", "--json", *options)
        assert ran.status == 2
        told: str = ran.json["error"]
        return told

    assert "No full sync" in error()
    shop.configure(dispensary_id="nobody")
    failed = shop.sync().row["id"]
    shop.configure(dispensary_id=shop.sandbox.dispensary_id)
    assert "published nothing" in error("--sync", str(failed))
    assert "not found" in error("--sync", "ffffffff")
    shop.sync()
    done = replay(shop).row["id"]
    assert "is a replay itself" in error("--sync", str(done))
    shop.execute("delete from staging_treez.sightings where sync_log_id <> $id", id=done)
    assert "no longer keeps" in error("--sync", str(shop.logs()[1]["id"]))
    gone = replay(shop)
    assert gone.status == 1 and "Staging keeps no product" in gone.result["error"]
