"""What must be there after each sync, in plain Python: written from DESIGN.md and INTERFACE.md, not from the SQL."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.state.catalogue import Record

Row = dict[str, Any]
Strategy = Literal["api_wins", "manual_wins", "merge"]

CATEGORY = {"FLOWER": "flower", "PREROLL": "pre_roll", "CARTRIDGE": "vape", "MERCH": "other"}

COLUMNS = (
    "name", "brand", "category", "product_type", "description", "sku", "barcode", "thc_percent", "cbd_percent",
    "terpenes", "strain_name", "strain_type", "price_retail", "price_member", "price_sale", "in_stock",
    "stock_quantity", "image_url", "is_active", "source_data",
)  # fmt: skip

ALWAYS_FOLLOW = (
    "price_retail", "price_member", "price_sale", "in_stock", "stock_quantity", "is_active", "source_data",
)  # fmt: skip
"""What follows the source under manual_wins."""


def mapped(record: Record, category_map: Mapping[str, str]) -> Row:
    """Our columns as a record of this shop maps to them (INTERFACE.md, Mapping of a Treez product)."""
    fields, shown, pricing = record["product_configurable_fields"], record["e_commerce"], record["pricing"]
    category = category_map.get(record["category_type"], CATEGORY.get(record["category_type"], "other"))
    return {
        "name": shown["menu_title"] or fields["name"],
        "brand": fields["brand"],
        "category": category,
        "product_type": fields["subtype"],
        "description": shown["product_description"],
        "sku": record["product_barcodes"][0],
        "barcode": record["product_barcodes"][0],
        "thc_percent": None,
        "cbd_percent": None,
        "terpenes": None,
        "strain_name": None,
        "strain_type": fields["classification"],
        "price_retail": float(pricing["price_sell"]),
        "price_member": None,
        "price_sale": None if pricing["discounted_price"] is None else float(pricing["discounted_price"]),
        "in_stock": record["sellable_quantity"] > 0,
        "stock_quantity": record["sellable_quantity"],
        "image_url": shown["primary_image"],
        "is_active": record["product_status"] == "ACTIVE" or record["above_threshold"] is True,
        "source_data": record,
    }


@dataclass(frozen=True, slots=True)
class Change:
    """A row of product_changes; `fields` is {column: (old, new)}, old None where the product is created."""

    change: str
    cause: str
    fields: dict[str, tuple[Any, Any]]


@dataclass(slots=True)
class Memory:
    """What is remembered of a product: the content and category map it was last listed with, what it then mapped to,
    and what a sync last wrote in each column."""

    content: Record
    category_map: dict[str, str]
    values: Row
    written: Row


@dataclass(slots=True)
class Told:
    """One sync as its log must tell it. `errors` is the true number of each kind."""

    scope: str = "full"
    status: str = "failed"
    published: bool = False
    complete: bool = False
    fetched: int = 0
    rejected: int = 0
    unchanged: int = 0
    held_back: int = 0
    duplicates: int | None = 0
    changes: dict[str, Change] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)
    edits_kept: set[str] = field(default_factory=set)
    active: int = 0
    killed: bool = False

    def having(self, change: str) -> set[str]:
        return {source_id for source_id, one in self.changes.items() if one.change == change}

    def turned(self, new: bool) -> set[str]:
        """The updated ones whose is_active became this; unknown (null) was as good as inactive."""
        turns = {(False, True), (None, True)} if new else {(True, False)}
        updated = self.having("updated")
        return {one for one in updated if self.changes[one].fields.get("is_active") in turns}


@dataclass(slots=True)
class Seen:
    """What a sync saw of the shop. `whole`: no page was missing, so the listing can be complete."""

    whole: bool = True
    lost_pages: int = 0
    records: dict[str, Record] = field(default_factory=dict)
    refused: dict[str, str | None] = field(default_factory=dict)
    duplicates: int | None = 0

    @classmethod
    def of(cls, listed: Iterable[Any]) -> Seen:
        """A product counts once and the latest wins; a record without id or name is refused, once by its text."""
        seen = cls(duplicates=0)
        for record in listed:
            source_id = record.get("product_id") if isinstance(record, dict) else None
            if source_id is None or not _named(record):
                seen.refused[json.dumps(record)] = source_id
                continue
            seen.duplicates = (seen.duplicates or 0) + (source_id in seen.records)
            seen.records[source_id] = copy.deepcopy(record)
        return seen

    @property
    def identities(self) -> set[str | None]:
        return {*self.records, *self.refused.values()}


def _named(record: Record) -> bool:
    fields, shown = record.get("product_configurable_fields") or {}, record.get("e_commerce") or {}
    return bool((shown.get("menu_title") or fields.get("name") or "").strip())


@dataclass
class Model:
    """The database as it should be: `products` of the source, what is remembered, and every sync that was begun."""

    strategy: Strategy = "api_wins"
    category_map: dict[str, str] = field(default_factory=dict)
    products: dict[str, Row] = field(default_factory=dict)
    memories: dict[str, Memory] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    written_by: dict[str, int] = field(default_factory=dict)
    syncs: list[Told] = field(default_factory=list)

    @property
    def active(self) -> int:
        return sum(row["is_active"] is True for row in self.products.values())

    def forget(self, source_id: str) -> None:
        """A person deleted the row."""
        del self.products[source_id]
        self.written_by.pop(source_id, None)

    def link(self, source_id: str, **columns: Any) -> None:
        """A person entered a row that is to follow the source: no sync has seen it yet."""
        self.products[source_id] = dict.fromkeys(COLUMNS) | columns

    def begin(self) -> Told:
        """A sync takes the turn: what a killed one left open is closed."""
        for told in self.syncs:
            if told.status == "running":
                told.status = "partial" if told.published else "failed"
        self.syncs.append(Told(status="running"))
        return self.syncs[-1]

    def fail(self, told: Told) -> None:
        """Nothing is published."""
        told.status = "failed"
        told.errors["failure"] += 1

    def kill(self, told: Told) -> None:
        """It is gone, and its log says what it said at that moment."""
        told.status, told.killed = "running", True

    def publish_and_check(self, told: Told, seen: Seen, *, allow_mass: bool = False) -> None:
        """A sync that comes to its end."""
        self.publish(told, seen, allow_mass=allow_mass)
        self._check(told, allow_mass=allow_mass)

    def publish(self, told: Told, seen: Seen, *, allow_mass: bool = False) -> None:
        """Write what was seen, and what is no longer there; the checks would come after it."""
        before = {source_id for source_id, row in self.products.items() if row["is_active"]}
        told.published, told.duplicates = True, seen.duplicates
        told.fetched, told.rejected = len(seen.records) + len(seen.refused), len(seen.refused)
        told.complete = told.scope == "full" and seen.whole and None not in seen.refused.values()
        for source_id, record in seen.records.items():
            self._listed(told, source_id, record)
        told.unchanged = len(seen.records) - len(told.having("created")) - len(told.having("updated"))
        if told.complete:
            self._missing(told, seen, before, allow_mass)
        for source_id in told.changes:
            self.written_by[source_id] = len(self.syncs) - 1
        told.errors += Counter({"rejected record": len(seen.refused), "page": seen.lost_pages})
        told.errors["guard"] += told.held_back > 0

    def _check(self, told: Told, *, allow_mass: bool) -> None:
        """The one check that this shop can fail: active products fell by more than half since the last success."""
        told.active = self.active
        last = next((one for one in reversed(self.syncs) if (one.status, one.scope) == ("success", "full")), None)
        if told.scope == "full" and last is not None and not allow_mass and told.active * 2 < last.active:
            told.errors["check"] += 1
        told.status = "partial" if told.errors.total() else "success"

    def _listed(self, told: Told, source_id: str, record: Record) -> None:
        new, memory = mapped(record, self.category_map), self.memories.get(source_id)
        current = self.products.get(source_id)
        if current is None:
            written = dict(new)
            fields = {column: (None, value) for column, value in new.items() if value is not None}
            told.changes[source_id] = Change("created", self._cause(source_id, memory, new, is_edit=True), fields)
            self.products[source_id] = dict(new)
        else:
            edited = {name for name in new if memory and current[name] not in (new[name], memory.written[name])}
            wanted, written = self._wanted(current, new, memory, edited)
            fields = {name: (current[name], value) for name, value in wanted.items() if current[name] != value}
            if fields:
                cause = self._cause(source_id, memory, new, is_edit=not edited.isdisjoint(fields))
                told.changes[source_id] = Change("updated", cause, fields)
                self.products[source_id] = wanted
            if edited - set(fields):
                told.edits_kept.add(source_id)
        self.memories[source_id] = Memory(record, dict(self.category_map), new, written)
        self.absent.discard(source_id)

    def _cause(self, source_id: str, memory: Memory | None, new: Row, *, is_edit: bool) -> str:
        """Why a product is written; one that a person deleted is created again because an edit is overwritten.

        Without an edit it is the source, though it may have said so long ago: another strategy held it back.
        """
        if source_id in self.absent:
            return "return"
        if memory is None or memory.content != new["source_data"]:
            return "source"
        if memory.values != new:
            return "mapping"
        return "edit overwritten" if is_edit else "source"

    def _wanted(self, current: Row, new: Row, memory: Memory | None, edited: set[str]) -> tuple[Row, Row]:
        """What the product's columns are to hold, and what then counts as last written by a sync."""
        wanted, written = dict(current), dict(memory.written if memory else current)
        for name, value in new.items():
            if current[name] == value or self._follows(name, current, edited):
                is_still_off = name == "is_active" and current[name] is False and written[name] is True
                if not (is_still_off and value is False and self.strategy != "api_wins"):
                    written[name] = value
                wanted[name] = value
        return wanted, written

    def _follows(self, name: str, current: Row, edited: set[str]) -> bool:
        if self.strategy == "api_wins" or name == "source_data":
            return True
        if name == "is_active" and current[name] is False and name in edited:
            return False
        return name in ALWAYS_FOLLOW if self.strategy == "manual_wins" else name not in edited

    def _missing(self, told: Told, seen: Seen, before: set[str], allow_mass: bool) -> None:
        on_show = {one for one, row in self.products.items() if row["is_active"] or row["in_stock"]}
        going = on_show - seen.identities
        leaving = going & before
        is_too_much = len(leaving) == len(before) or (len(before) >= 10 and len(leaving) * 100 > len(before) * 20)
        if leaving and is_too_much and not allow_mass:
            told.held_back = len(going)
            return
        for source_id in going:
            row = self.products[source_id]
            fields = {name: (row[name], False) for name in ("is_active", "in_stock") if row[name] is not False}
            told.changes[source_id] = Change("absent", "absence", fields)
            row.update(is_active=False, in_stock=False)
            memory = self.memories.get(source_id)
            if memory is not None:
                memory.written.update(dict.fromkeys(fields, False))
            self.absent.add(source_id)
