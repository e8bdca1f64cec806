"""Faults of the connection, of the key, and of whole answers."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import orjson
import pytest
import requests

from tests.sandbox.client import Client
from tests.sandbox.conftest import Open


def broken(client: Client) -> None:
    with pytest.raises(requests.ConnectionError):
        client.page(1)
    with pytest.raises(requests.ConnectionError):
        client.bearer()


def status(code: int, text: str = "", **headers: str) -> Callable[[Client], None]:
    def seen(client: Client) -> None:
        for answer in (client.page(1), client.bearer()):
            assert answer.status_code == code
            assert text in answer.text
            assert headers.items() <= dict(answer.headers).items()

    return seen


def unreadable(client: Client) -> None:
    for answer in (client.page(1), client.bearer()):
        assert answer.status_code == 200
        assert int(answer.headers["Content-Length"]) == len(answer.content)
        with pytest.raises(ValueError):
            answer.json()


def cut(client: Client) -> None:
    for ask in (client.page, client.bearer):
        with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
            ask()


def key_refused(client: Client) -> None:
    assert client.token().json()["resultCode"] == "FAIL"
    assert client.bearer().status_code == 401


def token_expired(client: Client) -> None:
    assert [client.page(1).status_code for _ in range(2)] == [401, 401]
    client.token()
    assert client.page(1).status_code == 200


def slow(client: Client) -> None:
    begun = time.monotonic()
    client.page(1)
    assert time.monotonic() - begun >= 0.04


def late(date: str) -> Callable[[Client], None]:
    def seen(client: Client) -> None:
        sent = client.page(1).headers["Retry-After"]
        assert abs((parsedate_to_datetime(sent) - datetime.now(UTC)).total_seconds() - float(date)) < 30

    return seen


def no_content(client: Client) -> None:
    answer = client.page(1)
    assert (answer.status_code, answer.content) == (204, b"")
    assert "Content-Length" not in answer.headers and client.page(2).status_code == 204


def redirect_loop(client: Client) -> None:
    with pytest.raises(requests.TooManyRedirects):
        client.session.get(client.products, headers={"Authorization": f"Bearer {client.shop.api_key}"})


def unauthorized(client: Client) -> None:
    for _ in range(2):
        client.token()
        assert (client.page(1).status_code, client.bearer().status_code) == (401, 401)


def token_says(expires_in: str | None) -> Callable[[Client], None]:
    def seen(client: Client) -> None:
        said = client.token().json()
        assert said.get("expires_in") == expires_in
        assert ("expires_at" in said) is (expires_in is not None)
        assert client.page(1).ok

    return seen


def token_life(client: Client) -> None:
    assert client.token().json()["expires_in"] == "0"
    assert client.page(1).status_code == 401


def cut_chunked(client: Client) -> None:
    for ask in (client.page, client.bearer):
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            ask()


def short_length(client: Client) -> None:
    answer = client.bearer()
    assert len(answer.content) == int(answer.headers["Content-Length"]) < len(orjson.dumps(client.shop.products))
    with pytest.raises(ValueError):
        answer.json()


def hang(client: Client) -> None:
    client.token()
    with pytest.raises(requests.ConnectionError, match="timed out"):
        client.session.get(client.products, headers={"Authorization": "Bearer sandbox-key"}, timeout=0.05)
    # The headers did come.
    with client.session.get(
        client.products, headers={"Authorization": "Bearer sandbox-key"}, timeout=5, stream=True
    ) as answer:
        assert answer.status_code == 200 and int(answer.headers["Content-Length"]) > 0


def slowly(client: Client) -> None:
    begun = time.monotonic()
    assert client.token().ok
    assert time.monotonic() - begun >= 0.005
    assert client.page(1).ok


def gzip_bomb(client: Client) -> None:
    answer = client.page(1)
    assert int(answer.headers["Content-Length"]) < 8_000
    assert len(answer.content) > 3 * 1024 * 1024 and answer.json()["data"]["product_list"] == []


def wrong_encoding(client: Client) -> None:
    with pytest.raises(requests.exceptions.ContentDecodingError):
        client.page(1)


def wrong_charset(client: Client) -> None:
    answer = client.bearer()
    assert answer.encoding == "ISO-8859-1" and answer.text != answer.content.decode()


def keep_alive_closed(client: Client) -> None:
    connection = http.client.HTTPConnection(client.shop.base_url.removeprefix("http://"))
    headers = {"Authorization": f"Bearer {client.shop.api_key}"}
    connection.request("GET", "/v2/dispensary/sandbox/products", headers=headers)
    answer = connection.getresponse()
    assert len(json.loads(answer.read())) == 120 and not answer.will_close
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        connection.request("GET", "/v2/dispensary/sandbox/products", headers=headers)
        connection.getresponse()
    connection.close()


def begins(start: bytes, end: bytes = b"") -> Callable[[Client], None]:
    def seen(client: Client) -> None:
        for answer in (client.page(1), client.bearer()):
            assert answer.status_code == 200
            assert answer.content.startswith(start) and answer.content.endswith(end)
            with pytest.raises(ValueError):
                orjson.loads(answer.content)

    return seen


def no_envelope(client: Client) -> None:
    assert client.page(1).json() is None and client.bearer().json() is None
    shapes = ("array", "text", "number", "no-data", "no-list", "list-object", "strange-list")
    seen = []
    for shape in shapes:
        client.shop.set_faults((f"wrong-shape:as={shape}",))
        seen.append(client.page(1).json())
    assert seen[:3] == [[], "try again", 7]
    assert [type(one.get("data", {}).get("product_list")).__name__ for one in seen[3:]] == [
        "NoneType", "NoneType", "dict", "list",
    ]  # fmt: skip


SEEN: dict[str, Callable[[Client], None]] = {
    "down": broken,
    "reset": broken,
    "reset-body": cut,
    "cut-body": cut,
    "cut-chunked": cut_chunked,
    "short-length": short_length,
    "slow:ms=20": slow,
    "slow-headers:ms=1,at=token": slowly,
    "drip:ms=1,at=token": slowly,
    "hang": hang,
    "gzip-bomb:mb=3": gzip_bomb,
    "wrong-encoding": wrong_encoding,
    "wrong-charset": wrong_charset,
    "keep-alive-closed": keep_alive_closed,
    "http-204": no_content,
    "http-408": status(408, "<html>"),
    "http-409": status(409, "CONFLICT"),
    "http-423": status(423, "LOCKED"),
    "http-425": status(425),
    "http-429:retry_after=soon": status(429, "OVER LIMIT", **{"Retry-After": "soon"}),
    "http-429:retry_after=-5": status(429, **{"Retry-After": "-5"}),
    "http-429:retry_after=date+3600": late("3600"),
    "http-429:retry_after=date-3600": late("-3600"),
    "http-500": status(500),
    "http-502:retry_after=1": status(502, **{"Retry-After": "1"}),
    "http-503:retry_after=3": status(503, **{"Retry-After": "3"}),
    "http-504": status(504),
    "html": status(200, "<html>", **{"Content-Type": "text/html"}),
    "fail-200": status(200, '"FAIL"'),
    "empty-body": unreadable,
    "redirect:to=http://127.0.0.1:9/,status=307": status(307, Location="http://127.0.0.1:9/"),
    "redirect-loop": redirect_loop,
    "key-refused": key_refused,
    "token-expired": token_expired,
    "unauthorized": unauthorized,
    "forbidden": status(403, "Forbidden"),
    "not-found": status(404, "NOT_FOUND"),
    "token-no-expiry": token_says(None),
    "token-clock": token_says("-3600"),
    "token-clock:as=future": token_says("10800"),
    "token-life:seconds=0": token_life,
    "bad-json": unreadable,
    "invalid-json": begins(b"", b""),
    "trailing-junk": begins(b"", b"-->"),
    "bom": begins(b"\xef\xbb\xbf"),
    "utf-16": begins(b"\xff\xfe"),
    "wrong-shape:as=null": no_envelope,
}
"""The faults, as they are set, and what then is seen."""


@pytest.mark.parametrize("fault", SEEN)
def test_every_fault_does_what_it_says(open_shop: Open, fault: str) -> None:
    _, client = open_shop(fault)
    SEEN[fault](client)
