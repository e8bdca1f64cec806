"""One HTTP attempt on the wire: address checked, nothing followed, size and total time bound."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from pydantic import JsonValue
from urllib3.exceptions import InvalidHeader as UnreadableHeader

from pipelines.address import Unresolved, check_url, connector, shown_host
from pipelines.deadline import Adapter, Attempt, watched
from pipelines.errors import SourceError

_CHUNK = 64 * 1024
_PASSING = (
    requests.exceptions.ConnectionError,
    requests.exceptions.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)


@dataclass(frozen=True, slots=True)
class Response:
    """What a server answered: the status, its headers (any case) and the whole body, decompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class AttemptFailed(Exception):
    """One attempt went wrong in a way that may pass; `retry_after` is the server's wish, in seconds.

    Internal to http.py, which turns the last of them into a SourceError. `attempts` bounds how often such a
    trouble is tried at all, None: as long as there is patience.
    """

    def __init__(
        self, reason: str, *, retry_after: float | None = None, status: int | None = None, attempts: int | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after
        self.status = status
        self.attempts = attempts


class _Session(requests.Session):
    """One that doesn't look where a redirect leads: nothing is followed, and what is no address raises a ValueError."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """None, whatever it is."""
        return None


class Wire:
    """Connections to servers, kept open between requests. Safe for `connections` threads at once."""

    def __init__(
        self, *, allow_private_address: bool, connections: int, connect: float, read: float, body_limit: int
    ) -> None:
        self._timeouts = (connect, read)
        self._body_limit = body_limit
        self._under_way: set[Attempt] = set()
        self._session = _Session()
        # Neither proxies nor .netrc of the machine: the latter would replace our authorization.
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers.clear()
        self._session.headers.update({"User-Agent": "guidelight-sync", "Accept-Encoding": "gzip, deflate"})
        opens = connector(allow_private=allow_private_address)
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, Adapter(opens, connections=connections))

    def close(self) -> None:
        """Close every connection; an attempt that still waits for its answer fails now, and not at its deadline."""
        for attempt in tuple(self._under_way):
            attempt.expire()
        self._session.close()

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        params: Mapping[str, str | list[str]],
        data: Mapping[str, str] | None,
        json: JsonValue = None,
        deadline: float,
    ) -> Response:
        """One request and its whole answer, within `deadline` seconds; a redirect is an answer like any other.

        Raises AttemptFailed for what may pass (refused, reset, too slow, cut short), SourceError for what won't:
        an address that is not allowed, a certificate, a body beyond the limit, a header that can't be sent.
        """
        _check_headers(headers)
        check_url(url)
        with watched(deadline, self._under_way) as watch:
            try:
                answer = self._session.request(
                    method,
                    url,
                    headers=dict(headers),
                    params=dict(params),
                    data=None if data is None else dict(data),
                    json=json,
                    timeout=self._timeouts,
                    allow_redirects=False,
                    stream=True,
                )
                with answer:
                    body = self._body(answer, url)
            except requests.exceptions.RequestException as error:
                # requests' own words may quote the header that could not be sent: they are never repeated.
                raise _translated(error, url, deadline if watch.cut else None) from None
            except Unresolved as error:
                raise AttemptFailed(str(error)) from error
        if watch.cut:
            raise _too_slow(url, deadline)
        return Response(answer.status_code, answer.headers, body)

    def _body(self, answer: requests.Response, url: str) -> bytes:
        kept = bytearray()
        try:
            for chunk in answer.iter_content(_CHUNK):
                kept += chunk
                if len(kept) > self._body_limit:
                    raise SourceError(
                        f"{shown_host(url)} answered with more than {self._body_limit // 1_000_000} MB: "
                        "set page_size of the integration to a smaller number"
                    )
        except ValueError as error:
            # A chunk of a negative length, which urllib3 passes on to the socket as it is.
            raise _broken(url) from error
        return bytes(kept)


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable()):
            raise SourceError(
                f"The header {name} can't be sent: its value holds a line break or a character beyond ASCII. "
                "Set the secret of the integration again, without them"
            )


def _translated(error: requests.exceptions.RequestException, url: str, cut_after: float | None) -> Exception:
    host = shown_host(url)
    if cut_after is not None:
        return _too_slow(url, cut_after)
    if isinstance(error, requests.exceptions.SSLError) and _caused_by(error, ssl.SSLCertVerificationError):
        return SourceError(f"The certificate of {host} is not valid: check base_url, and this machine's clock")
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return AttemptFailed(f"{host} can't be connected to: no answer in time")
    if isinstance(error, requests.exceptions.Timeout):
        return AttemptFailed(f"{host} stopped answering")
    if _caused_by(error, ConnectionRefusedError):
        return AttemptFailed(f"{host} refuses connections")
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return AttemptFailed(f"{host} sent a body that can't be decompressed")
    if _caused_by(error, UnreadableHeader):
        return AttemptFailed(f"{host} sent a header that makes no sense")
    if isinstance(error, _PASSING):
        return _broken(url)
    return SourceError(f"The request to {host} can't be sent ({type(error).__name__}): check base_url")


def _broken(url: str) -> AttemptFailed:
    return AttemptFailed(f"the connection to {shown_host(url)} broke before the answer was complete")


def _too_slow(url: str, seconds: float) -> AttemptFailed:
    return AttemptFailed(f"{shown_host(url)} had not answered in full after {seconds:.0f} s")


def _caused_by(error: BaseException, kind: type[BaseException], depth: int = 10) -> bool:
    """Whether an exception of that kind stands anywhere in what requests and urllib3 wrapped."""
    if isinstance(error, kind):
        return True
    inner: list[Any] = [*error.args, getattr(error, "reason", None), error.__cause__, error.__context__]
    return depth > 0 and any(_caused_by(item, kind, depth - 1) for item in inner if isinstance(item, BaseException))
