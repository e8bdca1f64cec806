"""The Treez source against the sandbox: whole listings, every fault, and what the listing then says of itself."""

from __future__ import annotations

import gc
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest

from models.integration import TreezSettings
from models.sync import ProblemKind
from pipelines.errors import SourceError, SourceRefused
from pipelines.http import Client, Limits
from pipelines.sandbox.server import Sandbox
from pipelines.sources import SOURCES
from pipelines.sources.listing import Listing, Page

TREEZ = SOURCES["treez"]
QUICK = Limits(patience=0.6, backoff=0.01, attempt=2, read=1)


@dataclass
class Reading:
    """A listing that was read to its end."""

    listing: Listing
    pages: list[Page]

    @property
    def records(self) -> list[dict[str, Any]]:
        return [orjson.loads(record) for page in self.pages for record in page.records]

    @property
    def ids(self) -> list[str]:
        return [record["product_id"] for record in self.records]

    @property
    def kinds(self) -> list[ProblemKind]:
        doubts = [ProblemKind.LISTING for _ in self.listing.proof.doubts()]
        return [problem.kind for problem in self.listing.problems] + doubts

    @property
    def words(self) -> str:
        return "\n".join([*(problem.message for problem in self.listing.problems), *self.listing.proof.doubts()])


def settings(shop: Sandbox, **given: Any) -> TreezSettings:
    values = {
        "base_url": shop.base_url,
        "dispensary_id": shop.dispensary_id,
        "client_id": shop.client_id,
        "api_key": shop.api_key,
        "requests_per_second": 100,
        "allow_private_address": True,
    }
    return TreezSettings.model_validate({**values, **given})


def read(shop: Sandbox, *, limits: Limits = QUICK, told: list[str] | None = None, **given: Any) -> Reading:
    chosen = settings(shop, **given)
    listen = None if told is None else told.append
    with Client(
        chosen.requests_per_second, chosen.allow_private_address, limits=limits, on_retry=listen
    ) as http_client:
        listing = TREEZ.open(chosen, shop.api_key, http_client).listing()
        return Reading(listing, list(listing.pages()))


@contextmanager
def sandbox(*faults: str, products: int = 230, **options: Any) -> Iterator[Sandbox]:
    with Sandbox(**{"products": products, "rate": None, "faults": faults, **options}) as shop:
        yield shop


def bearer(shop: Sandbox, **options: Any) -> Reading:
    return read(shop, api="bearer", client_id=None, **options)


def test_a_whole_listing() -> None:
    with sandbox() as shop:
        reading = read(shop)
        assert reading.ids == [product["product_id"] for product in shop.products]
        assert reading.records == shop.products
        assert shop.token_requests == 1
        asked = [path for _, _, path in shop.requests if "product_list" in path]
    assert reading.listing.proof.stands
    assert reading.listing.proof.announced == len(reading.ids)
    assert reading.words == "" and reading.listing.proof.proves
    assert [page.number for page in reading.pages] == list(range(1, len(reading.pages) + 1))
    assert all("active=ALL" in path for path in asked)
    assert not any("above_threshold" in path or "pagesize" in path for path in asked)


@pytest.mark.parametrize("products", [0, 1, 49, 50, 51, 100])
@pytest.mark.parametrize("faults", [(), ("no-total",), ("past-end-400",)])
def test_the_end_is_found_at_every_size(products: int, faults: tuple[str, ...]) -> None:
    with sandbox(*faults, products=products) as shop:
        reading = read(shop)
        assert sorted(reading.ids) == sorted(product["product_id"] for product in shop.products)
    assert reading.listing.proof.stands, reading.words


def test_without_a_count_a_refusal_after_a_full_page_proves_nothing() -> None:
    with sandbox("no-total", "past-end-400", products=100) as shop:
        shop.products[100:] = []
        shop.refresh()
        reading = read(shop)
    assert len(reading.ids) == 100
    assert (reading.listing.proof.stands, reading.kinds) == (False, [ProblemKind.LISTING])


def test_a_page_that_is_capped_below_what_was_asked_is_not_the_end() -> None:
    with sandbox(page_cap=20) as shop:
        reading = read(shop, page_size=200)
        assert len(reading.ids) == len(shop.products)
        assert any("pagesize=200" in path for _, _, path in shop.requests)
    assert reading.listing.proof.stands


def test_no_second_holds_more_requests_than_the_limit() -> None:
    with sandbox(products=700, page_cap=10, rate=40, latency_ms=60) as shop:
        told: list[str] = []
        reading = read(shop, requests_per_second=40, told=told)
        asked = len(shop.requests)
        took = shop.requests[-1][0] - shop.requests[0][0]
        assert shop.busiest_second() <= 40
        assert shop.token_requests == 1
    assert told == []
    assert reading.listing.proof.stands
    assert asked > 70
    assert took < asked * 0.06 / 2  # one after the other would take twice as long and more


@pytest.mark.parametrize(
    "fault",
    [
        "http-500:page=2,times=2",
        "http-503:page=1,times=1",
        "http-429:page=3,times=2",
        "html:page=2,times=2",
        "fail-200:page=2,times=2",
        "empty-body:page=1,times=1",
        "bad-json:page=2,times=1",
        "cut-body:page=3,times=1",
        "reset:page=2,times=1",
        "reset:page=1,times=1",
        "slow:page=2,ms=50",
        "token-expired:page=3,times=1",
        "reorder-keys",
        "past-end-400",
        "no-total",
    ],
)
def test_what_passes_leaves_no_trace(fault: str) -> None:
    with sandbox(fault) as shop:
        told: list[str] = []
        reading = read(shop, told=told)
        assert sorted(reading.ids) == sorted(product["product_id"] for product in shop.products)
        assert shop.token_requests <= 2
    assert reading.listing.proof.stands, reading.words
    assert bool(told) is ("times" in fault and "token" not in fault)


@pytest.mark.parametrize("fault", ["http-500", "http-503", "html", "fail-200", "empty-body", "bad-json", "cut-body"])
def test_a_page_that_cannot_be_had_is_named_and_the_rest_is_read(fault: str) -> None:
    with sandbox(f"{fault}:page=3") as shop:
        reading = read(shop)
        lost = {product["product_id"] for product in shop.products[100:150]}
        assert set(reading.ids) == {product["product_id"] for product in shop.products} - lost
    assert reading.kinds == [ProblemKind.PAGE]
    assert reading.listing.problems[0].concerns == "page 3"
    assert "Page 3 of the product list could not be had" in reading.words
    assert not reading.listing.proof.stands


@pytest.mark.parametrize("fault", ["down", "http-500", "html", "fail-200", "empty-body", "bad-json", "redirect"])
def test_a_source_that_is_down_at_the_start(fault: str) -> None:
    with sandbox(fault) as shop:
        with pytest.raises(SourceError) as error:
            read(shop)
        assert not isinstance(error.value, SourceRefused)
        assert "\n" not in str(error.value)
        assert shop.api_key not in str(error.value)


def test_a_source_that_goes_down_in_the_middle_is_given_up() -> None:
    with sandbox(*(f"http-500:page={page}" for page in range(3, 40)), products=1500) as shop:
        reading = read(shop)
        assert len(shop.requests) < 200
    assert len(reading.ids) == 100
    assert ProblemKind.LISTING in reading.kinds
    assert reading.kinds.count(ProblemKind.PAGE) == 5
    assert "5 pages in a row" in reading.words


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("key-refused", "refuses the key"),
        ("key-refused:status=401", "refuses the key"),
        ("forbidden", "refuses the key"),
        ("forbidden:page=3", "refuses the key"),
        ("token-expired:times=1000", "with a new token as well"),
        ("not-found", "There is no dispensary"),
    ],
)
def test_refused_credentials_end_the_sync_at_once(fault: str, words: str) -> None:
    with sandbox(fault) as shop:
        with pytest.raises(SourceRefused, match=words) as error:
            read(shop)
        assert shop.token_requests <= 2
        assert shop.api_key not in str(error.value)
        assert shop.client_id not in str(error.value)
        assert shop.dispensary_id in str(error.value)


@pytest.mark.parametrize("fault", ["key-refused", "forbidden"])
def test_refused_credentials_of_the_bearer_dialect(fault: str) -> None:
    with sandbox(fault) as shop, pytest.raises(SourceRefused, match="refuses the key"):
        bearer(shop)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("empty-list:page=2", "page 2 was empty although page 3 was not"),
        ("empty-list:page=1", "page 1 was empty although page 2 was not"),
        ("repeat-page:page=3", "page 3 held the same products as page 2"),
        ("page-one-forever", "page 2 held the same products as page 1"),
        ("short-page:page=2", "were listed"),
        ("wrong-total:total=1", "1 products were announced"),
        ("wrong-total:total=99999", "99999 products were announced"),
        ("sliding", "were listed"),
    ],
)
def test_a_listing_that_does_not_add_up_is_not_complete(fault: str, words: str) -> None:
    with sandbox(fault) as shop:
        reading = read(shop)
        assert len(shop.requests) < 40
    assert words in reading.words
    assert reading.kinds == [ProblemKind.LISTING]
    assert not reading.listing.proof.stands


@pytest.mark.parametrize("fault", ["short-page:page=2", "sliding", "duplicate"])
def test_without_a_count_shifts_are_noticed_all_the_same(fault: str) -> None:
    with sandbox("no-total", fault) as shop:
        reading = read(shop)
    assert reading.kinds == [ProblemKind.LISTING]
    assert not reading.listing.proof.stands


def test_a_product_seen_twice_is_passed_on_twice() -> None:
    with sandbox("duplicate") as shop:
        reading = read(shop)
        assert len(reading.ids) == len(set(reading.ids)) + 1
        assert set(reading.ids) == {product["product_id"] for product in shop.products}


def test_one_bad_record_does_not_cost_its_page() -> None:
    with sandbox("bad-records:page=1") as shop:
        reading = read(shop)
        received = [record for page in reading.pages for record in page.records]
        good = {product["product_id"] for product in shop.products}
    assert len(received) >= len(good)
    assert not [kind for kind in reading.kinds if kind == ProblemKind.PAGE]


def test_an_empty_shop_is_complete_and_odd() -> None:
    with sandbox("empty-list") as shop:
        reading = read(shop)
    assert (reading.pages, reading.listing.problems) == ([], [])
    assert reading.listing.proof.stands


@pytest.mark.parametrize("faults", [(), ("wrapped:as=products",), ("wrapped:as=envelope",)])
def test_the_bearer_dialect(faults: tuple[str, ...]) -> None:
    with sandbox(*faults) as shop:
        reading = bearer(shop)
        assert reading.ids == [product["product_id"] for product in shop.products]
        assert shop.token_requests == 0
    assert reading.listing.proof.stands, reading.words


@pytest.mark.parametrize("fault", ["html", "bad-json", "empty-body"])
def test_a_bearer_list_that_is_none(fault: str) -> None:
    with sandbox(fault) as shop, pytest.raises(SourceError, match="Page 1 of the product list could not be had"):
        bearer(shop)


def test_reading_may_be_left_early() -> None:
    with sandbox(products=2000, latency_ms=5) as shop:
        with Client(100, True, limits=QUICK) as http_client:
            listing = TREEZ.open(settings(shop), shop.api_key, http_client).listing()
            pages = listing.pages()
            assert next(pages).number == 1
            pages.close()  # type: ignore[attr-defined]
        assert len(shop.requests) < 20
    assert not listing.proof.stands


def test_a_token_is_renewed_before_its_end() -> None:
    now = [0.0]
    with (
        sandbox() as shop,
        Client(100, True, limits=Limits(concurrency=1), clock=lambda: now[0], sleep=_pass(now)) as c,
    ):
        listing = TREEZ.open(settings(shop), shop.api_key, c).listing()
        pages = listing.pages()
        next(pages)
        assert shop.token_requests == 1
        now[0] += 7200 - 30
        assert len(list(pages)) > 2
        assert shop.token_requests == 2
    assert listing.proof.stands


def _pass(now: list[float]) -> Callable[[float], None]:
    def sleep(seconds: float) -> None:
        now[0] += seconds

    return sleep


@contextmanager
def answering(*bodies: bytes) -> Iterator[TreezSettings]:
    """A shop in the bearer dialect that answers page after page with these bodies, the last one for ever."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = bodies[min(len(asked), len(bodies) - 1)]
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Tests print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield TreezSettings.model_validate(
            {
                "base_url": f"http://127.0.0.1:{server.server_address[1]}/",
                "dispensary_id": "acme",
                "api_key": "canary-91",
                "allow_private_address": True,
            }
        )
    finally:
        server.shutdown()
        server.server_close()


def listed(*bodies: bytes) -> Reading:
    with answering(*bodies) as chosen, Client(100, True, limits=QUICK) as http_client:
        listing = TREEZ.open(chosen, "canary-91\n", http_client).listing()
        return Reading(listing, list(listing.pages()))


def products(*ids: str) -> bytes:
    return json.dumps([{"product_id": each, "name": each} for each in ids]).encode()


@pytest.mark.parametrize("second", [b"[]", products("a", "b"), products("b", "a"), b'{"products": []}'])
def test_a_bearer_list_is_whole_when_page_two_is_the_same_or_nothing(second: bytes) -> None:
    reading = listed(products("a", "b"), second)
    assert reading.ids == ["a", "b"]
    assert reading.listing.proof.stands, reading.words


def test_a_bearer_list_in_pages_is_read_to_its_end() -> None:
    reading = listed(products("a", "b"), products("c", "d"), products("e"), b"[]")
    assert reading.ids == ["a", "b", "c", "d", "e"]
    assert reading.listing.proof.stands, reading.words


def test_a_bearer_list_that_changed_between_both_readings_is_not_proven() -> None:
    reading = listed(products("a", "b", "c"), products("a", "b"))
    assert not reading.listing.proof.stands


@pytest.mark.parametrize(
    ("record", "others"),
    [
        (b'{"product_id":"x","thc":NaN}', 2),
        (b'{"product_id":"x","name":"\\ud800"}', 2),
        (b'{"product_id":"x","name":"line\nbreak"}', 2),
        (b'{"product_id":"x","deep":' + b"[" * 5000 + b"]" * 5000 + b"}", 2),
        (b'{"product_id":"x","huge":' + b"9" * 5000 + b',"thc":NaN}', 2),
        (b'{"product_id":"x","name":"\xff"}', 2),
        (b'{"product_id":"x","name":"quotes \\" and } ] , brackets","thc":Infinity}', 2),
        (b"17", 2),
        (b"null", 2),
    ],
)
def test_each_record_keeps_its_own_bytes(record: bytes, others: int) -> None:
    # What earlier tests left would be finalized at the bottom of the nesting, where a finalizer has no room to run.
    gc.collect()
    reading = listed(b' [{"product_id":"a"} ,' + record + b', {"product_id":"b"}]\n', b"[]")
    received = reading.pages[0].records
    assert received == [b'{"product_id":"a"}', record, b'{"product_id":"b"}']
    assert reading.listing.proof.stands


def test_a_byte_order_mark_is_passed_over() -> None:
    assert listed(b"\xef\xbb\xbf" + products("a"), b"[]").ids == ["a"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"17",
        b'"text"',
        b"{}",
        b'{"products": null}',
        b'{"products": {"a": 1}}',
        b'{"resultCode": "SUCCESS", "data": null}',
        b'{"resultCode": "SUCCESS", "data": {"product_list": null}}',
        b'{"resultCode": "FAIL", "data": {"product_list": []}}',
        b"<html>Please log in</html>",
        b'[{"product_id":"a"}',
        b'[{"product_id":"a"}] and more',
        b'[{"product_id":"a"},,{"product_id":"b"}]',
        b'[{"product_id" "a", "thc": NaN}]',
        b'{"products": [{"product_id":"a"}]',
        '[{"product_id":"a"}]'.encode("utf-16"),
        b"[" * 100_000,
    ],
)
def test_what_is_no_list_is_never_taken_for_an_empty_one(body: bytes) -> None:
    with pytest.raises(SourceError, match="Page 1 of the product list could not be had"):
        listed(body)


def test_words_of_the_source_are_quoted_without_the_secret() -> None:
    body = json.dumps({"resultCode": "FAIL", "resultReason": "key canary-91 is\nnot known " + "x" * 500}).encode()
    with pytest.raises(SourceError) as error:
        listed(body)
    assert "key … is not known" in str(error.value)
    assert "canary" not in str(error.value)
    assert len(str(error.value)) < 400
