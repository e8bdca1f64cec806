"""The shop that every contender reads from: the sandbox, in a process of its own, on one port for the whole case."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any

from benchmarks.cases import Case
from pipelines.sandbox.catalogue import catalogue
from pipelines.settings import ROOT


@dataclass
class Shop:
    """A shop that is served: the sandbox's day 0, of which some products may be changed."""

    case: Case
    port: int
    known: dict[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[str] | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def open(self) -> None:
        """Serve the catalogue from a fresh process: nothing is left of what was changed or asked so far."""
        self.close()
        case = self.case
        options: dict[str, Any] = {
            "port": self.port, "products": case.products, "latency": case.latency_ms, "rate": case.rate or 0,
            "page-cap": case.page_cap,
        }  # fmt: skip
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.cli", "sandbox", "--json", *words],
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        self.known = json.loads(self._process.stdout.readline() or "{}")
        if not self.known:
            raise SystemExit(f"bench: the sandbox does not start on port {self.port}")

    def change(self, share: float) -> None:
        """Take one back, and lower the price, of this share of the products, evenly spread over the listing."""
        products = catalogue(products=self.case.products, seed=1, day=0)
        admin = HTTPConnection("127.0.0.1", self.port, timeout=60)
        for product in products[:: round(1 / share)]:
            patch = {"sellable_quantity": product["sellable_quantity"] + 1, "pricing": {"discounted_price": 1.5}}
            admin.request("PATCH", f"/_admin/products/{product['product_id']}", json.dumps(patch))
            answer = admin.getresponse()
            if (answer.status, bool(answer.read())) != (200, True):
                raise SystemExit(f"bench: the sandbox does not let its products be changed: HTTP {answer.status}")
        admin.close()

    def close(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.communicate()
            self._process = None


@contextmanager
def opened(case: Case) -> Iterator[Shop]:
    """The shop of a case, on a port that was free a moment ago."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        shop = Shop(case, free.getsockname()[1])
    try:
        yield shop
    finally:
        shop.close()
