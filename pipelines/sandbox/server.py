"""The sandbox itself: a shop behind a server on loopback, paced, counted, and changed while it runs."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any

from pipelines.errors import ConfigurationError
from pipelines.sandbox import admin, routes
from pipelines.sandbox.answers import CLIENT, DISPENSARY, KEY, Answer, Request, Shop
from pipelines.sandbox.armed import Fault, Faults, parse_fault
from pipelines.sandbox.httpd import HOST, Server
from pipelines.sandbox.listing import Listing
from pipelines.sandbox.message import over_limit
from pipelines.sandbox.quirks import Quirks

__all__ = ["Sandbox", "parse_fault", "serve"]

_LEAST = {"day": 0, "latency_ms": 0, "rate": 1, "page_cap": 1}
"""What can be set while it runs, with the least that it can be; a rate of null: no limit."""


class Sandbox:
    """A made-up Treez on 127.0.0.1, for the time of a `with` block.

    products: how many the shop opened with; seed, day: which catalogue, and how far it has moved on; latency_ms: before
    each answer; rate: requests in any second before 429 (None: no limit); page_cap: the largest page; faults: as
    `parse_fault` reads them; quirks: `name=way`, as in QUIRKS; port: 0 takes a free one. Raises ConfigurationError for
    what can't be.
    """

    dispensary_id = DISPENSARY
    client_id = CLIENT
    api_key = KEY

    def __init__(
        self,
        *,
        products: int = 500,
        seed: int = 1,
        day: int = 0,
        latency_ms: float = 0,
        rate: int | None = 10,
        page_cap: int = 50,
        faults: Iterable[str | Fault] = (),
        quirks: Iterable[str] = (),
        port: int = 0,
    ) -> None:
        if products < 0 or day < 0 or latency_ms < 0 or page_cap < 1 or (rate is not None and rate < 1):
            raise ConfigurationError(
                "The sandbox takes products, day and latency from 0, rate and page_cap from 1: raise what is below"
            )
        self.requests: list[tuple[float, str, str]] = []
        self.token_requests = 0
        self._statuses = Counter[str]()
        self._products, self._seed, self._day = products, seed, day
        self._decoded: list[Any] | None = None
        self._port = port
        self._rate, self._accepted = rate, deque[float]()
        self._latency_ms = latency_ms
        self._lock = threading.Lock()
        self._changing = threading.Lock()
        self._stopping = threading.Event()
        self._server: Server | None = None
        armed, chosen = Faults(faults), Quirks.of(quirks)
        self._shop = Shop(self._listing_of(day), page_cap=page_cap, faults=armed, quirks=chosen)

    def __enter__(self) -> Sandbox:
        try:
            self._server = Server(self._port, self.receive, self._stopping)
        except (OSError, OverflowError) as error:
            raise ConfigurationError(
                f"The sandbox can't listen on {HOST}:{self._port}: {error}. Choose another port, or 0 for a free one"
            ) from error
        self._stopping.clear()
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="sandbox", daemon=True
        ).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._stopping.set()
            self._server.stop()
            self._server = None

    @property
    def base_url(self) -> str:
        """Scheme, host and port."""
        if self._server is None:
            raise ConfigurationError("The sandbox is not running: use it in a `with` block")
        return f"http://{HOST}:{self._server.server_address[1]}"

    @property
    def products(self) -> list[Any]:
        """The v2 records that are served, in listing order. Change the list, then call `refresh`."""
        if self._decoded is None:
            self._decoded = self._shop.listing.products()
        return self._decoded

    def refresh(self) -> None:
        """Serve `products` as it stands now, in its order."""
        self._shop.listing = Listing.of(self.products)

    def set_day(self, day: int) -> None:
        """Serve the catalogue of another day; what was changed in `products` is gone."""
        self._day = day
        self._serve(self._listing_of(day))

    def set_faults(self, faults: Iterable[str | Fault]) -> None:
        """Misbehave in these ways from now on, and in no others. Raises ConfigurationError as `parse_fault`."""
        self._shop.faults = Faults(faults)

    def set_quirks(self, quirks: Iterable[str]) -> None:
        """Answer in these ways from now on, and in the default ones else. Raises ConfigurationError as `Quirks.of`."""
        self._shop.quirks = Quirks.of(quirks)

    def set(self, **given: Any) -> None:
        """Change any of day, faults, quirks, rate, latency_ms and page_cap; all of it, or nothing.

        Raises ConfigurationError for what it does not know or what can't be.
        """
        for name, value in given.items():
            _check_setting(name, value)
        faults = Faults(given["faults"]) if "faults" in given else self._shop.faults
        self._shop.quirks = Quirks.of(given["quirks"]) if "quirks" in given else self._shop.quirks
        self._shop.faults = faults
        self._shop.page_cap = given.get("page_cap", self._shop.page_cap)
        self._rate = given.get("rate", self._rate)
        self._latency_ms = given.get("latency_ms", self._latency_ms)
        if "day" in given:
            self.set_day(given["day"])

    def product(self, product_id: str) -> Any:
        """A record that is served; None where none has the id."""
        raw = self._shop.listing.one(product_id)
        return None if raw is None else json.loads(raw)

    def put_product(self, record: Any) -> None:
        """Serve a record from now on, in place of the one with its id, where its name has it in the listing."""
        with self._changing:
            self._serve(self._shop.listing.with_product(record))

    def remove_product(self, product_id: str) -> None:
        """Serve a product no longer."""
        with self._changing:
            self._serve(self._shop.listing.without(product_id))

    def _serve(self, listing: Listing) -> None:
        self._shop.listing = listing
        if self._decoded is not None:
            self._decoded[:] = listing.products()

    def state(self) -> dict[str, Any]:
        """What the sandbox is set to, and what was asked of it."""
        return {
            "products": len(self._shop.listing.rows),
            "opened_with": self._products,
            "seed": self._seed,
            "day": self._day,
            "latency_ms": self._latency_ms,
            "rate": self._rate,
            "page_cap": self._shop.page_cap,
            "faults": self._shop.faults.texts(),
            "quirks": self._shop.quirks.all(),
            "counters": self.counters(),
        }

    def counters(self) -> dict[str, Any]:
        """What was asked since the start or the last reset: by kind of request, and by the status of the answer."""
        with self._lock:
            asked, statuses = tuple(self.requests), dict(sorted(self._statuses.items()))
        kinds = Counter(routes.find(target).asked_for for _, _, target in asked)
        return {
            "requests": len(asked),
            "token_requests": self.token_requests,
            "by_kind": dict(sorted(kinds.items())),
            "by_status": statuses,
            "busiest_second": self.busiest_second(),
        }

    def reset_counters(self) -> None:
        """Count from nothing again."""
        with self._lock:
            self.requests.clear()
            self._statuses.clear()
            self.token_requests = 0

    def busiest_second(self) -> int:
        """The most requests received in any one second."""
        window, most = deque[float](), 0
        for moment, _, _ in tuple(self.requests):
            window.append(moment)
            while window[0] <= moment - 1:
                window.popleft()
            most = max(most, len(window))
        return most

    def _listing_of(self, day: int) -> Listing:
        return Listing.of_day(products=self._products, seed=self._seed, day=day)

    def receive(self, request: Request) -> Answer:
        """Write a request down and answer it: for the server's own threads."""
        if admin.concerns(request):
            return admin.answer(self, request)
        accepted = self._note(request)
        answer = self._shop.answer(request) if accepted else over_limit()
        with self._lock:
            self._statuses[answer.broken or str(answer.status)] += 1
        pause = answer.delay + self._latency_ms / 1000
        if pause and self._stopping.wait(pause):
            return Answer(broken="closed")
        return answer

    def _note(self, request: Request) -> bool:
        """Whether the request is within the rate; one that is refused does not count against the next."""
        with self._lock:
            now = time.monotonic()
            self.requests.append((now, request.method, request.target))
            self.token_requests += request.target.partition("?")[0].rstrip("/").endswith("/config/api/gettokens")
            while self._accepted and self._accepted[0] <= now - 1:
                self._accepted.popleft()
            if self._rate is not None and len(self._accepted) >= self._rate:
                return False
            self._accepted.append(now)
            return True


def _check_setting(name: str, value: Any) -> None:
    """Raise ConfigurationError for a setting that is unknown, or that can't have the value."""
    if name in ("faults", "quirks"):
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            raise ConfigurationError(f"{name} is a list of texts, not {value!r}")
    elif name not in _LEAST:
        raise ConfigurationError(f"Unknown setting {name!r}: known are faults, quirks, {', '.join(_LEAST)}")
    elif not (name == "rate" and value is None) and (type(value) is not int or value < _LEAST[name]):
        raise ConfigurationError(f"{name} is a whole number from {_LEAST[name]}, not {value!r}")


def serve(ready: Callable[[], None]) -> None:
    """Block until SIGINT (Ctrl-C) or SIGTERM, from the main thread; `ready` is called once they would be heard."""
    ended = threading.Event()
    before = {number: signal.signal(number, lambda *_: ended.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        ready()
        ended.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
