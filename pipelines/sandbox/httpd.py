"""The HTTP server on loopback: one thread a connection, keep-alive, and every way for an answer to go wrong."""

from __future__ import annotations

import socket
import socketserver
import struct
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

from pipelines.sandbox.message import Answer, Request

HOST = "127.0.0.1"
LONGEST_BODY = 16 * 1024 * 1024
SMALL = 64 * 1024

Receive = Callable[[Request], Answer]


class Server(socketserver.ThreadingTCPServer):
    """Listens on a port of 127.0.0.1 (0: a free one); all its connections end with it."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int, receive: Receive, stopping: threading.Event) -> None:
        """`stopping` ends every pause. Raises OSError or OverflowError where the port can't be had."""
        self.receive = receive
        self.stopping = stopping
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
    server: Server

    def do_GET(self) -> None:
        """Answer a request of any method that has its body, if any, counted in Content-Length."""
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > LONGEST_BODY:
            self.close_connection = True
            self._send(Answer(413, b"", "text/plain"))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, self.rfile.read(int(length)))
        answer = self.server.receive(request)
        if answer.broken is None:
            self._send(answer)
        self._end(answer)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def _send(self, answer: Answer) -> None:
        """Status and headers in one write with a small body, which saves the client a wake-up."""
        self.close_connection = self.close_connection or answer.sent is not None
        head = "\r\n".join([*self._head(answer), "", ""]).encode("latin-1")
        body = answer.body[: answer.sent]
        if answer.head_pause:
            self._slowly(head.splitlines(keepends=True), answer.head_pause)
            head = b""
        if answer.byte_pause:
            self.wfile.write(head)
            self._slowly([body[place : place + 1] for place in range(len(body))], answer.byte_pause)
            return
        for part in (head + body,) if len(body) <= SMALL else (head, body):
            self.wfile.write(part)

    def _head(self, answer: Answer) -> list[str]:
        named = {name for name, _ in answer.headers}
        counted = answer.status == 204 or named & {"Content-Length", "Transfer-Encoding"}
        return [
            f"HTTP/1.1 {answer.status} {self.responses.get(answer.status, ('',))[0]}",
            f"Server: {self.server_version}",
            f"Date: {self.date_time_string()}",
            f"Content-Type: {answer.content_type}",
            *([] if counted else [f"Content-Length: {len(answer.body)}"]),
            *(f"{name}: {value}" for name, value in answer.headers),
            # An ending of its own is one that the client isn't told of.
            *(["Connection: close"] if self.close_connection and answer.ending is None else []),
        ]

    def _slowly(self, parts: list[bytes], pause: float) -> None:
        for part in parts:
            self.wfile.write(part)
            if self.server.stopping.wait(pause):
                return

    def _end(self, answer: Answer) -> None:
        """End the connection as the answer has it."""
        how = answer.broken or answer.ending
        if how is None:
            return
        self.close_connection = True
        if how == "hang":
            # Until the client hangs up, or the server does.
            self.connection.recv(1)
        elif how == "reset":
            # Lingering for no time at all: the kernel sends a reset where a close would have been.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed: `Sandbox.requests` holds it all."""
