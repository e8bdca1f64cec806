"""An access token for all threads of a sync: had once, renewed before its end and once when it is refused."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Protocol

MARGIN = 60
"""A token is renewed so many seconds before its end."""


class KeptToken(Protocol):
    """A token that outlives a sync. Called from one thread at a time, and never raising."""

    def load(self) -> tuple[str, float] | None:
        """The kept token and the seconds that it still lives; None where there is none."""

    def keep(self, value: str, life: float) -> None:
        """Keep a new token, which lives so many seconds."""

    def forget(self) -> None:
        """Keep none: the kept one was refused."""


class Token:
    """`new` asks for a token and returns it with its life in seconds; it may raise SourceError.

    `kept` is asked for a token first, once. `given` holds every token so far, for a source to take them out of what
    it quotes.
    """

    def __init__(
        self, new: Callable[[], tuple[str, float]], clock: Callable[[], float], kept: KeptToken | None = None
    ) -> None:
        self._new = new
        self._clock = clock
        self._kept = kept
        self._lock = Lock()
        self.given: list[str] = []
        self._value: str | None = None
        self._ends = 0.0
        self._is_kept = False
        self._is_renewed = False
        self._is_untried = False

    def current(self) -> str:
        """The token to send with a request."""
        with self._lock:
            if self._value is None:
                self._value = self._loaded()
            self._is_untried = False
            if self._value is None or self._clock() >= self._ends:
                return self._renew()
            return self._value

    def instead_of(self, refused: str) -> str | None:
        """The token that replaced the refused one, or a new one the first time; else None: it is the key.

        A kept token may have been revoked since the last sync, which says nothing of the key: the one renewal is
        still there after it, unless the very first use of its successor is refused as well.
        """
        with self._lock:
            if self._value != refused:
                return self._value
            if self._is_renewed or self._is_untried:
                return None
            self._is_renewed = not self._is_kept
            self._is_untried = self._is_kept
            if self._kept is not None:
                self._kept.forget()
            return self._renew()

    def _loaded(self) -> str | None:
        loaded = None if self._kept is None else self._kept.load()
        if loaded is None or loaded[1] <= MARGIN:
            return None
        value, life = loaded
        self.given.append(value)
        self._ends = self._clock() + life - MARGIN
        self._is_kept = True
        return value

    def _renew(self) -> str:
        self._value, life = self._new()
        self.given.append(self._value)
        self._ends = self._clock() + max(life / 2, life - MARGIN)
        self._is_kept = False
        if self._kept is not None:
            self._kept.keep(self._value, life)
        return self._value
