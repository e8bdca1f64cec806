"""The listing as bytes: every record rendered once, filtered, cut into pages, with the faults that change contents."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from pipelines.sandbox.catalogue import listing_order, records
from pipelines.sandbox.faults import Faults
from pipelines.sandbox.goods import Product

BAD_ID = "bad00000-0000-4000-8000-{:012x}"


@dataclass(frozen=True, slots=True)
class Row:
    """One record as it is sent, and what the filters ask of it."""

    raw: bytes
    product_id: str | None
    category: str | None
    active: bool
    on_sale: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """product_list's filters. active: TRUE (deactivated ones only while still sold: TREEZ.md), FALSE or ALL."""

    active: str = "TRUE"
    category: str | None = None
    ids: frozenset[str] | None = None
    above_threshold: bool = False

    def takes(self, row: Row) -> bool:
        """Whether the row is listed."""
        return (
            (self.active == "ALL" or (row.active or row.on_sale if self.active == "TRUE" else not row.active))
            and (self.category is None or row.category == self.category)
            and (self.ids is None or row.product_id in self.ids)
            and (row.on_sale or not self.above_threshold)
        )


@dataclass(frozen=True, slots=True)
class Page:
    """The records of one answer, and the total that stands with them (None: none stands there)."""

    raws: list[bytes]
    total: int | None
    past_end: bool = False


class Listing:
    """What the shop lists, in order, rendered once: a page is a slice of it."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = list(rows)
        self._by_id = {row.product_id: row for row in reversed(self.rows)}
        self._views: dict[Filter, list[Row]] = {}
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

    def page(self, which: Filter, number: int, size: int, faults: Faults) -> Page:
        """Page `number`, from 1, of at most `size` records, with the faults that are set for it."""
        if self.rows and faults.take("sliding", "listing", number):
            self._slide()
        rows = self._view(which)
        shown = number
        if repeat := faults.take("repeat-page", "listing", number):
            shown = (repeat.page or 2) - 1
        elif faults.take("page-one-forever", "listing", number):
            shown = 1
        start = (shown - 1) * size
        inserted = self._shifted(rows, size, faults)
        raws = [row.raw for row in inserted[start : start + size]] + self._beyond(rows, shown, faults)
        past_end = shown > 1 and not raws
        total = len(inserted) - (1 if faults.look("duplicate", "listing") and len(inserted) > len(rows) else 0)
        return _changed(Page(raws, 0 if past_end else total, past_end), faults, number)

    def whole(self, faults: Faults) -> Page:
        """All records in one answer, as the bearer dialect has it, with the faults set, whatever their page."""
        extra = [
            *(_duplicates(self.rows[0:50]) if faults.take("duplicate", "listing") else ()),
            *(bad_records(fault.number("count")) if (fault := faults.take("bad-records", "listing")) else ()),
        ]
        return _changed(Page([row.raw for row in self.rows] + extra, None), faults, None)

    def _view(self, which: Filter) -> list[Row]:
        with self._lock:
            found = self._views.get(which)
        if found is None:
            found = [row for row in self.rows if which.takes(row)]
            if which.ids is None:
                with self._lock:
                    self._views[which] = found
        return found

    def _shifted(self, rows: list[Row], size: int, faults: Faults) -> Sequence[Row]:
        """The rows with those that a fault inserts for good: the rest moves on, and no page grows."""
        for name in ("duplicate", "bad-records"):
            fault = faults.look(name, "listing")
            if fault is None or fault.times is not None:
                continue
            place = ((fault.page or 1) - 1) * size
            if place > len(rows):
                continue
            raws = _duplicates(rows[:size]) if name == "duplicate" else bad_records(fault.number("count"))
            rows = rows[:place] + [Row(raw, None, None, True, True) for raw in raws] + rows[place:]
        return rows

    def _beyond(self, rows: list[Row], shown: int, faults: Faults) -> list[bytes]:
        """What a fault that will heal adds to its page, beyond the page's size: nothing moves when it has healed."""
        found: list[bytes] = []
        for name in ("duplicate", "bad-records"):
            fault = faults.look(name, "listing")
            if fault is not None and fault.times is not None and faults.take(name, "listing", shown):
                found += _duplicates(rows) if name == "duplicate" else bad_records(fault.number("count"))
        return found

    def _slide(self) -> None:
        """Rename the first product so that it comes last: what stood at each page border moves to the page before."""
        with self._lock:
            first, *others = self.rows
            record = json.loads(first.raw)
            fields = record["product_configurable_fields"]
            fields["name"] = f"🪴 {fields['name']}"
            self.rows = [*others, _row(record, rendered(record))]
            self._by_id[first.product_id] = self.rows[-1]
            self._views.clear()


def rendered(record: Any) -> bytes:
    """Compact JSON of anything: what UTF-8 or JSON does not have (lone surrogates, NaN) as lenient writers send it."""
    try:
        return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(record, separators=(",", ":")).encode()


def respelled(raw: bytes) -> bytes:
    """The same contents with keys in another order, other white space, and whole numbers as 1.0."""
    return json.dumps(_reversed(json.loads(raw)), indent=1, ensure_ascii=True).encode()


def bad_records(count: int) -> list[bytes]:
    """So many records that can't be used: no id, blank name, NaN, NUL, no object, a lone surrogate, and again."""
    kinds = (
        b'{"product_id":null,"product_configurable_fields":{"name":"No id"}}',
        b'{"product_id":"%s","product_configurable_fields":{"name":"  "},"e_commerce":{"menu_title":""}}',
        b'{"product_id":"%s","product_configurable_fields":{"name":"Not a number"},"pricing":{"price_sell":NaN}}',
        b'{"product_id":"%s","product_configurable_fields":{"name":"Nul \\u0000 inside"}}',
        b'"not an object"',
        b'{"product_id":"%s","product_configurable_fields":{"name":"Half a pair \\ud83d"}}',
    )
    return [kinds[number % len(kinds)].replace(b"%s", BAD_ID.format(number).encode()) for number in range(count)]


def _row(record: Any, raw: bytes) -> Row:
    if not isinstance(record, dict):
        return Row(raw, None, None, True, True)
    identity = record.get("product_id")
    return Row(
        raw,
        identity if isinstance(identity, str) else None,
        record.get("category_type"),
        record.get("product_status") != "DEACTIVATED",
        record.get("above_threshold") is True,
    )


def _duplicates(rows: Sequence[Row]) -> list[bytes]:
    """The first product with a plain price once more, five dollars dearer."""
    for row in rows:
        record: Product = json.loads(row.raw)
        pricing = record.get("pricing") if isinstance(record, dict) else None
        if pricing and pricing.get("price_sell") is not None:
            pricing["price_sell"] = round(float(pricing["price_sell"]) + 5, 2)
            return [rendered(record)]
    return []


def _changed(page: Page, faults: Faults, number: int | None) -> Page:
    raws, total = page.raws, page.total
    if faults.take("empty-list", "listing", number):
        raws, total = [], 0
    if (short := faults.take("short-page", "listing", number)) and raws:
        raws = raws[: max(0, len(raws) - short.number("count"))]
    if faults.take("reorder-keys", "listing", number):
        raws = [respelled(raw) for raw in raws]
    if wrong := faults.take("wrong-total", "listing", number):
        total = wrong.number("total")
    if faults.take("no-total", "listing", number):
        total = None
    return Page(raws, total, page.past_end)


def _reversed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reversed(value[key]) for key in reversed(value)}
    if isinstance(value, list):
        return [_reversed(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value
