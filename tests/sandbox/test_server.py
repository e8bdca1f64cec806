"""The sandbox as a thing that starts, is changed while it runs, and ends."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
import requests

from pipelines.errors import ConfigurationError
from pipelines.sandbox.catalogue import catalogue
from pipelines.sandbox.server import Sandbox
from tests.sandbox.client import Client
from tests.sandbox.conftest import Open


def test_changed_products_are_served_after_refresh(open_shop: Open) -> None:
    shop, client = open_shop()
    before = client.bearer().content
    shop.products[0]["pricing"] = {"price_type": "FLAT", "price_sell": float("nan")}
    shop.products[1]["product_configurable_fields"]["name"] = "half \ud83d"
    del shop.products[2:]
    assert client.bearer().content == before
    shop.refresh()
    served = json.loads(client.bearer().content)
    assert len(served) == 2 and served[0]["pricing"]["price_sell"] != served[0]["pricing"]["price_sell"]
    assert served[1]["product_configurable_fields"]["name"] == "half \ud83d"


def test_refresh_alone_changes_no_byte(open_shop: Open) -> None:
    shop, client = open_shop()
    before = client.bearer().content
    assert shop.products
    shop.refresh()
    assert client.bearer().content == before


def test_the_day_moves_on_at_run_time(open_shop: Open) -> None:
    shop, client = open_shop()
    held = shop.products
    shop.set_day(3)
    assert client.bearer().json() == held == catalogue(products=120, seed=1, day=3)


def test_stopping_hangs_up_at_once_and_leaves_no_port() -> None:
    outcomes: list[str] = []

    def ask() -> None:
        try:
            outcomes.append(str(client.page(2).status_code))
        except requests.ConnectionError:
            outcomes.append("hung up")

    with Sandbox(products=1, faults=("slow:ms=60000,page=2",), rate=None) as shop:
        port = int(shop.base_url.rpartition(":")[2])
        client = Client(shop)
        client.page(1)
        waiting = threading.Thread(target=ask)
        waiting.start()
        while len(shop.requests) < 3:
            assert waiting.is_alive()
        begun = time.monotonic()
    waiting.join(10)
    assert outcomes == ["hung up"] and time.monotonic() - begun < 5
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 1)
    with pytest.raises(ConfigurationError, match="not running"):
        _ = shop.base_url


def test_a_taken_port_is_a_configuration_error(open_shop: Open) -> None:
    shop, _ = open_shop()
    taken = int(shop.base_url.rpartition(":")[2])
    with pytest.raises(ConfigurationError, match=f"127.0.0.1:{taken}"), Sandbox(products=1, port=taken):
        pass
    with pytest.raises(ConfigurationError, match="page_cap from 1"):
        Sandbox(page_cap=0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_blocks_until_a_signal_comes(number: signal.Signals) -> None:
    program = (
        "from pipelines.sandbox.server import Sandbox, serve\n"
        "with Sandbox(products=1) as shop:\n    serve(lambda: print(shop.base_url, flush=True))\nprint('ended')"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    base_url = process.stdout.readline().strip()
    assert requests.get(base_url, timeout=10).status_code == 404
    process.send_signal(number)
    assert process.communicate(timeout=10)[0] == "ended\n"
    assert process.returncode == 0
