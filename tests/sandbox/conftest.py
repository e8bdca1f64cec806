"""Shops that a test opens, and that end with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pipelines.sandbox.server import Sandbox
from tests.sandbox.client import Client

Open = Callable[..., tuple[Sandbox, Client]]


@pytest.fixture
def open_shop() -> Iterator[Open]:
    """Opens a shop of 120 products, two and a half pages, without a limit on requests."""
    running: list[tuple[Sandbox, Client]] = []

    def opened(*faults: str, **settings: Any) -> tuple[Sandbox, Client]:
        shop = Sandbox(**{"products": 120, "rate": None, "faults": faults, **settings})
        shop.__enter__()
        running.append((shop, Client(shop)))
        return running[-1]

    yield opened
    for shop, client in running:
        client.session.close()
        shop.__exit__(None, None, None)
