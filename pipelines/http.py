"""Requests to a source: paced by its limit, retried while that can help, given up in time; knows no source.

One attempt is wire.py's. Neither a header nor a secret ever stands in a message of this module.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import urlsplit

from pydantic import JsonValue
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from pipelines.errors import SourceError, SourceRefused
from pipelines.pace import Pacer, Stopwatch
from pipelines.wire import AttemptFailed, Response, Wire

__all__ = ["Client", "Limits", "Params", "Response"]

_RETRIED = frozenset({408, 425, 429, *range(500, 600)})
_THROTTLED = frozenset({429, 503})

_TOO_SHORT = 1.0
"""Seconds in which a source need not have answered."""

T = TypeVar("T")
Params = dict[str, str | list[str]]
"""Of a query: a list repeats its name."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how much: seconds, bytes and attempts."""

    concurrency: int = 8
    """Requests at once."""
    connect: float = 10
    read: float = 30
    """The longest silence of a server in the middle of an answer."""
    attempt: float = 45
    """One attempt, from its first byte to its last."""
    patience: float = 60
    """One request with all its attempts and waits (issue 11: a page is given up after 60 s)."""
    retry_budget: float = 120
    """All the time in which a client was retrying anything, together (issue 11: a sync's retries end after 2 min)."""
    backoff: float = 0.5
    """The wait before the first retry is at most this; it doubles with each."""
    longest_wait: float = 30
    """No wait is longer, whatever Retry-After asks for."""
    useless_answers: int = 3
    """How often an answer that came in full but is none (HTML, no JSON) is asked for."""
    body: int = 50_000_000
    """The largest body, after decompression (RELIABILITY.md, 3.6)."""


class Client:
    """HTTP for one sync; a context manager, safe for `limits.concurrency` threads.

    `requests_per_second` holds for each host and shop. `on_retry` is told a sentence for each retry, one at a
    time, from any thread. `clock` and `sleep` are there for tests.
    """

    def __init__(
        self,
        requests_per_second: float = 10,
        allow_private_address: bool = False,
        *,
        limits: Limits | None = None,
        on_retry: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self._rate = requests_per_second
        self._on_retry = on_retry
        self.clock = clock
        self._closed = threading.Event()
        self._sleep = sleep or self._pause
        self._lock = threading.Lock()
        self._telling = threading.Lock()
        self._pacers: dict[tuple[str, str], Pacer] = {}
        self._budget = Stopwatch(clock)
        self._jitter = wait_random_exponential(multiplier=self.limits.backoff, max=self.limits.longest_wait)
        self._wire = Wire(
            allow_private_address=allow_private_address,
            connections=self.limits.concurrency,
            connect=self.limits.connect,
            read=self.limits.read,
            body_limit=self.limits.body,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every wait of every thread with a SourceError, and close the connections."""
        self._closed.set()
        self._wire.close()

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Params | None = None,
        data: Mapping[str, str] | None = None,
        shop: str = "",
    ) -> Response:
        """`ask` for the bare answer."""
        return self.ask(url, method, url, read=lambda r: r, headers=headers, params=params, data=data, shop=shop)

    def ask(
        self,
        what: str,
        method: str,
        url: str,
        *,
        read: Callable[[Response], T],
        headers: Mapping[str, str] | None = None,
        params: Params | None = None,
        data: Mapping[str, str] | None = None,
        json: JsonValue = None,
        shop: str = "",
    ) -> T:
        """Ask until there is an answer that `read` can make something of, and return what it made.

        `what` names the thing asked for in messages ("page 3 of the product list"). `read` gets every answer but
        redirects and the statuses that are retried (408, 425, 429, 5xx); a SourceError that it raises is taken as
        passing and asked again up to `limits.useless_answers` times, SourceRefused goes straight through.
        Raises SourceError: no usable answer within patience, retry budget, size; an address not allowed; a redirect.
        """
        pacer = self._pacer(url, shop)
        course = _Course(what)

        def attempt() -> T:
            pacer.wait()
            if course.attempts == 0:
                course.began = self.clock()  # waiting for the first turn costs no patience
            course.attempts += 1
            left = self.limits.patience - (self.clock() - course.began)
            course.cut_short = left < _TOO_SHORT
            response = self._wire.send(
                method,
                url,
                headers=headers or {},
                params=params or {},
                data=data,
                json=json,
                deadline=max(0.001, min(self.limits.attempt, left)),
            )
            return self._judged(response, read)

        def between(state: RetryCallState) -> None:
            self._before_retry(state, course, pacer)

        retrying = Retrying(
            retry=retry_if_exception_type(AttemptFailed),
            wait=self._wait,
            stop=lambda state: self._given_up(state, course),
            sleep=self._sleep,
            before_sleep=between,
            reraise=True,
        )
        try:
            return retrying(attempt)
        except AttemptFailed as failure:
            raise SourceError(self._epitaph(failure, course)) from failure
        finally:
            if course.retrying:
                self._budget.stop()

    def _judged(self, response: Response, read: Callable[[Response], T]) -> T:
        if response.status in _RETRIED:
            wish = _retry_after(response.headers.get("Retry-After"))
            raise AttemptFailed(f"HTTP {response.status}", retry_after=wish, status=response.status)
        if 300 <= response.status < 400:
            raise SourceError(
                f"The source redirects (HTTP {response.status}) to {_target(response)}, which is not followed: "
                "correct base_url of the integration"
            )
        try:
            return read(response)
        except SourceRefused:
            raise
        except SourceError as error:
            raise AttemptFailed(str(error), attempts=self.limits.useless_answers) from error

    def _wait(self, state: RetryCallState) -> float:
        """Exponential with full jitter; longer where the server asks for it."""
        failure = _failure(state)
        return min(self.limits.longest_wait, max(self._jitter(state), failure.retry_after or 0))

    def _given_up(self, state: RetryCallState, course: _Course) -> bool:
        failure = _failure(state)
        wait = state.upcoming_sleep
        return (
            self._closed.is_set()
            or (failure.attempts is not None and state.attempt_number >= failure.attempts)
            or self.clock() - course.began + wait >= self.limits.patience
            or self._budget.seconds() + wait >= self.limits.retry_budget
        )

    def _before_retry(self, state: RetryCallState, course: _Course, pacer: Pacer) -> None:
        failure = _failure(state)
        if not course.is_silence(failure):
            course.reason = failure.reason
        if not course.retrying:
            course.retrying = True
            self._budget.start()
        if failure.status in _THROTTLED:
            pacer.hold(state.upcoming_sleep)
        if self._on_retry is not None:
            with self._telling:
                self._on_retry(f"{course.what}: {failure.reason}; asked again in {state.upcoming_sleep:.1f} s")

    def _epitaph(self, failure: AttemptFailed, course: _Course) -> str:
        tries = "once" if course.attempts == 1 else f"{course.attempts} times"
        seconds = self.clock() - course.began
        advice = (
            "the source's limit is lower than requests_per_second, or someone else uses it up"
            if failure.status == 429
            else "sync again later"
        )
        reason = course.reason if course.reason and course.is_silence(failure) else failure.reason
        return f"{course.what} could not be had: {reason} (tried {tries}, {seconds:.0f} s): {advice}"

    def _pacer(self, url: str, shop: str) -> Pacer:
        key = (urlsplit(url).netloc, shop)
        with self._lock:
            if key not in self._pacers:
                self._pacers[key] = Pacer(self._rate, self.clock, self._sleep)
            return self._pacers[key]

    def _pause(self, seconds: float) -> None:
        if self._closed.wait(seconds):
            raise SourceError("The reading of the source was stopped")


@dataclass(slots=True)
class _Course:
    """How one request is going."""

    what: str
    began: float = 0.0
    attempts: int = 0
    retrying: bool = False
    cut_short: bool = False
    """Whether too little of the patience was left for the last attempt."""
    reason: str | None = None
    """The last that says something of why it could not be had."""

    def is_silence(self, failure: AttemptFailed) -> bool:
        """Whether no answer came only because there was no time for one."""
        return self.cut_short and failure.status is None and failure.attempts is None


def _failure(state: RetryCallState) -> AttemptFailed:
    failure = state.outcome.exception() if state.outcome else None
    if not isinstance(failure, AttemptFailed):
        raise TypeError("tenacity asked about an attempt that did not fail")
    return failure


def _target(response: Response) -> str:
    try:
        return urlsplit(response.headers.get("Location", "")).hostname or "another path"
    except ValueError:
        return "no address at all"


def _retry_after(value: str | None) -> float | None:
    """Retry-After in seconds from now, from seconds or a date (RFC 9110, 10.2.3); None for the past and nonsense."""
    text = (value or "").strip()
    if re.fullmatch(r"[0-9]{1,18}", text):
        return float(text) or None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = (moment - datetime.now(UTC)).total_seconds()
    return seconds if seconds > 0 else None
