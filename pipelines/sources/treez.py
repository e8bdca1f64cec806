"""Treez as a source: what a record's id and name are, and a reader of one dispensary. contracts/TREEZ.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from models.integration import TreezSettings
from pipelines.http import Client
from pipelines.sources.listing import Listing, Page
from pipelines.sources.token import KeptToken
from pipelines.sources.treez_api import V2, Bearer, Dialect

LONGEST_ID = 300
"""In characters; a Treez product_id is a UUID of 36."""

SMALLEST_FULL_PAGE = 50
"""The smallest of the page sizes that Treez documents (TREEZ.md, Paging)."""


class Treez:
    """The source `treez`, for the dialects treez-v2 and bearer."""

    largest_answer = 50_000_000
    merged_from = "merged_from_product_ids"
    telling: tuple[str, ...] = (
        "pricing",
        "discounts",
        "category_type",
        "product_status",
        "above_threshold",
        "sellable_quantity",
    )

    def open(self, settings: TreezSettings, secret: str, client: Client, kept: KeptToken | None = None) -> TreezReader:
        """A reader of one dispensary; no request goes out before something is asked of it."""
        dialect = V2 if settings.api == "treez-v2" else Bearer
        return TreezReader(self, dialect(settings, secret.strip(), client, kept), settings, client)

    def source_id(self, record: dict[str, Any]) -> str | None:
        """`product_id`: text of 1 to 300 characters, or a whole number."""
        value = record.get("product_id")
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        trimmed = value.strip() if isinstance(value, str) else ""
        return trimmed if 0 < len(trimmed) <= LONGEST_ID else None

    def name(self, record: dict[str, Any]) -> str | None:
        """e_commerce.menu_title where it is set, else product_configurable_fields.name, else a flat record's name."""
        for value in (
            _member(record, "e_commerce", "menu_title"),
            _member(record, "product_configurable_fields", "name"),
            record.get("name"),
        ):
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            text = str(value).strip() if is_number or isinstance(value, str) else ""
            if text:
                return text
        return None

    def identity(self, record: bytes) -> str | None:
        """`source_id` of a record's bytes, read no further than that; None where there is none."""
        try:
            found = _IDENTITY.decode(record)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return None
        return self.source_id({"product_id": found.product_id})


class TreezReader:
    """One dispensary's products: all of them in a listing (`active=ALL`), or those of some ids."""

    def __init__(self, source: Treez, dialect: Dialect, settings: TreezSettings, client: Client) -> None:
        self._source = source
        self._dialect = dialect
        self._settings = settings
        self._ahead = client.limits.concurrency

    def listing(self) -> Listing:
        """A pass through the whole listing, deactivated products included."""
        is_bearer = self._settings.api == "bearer"
        return Listing(
            self._dialect.page,
            self._source.identity,
            ahead=self._ahead,
            unpaged=is_bearer,
            smallest_full_page=1 if is_bearer else min(self._settings.page_size or 50, SMALLEST_FULL_PAGE),
        )

    def look_up(self, source_ids: Sequence[str]) -> Iterator[Page]:
        """The records of those ids that the source still has, as pages numbered 0; several calls at once.

        Raises SourceError when one call has no usable answer, SourceRefused.
        """
        pool = ThreadPoolExecutor(self._ahead, thread_name_prefix="look-up")
        try:
            for records in pool.map(self._found, self._dialect.batches(source_ids)):
                if records:
                    yield Page(0, records)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _found(self, source_ids: Sequence[str]) -> list[bytes]:
        return self._dialect.look_up(source_ids, self._source.identity)


class _Identity(msgspec.Struct):
    product_id: str | int | None = None


_IDENTITY = msgspec.json.Decoder(_Identity)


def _member(record: dict[str, Any], outer: str, inner: str) -> Any:
    value = record.get(outer)
    return value.get(inner) if isinstance(value, dict) else None
