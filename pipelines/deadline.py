"""Connections whose attempts can be cut from outside: at a deadline for the whole answer, or when nobody waits."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.response import HTTPResponse


class _Watch(threading.local):
    """The attempt that a thread is making."""

    attempt: Attempt | None = None


_watch = _Watch()


class Attempt:
    """The socket of an attempt, cut from outside at its deadline.

    Timeouts of a socket begin anew with each byte, so a server that sends one a second would hold us for ever
    (RELIABILITY.md, fault 36).
    """

    def __init__(self) -> None:
        self.cut = False
        self._socket: socket.socket | None = None
        self._over = False
        self._lock = threading.Lock()

    def uses(self, used: socket.socket | None) -> None:
        """The socket that the answer is awaited on."""
        with self._lock:
            self._socket = used
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

    def _shut(self) -> None:
        if self._socket is not None:
            # Already closed by its owner: there is nothing left to cut.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


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
    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        if _watch.attempt is not None:
            _watch.attempt.uses(self.sock)
        return super().getresponse()


class _WatchedTls(_Watched, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTls


class Adapter(HTTPAdapter):
    """requests' adapter over connections that tell their attempt which socket they wait on."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
