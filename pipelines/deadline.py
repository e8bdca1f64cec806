"""Connections whose attempts can be cut from outside: at a deadline for the whole answer, or when nobody waits."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.response import HTTPResponse

from pipelines.address import Connect


class _Watch(threading.local):
    """The attempt that a thread is making."""

    attempt: Attempt | None = None


_watch = _Watch()


class Attempt:
    """The socket of an attempt, cut from outside at its deadline.

    Timeouts of a socket begin anew with each byte, so a server that sends one a second would hold us for ever
    (RELIABILITY.md, fault 36), while it greets us in TLS too. What is cut is a duplicate of our own: TLS takes the
    plain socket for itself, and who owns it may have closed it.
    """

    def __init__(self) -> None:
        self.cut = False
        self._socket: socket.socket | None = None
        self._over = False
        self._lock = threading.Lock()

    def uses(self, used: socket.socket | None) -> None:
        """The socket that the handshake, then the answer is awaited on."""
        with self._lock:
            self._drop()
            if used is not None and not self._over:
                self._socket = socket.socket(fileno=os.dup(used.fileno()))
            if self.cut:
                self._shut()

    def expire(self) -> None:
        """Cut it, unless it is over."""
        with self._lock:
            if not self._over:
                self.cut = True
                self._shut()

    def end(self) -> None:
        """It is over: nothing is to be cut any more."""
        with self._lock:
            self._over = True
            self._drop()

    def _shut(self) -> None:
        if self._socket is not None:
            # Ended by the server already: there is nothing left to cut.
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


@contextlib.contextmanager
def watched(deadline: float, under_way: set[Attempt]) -> Iterator[Attempt]:
    """An attempt of this thread, cut after `deadline` seconds; it stands in `under_way` meanwhile."""
    attempt = Attempt()
    under_way.add(attempt)
    timer = threading.Timer(deadline, attempt.expire)
    timer.daemon = True
    timer.start()
    _watch.attempt = attempt
    try:
        yield attempt
    finally:
        _watch.attempt = None
        under_way.discard(attempt)
        attempt.end()
        timer.cancel()


class _Watched(HTTPConnection):
    def __init__(self, *args: Any, opens: Connect, **options: Any) -> None:
        super().__init__(*args, **options)
        self._opens = opens

    def _new_conn(self) -> socket.socket:
        """As urllib3's, which would look the name up by itself; what TLS checks and says is the name still."""
        try:
            opened = self._opens(self._dns_host, self.port, self.timeout, self.socket_options or ())
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"{self.host} did not answer in time") from error
        except OSError as error:
            raise NewConnectionError(self, f"{self.host} can't be connected to") from error
        _tell(opened)
        return opened

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        _tell(self.sock)
        return super().getresponse()


def _tell(used: socket.socket | None) -> None:
    if _watch.attempt is not None:
        _watch.attempt.uses(used)


class _WatchedTls(_Watched, HTTPSConnection):
    pass


class Adapter(HTTPAdapter):
    """requests' adapter over connections that `opens` opens and that tell their attempt which socket they wait on."""

    def __init__(self, opens: Connect, *, connections: int) -> None:
        self._opens = opens
        super().__init__(pool_connections=4, pool_maxsize=connections)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": partial(_pool, HTTPConnectionPool, partial(_Watched, opens=self._opens)),
            "https": partial(_pool, HTTPSConnectionPool, partial(_WatchedTls, opens=self._opens)),
        }


def _pool(kind: type[HTTPConnectionPool], connection: Any, *args: Any, **options: Any) -> HTTPConnectionPool:
    pool = kind(*args, **options)
    pool.ConnectionCls = connection
    return pool
