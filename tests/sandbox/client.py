"""A client of the sandbox that knows only the contract, and what it reads."""

from __future__ import annotations

import json
from typing import Any

import requests

from pipelines.sandbox.server import Sandbox


class Client:
    """What somebody would write after reading Treez's pages: a token, then pages until an empty one."""

    def __init__(self, shop: Sandbox) -> None:
        self.shop = shop
        self.session = requests.Session()
        self.v2 = f"{shop.base_url}/v2.0/dispensary/{shop.dispensary_id}"
        self.products = f"{shop.base_url}/v2/dispensary/{shop.dispensary_id}/products"
        self.headers: dict[str, str] = {}

    def token(self) -> requests.Response:
        form = {"client_id": self.shop.client_id, "apikey": self.shop.api_key}
        answer = self.session.post(f"{self.v2}/config/api/gettokens", data=form, allow_redirects=False)
        if answer.ok and answer.json()["resultCode"] == "SUCCESS":
            self.headers = {"authorization": answer.json()["access_token"], "client_id": self.shop.client_id}
        return answer

    def page(self, number: object = 1, **query: object) -> requests.Response:
        if not self.headers:
            self.token()
        return self.session.get(
            f"{self.v2}/product/product_list",
            params={"page": str(number), **{key: str(value) for key, value in query.items()}},
            headers=self.headers,
            allow_redirects=False,
        )

    def listed(self, number: int = 1, **query: object) -> list[Any]:
        # Python's own reader: it takes NaN and lone surrogates, which some of the faults send.
        return list(json.loads(self.page(number, **query).content)["data"]["product_list"])

    def all(self, **query: object) -> list[Any]:
        found: list[Any] = []
        number = 1
        while products := self.listed(number, **query):
            found += products
            number += 1
        return found

    def bearer(self, path: str = "", **query: object) -> requests.Response:
        key = {"Authorization": f"Bearer {self.shop.api_key}"}
        params = {name: str(value) for name, value in query.items()}
        return self.session.get(self.products + path, params=params, headers=key, allow_redirects=False)

    def updated(self, after: str, number: int = 1, **query: object) -> requests.Response:
        if not self.headers:
            self.token()
        return self.session.get(
            f"{self.v2}/product/product_list/lastUpdated/after/{after}",
            params={"page": str(number), **{key: str(value) for key, value in query.items()}},
            headers=self.headers,
        )

    def one(self, product_id: str, **query: object) -> requests.Response:
        if not self.headers:
            self.token()
        params = {key: str(value) for key, value in query.items()}
        return self.session.get(f"{self.v2}/product/{product_id}", params=params, headers=self.headers)

    def admin(self, method: str = "GET", path: str = "", **body: Any) -> requests.Response:
        return self.session.request(method, f"{self.shop.base_url}/_admin{path}", json=body or None)


def ids(products: list[Any]) -> list[str]:
    return [product["product_id"] for product in products]
