"""A page read in one go, beside the same page read member by member: one reads faster, neither reads anything else."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.integration import TreezSettings
from pipelines.http import Client
from pipelines.sources import bodies
from pipelines.sources.proof import Answer
from pipelines.sources.treez_api import V2
from pipelines.sources.treez_page import usual_page

SETTINGS = TreezSettings(
    api="treez-v2", base_url="https://shop.example", dispensary_id="shop", client_id="a", api_key="b"
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
DATA = st.fixed_dictionaries(
    {"product_list": st.lists(JSON, max_size=4) | JSON},
    optional={"total_count": st.integers(0, 10**10) | st.integers(0, 99).map(str) | JSON, "page_count": JSON},
)
PAGES = st.fixed_dictionaries(
    {"data": DATA | JSON}, optional={"resultCode": st.just("SUCCESS") | JSON, "resultReason": JSON}
)


def at_once(body: bytes) -> Answer | None:
    read = usual_page(body)
    return None if read is None else replace(read, records=read.copied())


def member_by_member(body: bytes) -> Answer:
    return V2(SETTINGS, "b", Client())._envelope(bodies.members(body))


@given(PAGES)
def test_what_is_read_at_once_is_what_is_read_member_by_member(page: dict[str, Any]) -> None:
    body = json.dumps(page).encode()
    read = at_once(body)
    assert read is None or read == member_by_member(body)


def test_a_usual_page_is_read_at_once() -> None:
    body = (
        b'{"resultCode": "SUCCESS", "resultReason": null,'
        b' "data": {"page_count": 2, "total_count": "7", "product_list": [{"product_id": "a", "x": 1.0}, {}]}}'
    )
    assert at_once(body) == Answer([b'{"product_id": "a", "x": 1.0}', b"{}"], 7)


@pytest.mark.parametrize(
    "body",
    [
        b'{"resultCode": "FAIL", "resultCode": "SUCCESS", "data": {"product_list": [1], "product_list": [2, "3"]}}',
        b'{"data": null, "resultCode": "SUCCESS", "data": {"product_list": [{"a": 1, "a": 2}], "total_count": -1}}',
        b'{"resultCode": "SUCCESS", "other": "\xff", "data": {"product_list": [{"name": "\xff"}]}}',
        b'{"resultCode": "SUCCESS", "data": {"product_list": [' + b"[" * 90 + b"]" * 90 + b', {"a": 1e999}]}}',
    ],
)
def test_odd_bodies_are_read_alike(body: bytes) -> None:
    read = at_once(body)
    assert read is None or read == member_by_member(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"resultCode": "FAIL", "data": {"product_list": []}}',
        b'{"resultCode": 1, "data": {"product_list": []}}',
        b'{"data": {"product_list": []}}',
        b'{"resultCode": "SUCCESS", "data": null}',
        b'{"resultCode": "SUCCESS", "data": {"product_list": [NaN]}}',
        b'{"resultCode": "SUCCESS", "data": {"product_list": []}} trailing',
        b"<html>",
        b"",
    ],
)
def test_any_other_is_for_those_who_say_why(body: bytes) -> None:
    assert usual_page(body) is None
