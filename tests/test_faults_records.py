"""RELIABILITY.md's faults of the payload that no other test shows: what is odd but of use is published as it is."""

from __future__ import annotations

import json
from typing import Any

import orjson

from models.record import RawProduct, Record, RejectedRecord
from pipelines.landed import Landed
from pipelines.sources import SOURCES
from pipelines.validate import LARGEST, Validator
from tests.shop import PRODUCTS, Shop

MEGABYTE = 1_000_000


def check(raw: bytes) -> Record | RejectedRecord:
    return Validator(SOURCES["treez"], Landed()).check(RawProduct(raw, page=1))


def landed(raw: bytes) -> dict[str, Any]:
    record = check(raw)
    assert isinstance(record, Record) and record.payload is not None, record
    found: dict[str, Any] = orjson.loads(record.payload)
    return found


def test_of_doubled_keys_the_last_is_landed_at_every_depth() -> None:
    raw = b'{"product_id":"old","name":"A","product_id":"p1","pricing":{"price_sell":1,"price_sell":2}}'
    assert landed(raw) == {"product_id": "p1", "name": "A", "pricing": {"price_sell": 2}}
    record = check(raw)
    assert isinstance(record, Record) and record.source_id == "p1"


def test_keys_that_differ_in_case_or_spelling_only_are_all_kept() -> None:
    record = {
        "product_id": "p1",
        "Product_ID": "p2",
        "name": "A",
        "NAME": "B",
        "Price": 7.5,
        "price": 1,
        "NewThing!": 3,
    }
    assert landed(orjson.dumps(record)) == record


def test_a_large_record_is_landed_up_to_the_limit_and_refused_beyond_it() -> None:
    long = {"product_id": "p1", "name": "A", "e_commerce": {"product_description": "é" * (MEGABYTE // 2)}}
    wide = {"product_id": "p1", "name": "A", "attributes": {"general": ["organic "] * 50_000}}
    for record in (long, wide):
        assert landed(orjson.dumps(record)) == record
    refused = check(orjson.dumps(long | {"image": "x" * LARGEST}))
    assert isinstance(refused, RejectedRecord)
    assert (refused.source_id, "larger than 5 MB" in refused.reason) == ("p1", True)
    assert len(refused.text) < refused.text_length


def test_a_number_beyond_a_double_is_refused_and_one_beyond_a_column_is_landed() -> None:
    refused = check(b'{"product_id":"p1","name":"A","pricing":{"price_sell":1e400}}')
    assert isinstance(refused, RejectedRecord) and "beyond the range" in refused.reason
    assert landed(b'{"product_id":"p1","name":"A","x":1e30,"y":0.12345678901234567890}')["x"] == 1e30


TWINS = ("Case-Twin", "case-twin", "caf\u00e9", "cafe\u0301", "x'; drop table products; --", "007", "7")
"""Ids that look alike, and are none the less of different products."""

ODD: dict[str, dict[str, Any]] = {
    "a description of a megabyte": {"e_commerce": {"product_description": "x" * MEGABYTE}},
    "fifty thousand labels": {"attributes": {"general": ["organic "] * 50_000}},
    "other types than the contract's": {
        "pricing": "free", "e_commerce": [], "lab_results": {"a": 1}, "attributes": 7, "product_barcodes": {"a": 1},
        "sellable_quantity_detail": None,
    },
    "text where a number was": {"sellable_quantity": "12", "pricing": {"price_type": "FLAT", "price_sell": "54.50"}},
    "a price with a comma": {"pricing": {"price_type": "FLAT", "price_sell": "12,50"}},
    "a price with a sign": {"pricing": {"price_type": "FLAT", "price_sell": "$12"}},
    "a stock that is none": {"sellable_quantity": [3]},
    "a field that is new": {"new_thing": {"NewThing!": [None, {"deep": True}]}, "Sellable_Quantity": 5},
    "a date that is none": {"last_updated_at": "2026-02-29T25:61:00"},
    "a date in milliseconds": {"last_updated_at": 1_790_000_000_000},
    "text from right to left": {"e_commerce": {"menu_title": "\u202eمرحبا\u200f 👩\u200d🌾 \u200b"}},
    "markup": {"e_commerce": {"menu_title": "<script>alert(1)</script>", "product_description": "=cmd|' /C calc'!A0"}},
    "a barcode with zeros": {"product_barcodes": ["00012345600012"]},
    "keys that differ in case": {"Slug": "A", "slug": "b", "SLUG": None},
    "long fractions": {"sellable_quantity": 3.0, "weight": 0.1000000000000000055511151231257827},
}  # fmt: skip


def test_odd_records_are_published_as_they_are(stocked: Shop) -> None:
    plain, *others = stocked.active(len(ODD) + 1)
    named = dict(zip(ODD, others, strict=True))
    for what, record in named.items():
        record |= ODD[what]
    del named["a date that is none"]["product_barcodes"]
    stocked.sandbox.products.extend(plain | {"product_id": identity} for identity in TWINS)
    stocked.serve()
    synced = stocked.sync()
    assert (synced.status, synced.counts) == (
        0,
        (PRODUCTS + len(TWINS), len(TWINS), len(ODD), PRODUCTS - len(ODD)),
    ), synced.row["error_details"]
    products = stocked.products()
    assert set(TWINS) <= set(products)
    for what, record in named.items():
        kept = products[record["product_id"]]["source_data"]
        assert (json.loads(kept) if isinstance(kept, str) else kept) == record, what
    mapped = {what: products[record["product_id"]] for what, record in named.items()}
    assert len(mapped["a description of a megabyte"]["description"]) == MEGABYTE
    assert mapped["other types than the contract's"]["price_retail"] is None
    assert mapped["text where a number was"]["stock_quantity"] == 12
    assert float(mapped["text where a number was"]["price_retail"]) == 54.5
    assert mapped["text from right to left"]["name"] == "\u202eمرحبا\u200f 👩\u200d🌾 \u200b"
    assert mapped["markup"]["name"] == "<script>alert(1)</script>"
    assert mapped["markup"]["description"] == "=cmd|' /C calc'!A0"
    assert mapped["a barcode with zeros"]["barcode"] == "00012345600012"
    unread = {
        "a price with a comma": "price_retail",
        "a price with a sign": "price_retail",
        "a stock that is none": "stock_quantity",
    }
    warned = {identity for warning in synced.summary["warnings"] for identity in warning.get("source_ids", [])}
    for what, column in unread.items():
        assert mapped[what][column] is None
        assert named[what]["product_id"] in warned
