"""The listing as bytes: every record rendered once, in order, filtered, dressed, and changed while it is read."""

from __future__ import annotations

import json
import threading
import zlib
from bisect import insort
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from pipelines.sandbox.catalogue import listing_order, records
from pipelines.sandbox.dress import PLAIN, Dress
from pipelines.sandbox.poison import rendered

INSERTED_ID = "0a0a0000-0000-4000-8000-{:012x}"
MOST_VIEWS = 64


@dataclass(frozen=True, slots=True)
class Row:
    """One record as it is sent, and what the filters ask of it."""

    raw: bytes
    product_id: str | None = None
    category: str | None = None
    active: bool = True
    on_sale: bool = True
    updated: str = ""


@dataclass(frozen=True, slots=True)
class Filter:
    """product_list's filters. active: TRUE (deactivated ones only while still sold: TREEZ.md), FALSE or ALL; after:
    only what was updated later than that."""

    active: str = "TRUE"
    category: str | None = None
    ids: frozenset[str] | None = None
    above_threshold: bool | None = None
    after: datetime | None = None

    def takes(self, row: Row) -> bool:
        """Whether the row is listed."""
        return (
            (self.active == "ALL" or (row.active or row.on_sale if self.active == "TRUE" else not row.active))
            and (self.category is None or row.category == self.category)
            and (self.ids is None or row.product_id in self.ids)
            and (row.on_sale or not self.above_threshold)
            and (self.after is None or _is_later(row.updated, self.after))
        )


ORDERS: Mapping[str, Callable[[Row], Any]] = {
    "id": lambda row: row.product_id or "",
    "updated": lambda row: (row.updated, row.product_id or ""),
    "shuffled": lambda row: zlib.crc32((row.product_id or "").encode()),
}
"""The orders that a listing can be set to, beside its own."""


class Listing:
    """What the shop lists, in order, rendered once: a page is a slice of it. Safe with many requests at once."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = list(rows)
        self._by_id = {row.product_id: row for row in reversed(self.rows)}
        self._views: dict[tuple[Filter, str], list[Row]] = {}
        self._dressed: dict[Dress, dict[bytes, bytes]] = {}
        self._inserted = 0
        self._lock = threading.Lock()

    @classmethod
    def of_day(cls, *, products: int, seed: int, day: int) -> Listing:
        """The catalogue of a day, in Treez's order."""
        found = [
            # Copied, for orjson's own buffer keeps the room that it grew to: four times the memory.
            (listing_order(record), _row(record, bytes(memoryview(orjson.dumps(record)))))
            for record in records(products=products, seed=seed, day=day)
        ]
        found.sort(key=lambda pair: pair[0])
        return cls(row for _, row in found)

    @classmethod
    def of(cls, products: Iterable[Any]) -> Listing:
        """Whatever stands in a list that a test has changed, in its order: NaN and lone surrogates are sent as such."""
        return cls(_row(record, rendered(record)) for record in products)

    def products(self) -> list[Any]:
        """The records as Python values."""
        return [json.loads(row.raw) for row in self.rows]

    def one(self, product_id: str) -> bytes | None:
        """The record of an id; the first where a test has doubled it."""
        row = self._by_id.get(product_id)
        return None if row is None else row.raw

    def view(self, which: Filter, order: str = "name") -> list[Row]:
        """The rows that a filter takes, in an order: not to be changed."""
        with self._lock:
            found = self._views.get((which, order))
            if found is None:
                found = [row for row in self.rows if which.takes(row)]
                if order in ORDERS:
                    found.sort(key=ORDERS[order])
                if len(self._views) >= MOST_VIEWS:
                    self._views.clear()
                self._views[which, order] = found
            return found

    def dressed(self, raws: list[bytes], dress: Dress) -> list[bytes]:
        """The records as a request is shown them: each is dressed once, when it is first asked for."""
        if dress == PLAIN:
            return raws
        known = self._dressed.setdefault(dress, {}) if dress.location is None else {}
        for raw in raws:
            if raw not in known:
                known[raw] = dress.put_on(raw)
        return [known[raw] for raw in raws]

    def with_product(self, record: Any) -> Listing:
        """This listing with a product added where it belongs, or changed: then it stands where its name now has it."""
        row = _row(record, rendered(record))
        rows = [other for other in self.rows if other.product_id != row.product_id]
        insort(rows, row, key=_place)
        return Listing(rows)

    def without(self, product_id: str) -> Listing:
        """This listing without a product."""
        return Listing(row for row in self.rows if row.product_id != product_id)

    def slide(self) -> None:
        """Rename the first product so that it comes last: what stood at each page border moves to the page before."""
        with self._lock:
            record = json.loads(self.rows[0].raw)
            fields = record["product_configurable_fields"]
            fields["name"] = f"🪴 {fields['name']}"
            self._replace([*self.rows[1:], _row(record, rendered(record))])

    def insert(self) -> None:
        """Add a product in front: what stood at each page border moves to the page after."""
        with self._lock:
            record = json.loads(self.rows[0].raw)
            self._inserted += 1
            record["product_id"] = INSERTED_ID.format(self._inserted)
            record["product_configurable_fields"]["name"] = f"! New Arrival {self._inserted}"
            self._replace([_row(record, rendered(record)), *self.rows])

    def delete(self) -> None:
        """Take the first product off: what stood at each page border moves to the page before."""
        with self._lock:
            self._replace(self.rows[1:])

    def _replace(self, rows: list[Row]) -> None:
        self.rows = rows
        self._by_id = {row.product_id: row for row in reversed(rows)}
        self._views.clear()


def respelled(raw: bytes) -> bytes:
    """The same contents with keys in another order, other white space, 1 as 1.0; what is no JSON stays."""
    try:
        return json.dumps(_reversed(json.loads(raw)), indent=1, ensure_ascii=True).encode()
    except (ValueError, RecursionError):
        return raw


def _place(row: Row) -> tuple[str, str]:
    fields = json.loads(row.raw).get("product_configurable_fields") if row.product_id else None
    name = fields.get("name") if isinstance(fields, dict) else None
    return name if isinstance(name, str) else "", row.product_id or ""


def _row(record: Any, raw: bytes) -> Row:
    if not isinstance(record, dict):
        return Row(raw)
    identity, updated = record.get("product_id"), record.get("last_updated_at")
    return Row(
        raw,
        identity if isinstance(identity, str) else None,
        record.get("category_type"),
        record.get("product_status") != "DEACTIVATED",
        record.get("above_threshold") is True,
        updated if isinstance(updated, str) else "",
    )


def _is_later(updated: str, moment: datetime) -> bool:
    """A record whose date can't be read is listed: it may have changed."""
    try:
        found = datetime.fromisoformat(updated)
    except ValueError:
        return True
    return found.tzinfo is None or found > moment


def _reversed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reversed(value[key]) for key in reversed(value)}
    if isinstance(value, list):
        return [_reversed(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value
