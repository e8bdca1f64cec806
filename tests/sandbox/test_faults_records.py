"""Faults of records: what stands in the bytes of the first record, and that nothing else is touched."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.conftest import Open

Seen = Callable[[bytes, dict[str, Any], dict[str, Any]], bool]
"""Of the page's bytes, the record as Python reads it, and as it was: whether the fault is there."""


def named(part: str) -> Seen:
    return lambda raw, record, before: part in record["product_configurable_fields"]["name"]


def priced(text: bytes) -> Seen:
    return lambda raw, record, before: b'"price_sell":' + text in raw


def identified(check: Callable[[Any, str], bool]) -> Seen:
    return lambda raw, record, before: check(record.get("product_id"), before["product_id"])


def dated(date: Any) -> Seen:
    return lambda raw, record, before: record["last_updated_at"] == date


def depth(value: Any) -> int:
    levels = 0
    while isinstance(value, list):
        value, levels = (value or [None])[0], levels + 1
    return levels


SEEN: dict[str, Seen] = {
    "nul": named("\x00"),
    "nul:as=key": lambda raw, record, before: "nul\x00key" in record,
    "lone-surrogate": named("\ud83d"),
    "nan": priced(b"NaN"),
    "nan:as=minus-infinity": priced(b"-Infinity"),
    "odd-price": priced(b"1e400"),
    "odd-price:as=comma": priced(b'"12,50"'),
    "odd-price:as=dollar": priced(b'"$12"'),
    "odd-price:as=digits": priced(b"12.12345678901234567890"),
    "odd-price:as=negative-zero": priced(b"-0.0"),
    "duplicate-keys": lambda raw, record, before: (
        raw.count(b'"product_status"') == 51 and record["product_status"] != before["product_status"]
    ),
    "like-keys": lambda raw, record, before: record["Product_Status"] == "DEACTIVATED",
    "like-keys:as=snake": lambda raw, record, before: record["sellableQuantity"] == 0,
    "deep:levels=900": lambda raw, record, before: depth(record["nested"]) == 900,
    "long-text:bytes=1048576": lambda raw, record, before: len(record["e_commerce"]["product_description"]) == 1048576,
    "long-array:items=5000": lambda raw, record, before: len(record["attributes"]["internal_tags"]) == 5000,
    "type-flip": lambda raw, record, before: record["sellable_quantity"] == {"value": 1},
    "type-flip:as=text,field=pricing.price_sell": priced(b'"many"'),
    "fields": lambda raw, record, before: "lab_results" not in record,
    "fields:as=renamed,field=pricing": lambda raw, record, before: record["pricing_v2"] == before["pricing"],
    "fields:as=added": lambda raw, record, before: record["loyalty_points"]["base"] == 5,
    "fields:as=sql": lambda raw, record, before: 'name"; drop table products; --' in record,
    "odd-id": identified(lambda new, old: new is None),
    "odd-id:as=missing": lambda raw, record, before: "product_id" not in record,
    "odd-id:as=empty": identified(lambda new, old: new == ""),
    "odd-id:as=blank": identified(lambda new, old: new.strip() == "" != new),
    "odd-id:as=spaces": identified(lambda new, old: new != old == new.strip()),
    "odd-id:as=upper": identified(lambda new, old: new != old == new.lower()),
    "odd-id:as=number": identified(lambda new, old: isinstance(new, int)),
    "odd-id:as=long": identified(lambda new, old: len(new) == 300),
    "odd-id:as=sql": identified(lambda new, old: "drop table" in new),
    "odd-date": dated(1790000000),
    "odd-date:as=no-zone": dated("2026-08-30T10:55:58.000"),
    "odd-date:as=year-1": dated("0001-01-01T00:00:00.000Z"),
    "markup": named("<b>"),
    "markup:as=formula": named("=HYPERLINK"),
    "odd-letters": named("\u202e"),
    "odd-letters:as=emoji": named("\u200d"),
    "odd-barcode": lambda raw, record, before: record["product_barcodes"] == ["000123456789"],
    "odd-barcode:as=number": lambda raw, record, before: record["product_barcodes"] == [123456789],
}
"""The faults, as they are set, and what then is seen."""


@pytest.mark.parametrize("fault", SEEN)
def test_every_fault_does_what_it_says_to_one_record(open_shop: Open, fault: str) -> None:
    shop, client = open_shop(fault)
    raw = client.page(1, active="ALL").content
    first, *others = json.loads(raw)["data"]["product_list"]
    assert SEEN[fault](raw, first, shop.products[0])
    assert others == shop.products[1:50]
    assert client.listed(2, active="ALL") == shop.products[50:100]


@pytest.mark.parametrize(("fault", "part"), [("nul:as=raw", b"Nul \x00 inside"), ("invalid-utf8", b"Caf\xe9 \xff")])
def test_bytes_that_no_text_has(open_shop: Open, fault: str, part: bytes) -> None:
    _, client = open_shop(fault)
    raw = client.page(1).content
    assert part in raw
    with pytest.raises(ValueError):
        json.loads(raw)


def test_a_twin_stands_beside_the_record(open_shop: Open) -> None:
    shop, client = open_shop("twin")
    itself = next(product for product in shop.products if product["pricing"]["price_sell"] is not None)
    same, again = client.listed(1, active="ALL", id=itself["product_id"])
    assert same == itself and again["product_id"] == itself["product_id"] and again["pricing"] != itself["pricing"]
    shop.set_faults(("twin:as=case",))
    assert client.listed(1, active="ALL")[1]["product_id"] == shop.products[0]["product_id"].upper()
    shop.set_faults(("twin:as=accents",))
    _, composed, apart, *others = client.listed(1, active="ALL")
    assert composed["product_id"] != apart["product_id"] == unicodedata.normalize("NFD", composed["product_id"])
    assert others == shop.products[1:50]


def test_a_poison_may_hit_more_records_any_page_and_one_product(open_shop: Open) -> None:
    shop, client = open_shop("markup:count=3,page=2", "odd-id:at=product")
    assert [one["product_configurable_fields"]["name"][:3] for one in client.listed(2)][:4].count("<b>") == 3
    assert client.one(shop.products[7]["product_id"]).json()["data"]["product_id"] is None
