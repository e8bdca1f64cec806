"""The HTTP side of the sandbox: a keep-alive server on loopback that paces its clients and notes what they ask."""

from __future__ import annotations

import signal
import socket
import socketserver
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any

from pipelines.errors import ConfigurationError
from pipelines.sandbox.answers import CLIENT, DISPENSARY, KEY, Answer, Request, Shop, over_limit
from pipelines.sandbox.faults import Fault, Faults, parse_fault
from pipelines.sandbox.listing import Listing

__all__ = ["Sandbox", "parse_fault", "serve"]

HOST = "127.0.0.1"
LONGEST_BODY = 1024 * 1024
SMALL = 64 * 1024


class Sandbox:
    """A made-up Treez on 127.0.0.1, for the time of a `with` block.

    products: how many the shop opened with; seed, day: which catalogue, and how far it has moved on; latency_ms: before
    each answer; rate: requests in any second before 429 (None: no limit); page_cap: the largest page; faults: as
    `parse_fault` reads them; port: 0 takes a free one. Raises ConfigurationError for what can't be.
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
        port: int = 0,
    ) -> None:
        if products < 0 or day < 0 or latency_ms < 0 or page_cap < 1 or (rate is not None and rate < 1):
            raise ConfigurationError(
                "The sandbox takes products, day and latency from 0, rate and page_cap from 1: raise what is below"
            )
        self.requests: list[tuple[float, str, str]] = []
        self.token_requests = 0
        self._products, self._seed = products, seed
        self._decoded: list[Any] | None = None
        self._port = port
        self._rate, self._accepted = rate, deque[float]()
        self._latency = latency_ms / 1000
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._server: _Server | None = None
        self._shop = Shop(self._listing_of(day), page_cap=page_cap, faults=Faults(faults))

    def __enter__(self) -> Sandbox:
        try:
            self._server = _Server(self, self._port)
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
        self._shop.listing = self._listing_of(day)
        if self._decoded is not None:
            self._decoded[:] = self._shop.listing.products()

    def set_faults(self, faults: Iterable[str | Fault]) -> None:
        """Misbehave in these ways from now on, and in no others. Raises ConfigurationError as `parse_fault`."""
        self._shop.faults = Faults(faults)

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
        accepted = self._note(request)
        answer = self._shop.answer(request) if accepted else over_limit()
        pause = answer.delay + self._latency
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


def serve(sandbox: Sandbox) -> None:
    """Block until SIGINT (Ctrl-C) or SIGTERM, from the main thread, with the sandbox running; the caller stops it."""
    ended = threading.Event()
    before = {number: signal.signal(number, lambda *_: ended.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        ended.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Server(socketserver.ThreadingTCPServer):
    """One thread a connection; all of them end with the server."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, sandbox: Sandbox, port: int) -> None:
        self.sandbox = sandbox
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__((HOST, port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news; anything else is a bug, and shown."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        """Stop listening, and hang up on every client that is still connected."""
        self.shutdown()
        self.server_close()
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # it has hung up already


class _Handler(BaseHTTPRequestHandler):
    """HTTP/1.1 with keep-alive."""

    protocol_version = "HTTP/1.1"
    server_version = "treez-sandbox"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        """Answer a request of any method that has its body, if any, counted in Content-Length."""
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > LONGEST_BODY:
            self.close_connection = True
            self._send(Answer(413, b"", "text/plain"))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, self.rfile.read(int(length)))
        answer = self.server.sandbox.receive(request)
        if answer.broken is None:
            self._send(answer)
            return
        self.close_connection = True
        if answer.broken == "reset":
            # Lingering for no time at all: the kernel sends a reset where a close would have been.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def _send(self, answer: Answer) -> None:
        """Status and headers in one write with a small body, which saves the client a wake-up."""
        self.close_connection = self.close_connection or answer.sent is not None
        head = [
            f"HTTP/1.1 {answer.status} {self.responses.get(answer.status, ('',))[0]}",
            f"Server: {self.server_version}",
            f"Date: {self.date_time_string()}",
            f"Content-Type: {answer.content_type}",
            f"Content-Length: {len(answer.body)}",
            *(f"{name}: {value}" for name, value in answer.headers),
            *(["Connection: close"] if self.close_connection else []),
        ]
        start, body = "\r\n".join([*head, "", ""]).encode("latin-1"), answer.body[: answer.sent]
        for part in (start + body,) if len(body) <= SMALL else (start, body):
            self.wfile.write(part)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed: `Sandbox.requests` holds it all."""
