"""The made-up shop: the same on every machine, as varied as a real one, and moving on from day to day."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import orjson
import pytest

from models.record import canonical
from pipelines.sandbox.catalogue import catalogue
from pipelines.sandbox.goods import OPENING
from tests.sandbox.client import ids

CATEGORY_TYPES = {
    "FLOWER", "PREROLL", "EXTRACT", "CARTRIDGE", "EDIBLE", "BEVERAGE", "TINCTURE", "PILL", "TOPICAL", "PLANT", "MERCH",
    "MISC", "NON_INV",
}  # fmt: skip


def test_the_same_arguments_give_the_same_bytes_in_another_process() -> None:
    program = (
        "import orjson, sys; from pipelines.sandbox.catalogue import catalogue;"
        "sys.stdout.buffer.write(orjson.dumps(catalogue(products=60, seed=7, day=3)))"
    )
    there = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout
    assert there == orjson.dumps(catalogue(products=60, seed=7, day=3))
    assert there != orjson.dumps(catalogue(products=60, seed=8, day=3))


def test_the_listing_is_in_treez_order_and_ids_do_not_repeat() -> None:
    listed = catalogue(products=500, seed=1, day=4)
    order = [(product["product_configurable_fields"]["name"], product["product_id"]) for product in listed]
    assert order == sorted(order)
    assert len(set(ids(listed))) == len(listed)
    assert len({name for name, _ in order}) > 0.98 * len(listed)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("day", [0, 1, 30])
def test_no_record_of_the_plain_catalogue_is_invalid(seed: int, day: int) -> None:
    for product in catalogue(products=300, seed=seed, day=day):
        canonical(orjson.dumps(product))
        assert product["product_configurable_fields"]["name"].strip()
        pricing = product["pricing"]
        if pricing["price_type"] == "TIER":
            assert pricing["price_sell"] is None
            assert all(tier["price_per_value"] > 0 for tier in pricing["tier_pricing_detail"])
        else:
            assert 0 < Decimal(str(pricing["price_sell"])) < 10_000
        assert product["sellable_quantity"] == sum(
            part["sellable_quantity"] for part in product["sellable_quantity_detail"]
        )
        for result in product.get("lab_results", ()):
            least, most = (Decimal(result["amount"][bound]) for bound in ("minimum_value", "maximum_value"))
            assert 0 <= least <= most
            assert most <= 100 or result["amount_type"] == "MG"


def test_the_catalogue_has_the_spread_of_a_real_shop() -> None:
    listed = catalogue(products=500, seed=1, day=0)
    categories = Counter(product["category_type"] for product in listed)
    assert set(categories) == CATEGORY_TYPES
    deactivated = [product for product in listed if product["product_status"] == "DEACTIVATED"]
    assert 0.02 * 500 < len(deactivated) < 0.09 * 500
    assert any(product["above_threshold"] and product["sellable_quantity"] for product in deactivated)
    shown = [product["e_commerce"] or {} for product in listed]
    prices = [product["pricing"]["price_sell"] for product in listed]
    barcodes = [type(code) for product in listed for code in product["product_barcodes"]]
    units = {result["amount_type"] for product in listed for result in product.get("lab_results", ())}
    assert {None, ""} <= {page.get("menu_title") for page in shown}
    assert {type(page.get("primary_image")) for page in shown} == {str, type(None)}
    assert {type(price) for price in prices} == {int, float, str, type(None)}
    assert {str, dict} == set(barcodes)
    assert {"PERCENTAGE", "%", "MG"} == units
    assert any(not product["product_barcodes"] for product in listed)
    assert any(product["sellable_quantity"] == 0 for product in listed)
    assert any("lab_results" not in product for product in listed)
    names = [product["product_configurable_fields"]["name"] for product in listed]
    assert max(map(len, names)) > 120
    assert any("é" in name for name in names) and any(ord(name[0]) > 0xFFFF for name in names)


@pytest.mark.parametrize("products", [12, 120, 500])
def test_a_day_moves_the_shop_on_a_little(products: int) -> None:
    for day in range(1, 8):
        before = {product["product_id"]: product for product in catalogue(products=products, seed=5, day=day - 1)}
        after = {product["product_id"]: product for product in catalogue(products=products, seed=5, day=day)}
        new, gone = after.keys() - before.keys(), before.keys() - after.keys()
        changed = [identity for identity in before.keys() & after.keys() if before[identity] != after[identity]]
        assert 2 <= len(new) <= max(2, 0.02 * products)
        assert 3 <= len(changed) <= max(3, 0.05 * products)
        assert len(gone) == 0 if day < 2 else 1 <= len(gone) <= 5


def test_a_sale_does_not_move_last_updated_at_but_a_price_does() -> None:
    pairs = zip_by_id(catalogue(products=500, seed=1, day=0), catalogue(products=500, seed=1, day=1))
    kinds = Counter[tuple[str, bool]]()
    for before, after in pairs:
        moved = before["last_updated_at"] != after["last_updated_at"]
        for field in ("sellable_quantity", "pricing"):
            if before[field] != after[field]:
                kinds[field, moved] += 1
    assert set(kinds) == {("sellable_quantity", False), ("pricing", True)}


def zip_by_id(before: list[Any], after: list[Any]) -> list[tuple[Any, Any]]:
    by_id = {product["product_id"]: product for product in after}
    return [(product, by_id[product["product_id"]]) for product in before if product["product_id"] in by_id]


def test_everything_was_updated_within_the_last_year_before_the_shop_opened() -> None:
    moments = [datetime.fromisoformat(one["last_updated_at"]) for one in catalogue(products=500, seed=1, day=0)]
    assert OPENING - timedelta(days=365) < min(moments) < OPENING - timedelta(days=300)
    assert max(moments) < OPENING


def test_days_merge_deactivate_and_reactivate() -> None:
    days = [{one["product_id"]: one for one in catalogue(products=200, seed=3, day=day)} for day in range(8)]
    merged = {old: one["product_id"] for one in days[7].values() for old in one["merged_from_product_ids"]}
    gone = set().union(*days) - set(days[7])
    assert merged and set(merged) <= gone
    assert not [one for day in days[:2] for one in day.values() if one["merged_from_product_ids"]]
    moves = {
        (before[identity]["product_status"], after[identity]["product_status"])
        for before, after in pairwise(days)
        for identity in before.keys() & after.keys()
    }
    assert {("ACTIVE", "DEACTIVATED"), ("DEACTIVATED", "ACTIVE")} <= moves
    assert not [day for day in days if not 0.01 < _share_deactivated(day) < 0.12]


def _share_deactivated(day: dict[str, Any]) -> float:
    return sum(one["product_status"] == "DEACTIVATED" for one in day.values()) / len(day)
