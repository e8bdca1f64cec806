"""Clients that nobody here wrote, in the three ways that public ones page: each must get the whole catalogue."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from typing import Any

import pytest
import requests

from tests.sandbox.client import ids
from tests.sandbox.conftest import Open


def fetch_by_total_count(base: str, client_id: str, api_key: str) -> list[Any]:
    """A script with requests: the bare token, and as many pages as total_count says."""
    base = base + "/"  # as in a settings file: every path after it then has a doubled slash
    answer = requests.post(base + "/config/api/gettokens", data={"client_id": client_id, "apikey": api_key}, timeout=9)
    headers = {"Authorization": answer.json()["access_token"], "client_id": client_id}
    products: list[Any] = []
    page, total = 1, 1
    while len(products) < total:
        params: dict[str, Any] = {"page": page, "pagesize": 25, "active": "all"}
        data = requests.get(base + "/product/product_list", params=params, headers=headers, timeout=9).json()["data"]
        total = data["total_count"]
        products.extend(data["product_list"])
        page += 1
    return products


def fetch_until_empty(base: str, client_id: str, api_key: str) -> list[Any]:
    """A cron job with urllib alone: `Bearer <token>`, until there are no products."""
    form = urllib.parse.urlencode({"client_id": client_id, "apikey": api_key}).encode()
    with urllib.request.urlopen(f"{base}/config/api/gettokens", form) as answer:
        token = json.load(answer)["access_token"]
    products: list[Any] = []
    page = 0
    while True:
        page += 1
        asked = urllib.request.Request(f"{base}/product/product_list?page={page}&active=ALL")
        asked.add_header("Authorization", f"Bearer {token}")
        asked.add_header("client_id", client_id)
        with urllib.request.urlopen(asked) as answer:
            found = json.load(answer)
        if found["resultCode"] != "SUCCESS" or not found["data"]["product_list"]:
            return products
        products += found["data"]["product_list"]


def fetch_until_short(base: str, client_id: str, api_key: str) -> list[Any]:
    """A class that keeps a session: until a page has fewer products than were asked for."""
    session = requests.Session()
    login = session.post(f"{base}/config/api/gettokens/", data={"client_id": client_id, "apikey": api_key}, timeout=9)
    session.headers.update({"authorization": login.json()["access_token"], "client_id": client_id})
    products: list[Any] = []
    for page in range(1, 1000):
        url = f"{base}/product/product_list?page={page}&pagesize=40&active=ALL&above_threshold=false"
        batch = session.get(url, timeout=9).json()["data"]["product_list"]
        products += batch
        if len(batch) < 40:
            break
    session.close()
    return products


@pytest.mark.parametrize("fetch", [fetch_by_total_count, fetch_until_empty, fetch_until_short])
@pytest.mark.parametrize("products", [0, 1, 100, 173])
def test_a_stranger_gets_the_whole_catalogue(open_shop: Open, fetch: Any, products: int) -> None:
    shop, _ = open_shop(products=products)
    found = fetch(f"{shop.base_url}/v2.0/dispensary/{shop.dispensary_id}", shop.client_id, shop.api_key)
    assert ids(found) == ids(shop.products)
    assert shop.token_requests == 1
