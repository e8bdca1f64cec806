"""Pages of the listing: a slice, its counts, and the faults of paging."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.sandbox.armed import Faults
from pipelines.sandbox.dress import PLAIN, Dress
from pipelines.sandbox.listing import Filter, Listing, Row, respelled
from pipelines.sandbox.poison import bad_records, dearer, poisoned, rendered

INTRUDERS = ("duplicate", "bad-records")
"""The faults that put records in between."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a list is asked for: which products, in which order, dressed how; the page from 1, and its largest size."""

    asked_for: str
    which: Filter
    number: int
    size: int
    order: str = "name"
    dress: Dress = PLAIN


@dataclass(frozen=True, slots=True)
class Page:
    """The records of one answer, and the total that stands with them (None: none stands there)."""

    raws: list[bytes]
    total: int | str | None
    past_end: bool = False


def cut(listing: Listing, asked: Asked, faults: Faults) -> Page:
    """The page that is asked for, with the faults that are set for it."""
    number, kind = asked.number, asked.asked_for
    _move(listing, kind, number, faults)
    rows = _resized(listing.view(asked.which, asked.order), kind, number, faults)
    capped = faults.take("capped", kind, number)
    size = min(asked.size, max(1, capped.number("size"))) if capped else asked.size
    shown = _shown(number, len(rows), size, kind, faults)
    start = (shown - 1) * size
    inserted = _shifted(rows, size, kind, faults)
    raws = [row.raw for row in inserted[start : start + size]] + _beyond(rows, shown, kind, faults)
    past_end = shown > 1 and not raws
    total = len(inserted) - (1 if faults.look("duplicate", kind) and len(inserted) > len(rows) else 0)
    page = Page(listing.dressed(raws, asked.dress), 0 if past_end else total, past_end)
    return _changed(page, kind, number, faults)


def whole(listing: Listing, asked: Asked, faults: Faults) -> Page:
    """All records in one answer, as the bearer dialect has it, with the faults set, whatever their page."""
    kind = asked.asked_for
    rows = _resized(listing.view(asked.which, asked.order), kind, None, faults)
    extra = [
        *(dearer(row.raw for row in rows[0:50]) if faults.take("duplicate", kind) else ()),
        *(bad_records(fault.number("count")) if (fault := faults.take("bad-records", kind)) else ()),
    ]
    raws = listing.dressed([row.raw for row in rows] + extra, asked.dress)
    return _changed(Page(raws, len(raws)), kind, None, faults)


def _move(listing: Listing, kind: str, number: int, faults: Faults) -> None:
    for name, move in (("sliding", listing.slide), ("inserting", listing.insert), ("deleting", listing.delete)):
        if listing.rows and faults.take(name, kind, number):
            move()


def _resized(rows: list[Row], kind: str, number: int | None, faults: Faults) -> list[Row]:
    """The rows of a catalogue that has fallen in, or doubled."""
    if collapse := faults.take("collapse", kind, number):
        rows = rows[:: max(1, collapse.number("to"))]
    if faults.take("double", kind, number):
        rows = [other for row in rows for other in (row, _second(row))]
    return rows


def _second(row: Row) -> Row:
    record = json.loads(row.raw)
    record["product_id"] = f"{row.product_id}"[:-4] + "d0d0"
    return Row(rendered(record), record["product_id"], row.category, row.active, row.on_sale, row.updated)


def _shown(number: int, count: int, size: int, kind: str, faults: Faults) -> int:
    """The page that is shown for the one asked for."""
    if repeat := faults.take("repeat-page", kind, number):
        return (repeat.page or 2) - 1
    if faults.take("page-one-forever", kind, number):
        return 1
    last = max(1, -(-count // size))
    return last if number > last and faults.take("repeat-last", kind, number) else number


def _shifted(rows: list[Row], size: int, kind: str, faults: Faults) -> Sequence[Row]:
    """The rows with those that a fault inserts for good: the rest moves on, and no page grows."""
    for name in INTRUDERS:
        fault = faults.look(name, kind)
        if fault is None or not fault.lasting:
            continue
        place = ((fault.page or 1) - 1) * size
        if place > len(rows):
            continue
        raws = dearer(row.raw for row in rows[:size]) if name == "duplicate" else bad_records(fault.number("count"))
        rows = rows[:place] + [Row(raw) for raw in raws] + rows[place:]
    return rows


def _beyond(rows: list[Row], shown: int, kind: str, faults: Faults) -> list[bytes]:
    """What a fault that will heal adds to its page, beyond the page's size: nothing moves when it has healed."""
    found: list[bytes] = []
    for name in INTRUDERS:
        fault = faults.look(name, kind)
        if fault is not None and not fault.lasting and faults.take(name, kind, shown):
            found += dearer(row.raw for row in rows) if name == "duplicate" else bad_records(fault.number("count"))
    return found


def _changed(page: Page, kind: str, number: int | None, faults: Faults) -> Page:
    if not faults:
        return page
    raws, total = page.raws, page.total
    if faults.take("empty-list", kind, number):
        raws, total = [], 0
    if (short := faults.take("short-page", kind, number)) and raws:
        raws = raws[: max(0, len(raws) - short.number("count"))]
    raws = poisoned(raws, faults, kind, number)
    if faults.take("reorder-keys", kind, number):
        raws = [respelled(raw) for raw in raws]
    if wrong := faults.take("wrong-total", kind, number):
        total = wrong.number("total")
    if (moving := faults.take("moving-total", kind, number)) and isinstance(total, int):
        total += moving.number("by") * ((number or 1) - 1)
    if faults.take("text-total", kind, number):
        total = str(total)
    if faults.take("no-total", kind, number):
        total = None
    return Page(raws, total, page.past_end)
