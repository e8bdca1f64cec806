"""What the machine's resolver and the network say, in a test's hands: neither is ours, and both can be hostile."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

Names = Mapping[str, Sequence[Sequence[str]]]
"""What a name's look-ups answer, one after the other; the last for ever."""


@dataclass
class Network:
    """Which names were looked up, and which addresses a connection was begun to."""

    asked: list[str] = field(default_factory=list)
    connected: list[tuple[str, int]] = field(default_factory=list)


@contextmanager
def network(names: Names, *, reachable: Sequence[str] = (), silent: Sequence[str] = ()) -> Iterator[Network]:
    """No DNS but `names`; a number in any spelling of the C library's is itself. Other addresses refuse."""
    seen = Network()
    look_up, connect = socket.getaddrinfo, socket.socket.connect

    def answered(host: str, port: int, *args: Any, **options: Any) -> list[Any]:
        seen.asked.append(host)
        known = names.get(host.rstrip(".").lower())
        if known is None:
            return look_up(host, port, *args, **options | {"flags": socket.AI_NUMERICHOST})
        answers = known[min(seen.asked.count(host), len(known)) - 1]
        return [entry for one in answers for entry in look_up(one, port, *args, **options)]

    def connected(self: socket.socket, address: Any) -> None:
        seen.connected.append(address[:2])
        if address[0] in silent:
            raise TimeoutError
        if address[0] not in reachable:
            raise ConnectionRefusedError
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", answered)
        patch.setattr(socket.socket, "connect", connected)
        yield seen
