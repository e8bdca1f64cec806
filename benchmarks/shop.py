"""The shop that every contender reads from, in a process of its own, on one port for the whole case.

It is the sandbox where there is a limit or a distance to keep, and static.py where Python would be the bottleneck.
"""

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

from benchmarks.cases import CHANGED_ONE_IN, Case
from benchmarks.static import CHANGE
from benchmarks.static import changed as as_changed
from pipelines.sandbox.catalogue import catalogue
from pipelines.settings import ROOT


@dataclass
class Shop:
    """A shop that is served: the sandbox's day 0, of which some products may be changed."""

    case: Case
    port: int
    known: dict[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[str] | None = None
    _is_changed: bool = False

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_static(self) -> bool:
        return self.case.rate is None and self.case.latency_ms == 0

    def open(self) -> None:
        """Serve the catalogue with nothing left of what was changed; a sandbox anew, for it counts what it is asked."""
        if self._process is not None and self.is_static and not self._is_changed:
            return
        self.close()
        case = self.case
        options: dict[str, Any] = {"port": self.port, "products": case.products, "page-cap": case.page_cap}
        module = ["benchmarks.static"]
        if not self.is_static:
            module = ["pipelines.cli", "sandbox", "--json"]
            options |= {"latency": case.latency_ms, "rate": case.rate or 0}
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        self._process = subprocess.Popen(
            [sys.executable, "-m", *module, *words], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.known = json.loads(self._process.stdout.readline() or "{}")
        if not self.known:
            raise SystemExit(f"bench: the shop does not start on port {self.port}")
        self._is_changed = False

    def change(self) -> None:
        """Change 1% of the products, evenly spread over the listing."""
        self._is_changed = True
        admin = HTTPConnection("127.0.0.1", self.port, timeout=600)
        if self.is_static:
            self._ask(admin, "POST", CHANGE, {})
        else:
            products = catalogue(products=self.case.products, seed=1, day=0)
            for product in products[::CHANGED_ONE_IN]:
                fresh = as_changed(product)
                patch = {name: fresh[name] for name in ("sellable_quantity", "pricing")}
                self._ask(admin, "PATCH", f"/_admin/products/{product['product_id']}", patch)
        admin.close()

    def _ask(self, admin: HTTPConnection, method: str, path: str, body: dict[str, Any]) -> None:
        admin.request(method, path, json.dumps(body))
        answer = admin.getresponse()
        if (answer.status, bool(answer.read())) != (200, True):
            raise SystemExit(f"bench: the shop does not let its products be changed: HTTP {answer.status}")

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
