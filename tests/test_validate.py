"""The table of rules: what is landed, what is rejected and why, and that a rejected record keeps its id."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.record import RawProduct, Record, RejectedRecord, canonical, digest
from pipelines.landed import Landed
from pipelines.sources import SOURCES
from pipelines.validate import LARGEST, RULES, Validator

TREEZ = SOURCES["treez"]


def check(raw: bytes | dict[str, Any], *known: tuple[str, str, str]) -> Record | RejectedRecord:
    data = raw if isinstance(raw, bytes) else orjson.dumps(raw)
    return Validator(TREEZ, Landed(known)).check(RawProduct(data, page=7))


def product(**fields: Any) -> dict[str, Any]:
    return {"product_id": "p1", "product_configurable_fields": {"name": "Blue Dream"}, **fields}


def test_a_good_record_is_landed_in_its_canonical_form() -> None:
    raw = orjson.dumps(product(size=1.0))
    record = check(raw)
    assert isinstance(record, Record)
    assert record.payload is not None
    assert record.payload.encode() == canonical(raw)[1]
    assert (record.source_id, record.page) == ("p1", 7)
    assert (record.content_hash, record.raw_hash) == (digest(canonical(raw)[1]), digest(raw))


def test_bytes_that_were_landed_are_not_parsed_again() -> None:
    raw = b"no JSON at all, and yet known"
    record = check(raw, (digest(raw), digest(b"content"), "p9"))
    assert record == Record("p9", digest(b"content"), digest(raw), None, 7)


def test_a_landed_content_in_other_bytes_is_not_landed_again() -> None:
    first = check(b'{"product_id":"p1","name":"A"}')
    assert isinstance(first, Record)
    again = check(b'{ "name":"A", "product_id":"p1" }', (first.raw_hash, first.content_hash, "p1"))
    assert isinstance(again, Record)
    assert (again.content_hash, again.payload) == (first.content_hash, None)


@given(st.sets(st.binary(min_size=1), min_size=1), st.text(), st.sampled_from(["", "none", "ab", "AB" * 40]))
def test_what_is_landed_is_found_by_its_bytes_and_by_its_content(raws: set[bytes], source_id: str, odd: str) -> None:
    rows = [(digest(raw), digest(b"content of " + raw), source_id) for raw in raws]
    known = Landed([*rows, (odd, digest(b"another"), "x"), (digest(b""), odd, "y")])
    for raw, (raw_hash, content_hash, _) in zip(raws, rows, strict=True):
        assert known.find(raw_hash) == (source_id, content_hash)
        assert known.holds(content_hash) and not known.holds(digest(raw + b"!"))
    assert known.find(digest(b"")) is None
    known.forget()
    assert not known and not any(known.holds(content_hash) for _, content_hash, _ in rows)


@pytest.mark.parametrize(
    ("raw", "reason", "source_id"),
    [
        (b"3", "not a number", None),
        (b"null", "not null", None),
        (b'["p1"]', "not an array", None),
        (b'{"product_id":"p1","name":"A","thc":NaN}', "NaN", "p1"),
        (b'{"product_id":"p1","name":"A","thc":-Infinity}', "-Infinity", "p1"),
        (b'{"product_id":"p1","name":"A","thc":1e999}', "beyond the range", "p1"),
        (b'{"product_id":"p1","name":"A\\u0000"}', "NUL", "p1"),
        (b'{"product_id":"p1","name":"A\\ud800"}', "lone surrogate", "p1"),
        (b'{"product_id":"p1","name":"A\xff"}', "not UTF-8", "p1"),
        (b'{"product_id":"p1","name":"A\nB"}', "control character", "p1"),
        (b'{"product_id":"p1","name":"A","x":' + b"[" * 5000 + b"]" * 5000 + b"}", "nested more than", "p1"),
        (b'{"product_id":"p\\ud800","name":"A"}', "lone surrogate", None),
        (b'{"product_id":"p\\u0000","name":"A"}', "NUL", None),
        (b'{"product_id":"p1","name":"' + b"x" * LARGEST + b'"}', "larger than 5 MB", "p1"),
    ],
)
def test_contents_that_no_database_can_store(raw: bytes, reason: str, source_id: str | None) -> None:
    rejected = check(raw)
    assert isinstance(rejected, RejectedRecord)
    assert reason in rejected.reason
    assert (rejected.source_id, rejected.page) == (source_id, 7)


@pytest.mark.parametrize("value", [None, "", "  ", "x" * 301, 1.5, True, ["p1"], {"id": "p1"}])
def test_without_a_usable_id(value: Any) -> None:
    rejected = check(product(product_id=value))
    assert isinstance(rejected, RejectedRecord)
    assert "no usable id" in rejected.reason
    assert rejected.source_id is None


def test_an_id_is_trimmed_text_or_a_whole_number() -> None:
    for value, source_id in ((" x ", "x"), (17, "17"), ("x" * 300, "x" * 300), ("' or 1=1 --", "' or 1=1 --")):
        record = check(product(product_id=value))
        assert isinstance(record, Record)
        assert record.source_id == source_id


@pytest.mark.parametrize(
    "fields",
    [
        {"product_configurable_fields": None},
        {"product_configurable_fields": {"name": None}},
        {"product_configurable_fields": {"name": "  "}, "e_commerce": {"menu_title": ""}},
        {"product_configurable_fields": {"name": ["A"]}, "name": {"en": "A"}},
        {"product_configurable_fields": "A", "e_commerce": "B"},
    ],
)
def test_without_a_usable_name_the_id_is_kept(fields: dict[str, Any]) -> None:
    rejected = check(product(**fields))
    assert isinstance(rejected, RejectedRecord)
    assert "no usable name" in rejected.reason
    assert rejected.source_id == "p1"


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"e_commerce": {"menu_title": " Menu "}}, "Menu"),
        ({"e_commerce": {"menu_title": ""}}, "Blue Dream"),
        ({"e_commerce": {"menu_title": None}}, "Blue Dream"),
        ({"product_configurable_fields": None, "name": "Flat"}, "Flat"),
        ({"product_configurable_fields": {"name": 420}}, "420"),
    ],
)
def test_the_name_is_the_menu_title_else_the_product_s(fields: dict[str, Any], name: str) -> None:
    assert TREEZ.name(product(**fields)) == name
    assert isinstance(check(product(**fields)), Record)


@settings(deadline=None)
@given(
    st.binary(max_size=80)
    | st.dictionaries(st.text(max_size=5), st.text(max_size=5)).map(lambda d: json.dumps(d).encode())
)
def test_any_bytes_are_a_record_or_a_rejected_record(raw: bytes) -> None:
    checked = check(raw)
    if isinstance(checked, RejectedRecord):
        assert checked.reason
        checked.text.encode()


def test_each_rule_says_what_it_is_for() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.why for rule in RULES)
