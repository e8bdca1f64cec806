"""What staging has already: each content, by the hash of the bytes that it came in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from pipelines.database import Connection

_DIGEST = hashlib.sha256().digest_size


class Landed:
    """Every content in a source's staging, all of them at once, in as few bytes as that takes: {raw: content + id}.

    `rows` are (raw_hash, content_hash, source_id), the hashes in hexadecimal; what is none is none of ours, and passed
    over: such a content is landed once more.
    """

    def __init__(self, rows: Iterable[tuple[str, str, str]] = ()) -> None:
        self._by_raw: dict[bytes, bytes] = {}
        for raw_hash, content_hash, source_id in rows:
            try:
                raw, content = bytes.fromhex(raw_hash), bytes.fromhex(content_hash)
            except ValueError:
                continue
            if len(content) == _DIGEST:
                self._by_raw[raw] = content + source_id.encode()
        self._contents: set[bytes] | None = None

    def __len__(self) -> int:
        return len(self._by_raw)

    def find(self, raw_hash: str) -> tuple[str, str] | None:
        """The source_id and the content_hash of what came in just these bytes before."""
        found = self._by_raw.get(bytes.fromhex(raw_hash))
        return None if found is None else (found[_DIGEST:].decode(), found[:_DIGEST].hex())

    def holds(self, content_hash: str) -> bool:
        """Whether this content is landed, in whatever bytes it came. Most syncs never ask."""
        if self._contents is None:
            self._contents = {found[:_DIGEST] for found in self._by_raw.values()}
        return bytes.fromhex(content_hash) in self._contents

    def forget(self) -> None:
        """Give the memory back: the last page is read."""
        self._by_raw, self._contents = {}, None


def landed(connection: Connection, source: str) -> Landed:
    """What is in staging now. To be read under the turn."""
    return Landed(connection.each(f"select raw_hash, content_hash, source_id from staging_{source}.payloads"))
