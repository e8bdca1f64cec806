"""Where a secret stands that should stand nowhere: in anything that a run said, wrote or stored, in any spelling."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

from tests.shop import Shop
from tests.warm import Ran

CANARY = 'canary/é+"key" \\ of=the&shop%'
"""A key that looks different in a URL, in JSON and in base64; an API takes any text for one."""

_FEWEST = 12
"""Letters of a spelling that are enough to know it by."""


def spellings(secret: str) -> set[bytes]:
    """The secret as it may be written: in clear, URL-encoded, JSON-escaped, and in base64 wherever it begins."""
    texts = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), repr(secret)[1:-1]}
    texts |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    found = {text.encode() for text in texts}
    for coded in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):
            # Of a text inside another the first and the last letters depend on its neighbours.
            inner = coded(b"\0" * before + secret.encode())[4:-4]
            assert len(inner) >= _FEWEST, "the secret is too short to be known again in base64"
            found.add(inner)
    return found


def leaks(shop: Shop, ran: Ran, *secrets: str) -> list[str]:
    """Each place in which a secret stands: of what the run said, the files under its home, and every table."""
    wanted = {spelling for secret in secrets for spelling in spellings(secret)}
    return [name for name, content in _places(shop, ran) if any(spelling in content for spelling in wanted)]


def _places(shop: Shop, ran: Ran) -> Iterator[tuple[str, bytes]]:
    yield "standard output", ran.stdout.encode()
    yield "standard error", ran.stderr.encode()
    yield from _files(shop.home)
    with shop.connection() as connection:
        tables = connection.rows(
            "select table_schema as s, table_name as t from information_schema.tables "
            "where table_type = 'BASE TABLE' and table_schema not in ('information_schema', 'pg_catalog')"
        )
        for row in tables:
            name = f'"{row["s"]}"."{row["t"]}"'
            for one in connection.rows(f"select cast(of_table as text) as line from {name} as of_table"):
                yield f"table {name}", one["line"].encode()


def _files(home: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(home.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield str(path.relative_to(home)), path.read_bytes()
