"""The floor: the least honest code that could do what a sync does. No checks, no history, no retries, no proof.

Pages fetched concurrently at the limit, orjson, COPY or Arrow into a temporary table while the network waits, one
MERGE of what has another hash, counts, the record kept. It makes nothing absent and trusts whatever it is told.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson

from benchmarks import floor_sql

AT_ONCE = 4
"""Requests under way: three fill ten a second at 300 ms, and more threads only wait for each other."""

_SECOND = 1.03
"""As a client counts it, so that what is late on its way still falls into its own second at the server."""

Product = tuple[str, str, str]
"""Its id, the hash of its content, the content."""


class Api:
    """Treez v2, asked by several threads at once, within `rate` requests in any second."""

    def __init__(self, base_url: str, dispensary_id: str, client_id: str, api_key: str, rate: int | None) -> None:
        self._host = urlsplit(base_url).netloc
        self._path = f"/v2.0/dispensary/{dispensary_id}"
        self._went = deque[float](maxlen=rate)
        self._turn = threading.Lock()
        self._of_thread = threading.local()
        form = urlencode({"client_id": client_id, "apikey": api_key})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        token = self._ask("POST", "/config/api/gettokens", kind, form)["access_token"]
        self._headers = {"authorization": token, "client_id": client_id}

    def page(self, number: int) -> dict[str, Any]:
        """A page of every product, deactivated ones too."""
        found = self._ask("GET", f"/product/product_list?active=ALL&page={number}", self._headers)
        data: dict[str, Any] = found["data"]
        return data

    def _ask(self, method: str, path: str, headers: dict[str, str], body: str | None = None) -> dict[str, Any]:
        connection = getattr(self._of_thread, "connection", None)
        if connection is None:
            connection = self._of_thread.connection = HTTPConnection(self._host, timeout=60)
        self._wait()
        connection.request(method, self._path + path, body, headers)
        answer = connection.getresponse()
        received = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"HTTP {answer.status} for {path}")
        found: dict[str, Any] = orjson.loads(received)
        return found

    def _wait(self) -> None:
        with self._turn:
            if self._went.maxlen is not None:
                if len(self._went) == self._went.maxlen:
                    time.sleep(max(0.0, self._went[0] + _SECOND - time.monotonic()))
                self._went.append(time.monotonic())


def products(api: Api) -> Iterator[list[Product]]:
    """Every product, page by page; how many pages there are is what the first one says."""
    first = api.page(1)
    pages = -(-first["total_count"] // max(1, len(first["product_list"])))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        coming = deque(pool.submit(api.page, number) for number in range(2, min(pages, AT_ONCE) + 1))
        yield [_product(record) for record in first["product_list"]]
        for number in range(2, pages + 1):
            page = coming.popleft().result()
            if number + AT_ONCE - 1 <= pages:
                coming.append(pool.submit(api.page, number + AT_ONCE - 1))
            yield [_product(record) for record in page["product_list"]]


def _product(record: dict[str, Any]) -> Product:
    content = orjson.dumps(record)
    return record["product_id"], hashlib.sha256(content).hexdigest(), content.decode()


def postgres(url: str, pages: Iterable[list[Product]]) -> dict[str, int]:
    """Bring `products` up to date in one transaction; return the counts."""
    import psycopg

    with psycopg.connect(url) as connection:
        connection.execute(floor_sql.products("jsonb"))
        connection.execute("create temporary table incoming (source_id text, content_hash text, payload text)")
        fetched = 0
        with connection.cursor().copy("copy incoming from stdin") as copy:
            for page in pages:
                fetched += len(page)
                for product in page:
                    copy.write_row(product)
        connection.execute("analyze incoming")
        actions = connection.execute(floor_sql.merge(floor_sql.POSTGRES)).fetchall()
    return _counts(fetched, [action for (action,) in actions])


def duckdb(path: str, pages: Iterable[list[Product]]) -> dict[str, int]:
    """Bring `products` up to date in one transaction; return the counts."""
    import duckdb as engine
    import pyarrow as arrow

    with engine.connect(path) as connection:
        connection.execute(floor_sql.products("json"))
        connection.execute("begin")
        connection.execute("create temporary table incoming (source_id text, content_hash text, payload json)")
        fetched = 0
        for page in pages:
            fetched += len(page)
            columns = [arrow.array(column, arrow.string()) for column in zip(*page, strict=True)]
            connection.register("page", arrow.table(columns, ["source_id", "content_hash", "payload"]))
            connection.execute("insert into incoming from page")
        actions = connection.execute(floor_sql.merge(floor_sql.DUCKDB)).fetchall()
        connection.execute("commit")
    return _counts(fetched, [action for (action,) in actions])


def _counts(fetched: int, actions: list[str]) -> dict[str, int]:
    created, updated = actions.count("INSERT"), actions.count("UPDATE")
    return {"fetched": fetched, "created": created, "updated": updated, "unchanged": fetched - created - updated}


def sync(place: str, api: Api) -> dict[str, int]:
    """Bring the products of a database up to date; return fetched, created, updated, unchanged."""
    engine = postgres if place.startswith("postgresql://") else duckdb
    return engine(place, products(api))


def main() -> None:
    """Print the counts and the moment of the commit as one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("place")
    parser.add_argument("--rate", type=int)
    for name in ("base_url", "dispensary_id", "client_id", "api_key"):
        parser.add_argument(f"--{name}", required=True)
    given = parser.parse_args()
    api = Api(given.base_url, given.dispensary_id, given.client_id, given.api_key, given.rate)
    counts = sync(given.place, api)
    print(json.dumps({**counts, "published": time.time()}))


if __name__ == "__main__":
    main()
