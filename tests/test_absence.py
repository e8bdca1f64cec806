"""The removal guard: how many products may become absent at once, and what a sync says when it holds back."""

from __future__ import annotations

import pytest

from tests.databases import Engine
from tests.shop import Shop
from tests.shops import Shops

pytestmark = pytest.mark.alternating


def active_count(shop: Shop) -> int:
    return int(shop.value("select count(*) from products where source = 'treez' and is_active"))


def test_a_share_below_the_guard_becomes_absent(stocked: Shop) -> None:
    count = active_count(stocked) * 20 // 100
    gone = stocked.remove(stocked.active(count))
    synced = stocked.sync()
    assert synced.status == 0
    assert synced.summary["absent"] == gone and synced.receipt["absent_active"] == count
    assert {identity for identity, row in stocked.products().items() if not row["in_stock"]} >= set(gone)


def test_a_share_above_the_guard_makes_none_absent_until_it_is_allowed(stocked: Shop) -> None:
    before = stocked.published()
    count = active_count(stocked) * 20 // 100 + 1
    gone = stocked.remove(stocked.active(count))
    held = stocked.sync()
    assert (held.status, held.row["status"]) == (3, "partial")
    assert held.row["listing_complete"] is True and held.row["errors_count"] == 1
    ((kind, message),) = held.problems
    assert kind == "guard" and f"{count} products are no longer listed" in message
    assert "--allow-mass-deactivation" in message
    assert held.receipt["absent"] == 0 and held.receipt["held_back"] == count
    assert stocked.published() == before
    allowed = stocked.sync("--allow-mass-deactivation")
    assert allowed.status == 0 and allowed.summary["absent"] == gone


def test_what_changed_is_published_although_the_guard_holds_back(stocked: Shop) -> None:
    changed, *gone = stocked.active(20)
    changed["sellable_quantity"] = 999
    stocked.remove(gone)
    synced = stocked.sync()
    assert synced.status == 3 and synced.row["products_updated"] == 1 and synced.receipt["absent"] == 0
    assert stocked.products()[changed["product_id"]]["stock_quantity"] == 999


def test_a_shop_of_its_own_percentage(stocked: Shop) -> None:
    stocked.configure(max_deactivation_percent=50)
    gone = stocked.remove(stocked.active(15))
    synced = stocked.sync()
    assert synced.status == 0 and synced.summary["absent"] == gone


@pytest.mark.parametrize("bearer", [False, True], ids=["v2", "bearer"])
def test_an_empty_listing_empties_no_menu(stocked: Shop, bearer: bool) -> None:
    if bearer:
        stocked.configure(client_id=None)
    before = stocked.published()
    stocked.remove(list(stocked.sandbox.products))
    held = stocked.sync()
    assert held.status == 3 and held.counts == (0, 0, 0, 0)
    assert "guard" in {kind for kind, _ in held.problems}
    assert stocked.published() == before


def test_a_shop_that_closed_is_emptied_when_asked_for(stocked: Shop) -> None:
    listed = stocked.remove(list(stocked.sandbox.products))
    synced = stocked.sync("--allow-mass-deactivation")
    assert synced.status == 0 and synced.receipt["active_after"] == 0
    assert set(synced.summary["absent"]) <= set(listed)
    assert not any(row["is_active"] or row["in_stock"] for row in stocked.products().values())


def test_of_fewer_than_ten_products_any_but_all_may_go(shops: Shops, engine: Engine) -> None:
    with shops.open(engine, stocked=False, products=8) as shop:
        shop.sync()
        active = active_count(shop)
        assert 2 < active < 10
        shop.remove([one for one in shop.sandbox.products if one["product_status"] == "ACTIVE"][: active - 1])
        synced = shop.sync()
        assert synced.status == 0 and synced.receipt["absent_active"] == active - 1
        shop.remove(list(shop.sandbox.products))
        held = shop.sync()
        assert held.status == 3 and held.receipt["absent"] == 0
        assert active_count(shop) == 1


def test_what_is_out_of_stock_and_inactive_already_does_not_become_absent(stocked: Shop) -> None:
    record = stocked.active(1)[0]
    record |= {"product_status": "DEACTIVATED", "above_threshold": False, "sellable_quantity": 0}
    stocked.serve()
    stocked.sync()
    stocked.remove([record])
    synced = stocked.sync()
    assert synced.status == 0 and synced.receipt["absent"] == 0 and stocked.changes(synced) == {}
