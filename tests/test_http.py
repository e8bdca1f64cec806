"""The shared client against a server on loopback: what is retried, what is bound, how it is paced, what is told."""

from __future__ import annotations

import gzip
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.errors import SourceError, SourceRefused
from pipelines.http import Client, Limits, Response
from pipelines.pace import Pacer, Stopwatch
from tests.loopback import SECRET, Script, Server, Time, answer, ask, client, hang_up, reset


@pytest.mark.parametrize(
    "trouble",
    [answer(status) for status in (408, 425, 429, 500, 502, 503, 504)]
    + [reset, hang_up, answer(length=10), answer(body=b"no gzip", Content_Encoding="gzip")],
)
def test_what_may_pass_is_asked_again(trouble: Script) -> None:
    told: list[str] = []
    with Server(trouble, trouble, answer(body=b"there")) as server, client(told=told) as made:
        assert ask(server, made).body == b"there"
    assert len(server.requests) == 3
    assert len(told) == 2
    assert all("asked again in" in line and SECRET not in line for line in told)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 418, 423])
def test_other_answers_are_the_caller_s_to_judge(status: int) -> None:
    with Server(answer(status, b"why")) as server, client() as made:
        assert ask(server, made).status == status
    assert len(server.requests) == 1


def test_a_request_is_given_up_when_patience_ends() -> None:
    time = Time()
    with Server(answer(503)) as server, client(time, patience=60) as made:
        with pytest.raises(SourceError, match="HTTP 503") as error:
            ask(server, made)
        assert 60 >= sum(time.slept) > 25
    assert SECRET not in str(error.value)
    assert "\n" not in str(error.value)


def test_all_retries_of_a_client_end_with_its_budget() -> None:
    time = Time()
    with Server(answer(500)) as server, client(time, patience=60, retry_budget=120) as made:
        for _ in range(8):
            with pytest.raises(SourceError):
                ask(server, made)
        assert sum(time.slept) <= 121
        asked = len(server.requests)
        with pytest.raises(SourceError):
            ask(server, made)
        # How often it is asked in what is left depends on the jitter; how long it waits in all does not.
        assert asked < len(server.requests)
        assert sum(time.slept) <= 121


def http_date(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        ("7", 7, 7),
        (20, 10, 20),
        ("0", 0, 0.5),
        ("-5", 0, 0.5),
        ("1000000000", 30, 30),
        (-3600, 0, 0.5),
        (10**8, 30, 30),
        ("soon", 0, 0.5),
        ("", 0, 0.5),
        ("9" * 400, 0, 0.5),
    ],
)
def test_retry_after_is_honoured_within_bounds(value: str | int, least: float, most: float) -> None:
    """A number stands for a date so many seconds from now."""
    time = Time()
    wish = value if isinstance(value, str) else http_date(value)
    with Server(answer(429, Retry_After=wish), answer()) as server, client(time) as made:
        ask(server, made)
    assert least <= sum(time.slept) <= most + 0.01


def test_a_throttled_client_lets_no_other_request_go_meanwhile() -> None:
    time = Time()
    waited: list[float] = []

    def another(_: str) -> None:
        before = time.now
        ask(server, made)
        waited.append(time.now - before)

    made = Client(1000, True, clock=time.clock, sleep=time.sleep, on_retry=another)
    with Server(answer(429, Retry_After="9"), answer()) as server, made:
        ask(server, made)
    assert waited == [pytest.approx(9, abs=0.01)]


def test_waits_grow_and_vary() -> None:
    time = Time()
    limits: dict[str, Any] = {"patience": 200, "retry_budget": 200}
    with Server(answer(500)) as server, client(time, **limits) as made, pytest.raises(SourceError):
        ask(server, made)
    waits = [seconds for seconds in time.slept if seconds > 0.01]
    assert max(waits) > 4
    assert len({round(seconds, 3) for seconds in waits}) > 3
    assert all(seconds <= 30 for seconds in waits)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with (
        Server(answer()) as other,
        Server(answer(status, Location=other.url)) as server,
        client() as made,
        pytest.raises(SourceError, match="redirects") as error,
    ):
        ask(server, made)
    assert other.requests == []
    assert len(server.requests) == 1
    assert SECRET not in str(error.value)


def test_a_redirect_to_what_is_no_address_is_told_as_one() -> None:
    with (
        Server(answer(302, Location="http://[x.example/")) as server,
        client() as made,
        pytest.raises(SourceError, match=r"redirects .* to no address at all"),
    ):
        ask(server, made)
    assert len(server.requests) == 1


def test_a_body_that_drips_ends_at_the_deadline_of_the_attempt() -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 X\r\nContent-Length: 100000\r\n\r\n")
        server.drip(connection)

    server = Server(drip, answer())
    with server, client(attempt=0.2, read=5) as made:
        assert ask(server, made).body == b"ok"


def test_headers_that_drip_end_at_the_deadline_of_the_attempt() -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 X\r\nX-Slow: ")
        server.drip(connection)

    server = Server(drip, answer())
    told: list[str] = []
    with server, client(told=told, attempt=0.2, read=5) as made:
        assert ask(server, made).body == b"ok"
    assert "had not answered in full" in told[0]


def test_a_body_without_length_that_is_cut_at_the_deadline_is_no_answer() -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 X\r\nConnection: close\r\n\r\n")
        server.drip(connection)

    server = Server(drip, answer())
    with server, client(attempt=0.2, read=5) as made:
        assert ask(server, made).body == b"ok"


def test_silence_is_a_timeout() -> None:
    server = Server(lambda connection: server.silence(connection), answer())
    told: list[str] = []
    with server, client(told=told, read=0.1) as made:
        assert ask(server, made).body == b"ok"
    assert "stopped answering" in told[0]
    silent = Server(answer(500), lambda connection: silent.silence(connection))
    with silent, client(patience=0.3) as made, pytest.raises(SourceError, match="HTTP 500"):
        ask(silent, made)


@pytest.mark.parametrize(
    "script",
    [
        answer(body=b"x" * 2_000_001),
        answer(body=gzip.compress(b"0" * 200_000_000), Content_Encoding="gzip"),
    ],
    ids=["plain", "gzip bomb"],
)
def test_a_body_beyond_the_limit_is_refused_at_once(script: Script) -> None:
    with Server(script) as server, client(body=2_000_000) as made, pytest.raises(SourceError, match="more than 2 MB"):
        ask(server, made)
    assert len(server.requests) == 1


def test_an_answer_that_is_none_is_asked_again_twice() -> None:
    def read(response: Response) -> int:
        if response.body != b"good":
            raise SourceError("the answer is a web page")
        return 42

    with Server(answer(body=b"bad"), answer(body=b"good")) as server, client() as made:
        assert made.ask("Page 1", "GET", server.url, read=read) == 42
    words = "Page 1 could not be had: the answer is a web page"
    with Server(answer(body=b"bad")) as server, client() as made, pytest.raises(SourceError, match=words):
        made.ask("Page 1", "GET", server.url, read=read)
    assert len(server.requests) == 3


def test_refused_credentials_are_not_asked_again() -> None:
    def read(response: Response) -> None:
        raise SourceRefused("no")

    with Server(answer()) as server, client() as made, pytest.raises(SourceRefused):
        made.ask("Page 1", "GET", server.url, read=read)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "169.254.169.254", "10.1.2.3", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "2130706433"],
)
def test_private_addresses_are_refused(host: str) -> None:
    with Client() as made, pytest.raises(SourceError, match="allow_private_address"):
        made.request("GET", f"http://{host}:9/")


@pytest.mark.parametrize("url", ["ftp://example.com/x", "file:///etc/passwd", "nonsense"])
def test_only_http_and_https(url: str) -> None:
    with client() as made, pytest.raises(SourceError, match="no http or https address"):
        made.request("GET", url)


@pytest.mark.parametrize("value", ["canary\n7b1f", "canary-ü", "canary\x00"])
def test_a_secret_that_cannot_be_sent_is_not_repeated(value: str) -> None:
    with Server(answer()) as server, client() as made, pytest.raises(SourceError) as error:
        made.request("GET", server.url, headers={"Authorization": value})
    assert "canary" not in str(error.value)
    assert "Authorization" in str(error.value)


def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        with client() as made, pytest.raises(SourceError, match="refuses connections"):
            made.request("GET", url)


def test_connections_are_kept_and_cookies_are_not() -> None:
    with Server(answer(Set_Cookie="a=1; Path=/"), answer()) as server, client() as made:
        ask(server, made)
        ask(server, made)
    assert server.connections == 1
    assert b"cookie" not in server.requests[1].lower()
    assert b"Accept-Encoding: gzip" in server.requests[0]


def test_closing_ends_waits() -> None:
    told = threading.Event()
    made = Client(allow_private_address=True, on_retry=lambda _: told.set(), limits=Limits(backoff=60, longest_wait=50))
    with Server(answer(503, Retry_After="40")) as server, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, server, made)
        assert told.wait(10)
        made.close()
        with pytest.raises(SourceError, match="stopped"):
            asked.result(10)


@settings(deadline=None)
@given(st.floats(0.2, 60), st.lists(st.floats(0, 0.4), min_size=1, max_size=80))
def test_no_second_holds_more_requests_than_the_limit(rate: float, pauses: list[float]) -> None:
    time = Time()
    pacer = Pacer(rate, time.clock, time.sleep)
    went = []
    for pause in pauses:
        time.now += pause
        pacer.wait()
        went.append(time.now)
    for begin in went:
        assert sum(begin <= moment < begin + 1 for moment in went) <= max(1, rate)


def test_the_limit_is_used_to_the_full() -> None:
    time = Time()
    pacer = Pacer(10, time.clock, time.sleep)
    for _ in range(101):
        pacer.wait()
    assert 10 < time.now - 1000 < 10.4


def test_what_the_limit_has_room_for_goes_out_almost_at_once() -> None:
    time = Time()
    pacer = Pacer(10, time.clock, time.sleep)
    for _ in range(7):
        pacer.wait()
    assert 0.05 < time.now - 1000 < 0.07


def test_waiting_for_its_turn_costs_a_request_no_patience() -> None:
    time = Time()
    limits = Limits(patience=10)
    with Server(answer()) as server, Client(0.05, True, limits=limits, clock=time.clock, sleep=time.sleep) as made:
        ask(server, made)
        assert ask(server, made).status == 200
    assert sum(time.slept) > 20


def test_time_of_several_at_once_counts_once() -> None:
    time = Time()
    watch = Stopwatch(time.clock)
    watch.start()
    time.now += 2
    watch.start()
    time.now += 3
    watch.stop()
    watch.stop()
    time.now += 10
    assert watch.seconds() == 5
