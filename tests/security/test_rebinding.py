"""Names whose answer changes between check and use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pipelines.errors import SourceError
from pipelines.http import Client, Limits
from tests.loopback import SECRET, Server, Time, answer
from tests.security.resolver import network

NAME = "pos.example"
PUBLIC, OTHER, LOOPBACK = "1.1.1.1", "8.8.8.8", "127.0.0.1"


def port(url: str) -> int:
    return int(url.rpartition(":")[2].partition("/")[0])


@contextmanager
def careful(**limits: Any) -> Iterator[Client]:
    """A client that may speak to public addresses only, and doesn't wait between attempts."""
    time = Time()
    with Client(1000, limits=Limits(**limits), clock=time.clock, sleep=time.sleep) as made:
        yield made


def test_a_name_that_changes_between_check_and_use_is_looked_up_once() -> None:
    with (
        Server(answer()) as server,
        careful(retry_budget=0) as made,
        network({NAME: [[PUBLIC], [LOOPBACK]]}, reachable=[LOOPBACK]) as seen,
        pytest.raises(SourceError, match="refuses connections"),
    ):
        made.request("GET", f"http://{NAME}:{port(server.url)}/", headers={"Authorization": SECRET})
    assert (seen.asked, seen.connected) == ([NAME], [(PUBLIC, port(server.url))])
    assert server.requests == [] and server.connections == 0


def test_a_name_that_changes_between_two_attempts_is_refused_at_the_second() -> None:
    with (
        Server(answer()) as server,
        careful() as made,
        network({NAME: [[PUBLIC], [PUBLIC, OTHER], [LOOPBACK]]}, reachable=[LOOPBACK]) as seen,
        pytest.raises(SourceError, match=f"{NAME} leads to {LOOPBACK}"),
    ):
        made.request("GET", f"http://{NAME}:{port(server.url)}/")
    assert [address for address, _ in seen.connected] == [PUBLIC, PUBLIC, OTHER]
    assert server.connections == 0


@pytest.mark.parametrize(
    "answers", [[PUBLIC, LOOPBACK], [LOOPBACK, PUBLIC], [PUBLIC, "::1"], [PUBLIC] * 30 + ["10.0.0.1"]]
)
def test_one_private_address_among_public_ones_is_enough(answers: list[str]) -> None:
    with network({NAME: [answers]}) as seen, careful() as made:
        with pytest.raises(SourceError, match="no public address"):
            made.request("GET", f"https://{NAME}/")
        assert seen.connected == []


def test_each_address_of_a_name_is_tried_until_one_answers() -> None:
    with (
        Server(answer(body=b"here")) as server,
        Client(1000, allow_private_address=True) as made,
        network({NAME: [["::1", "127.0.0.9", "127.0.0.8", LOOPBACK]]}, reachable=[LOOPBACK]) as seen,
    ):
        assert made.request("GET", f"http://{NAME}:{port(server.url)}/").body == b"here"
    # Where the machine speaks no IPv6 its address can't even be tried.
    assert [address for address, _ in seen.connected if address != "::1"] == ["127.0.0.9", "127.0.0.8", LOOPBACK]
    assert f"Host: {NAME}:{port(server.url)}".encode() in server.requests[0]


def test_of_a_name_with_hundreds_of_silent_addresses_three_are_waited_for() -> None:
    many = [f"1.1.{number}.1" for number in range(250)]
    with (
        network({NAME: [many]}, silent=many) as seen,
        careful(retry_budget=0) as made,
        pytest.raises(SourceError, match="no answer in time"),
    ):
        made.request("GET", f"https://{NAME}/")
    assert [address for address, _ in seen.connected] == many[:3]
