"""An access token for all threads of a sync: had once, renewed before its end and once when it is refused."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

MARGIN = 60
"""A token is renewed so many seconds before its end."""


class Token:
    """`new` asks for a token and returns it with its life in seconds; it may raise SourceError.

    `given` holds every token so far, for a source to take them out of what it quotes.
    """

    def __init__(self, new: Callable[[], tuple[str, float]], clock: Callable[[], float]) -> None:
        self._new = new
        self._clock = clock
        self._lock = Lock()
        self.given: list[str] = []
        self._value: str | None = None
        self._ends = 0.0
        self._refused = False

    def current(self) -> str:
        with self._lock:
            if self._value is None or self._clock() >= self._ends:
                return self._renew()
            return self._value

    def instead_of(self, refused: str) -> str | None:
        """The token that replaced the refused one, a new one the first time, else None."""
        with self._lock:
            if self._value != refused:
                return self._value
            if self._refused:
                return None
            self._refused = True
            return self._renew()

    def _renew(self) -> str:
        self._value, life = self._new()
        self.given.append(self._value)
        self._ends = self._clock() + max(life / 2, life - MARGIN)
        return self._value
