"""The sandbox, asked over real HTTP by a client that knows only the contract."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests

from models.record import NotCanonical, canonical
from pipelines.errors import ConfigurationError
from pipelines.sandbox.catalogue import catalogue
from pipelines.sandbox.faults import FAULTS
from pipelines.sandbox.server import Sandbox, parse_fault


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


Open = Callable[..., tuple[Sandbox, Client]]


@pytest.fixture
def open_shop() -> Iterator[Open]:
    """Opens a shop of 120 products, two and a half pages, without a limit on requests."""
    running: list[tuple[Sandbox, Client]] = []

    def opened(*faults: str, **settings: Any) -> tuple[Sandbox, Client]:
        shop = Sandbox(**{"products": 120, "rate": None, "faults": faults, **settings})
        shop.__enter__()
        running.append((shop, Client(shop)))
        return running[-1]

    yield opened
    for shop, client in running:
        client.session.close()
        shop.__exit__(None, None, None)


def ids(products: list[Any]) -> list[str]:
    return [product["product_id"] for product in products]


# The catalogue

CATEGORY_TYPES = {
    "FLOWER", "PREROLL", "EXTRACT", "CARTRIDGE", "EDIBLE", "BEVERAGE", "TINCTURE", "PILL", "TOPICAL", "PLANT", "MERCH",
    "MISC", "NON_INV",
}  # fmt: skip


def test_the_same_arguments_give_the_same_bytes_in_another_process() -> None:
    program = (
        "import orjson, sys; from pipelines.sandbox.catalogue import catalogue;"
        "sys.stdout.buffer.write(orjson.dumps(catalogue(products=60, seed=7, day=3)))"
    )
    there = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout
    assert there == orjson.dumps(catalogue(products=60, seed=7, day=3))
    assert there != orjson.dumps(catalogue(products=60, seed=8, day=3))


def test_the_listing_is_in_treez_order_and_ids_do_not_repeat() -> None:
    listed = catalogue(products=500, seed=1, day=4)
    order = [(product["product_configurable_fields"]["name"], product["product_id"]) for product in listed]
    assert order == sorted(order)
    assert len(set(ids(listed))) == len(listed)
    assert len({name for name, _ in order}) > 0.98 * len(listed)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("day", [0, 1, 30])
def test_no_record_of_the_plain_catalogue_is_invalid(seed: int, day: int) -> None:
    for product in catalogue(products=300, seed=seed, day=day):
        canonical(orjson.dumps(product))
        assert product["product_configurable_fields"]["name"].strip()
        pricing = product["pricing"]
        if pricing["price_type"] == "TIER":
            assert pricing["price_sell"] is None
            assert all(tier["price_per_value"] > 0 for tier in pricing["tier_pricing_detail"])
        else:
            assert 0 < Decimal(str(pricing["price_sell"])) < 10_000
        assert product["sellable_quantity"] == sum(
            part["sellable_quantity"] for part in product["sellable_quantity_detail"]
        )
        for result in product.get("lab_results", ()):
            least, most = (Decimal(result["amount"][bound]) for bound in ("minimum_value", "maximum_value"))
            assert 0 <= least <= most
            assert most <= 100 or result["amount_type"] == "MG"


def test_the_catalogue_has_the_spread_of_a_real_shop() -> None:
    listed = catalogue(products=500, seed=1, day=0)
    categories = Counter(product["category_type"] for product in listed)
    assert set(categories) == CATEGORY_TYPES
    deactivated = [product for product in listed if product["product_status"] == "DEACTIVATED"]
    assert 0.02 * 500 < len(deactivated) < 0.09 * 500
    assert any(product["above_threshold"] and product["sellable_quantity"] for product in deactivated)
    shown = [product["e_commerce"] or {} for product in listed]
    prices = [product["pricing"]["price_sell"] for product in listed]
    barcodes = [type(code) for product in listed for code in product["product_barcodes"]]
    units = {result["amount_type"] for product in listed for result in product.get("lab_results", ())}
    assert {None, ""} <= {page.get("menu_title") for page in shown}
    assert {type(page.get("primary_image")) for page in shown} == {str, type(None)}
    assert {type(price) for price in prices} == {int, float, str, type(None)}
    assert {str, dict} == set(barcodes)
    assert {"PERCENTAGE", "%", "MG"} == units
    assert any(not product["product_barcodes"] for product in listed)
    assert any(product["sellable_quantity"] == 0 for product in listed)
    assert any("lab_results" not in product for product in listed)
    names = [product["product_configurable_fields"]["name"] for product in listed]
    assert max(map(len, names)) > 120
    assert any("é" in name for name in names) and any(ord(name[0]) > 0xFFFF for name in names)


@pytest.mark.parametrize("products", [12, 120, 500])
def test_a_day_moves_the_shop_on_a_little(products: int) -> None:
    for day in range(1, 8):
        before = {product["product_id"]: product for product in catalogue(products=products, seed=5, day=day - 1)}
        after = {product["product_id"]: product for product in catalogue(products=products, seed=5, day=day)}
        new, gone = after.keys() - before.keys(), before.keys() - after.keys()
        changed = [identity for identity in before.keys() & after.keys() if before[identity] != after[identity]]
        assert 2 <= len(new) <= max(2, 0.02 * products)
        assert 3 <= len(changed) <= max(3, 0.05 * products)
        assert len(gone) == 0 if day < 2 else 1 <= len(gone) <= 5


def test_a_sale_does_not_move_last_updated_at_but_a_price_does() -> None:
    pairs = zip_by_id(catalogue(products=500, seed=1, day=0), catalogue(products=500, seed=1, day=1))
    kinds = Counter[tuple[str, bool]]()
    for before, after in pairs:
        moved = before["last_updated_at"] != after["last_updated_at"]
        for field in ("sellable_quantity", "pricing"):
            if before[field] != after[field]:
                kinds[field, moved] += 1
    assert set(kinds) == {("sellable_quantity", False), ("pricing", True)}


def zip_by_id(before: list[Any], after: list[Any]) -> list[tuple[Any, Any]]:
    by_id = {product["product_id"]: product for product in after}
    return [(product, by_id[product["product_id"]]) for product in before if product["product_id"] in by_id]


# The API, well behaved


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


def test_changed_products_are_served_after_refresh(open_shop: Open) -> None:
    shop, client = open_shop()
    before = client.bearer().content
    shop.products[0]["pricing"] = {"price_type": "FLAT", "price_sell": float("nan")}
    shop.products[1]["product_configurable_fields"]["name"] = "half \ud83d"
    del shop.products[2:]
    assert client.bearer().content == before
    shop.refresh()
    served = json.loads(client.bearer().content)
    assert len(served) == 2 and served[0]["pricing"]["price_sell"] != served[0]["pricing"]["price_sell"]
    assert served[1]["product_configurable_fields"]["name"] == "half \ud83d"


def test_refresh_alone_changes_no_byte(open_shop: Open) -> None:
    shop, client = open_shop()
    before = client.bearer().content
    assert shop.products
    shop.refresh()
    assert client.bearer().content == before


def test_the_day_moves_on_at_run_time(open_shop: Open) -> None:
    shop, client = open_shop()
    held = shop.products
    shop.set_day(3)
    assert client.bearer().json() == held == catalogue(products=120, seed=1, day=3)


def test_stopping_hangs_up_at_once_and_leaves_no_port() -> None:
    outcomes: list[str] = []

    def ask() -> None:
        try:
            outcomes.append(str(client.page(2).status_code))
        except requests.ConnectionError:
            outcomes.append("hung up")

    with Sandbox(products=1, faults=("slow:ms=60000,page=2",), rate=None) as shop:
        port = int(shop.base_url.rpartition(":")[2])
        client = Client(shop)
        client.page(1)
        waiting = threading.Thread(target=ask)
        waiting.start()
        while len(shop.requests) < 3:
            assert waiting.is_alive()
        begun = time.monotonic()
    waiting.join(10)
    assert outcomes == ["hung up"] and time.monotonic() - begun < 5
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 1)
    with pytest.raises(ConfigurationError, match="not running"):
        _ = shop.base_url


def test_a_taken_port_is_a_configuration_error(open_shop: Open) -> None:
    shop, _ = open_shop()
    taken = int(shop.base_url.rpartition(":")[2])
    with pytest.raises(ConfigurationError, match=f"127.0.0.1:{taken}"), Sandbox(products=1, port=taken):
        pass
    with pytest.raises(ConfigurationError, match="page_cap from 1"):
        Sandbox(page_cap=0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_blocks_until_a_signal_comes(number: signal.Signals) -> None:
    program = (
        "from pipelines.sandbox.server import Sandbox, serve\n"
        "with Sandbox(products=1) as shop:\n    print(shop.base_url, flush=True)\n    serve(shop)\nprint('ended')"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    base_url = process.stdout.readline().strip()
    assert requests.get(base_url, timeout=10).status_code == 404
    # serve() may not have taken the signal over yet: the request above is answered by another thread.
    while not _catches(process.pid, signal.SIGTERM):
        assert process.poll() is None
    process.send_signal(number)
    assert process.communicate(timeout=10)[0] == "ended\n"
    assert process.returncode == 0


def _catches(pid: int, number: int) -> bool:
    with Path(f"/proc/{pid}/status").open() as status:
        caught = next(line for line in status if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


# Faults


def broken(client: Client) -> None:
    with pytest.raises(requests.ConnectionError):
        client.page(1)
    with pytest.raises(requests.ConnectionError):
        client.bearer()


def status(code: int, text: str = "", **headers: str) -> Callable[[Client], None]:
    def seen(client: Client) -> None:
        for answer in (client.page(1), client.bearer()):
            assert answer.status_code == code
            assert text in answer.text
            assert headers.items() <= dict(answer.headers).items()

    return seen


def unreadable(client: Client) -> None:
    for answer in (client.page(1), client.bearer()):
        assert answer.status_code == 200
        assert int(answer.headers["Content-Length"]) == len(answer.content)
        with pytest.raises(ValueError):
            answer.json()


def cut(client: Client) -> None:
    for ask in (client.page, client.bearer):
        with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
            ask()


def key_refused(client: Client) -> None:
    assert client.token().json()["resultCode"] == "FAIL"
    assert client.bearer().status_code == 401


def token_expired(client: Client) -> None:
    assert [client.page(1).status_code for _ in range(2)] == [401, 401]
    client.token()
    assert client.page(1).status_code == 200


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


def totals(total: int | None) -> Callable[[Client], None]:
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


def slow(client: Client) -> None:
    begun = time.monotonic()
    client.page(1)
    assert time.monotonic() - begun >= 0.04


SEEN: dict[str, tuple[str, Callable[[Client], None]]] = {
    "down": ("down", broken),
    "reset": ("reset", broken),
    "slow": ("slow:ms=20", slow),
    "http-500": ("http-500", status(500)),
    "http-503": ("http-503:retry_after=3", status(503, **{"Retry-After": "3"})),
    "http-429": ("http-429:retry_after=soon", status(429, "OVER LIMIT", **{"Retry-After": "soon"})),
    "html": ("html", status(200, "<html>", **{"Content-Type": "text/html"})),
    "fail-200": ("fail-200", status(200, '"FAIL"')),
    "empty-body": ("empty-body", unreadable),
    "bad-json": ("bad-json", unreadable),
    "cut-body": ("cut-body", cut),
    "redirect": ("redirect:to=http://127.0.0.1:9/", status(302, Location="http://127.0.0.1:9/")),
    "forbidden": ("forbidden", status(403, "Forbidden")),
    "not-found": ("not-found", status(404, "NOT_FOUND")),
    "key-refused": ("key-refused", key_refused),
    "token-expired": ("token-expired", token_expired),
    "empty-list": ("empty-list", empty_list),
    "repeat-page": ("repeat-page", repeat_page),
    "page-one-forever": ("page-one-forever", page_one_forever),
    "short-page": ("short-page:count=3", short_page),
    "duplicate": ("duplicate", duplicate),
    "bad-records": ("bad-records:page=2", bad_records),
    "sliding": ("sliding", sliding),
    "wrong-total": ("wrong-total:total=7", totals(7)),
    "no-total": ("no-total", totals(None)),
    "reorder-keys": ("reorder-keys", reorder_keys),
    "past-end-400": ("past-end-400", past_end),
    "wrapped": ("wrapped:as=envelope", wrapped),
}


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_every_fault_does_what_it_says(open_shop: Open, name: str) -> None:
    text, seen = SEEN[name]
    _, client = open_shop(text)
    seen(client)


def test_a_fault_of_one_page_leaves_the_others_and_the_token_alone(open_shop: Open) -> None:
    shop, client = open_shop("http-500:page=2")
    assert [client.page(page).status_code for page in (1, 2, 3)] == [200, 500, 200]
    assert client.session.get(f"{client.v2}/product/{ids(shop.products)[0]}", headers=client.headers).ok


def test_a_fault_heals_after_so_many_times_and_can_be_set_anew(open_shop: Open) -> None:
    shop, client = open_shop("html:times=2,page=1", "http-503:times=1,at=token")
    assert [client.token().status_code for _ in range(2)] == [503, 200]
    assert ["<html>" in client.page(1).text for _ in range(4)] == [True, True, False, False]
    shop.set_faults(("down",))
    with pytest.raises(requests.ConnectionError):
        client.page(1)
    shop.set_faults(())
    assert client.page(1).ok


def test_a_fault_that_will_heal_moves_no_product(open_shop: Open) -> None:
    shop, client = open_shop("bad-records:count=1,times=1", "duplicate:times=1")
    assert len(client.all(active="ALL")) == 122
    assert client.all(active="ALL") == shop.products


def test_an_unknown_fault_names_the_known_ones() -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse_fault("explode")
    assert "'explode'" in str(refused.value)
    assert all(name in str(refused.value) for name in FAULTS)
    with pytest.raises(ConfigurationError, match="Unknown fault"):
        Sandbox(products=1, faults=("explode",))


@pytest.mark.parametrize(
    "text",
    ["html:colour=red", "html:page", "html:page=0", "html:times=often", "html:at=moon", "repeat-page:page=1",
     "slow:ms=-1", "wrapped:as=gift", "short-page:count="],
)  # fmt: skip
def test_wrong_arguments_of_a_fault_are_refused_in_one_line(text: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse_fault(text)
    assert text.partition(":")[0] in str(refused.value)
    assert "\n" not in str(refused.value)
