"""A proxy before Postgres that cuts a connection exactly at a commit: the client can't know whether it stands."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

_NAME = ".s.PGSQL.5432"

_COMMIT = b"COMMIT\0"
"""A simple query's end: how psycopg2, and psycopg without parameters, send it."""

_SIZE = 65_536


@dataclass
class Proxy:
    """Serves in `directory` the socket that the server has in `behind`, and cuts once.

    `marked`: words of a statement; the first commit on a connection that has sent them is the one.
    `lets_through`: whether the server gets that commit, and answers it, before the client is cut off.
    """

    directory: Path
    behind: Path
    marked: bytes
    lets_through: bool
    has_cut: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Proxy:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.directory / _NAME))
        self._listener.listen(64)
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        (self.directory / _NAME).unlink()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(self.behind / _NAME))
            through = _Through(self, client, server)
            threading.Thread(target=through.up, daemon=True).start()
            threading.Thread(target=through.down, daemon=True).start()


class _Through:
    """One connection."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._is_marked = False
        self._is_silent = False

    def up(self) -> None:
        """From the client to the server."""
        tail = b""
        while data := _received(self._client):
            seen = tail + data
            tail = seen[-200:]
            self._is_marked = self._is_marked or self._proxy.marked in seen
            if self._is_marked and seen.endswith(_COMMIT) and not self._proxy.has_cut.is_set():
                self._cut(data)
                return
            if not _sent(self._server, data):
                break
        _shut(self._server)

    def down(self) -> None:
        """From the server to the client, until the answer to what was cut, which it never gets."""
        while data := _received(self._server):
            if self._is_silent or not _sent(self._client, data):
                break
        _shut(self._client)
        _shut(self._server)

    def _cut(self, commit: bytes) -> None:
        self._is_silent = True
        self._proxy.has_cut.set()
        if self._proxy.lets_through:
            # `down` gets the answer, says nothing, and hangs up on both.
            _sent(self._server, commit)
            return
        _shut(self._client)
        _shut(self._server)


def _received(end: socket.socket) -> bytes:
    try:
        return end.recv(_SIZE)
    except OSError:
        return b""


def _sent(end: socket.socket, data: bytes) -> bool:
    try:
        end.sendall(data)
    except OSError:
        return False
    return True


def _shut(end: socket.socket) -> None:
    """The other side, and whoever waits on this one, hears of the end."""
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it was gone
