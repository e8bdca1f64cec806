"""The admin endpoint: what a test in any language sees of the shop, and changes in it."""

from __future__ import annotations

import pytest

from pipelines.sandbox.catalogue import catalogue
from pipelines.sandbox.quirks import QUIRKS
from tests.sandbox.client import ids
from tests.sandbox.conftest import Open


def test_it_tells_the_state_and_is_not_counted(open_shop: Open) -> None:
    shop, client = open_shop("html:page=9", day=2, rate=50, latency_ms=1)
    state = client.admin().json()
    assert {name: state[name] for name in ("opened_with", "seed", "day", "rate", "latency_ms", "page_cap")} == {
        "opened_with": 120, "seed": 1, "day": 2, "rate": 50, "latency_ms": 1, "page_cap": 50,
    }  # fmt: skip
    assert state["products"] == len(shop.products)
    assert state["faults"] == ["html:page=9"]
    assert state["quirks"] == {name: quirk.ways[0] for name, quirk in QUIRKS.items()}
    assert state["counters"]["requests"] == 0 == len(shop.requests)


def test_it_counts_requests_by_kind_and_status(open_shop: Open) -> None:
    shop, client = open_shop("http-500:page=3")
    for page in (1, 2, 3):
        client.page(page)
    client.page(1, id=ids(shop.products)[0])
    client.updated("2026-01-01T00:00:00.000-08:00")
    client.one(ids(shop.products)[0])
    client.one("nobody")
    client.session.get(f"{shop.base_url}/elsewhere")
    counters = client.admin(path="/counters").json()
    assert counters["by_kind"] == {"listing": 3, "lookup": 1, "other": 1, "product": 2, "token": 1, "updated": 1}
    assert counters["by_status"] == {"200": 6, "400": 1, "404": 1, "500": 1}
    assert (counters["requests"], counters["token_requests"]) == (9, 1)
    assert 1 <= counters["busiest_second"] <= 9
    assert [asked["method"] for asked in client.admin(path="/requests").json()] == ["POST"] + 8 * ["GET"]
    assert client.admin("DELETE", "/counters").json() == {
        "requests": 0, "token_requests": 0, "by_kind": {}, "by_status": {}, "busiest_second": 0,
    }  # fmt: skip


def test_it_moves_the_day_and_sets_what_goes_wrong(open_shop: Open) -> None:
    shop, client = open_shop()
    state = client.admin("POST", day=3, faults=["html:times=1"], quirks=["total-count=missing"], page_cap=30).json()
    assert (state["day"], state["page_cap"], state["quirks"]["total-count"]) == (3, 30, "missing")
    assert "<html>" in client.page(1).text
    assert client.all(active="ALL") == shop.products == catalogue(products=120, seed=1, day=3)
    assert "total_count" not in client.page(1).json()["data"] and len(client.listed(1)) == 30
    client.admin("POST", rate=1, faults=[], quirks=[])
    assert [client.page(1).status_code for _ in range(2)][-1] == 429


@pytest.mark.parametrize(
    "wrong",
    [{"day": -1}, {"day": True}, {"rate": 0}, {"page_cap": "50"}, {"colour": 1}, {"faults": "html"}, {"faults": ["x"]},
     {"quirks": ["past-end=404"]}, {"quirks": [1]}, {"latency_ms": None}],
)  # fmt: skip
def test_it_refuses_what_cannot_be_and_changes_nothing(open_shop: Open, wrong: dict[str, object]) -> None:
    _, client = open_shop(products=3)
    before = client.admin().json()
    answer = client.admin("POST", **{"rate": 7, **wrong})
    assert answer.status_code == 400 and "\n" not in answer.json()["error"]
    assert client.admin().json() == before


def test_it_changes_adds_and_removes_products(open_shop: Open) -> None:
    shop, client = open_shop()
    held, first = shop.products, shop.products[0]
    path = f"/products/{first['product_id']}"
    assert client.admin(path=path).json() == first
    renamed = client.admin(
        "PATCH", path, product_configurable_fields={"name": "zzz Last"}, pricing={"price_sell": 7}, discounts=None
    ).json()
    assert renamed["product_configurable_fields"]["name"] == "zzz Last" and "discounts" not in renamed
    assert renamed["pricing"]["price_type"] == first["pricing"]["price_type"]
    listed = client.all(active="ALL")
    assert listed == held and listed.index(renamed) > 100 and len(listed) == 120
    assert client.admin("POST", "/products", **{**first, "product_id": "new-one"}).status_code == 201
    assert ids(client.all(active="ALL"))[0] == "new-one"
    assert client.admin("PUT", "/products/other", category_type="MISC").status_code == 201
    assert client.one("other").json()["data"] == {"category_type": "MISC", "product_id": "other"}
    assert client.admin("DELETE", path).json() == renamed
    assert first["product_id"] not in ids(client.all(active="ALL")) and len(held) == 121


def test_it_says_what_is_not_there(open_shop: Open) -> None:
    shop, client = open_shop(products=1)
    base = f"{shop.base_url}/_admin"
    assert client.session.get(f"{base}/elsewhere").status_code == 404
    assert client.admin("DELETE", "/products/nobody").status_code == 404
    assert client.admin("POST", f"/products/{ids(shop.products)[0]}", a=1).status_code == 405
    for body in (b"{", b"[]", b'{"name": "no id"}'):
        assert client.session.post(f"{base}/products", data=body).status_code == 400
    assert client.session.get(f"{shop.base_url}/_administration").status_code == 404 and len(shop.requests) == 1
