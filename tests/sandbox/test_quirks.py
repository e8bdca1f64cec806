"""Where the contract is silent: each way that the shop can be set to answer."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable

import pytest

from pipelines.errors import ConfigurationError
from pipelines.sandbox.quirks import QUIRKS, Quirks
from pipelines.sandbox.server import Sandbox
from tests.sandbox.client import Client, ids
from tests.sandbox.conftest import Open


def past_end(client: Client) -> None:
    assert client.page(3, active="ALL").ok
    assert (client.page(4).status_code, client.page(4).json()["resultReason"]) == (400, "INVALID_REQUEST")
    assert client.page(1, id="nobody").json()["data"]["product_list"] == []


def total(expected: object) -> Callable[[Client], None]:
    def seen(client: Client) -> None:
        assert client.page(1, active="ALL").json()["data"].get("total_count") == expected
        assert client.all(active="ALL") == client.shop.products

    return seen


def order(client: Client) -> None:
    by_name, listed = ids(client.shop.products), ids(client.all(active="ALL"))
    assert listed != by_name and sorted(listed) == sorted(by_name)


def in_order_of(name: str) -> Callable[[Client], None]:
    def seen(client: Client) -> None:
        order(client)
        values = [product[name] for product in client.all(active="ALL")]
        assert values == sorted(values)

    return seen


def capped(client: Client) -> None:
    pairs = list(zip(client.all(active="ALL"), client.shop.products, strict=True))
    assert all(shown["sellable_quantity"] == min(30, held["sellable_quantity"]) for shown, held in pairs)
    assert any(held["sellable_quantity"] > 30 for _, held in pairs)


def spelled(kinds: set[type]) -> Callable[[Client], None]:
    def seen(client: Client) -> None:
        listed = client.all(active="ALL")
        assert {type(one["product_configurable_fields"]["amount"]) for one in listed} <= kinds
        assert {type(one["pricing"]["price_sell"]) for one in listed} <= kinds | {type(None)}
        amounts = [float(one["product_configurable_fields"]["amount"]) for one in listed]
        assert amounts == [float(one["product_configurable_fields"]["amount"]) for one in client.shop.products]

    return seen


def location_ids(client: Client) -> None:
    places = [place for one in client.all() for place in one["sellable_quantity_detail"]]
    assert places and len({place["location_id"] for place in places}) == len({place["location"] for place in places})


def images(client: Client) -> None:
    assert not [one for one in client.all() if "primary_image" in (one["e_commerce"] or {})]
    assert client.all(active="ALL", include_image_list="true") == client.shop.products


def discounts(client: Client) -> None:
    assert not [one for one in client.all() if "discounted_price" in one["pricing"] or "discounts" in one]
    assert client.all(active="ALL", include_discounts="true") == client.shop.products


def client_id(client: Client) -> None:
    client.token()
    del client.headers["client_id"]
    assert client.page(1).ok
    client.headers["client_id"] = "another"
    assert client.page(1).status_code == 401


def as_products(client: Client) -> None:
    assert client.bearer().json() == {"products": client.shop.products}


def as_envelope(client: Client) -> None:
    answer = client.bearer().json()
    assert (answer["resultCode"], answer["data"]["product_list"]) == ("SUCCESS", client.shop.products)
    assert answer["data"]["page_count"] == answer["data"]["total_count"] == 120


def flat(client: Client) -> None:
    listed = client.bearer().json()
    assert ids(listed) == ids(client.shop.products)
    assert all(isinstance(one["name"], str) and one["name"] for one in listed)
    assert all(one["price"] is not None for one in listed)
    assert not [one for one in listed if "pricing" in one or "e_commerce" in one]
    assert client.all(active="ALL") == client.shop.products


def one_page(client: Client) -> None:
    assert client.bearer().json() == client.shop.products and client.bearer(page=2).json() == []


def paged(client: Client) -> None:
    pages = [client.bearer(page=page).json() for page in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [50, 50, 20, 0]
    assert [one for page in pages for one in page] == client.shop.products


def zipped(client: Client) -> None:
    answer = client.page(1, active="ALL")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert int(answer.headers["Content-Length"]) < len(answer.content) / 3
    assert answer.json()["data"]["product_list"] == client.shop.products[:50]
    client.session.headers["Accept-Encoding"] = "identity"
    assert "Content-Encoding" not in client.page(1).headers
    assert json.loads(gzip.decompress(gzip.compress(client.page(1).content)))


SEEN: dict[str, Callable[[Client], None]] = {
    "past-end=400": past_end,
    "total-count=missing": total(None),
    "total-count=text": total("120"),
    "order=id": in_order_of("product_id"),
    "order=updated": in_order_of("last_updated_at"),
    "order=shuffled": order,
    "stock=capped": capped,
    "numbers=numbers": spelled({int, float}),
    "numbers=texts": spelled({str}),
    "location-ids=given": location_ids,
    "images=on-request": images,
    "discounts=on-request": discounts,
    "client-id=optional": client_id,
    "bearer-answer=products": as_products,
    "bearer-answer=envelope": as_envelope,
    "bearer-records=flat": flat,
    "bearer-pages=one": one_page,
    "bearer-pages=paged": paged,
    "compression=gzip": zipped,
}
"""The quirks, as they are set, and what then is seen."""


def test_every_way_but_the_default_is_tried() -> None:
    assert set(SEEN) == {f"{name}={way}" for name, quirk in QUIRKS.items() for way in quirk.ways[1:]}


@pytest.mark.parametrize("quirk", SEEN)
def test_every_quirk_does_what_it_says(open_shop: Open, quirk: str) -> None:
    _, client = open_shop(quirks=[quirk])
    SEEN[quirk](client)


def test_the_first_way_is_the_default(open_shop: Open) -> None:
    shop, client = open_shop(quirks=[f"{name}={quirk.ways[0]}" for name, quirk in QUIRKS.items()])
    other, plain = open_shop()
    assert client.page(1).content == plain.page(1).content
    assert client.bearer().content == plain.bearer().content
    assert shop.products == other.products


@pytest.mark.parametrize("text", ["colour=red", "past-end", "past-end=404", ""])
def test_an_unknown_quirk_names_the_known_ones(text: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Quirks.of([text])
    known = QUIRKS["past-end"].ways if text.startswith("past-end") else QUIRKS
    assert all(word in str(refused.value) for word in known) and "\n" not in str(refused.value)
    with pytest.raises(ConfigurationError):
        Sandbox(products=1, quirks=[text])
