"""Faults of paging: what a listing that can't be trusted looks like."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from decimal import Decimal

import orjson
import pytest

from models.record import NotCanonical, canonical
from tests.sandbox.client import Client, ids
from tests.sandbox.conftest import Open


def empty_list(client: Client) -> None:
    assert client.page(1).json()["data"] == {"page_count": 0, "total_count": 0, "product_list": []}
    assert client.bearer().json() == []


def repeat_page(client: Client) -> None:
    assert client.listed(1) == client.listed(2) == client.listed(3) == client.listed(99)


def page_one_forever(client: Client) -> None:
    assert client.listed(1) == client.listed(3) == client.listed(99)


def short_page(client: Client) -> None:
    listed = client.all(active="ALL")
    assert len(listed) == 120 - 3 and len(client.listed(2, active="ALL")) == 47
    assert len(client.bearer().json()) == 117


def duplicate(client: Client) -> None:
    listed = client.all(active="ALL")
    (twice,) = [identity for identity, count in Counter(ids(listed)).items() if count > 1]
    first, again = [product for product in listed if product["product_id"] == twice]
    assert float(again["pricing"]["price_sell"]) == float(first["pricing"]["price_sell"]) + 5
    assert listed.index(first) < 50 <= listed.index(again) < 100
    assert len(listed) == 121 and client.page(1, active="ALL").json()["data"]["total_count"] == 120
    assert len(client.bearer().json()) == 121


def bad_records(client: Client) -> None:
    listed = client.all(active="ALL")
    assert len(listed) == 126 and listed[50:56] == [record for record in listed if record not in client.shop.products]
    assert client.page(1, active="ALL").json()["data"]["total_count"] == 126
    no_id, blank, *refused = listed[50:56]
    assert no_id["product_id"] is None and not blank["product_configurable_fields"]["name"].strip()
    for record in refused:
        with pytest.raises(NotCanonical):
            canonical(json.dumps(record).encode())
    assert len({record["product_id"] for record in (blank, *refused) if isinstance(record, dict)}) == 4
    assert len(json.loads(client.bearer().content)) == 126


def sliding(client: Client) -> None:
    before = ids(client.shop.products)
    listed = ids(client.all(active="ALL"))
    assert before[50] not in listed and listed.count(before[0]) == 2
    assert sorted(ids(client.all(active="ALL"))) == sorted(before)


def totals(total: int | str | None) -> Callable[[Client], None]:
    def seen(client: Client) -> None:
        assert client.page(1).json()["data"].get("total_count") == total
        assert len(client.listed(1)) == 50

    return seen


def reorder_keys(client: Client) -> None:
    served = client.page(1, active="ALL").content
    assert client.listed(1, active="ALL") == client.shop.products[:50]
    sent = json.loads(served, parse_float=Decimal)["data"]["product_list"]
    assert next(iter(sent[0])) == list(client.shop.products[0])[-1]
    assert str(sent[0]["sellable_quantity"]).endswith(".0")
    one = client.bearer(f"/{sent[0]['product_id']}").content
    assert one != orjson.dumps(client.shop.products[0])
    assert canonical(one)[1] == canonical(orjson.dumps(client.shop.products[0]))[1]


def past_end(client: Client) -> None:
    assert client.page(3, active="ALL").status_code == 200
    assert (client.page(4).status_code, client.page(4).json()["resultReason"]) == (400, "INVALID_REQUEST")


def wrapped(client: Client) -> None:
    assert client.bearer().json()["data"]["product_list"] == client.shop.products
    client.shop.set_faults(("wrapped",))
    assert client.bearer().json() == {"products": client.shop.products}


def repeat_last(client: Client) -> None:
    assert client.listed(3, active="ALL") == client.listed(4, active="ALL") == client.listed(99, active="ALL") != []


def inserting(client: Client) -> None:
    before = ids(client.shop.products)
    listed = ids(client.all(active="ALL"))
    assert listed.count(before[49]) == 2 and len(set(listed)) == 120
    assert len(client.all(active="ALL")) == 121


def deleting(client: Client) -> None:
    before = ids(client.shop.products)
    listed = ids(client.all(active="ALL"))
    assert before[50] not in listed and len(listed) == 119
    assert ids(client.all(active="ALL")) == before[1:]


def moving_total(client: Client) -> None:
    totals = [client.page(page, active="ALL").json()["data"]["total_count"] for page in (1, 2, 3)]
    assert totals == [120, 123, 126]


def capped(client: Client) -> None:
    assert len(client.listed(1, active="ALL", pagesize=50)) == 20
    assert client.all(active="ALL") == client.shop.products


def collapse(client: Client) -> None:
    assert client.all(active="ALL") == client.shop.products[::12] == client.bearer().json()


def double(client: Client) -> None:
    listed = ids(client.all(active="ALL"))
    assert len(set(listed)) == 240 == client.page(1, active="ALL").json()["data"]["total_count"]
    assert set(ids(client.shop.products)) < set(listed)


def active_ignored(client: Client) -> None:
    assert client.all(active="ALL") == client.all(active="TRUE") != client.shop.products


SEEN: dict[str, Callable[[Client], None]] = {
    "empty-list": empty_list,
    "repeat-page": repeat_page,
    "repeat-last": repeat_last,
    "page-one-forever": page_one_forever,
    "sliding": sliding,
    "inserting": inserting,
    "deleting": deleting,
    "short-page:count=3": short_page,
    "wrong-total:total=7": totals(7),
    "no-total": totals(None),
    "text-total": totals("117"),
    "moving-total:by=3": moving_total,
    "capped:size=20": capped,
    "past-end-400": past_end,
    "collapse:to=12": collapse,
    "double": double,
    "active-ignored": active_ignored,
    "wrapped:as=envelope": wrapped,
    "reorder-keys": reorder_keys,
    "duplicate": duplicate,
    "bad-records:page=2": bad_records,
}
"""The faults, as they are set, and what then is seen."""


@pytest.mark.parametrize("fault", SEEN)
def test_every_fault_does_what_it_says(open_shop: Open, fault: str) -> None:
    _, client = open_shop(fault)
    SEEN[fault](client)
