"""A shop that is read as fast as its client can: pages cut from records that were rendered beforehand.

The sandbox checks and counts every request and renders anew after every change: in a bulk load it would be measured
along. This answers the same two requests of Treez v2, knows no limit, and takes one wish: that 1% be changed.
"""

from __future__ import annotations

import argparse
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from benchmarks.cases import CHANGED_ONE_IN, SALE_PRICE
from pipelines.sandbox.listing import Listing

CHANGE = "/_bench/change"

_KNOWN = {"dispensary_id": "bench", "client_id": "bench", "api_key": "bench"}


class Shop:
    """The records of the sandbox's day 0, as bytes, in its order."""

    def __init__(self, products: int, page_cap: int) -> None:
        self._records = [row.raw for row in Listing.of_day(products=products, seed=1, day=0).rows]
        self._page_cap = page_cap

    def change(self) -> None:
        """Take one of the stock, and lower the price, of products evenly spread over the listing."""
        for place in range(0, len(self._records), CHANGED_ONE_IN):
            self._records[place] = orjson.dumps(changed(orjson.loads(self._records[place])))

    def page(self, number: int) -> bytes:
        """A page as product_list answers it; with nothing in it beyond the last."""
        records = self._records[(number - 1) * self._page_cap : number * self._page_cap]
        counts = b'"page_count":%d,"total_count":%d' % (len(records), len(self._records) if records else 0)
        return b'{"resultCode":"SUCCESS","data":{%s,"product_list":[%s]}}' % (counts, b",".join(records))


def changed(record: dict[str, Any]) -> dict[str, Any]:
    """The record at the sale price, with one more in stock."""
    pricing = record["pricing"] | {"discounted_price": SALE_PRICE}
    return record | {"sellable_quantity": record["sellable_quantity"] + 1, "pricing": pricing}


def handler(shop: Shop) -> type[BaseHTTPRequestHandler]:
    """What answers for a shop."""

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in as few packets as they need: none waits for an acknowledgement
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            asked = parse_qs(urlsplit(self.path).query)
            self._answer(shop.page(int(asked["page"][-1])))

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == CHANGE:
                shop.change()
            self._answer(b'{"resultCode":"SUCCESS","access_token":"bench","expires_in":"7200"}')

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: it would be work."""

    return Answers


def main() -> None:
    """Serve until stopped; say first, as one JSON object, how it is reached."""
    parser = argparse.ArgumentParser()
    for name in ("port", "products", "page-cap"):
        parser.add_argument(f"--{name}", type=int, required=True)
    given = parser.parse_args()
    with ThreadingHTTPServer(("127.0.0.1", given.port), handler(Shop(given.products, given.page_cap))) as server:
        print(json.dumps({"base_url": f"http://127.0.0.1:{given.port}", **_KNOWN}), flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
