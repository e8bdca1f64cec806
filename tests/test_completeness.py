"""Before a product may be called gone: a listing that moves while it is read neither loses nor doubles anything."""

from __future__ import annotations

import re

import pytest

from tests.shop import PAGE, PRODUCTS, Shop, Synced

pytestmark = pytest.mark.alternating


def asked(shop: Shop, what: str) -> int:
    """How many requests of the sync were for what the words stand in."""
    return sum(what in path for _, _, path in shop.sandbox.requests)


def readings(shop: Shop) -> int:
    """How often the whole list was begun."""
    return sum(bool(re.search(r"product_list\?(?!.*id=).*\bpage=1\b", path)) for _, _, path in shop.sandbox.requests)


def listing_warnings(synced: Synced) -> list[str]:
    return [one["message"] for one in synced.summary["warnings"] if one["kind"] == "listing"]


@pytest.mark.parametrize("fault", ["sliding", "inserting", "deleting"])
def test_a_listing_that_moves_is_read_again(stocked: Shop, fault: str) -> None:
    gone = stocked.remove(stocked.active(2))
    stocked.sandbox.set_faults([fault])
    stocked.sandbox.requests.clear()
    synced = stocked.sync()
    listed = {record["product_id"] for record in stocked.sandbox.products}
    assert synced.status == 0 and synced.row["listing_complete"] is True, synced.ran
    assert readings(stocked) == 2 and "read twice" in listing_warnings(synced)[0]
    assert set(gone) <= set(synced.summary["absent"])
    products = stocked.products()
    assert listed <= set(products) and synced.summary["duplicates"] <= PRODUCTS // PAGE - 1
    assert {identity for identity, row in products.items() if row["is_active"] or row["in_stock"]} <= listed
    assert stocked.sync().counts[1:3] == (0, 0)


@pytest.mark.parametrize("fault", ["short-page", "wrong-total", "text-total"])
def test_a_count_is_a_hint_that_a_second_reading_outweighs(stocked: Shop, fault: str) -> None:
    gone = stocked.remove(stocked.active(2))
    stocked.sandbox.set_faults([fault])
    synced = stocked.sync()
    assert (synced.status, synced.row["listing_complete"]) == (0, True), synced.ran
    assert synced.summary["absent"] == gone


def test_what_is_not_listed_but_there_is_kept(stocked: Shop) -> None:
    before = stocked.published()
    stocked.sandbox.set_faults(["short-page:count=2"])
    synced = stocked.sync()
    assert (synced.status, synced.counts) == (0, (PRODUCTS, 0, 0, PRODUCTS)), synced.ran
    assert any("2 products were not listed, but are there" in message for message in listing_warnings(synced))
    assert stocked.published() == before


def test_less_than_was_announced_by_list_and_by_id_together_is_not_whole(stocked: Shop) -> None:
    """What the list lacks is there by its id, so it leaves products out; then more than those may be missing."""
    stocked.remove(stocked.active(2))
    stocked.sandbox.set_faults(["short-page:count=2", "wrong-total:total=41"])
    synced = stocked.sync()
    assert (synced.status, synced.row["listing_complete"]) == (3, False)
    assert "41 products were announced, 38 could be had" in synced.problems[0][1]
    assert synced.receipt["absent"] == 0


def test_what_can_not_be_looked_up_is_kept(stocked: Shop) -> None:
    before = stocked.published()
    stocked.remove(stocked.active(2))
    stocked.sandbox.set_faults(["html:at=lookup"])
    synced = stocked.sync()
    assert (synced.status, synced.row["listing_complete"]) == (3, False)
    ((kind, message),) = synced.problems
    assert kind == "listing" and "could not be looked up by id" in message
    assert stocked.published() == before


def test_without_a_count_a_second_reading_is_made_only_for_what_is_about_to_go(stocked: Shop) -> None:
    stocked.sandbox.set_faults(["no-total"])
    stocked.sandbox.requests.clear()
    assert stocked.sync().row["listing_complete"] is True
    assert readings(stocked) == 1 and asked(stocked, "&id=") == 0
    gone = stocked.remove(stocked.active(2))
    stocked.sandbox.requests.clear()
    synced = stocked.sync()
    assert synced.status == 0 and synced.summary["absent"] == gone
    assert readings(stocked) == 2 and asked(stocked, "&id=") == 1


def test_two_readings_that_differ_without_a_count_prove_nothing(stocked: Shop) -> None:
    before = stocked.published()
    stocked.remove(stocked.active(2))
    stocked.sandbox.set_faults(["no-total", "short-page:times=1"])
    synced = stocked.sync()
    assert (synced.status, synced.row["listing_complete"]) == (3, False), synced.ran
    assert "no count was announced" in synced.problems[0][1]
    assert stocked.published() == before


def test_a_list_that_comes_whole_needs_no_look_up(stocked: Shop) -> None:
    stocked.configure(client_id=None)
    gone = stocked.remove(stocked.active(2))
    stocked.sandbox.requests.clear()
    synced = stocked.sync()
    assert synced.status == 0 and synced.summary["absent"] == gone
    assert asked(stocked, "/products/") == 0


def test_a_shop_that_is_about_to_be_emptied_is_not_looked_up(stocked: Shop) -> None:
    stocked.remove(stocked.active(15))
    stocked.sandbox.requests.clear()
    assert stocked.sync().status == 3
    assert asked(stocked, "&id=") == 0
    assert stocked.sync("--allow-mass-deactivation").status == 0
    assert asked(stocked, "&id=") == 1
