"""The API, well behaved: what the contract says, asked over real HTTP by a client that knows no more."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from pipelines.sandbox.catalogue import catalogue
from pipelines.sandbox.goods import OPENING
from tests.sandbox.client import Client, ids
from tests.sandbox.conftest import Open


def test_paging_until_empty_gives_the_whole_listing(open_shop: Open) -> None:
    shop, client = open_shop()
    assert client.all(active="ALL") == shop.products == catalogue(products=120, seed=1, day=0)
    assert [target for _, method, target in shop.requests if method == "GET"] == [
        f"/v2.0/dispensary/sandbox/product/product_list?page={page}&active=ALL" for page in (1, 2, 3, 4)
    ]
    assert shop.token_requests == 1


def test_a_page_counts_its_products_and_the_whole_listing(open_shop: Open) -> None:
    _, client = open_shop()
    for page, count, total in ((1, 50, 120), (3, 20, 120), (4, 0, 0), (999, 0, 0)):
        answer = client.page(page, active="ALL").json()
        assert answer["resultCode"] == "SUCCESS"
        data = answer["data"]
        assert (data["page_count"], data["total_count"], len(data["product_list"])) == (count, total, count)


def test_a_page_size_above_the_cap_is_capped_in_silence(open_shop: Open) -> None:
    shop, client = open_shop(page_cap=40)
    assert len(client.listed(1, active="ALL", pagesize=1000)) == 40
    assert client.listed(2, active="ALL", pagesize=7) == shop.products[7:14]


def test_active_picks_by_status_and_what_is_still_sold_is_listed(open_shop: Open) -> None:
    shop, client = open_shop(products=300)
    deactivated = [product for product in shop.products if product["product_status"] == "DEACTIVATED"]
    asleep = {product["product_id"] for product in deactivated if not product["above_threshold"]}
    assert asleep and len(asleep) < len(deactivated)
    assert ids(client.all()) == [identity for identity in ids(shop.products) if identity not in asleep]
    assert client.all(active="False") == deactivated
    assert client.page(1, active="allz").json()["resultReason"] == "INVALID_ACTIVE_PARAMETER"


def test_products_by_id_and_by_category(open_shop: Open) -> None:
    shop, client = open_shop()
    first, other = shop.products[3], shop.products[77]
    found = client.listed(1, active="ALL", id=f"{first['product_id']},{other['product_id']}")
    assert found == [first, other]
    assert client.page(1, id=",".join(map(str, range(51)))).json()["resultReason"] == "RESPONSE_LIMIT_EXCEEDS"
    assert {product["category_type"] for product in client.all(category_type="FLOWER")} == {"FLOWER"}
    one = client.session.get(f"{client.v2}/product/{first['product_id']}", headers=client.headers).json()
    assert one["data"] == first
    missing = client.session.get(f"{client.v2}/product/nobody", headers=client.headers)
    assert (missing.status_code, missing.json()["resultReason"]) == (400, "PRODUCT_NOT_FOUND")


@pytest.mark.parametrize("page", ["", "0", "-1", "one", "1.0", "9" * 30])
def test_a_page_that_is_none_is_refused(open_shop: Open, page: str) -> None:
    _, client = open_shop()
    answer = client.page(page)
    assert (answer.status_code, answer.json()["resultCode"]) == (400, "FAIL")


def test_bearer_answers_the_whole_list_whatever_the_page(open_shop: Open) -> None:
    shop, client = open_shop()
    assert client.bearer().json() == client.bearer(page=2).json() == shop.products
    assert client.bearer(f"/{shop.products[5]['product_id']}").json() == shop.products[5]
    assert client.bearer("/nobody").status_code == 404


def test_a_token_may_be_asked_for_in_json_and_written_as_bearer(open_shop: Open) -> None:
    shop, client = open_shop()
    sent = {"client_id": shop.client_id, "apikey": shop.api_key}
    answer = client.session.post(f"{client.v2}//config/api/gettokens", json=sent).json()
    assert answer["resultCode"] == "SUCCESS" and answer["expires_in"] == "7200"
    client.headers = {"authorization": f"Bearer {answer['access_token']}", "client_id": shop.client_id}
    assert len(client.listed()) == 50
    assert shop.token_requests == 1


def test_wrong_keys_tokens_and_dispensaries_are_refused(open_shop: Open) -> None:
    shop, client = open_shop()
    wrong = client.session.post(f"{client.v2}/config/api/gettokens", data={"client_id": "x", "apikey": "y"})
    assert (wrong.json()["resultCode"], wrong.json()["access_token"]) == ("FAIL", None)
    listing = f"{client.v2}/product/product_list?page=1"
    client.token()
    token = client.headers["authorization"]
    for headers in ({}, {"authorization": token}, {"authorization": "stale", "client_id": shop.client_id}):
        answer = client.session.get(listing, headers=headers)
        assert (answer.status_code, answer.json()["resultCode"]) == (401, "FAIL")
    assert client.session.get(client.products, headers={"Authorization": "Bearer wrong"}).status_code == 401
    elsewhere = client.session.get(listing.replace("/sandbox/", "/elsewhere/"), headers=client.headers)
    assert (elsewhere.status_code, elsewhere.json()["resultReason"]) == (404, "NOT_FOUND")


def test_more_than_the_rate_in_a_second_is_over_limit(open_shop: Open) -> None:
    shop, client = open_shop(rate=5)
    answers = [client.token()]
    while answers[-1].ok and len(answers) < 500:
        answers.append(client.page(1))
    assert (answers[-1].status_code, answers[-1].text) == (429, "OVER LIMIT")
    moments = [moment for moment, _, _ in shop.requests]
    assert len(moments) == len(answers)
    assert all(later - earlier >= 1 for earlier, later in zip(moments, moments[5:-1], strict=False))
    assert moments[-1] - moments[-6] < 1
    assert shop.busiest_second() == 6


def test_many_clients_at_once_get_what_each_asked_for(open_shop: Open) -> None:
    shop, client = open_shop(page_cap=10)
    client.token()

    def read(first: int) -> list[Any]:
        other = Client(shop)
        other.headers = client.headers
        with other.session:
            return [product for page in range(first, 13, 4) for product in other.listed(page, active="ALL")]

    with ThreadPoolExecutor(4) as pool:
        found = [product for products in pool.map(read, range(1, 5)) for product in products]
    assert sorted(ids(found)) == sorted(ids(shop.products))
    assert len(shop.requests) == 13 and sorted(shop.requests) == shop.requests


def test_ids_may_be_repeated_or_separated_by_commas(open_shop: Open) -> None:
    shop, client = open_shop()
    wanted = sorted(ids(shop.products)[::3])
    client.token()

    def found(query: str) -> list[str]:
        url = f"{client.v2}/product/product_list?page=1&active=ALL&{query}"
        return sorted(ids(client.session.get(url, headers=client.headers).json()["data"]["product_list"]))

    assert found("&".join(f"id={one}" for one in wanted)) == found(f"id={','.join(wanted)}") == wanted
    assert found(f"id={wanted[0]}&id=") == wanted[:1]
    many = ",".join(f"{number}" for number in range(51))
    assert client.page(1, id=many).json()["resultReason"] == "RESPONSE_LIMIT_EXCEEDS"
    assert client.page(1, id=many.rpartition(",")[0]).json()["data"]["product_list"] == []


def test_what_was_updated_after_a_moment(open_shop: Open) -> None:
    shop, client = open_shop(day=2)
    moment = sorted(product["last_updated_at"] for product in shop.products)[60]
    later = client.updated(moment, active="ALL").json()["data"]
    expected = [
        one["product_id"]
        for one in shop.products
        if datetime.fromisoformat(one["last_updated_at"]) > datetime.fromisoformat(moment)
    ]
    assert ids(later["product_list"]) == expected[:50] and later["total_count"] == len(expected)
    assert ids(client.updated(moment, 2, active="ALL").json()["data"]["product_list"]) == expected[50:]
    zulu = datetime.fromisoformat(moment).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert client.updated(zulu, active="ALL").json()["data"] == later


def test_a_sale_is_not_in_what_was_updated(open_shop: Open) -> None:
    shop, client = open_shop()
    before = {one["product_id"]: one for one in shop.products}
    shop.set_day(1)
    listed = client.updated(OPENING.isoformat(timespec="milliseconds"), active="ALL").json()["data"]["product_list"]
    changed = {one["product_id"] for one in shop.products if one != before.get(one["product_id"])}
    assert set(ids(listed)) < changed
    sold = changed - set(ids(listed))
    served = {one["product_id"]: one for one in shop.products}
    assert {name for one in sold for name in served[one] if served[one][name] != before[one][name]} <= {
        "sellable_quantity", "sellable_quantity_detail", "above_threshold",
    }  # fmt: skip


@pytest.mark.parametrize(
    "date",
    ["2026-07-14", "2026-07-14T10:55:58-07:00", "2026-07-14T10:55:58.000", "2026-02-30T10:55:58.000-07:00", "now"],
)
def test_a_date_of_another_form_is_refused(open_shop: Open, date: str) -> None:
    _, client = open_shop(products=1)
    answer = client.updated(date)
    assert (answer.status_code, answer.json()["resultReason"]) == (400, "INVALID_DATE_FORMAT")


def test_stock_of_one_place_or_type(open_shop: Open) -> None:
    shop, client = open_shop()
    held = {one["product_id"]: one["sellable_quantity_detail"] for one in shop.products}
    for query, field in (
        ({"sellable_quantity_in_location": "VAULT"}, ("location", "VAULT")),
        ({"sellable_quantity_in_type": "medical"}, ("inventory_type", "MEDICAL")),
    ):
        listed = client.all(active="ALL", **query)
        assert ids(listed) == ids(shop.products)
        for one in listed:
            there = [place for place in held[one["product_id"]] if place[field[0]] == field[1]]
            assert one["sellable_quantity_detail"] == there
            assert one["sellable_quantity"] == sum(place["sellable_quantity"] for place in there)
        assert any(one["sellable_quantity"] for one in listed)
    assert client.all(active="ALL", sellable_quantity_in_type="ALL") == shop.products
    assert client.page(1, sellable_quantity_in_type="BOTH").json()["resultReason"] == "INCORRECT_VALUE"


def test_above_threshold_is_a_filter(open_shop: Open) -> None:
    shop, client = open_shop()
    above = [one for one in shop.products if one["above_threshold"]]
    assert client.all(active="ALL", above_threshold="TRUE") == above != shop.products
    assert client.all(active="ALL", above_threshold="false") == shop.products
    assert client.page(1, above_threshold="maybe").json()["resultReason"] == "INCORRECT_VALUE"


def test_discounts_and_images_can_be_left_out(open_shop: Open) -> None:
    shop, client = open_shop()
    (plain,) = client.listed(1, active="ALL", id=shop.products[5]["product_id"], include_discounts="FALSE")
    assert "discounts" not in plain and "discounted_price" not in plain["pricing"] and plain["pricing"]["price_type"]
    bare = client.one(shop.products[5]["product_id"], include_image_list="false").json()["data"]
    assert not {"primary_image", "all_images"} & set(bare["e_commerce"] or {})
    assert client.all(active="ALL", include_discounts="true", include_image_list="TRUE") == shop.products
    assert client.page(1, include_discounts="perhaps").json()["resultReason"] == "INCORRECT_VALUE"
