"""Ctrl-C and SIGTERM: heard by whatever the main thread waits for, once, and not to be lost on the way."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from pipelines.errors import Interrupted

_ECHO = 1.0
"""Seconds in which a further signal is the same one again: timeout(1) sends it to the process and to its group."""

_UNHEARD = 0.5
"""Seconds after which a signal that Python has not handled is sent to the main thread again."""

_UNHEEDED = 5.0
"""Seconds after which an Interrupted that nobody has caught is raised again."""


@contextmanager
def interruptible() -> Iterator[None]:
    """A signal raises Interrupted in the main thread; a second one, later than an echo, ends the process at once."""
    global _heeding
    heeding = _heeding = _Heeding()
    before = {number: signal.signal(number, heeding.handle) for number in (signal.SIGINT, signal.SIGTERM)}
    arrivals, arrived = socket.socketpair()
    arrived.setblocking(False)
    fd_before = signal.set_wakeup_fd(arrived.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=heeding.insist, args=(arrivals,), name="signals", daemon=True).start()
    try:
        yield
    finally:
        heeding.heeded.set()
        signal.set_wakeup_fd(fd_before)
        arrived.close()
        for number, handler in before.items():
            signal.signal(number, handler)


def raise_what_arrived() -> None:
    """Raise Interrupted again where a signal came that nobody heeded: a library put its own error in its place."""
    if _heeding is not None:
        _heeding.raise_what_arrived()


class _Heeding:
    """How far the first signal has come: arrived, heard by Python, heeded by who ends the sync."""

    def __init__(self) -> None:
        self.heeded = threading.Event()
        self._heard = threading.Event()
        self._first: float | None = None
        self._signum = 0
        self._insisting = False

    def handle(self, signum: int, frame: FrameType | None) -> None:
        """The handler of both signals."""
        self._heard.set()
        if self._first is None or (self._insisting and not self.heeded.is_set()):
            self._first = self._first or time.monotonic()
            self._signum = signum
            raise Interrupted(signum, self.heeded)
        if not self._insisting and time.monotonic() - self._first > _ECHO:
            signal.signal(signum, signal.SIG_DFL)
            signal.raise_signal(signum)

    def raise_what_arrived(self) -> None:
        if self._signum and not self.heeded.is_set():
            raise Interrupted(self._signum, self.heeded)

    def insist(self, arrivals: socket.socket) -> None:
        """A thread's work: see that what arrived is heard and heeded.

        A signal that comes just as the main thread falls asleep is heard only when it wakes; an exception that is
        raised in a library's finalizer goes no further.
        """
        with arrivals:
            while arrived := arrivals.recv(1):
                while not self._heard.wait(_UNHEARD):
                    self._send(arrived[0])
                while not self.heeded.wait(_UNHEEDED):
                    self._insisting = True
                    self._send(arrived[0])
                self._insisting = False

    def _send(self, signum: int) -> None:
        main = threading.main_thread().ident
        if main is not None:
            signal.pthread_kill(main, signum)


_heeding: _Heeding | None = None
"""What a signal means just now; a process has one main thread."""
