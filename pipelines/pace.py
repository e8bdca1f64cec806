"""Time between requests: how many a second, and how long a client has been retrying."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

_MARGIN = 1.03
"""A second of ours is this long, so that a request that is late on its way still falls into its own at the server."""


class Pacer:
    """Lets requests go so that no second holds more than `rate` of them.

    A sliding window over the moments at which they really went, and a tenth of the even distance between two: a usual
    shop's five pages go out in a twentieth of a second at 10 a second. A rate below 1 is one request each 1/rate s.
    """

    def __init__(self, rate: float, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        held = max(1, int(rate))
        self._window = max(1.0, 1 / rate) * _MARGIN
        self._gap = 0.1 / max(rate, 1)
        self._went: deque[float] = deque(maxlen=held)
        self._not_before = float("-inf")
        self._clock = clock
        self._sleep = sleep
        self._turn = threading.Lock()

    def wait(self) -> None:
        """Return when the next request may go; threads go in the order in which they got here."""
        with self._turn:
            while (delay := self._due() - self._clock()) > 0:
                self._sleep(delay)
            self._went.append(self._clock())

    def hold(self, seconds: float) -> None:
        """Let nothing go for a while: the server said that it is too much."""
        self._not_before = max(self._not_before, self._clock() + seconds)

    def _due(self) -> float:
        if not self._went:
            return self._not_before
        full = len(self._went) == self._went.maxlen
        return max(
            self._not_before, self._went[-1] + self._gap, self._went[0] + self._window if full else float("-inf")
        )


class Stopwatch:
    """The time during which at least one of several threads was at it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._at_it = 0
        self._since = 0.0
        self._before = 0.0

    def start(self) -> None:
        with self._lock:
            if self._at_it == 0:
                self._since = self._clock()
            self._at_it += 1

    def stop(self) -> None:
        with self._lock:
            self._at_it -= 1
            if self._at_it == 0:
                self._before += self._clock() - self._since

    def seconds(self) -> float:
        with self._lock:
            return self._before + (self._clock() - self._since if self._at_it else 0.0)
