"""Ids and shops in the path of a request: each is one segment of it, whatever it holds."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from pydantic import ValidationError

from models.integration import TreezSettings
from pipelines.errors import PageError
from pipelines.http import Client
from pipelines.sources.treez import Treez, TreezReader
from tests.loopback import Server, answer
from tests.security.texts import CODE, TERMINAL

BEFORE = "/v2/dispensary/shop/products/"


def reader(server: Server, client: Client) -> TreezReader:
    settings = TreezSettings(base_url=server.url.removesuffix("/list"), dispensary_id="shop", api_key="k")
    return Treez().open(settings, "key", client)


def test_an_id_is_one_segment_of_the_path() -> None:
    ids = [text.strip() for text in (*CODE, *TERMINAL)] + [
        "a/../../b",
        "...",
        "..;",
        ".%2e",
        "%2e%2e",
        "a?b#c",
        "\\..\\",
    ]
    with Server(answer(404)) as server, Client(1000, True) as made:
        for identity in ids:
            assert list(reader(server, made).look_up([identity])) == []
    targets = [request.split(b" ", 2)[1].decode() for request in server.requests]
    assert [unquote(target.removeprefix(BEFORE)) for target in targets] == ids
    assert all(target.startswith(BEFORE) and "/" not in target.removeprefix(BEFORE) for target in targets)


@pytest.mark.parametrize("identity", [".", ".."])
def test_an_id_that_would_be_another_path_is_not_asked_for(identity: str) -> None:
    with Server(answer(404)) as server, Client(1000, True) as made, pytest.raises(PageError, match="another address"):
        list(reader(server, made).look_up([identity]))
    assert server.requests == []


@pytest.mark.parametrize(
    "shop", ["", ".", "..", "../x", "a/b", "a?b", "a#b", "a%2fb", "a b", "a\n", ".hidden", "shop\n"]
)
def test_a_shop_is_a_name(shop: str) -> None:
    with pytest.raises(ValidationError, match="dispensary_id"):
        TreezSettings(dispensary_id=shop, api_key="k")
