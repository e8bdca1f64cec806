"""Answers that send their reader to another host: neither key nor token goes there."""

from __future__ import annotations

import orjson
import pytest

from models.integration import TreezSettings
from pipelines.errors import SourceError
from pipelines.http import Client
from pipelines.sources.treez import Treez
from tests.loopback import SECRET, Script, Server, Time, answer

TOKEN = orjson.dumps({"resultCode": "SUCCESS", "access_token": SECRET, "expires_in": "7200"})


def elsewhere(url: str) -> dict[str, Script]:
    """Ways of an answer to send its reader to another server."""
    bare = url.removeprefix("http:")
    token = TOKEN[:-1] + f',"base_url":"{url}","next":"{url}","location":"{url}"}}'.encode()
    return {
        "301": answer(301, Location=url),
        "302": answer(302, Location=bare),
        "303": answer(303, Location=url),
        "307": answer(307, Location=url),
        "308": answer(308, Location=url.replace("http://", "http://x@")),
        "300": answer(300, Location=url),
        "201": answer(201, Location=url),
        "refresh": answer(200, TOKEN[:-1], Refresh=f"0; url={url}", Content_Location=url, Link=f"<{url}>; rel=next"),
        "html": answer(200, f'<meta http-equiv="refresh" content="0; url={url}">'.encode()),
        "alternative": answer(503, Alt_Svc=f'h2="{bare[2:]}"', Location=url, Retry_After="0"),
        "proxy": answer(305, Location=url),
        "a token that names it": answer(200, token, Location=url),
    }  # fmt: skip


@pytest.mark.parametrize("how", elsewhere("http://x/"))
@pytest.mark.parametrize("api", ["treez-v2", "treez-v2, its pages", "bearer"])
def test_neither_key_nor_token_goes_to_another_host(api: str, how: str) -> None:
    with Server(answer(body=b"[]")) as other:
        way = elsewhere(other.url)[how]
        scripts = [answer(200, TOKEN), way] if api.endswith("pages") else [way]
        with Server(*scripts) as server:
            settings = TreezSettings(
                api="bearer" if api == "bearer" else "treez-v2",
                base_url=server.url.removesuffix("/list"), dispensary_id="shop", client_id="client", api_key="k",
                allow_private_address=True,
            )  # fmt: skip
            time = Time()
            with Client(1000, True, clock=time.clock, sleep=time.sleep) as made, pytest.raises(SourceError) as error:
                next(Treez().open(settings, f"{SECRET}-key", made).listing().pages())
        assert SECRET.encode() in server.requests[-1] or api == "treez-v2"
    assert (other.requests, other.connections) == ([], 0)
    assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    "token", ["x\r\nHost: evil", "x\nX-Evil: 1", "x\x00", "x\u2028y", "\u202ex", "x\x85y", "\x1b[2Jx"]
)
def test_a_token_that_would_forge_a_header_is_not_sent(token: str) -> None:
    body = orjson.dumps({"resultCode": "SUCCESS", "access_token": token, "expires_in": "7200"})
    with Server(answer(200, body)) as server, Client(1000, True) as made:
        settings = TreezSettings(
            base_url=server.url.removesuffix("/list"), dispensary_id="shop", client_id="c", api_key="k"
        )
        with pytest.raises(SourceError, match="header authorization can't be sent") as error:
            next(Treez().open(settings, "key", made).listing().pages())
    assert len(server.requests) == 1 and str(error.value).isprintable()
