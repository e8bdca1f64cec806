"""A server on loopback that answers as it is told, and a client whose clock only sleeping moves."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

from pipelines.http import Client, Limits, Response

SECRET = "canary-7b1f"
Script = Callable[[socket.socket], bool | None]
"""What a server does with a connection on a request; True: it may be used for another."""


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self.now += seconds


def answer(status: int = 200, body: bytes = b"ok", length: int | None = None, **headers: str) -> Script:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body) if length is None else length}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]

    def send(connection: socket.socket) -> bool:
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        return length is None

    return send


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    connection.close()


def hang_up(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


class Server:
    """Answers each request with the next script; the last one for ever. Keeps what was asked."""

    def __init__(self, *scripts: Script) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.release = threading.Event()
        self._turn = threading.Lock()
        server = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                server.connections += 1
                while server.answered(self.request, scripts):
                    pass

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/list"

    def answered(self, connection: socket.socket, scripts: tuple[Script, ...]) -> bool:
        request = b""
        while b"\r\n\r\n" not in request:
            received = connection.recv(65536)
            if not received:
                return False
            request += received
        with self._turn:
            script = scripts[min(len(self.requests), len(scripts) - 1)]
            self.requests.append(request)
        return script(connection) is True

    def drip(self, connection: socket.socket) -> None:
        """A byte now and then, faster than the read timeout, and no end."""
        while not self.release.wait(0.02):
            connection.sendall(b"x")

    def silence(self, connection: socket.socket) -> None:
        self.release.wait(30)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def client(time: Time | None = None, told: list[str] | None = None, **limits: Any) -> Iterator[Client]:
    time = time or Time()
    with Client(
        1000,
        allow_private_address=True,
        limits=Limits(**limits),
        clock=time.clock,
        sleep=time.sleep,
        on_retry=None if told is None else told.append,
    ) as made:
        yield made


def ask(server: Server, made: Client) -> Response:
    return made.request("GET", server.url, headers={"Authorization": SECRET}, params={"page": "1"})
