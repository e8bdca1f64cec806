"""One table of rules that says which records can be used, before dlt sees them: it changes or drops what can't."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from models.record import NotCanonical, RawProduct, Record, RejectedRecord, canonical, digest, storable
from pipelines.landed import Landed
from pipelines.sources import Source, bodies

LARGEST = 5_000_000
"""Bytes of one record. A description of 1 MB is odd but possible; five of them are no product."""


class Subject:
    """A record on trial: what the rules may ask of it."""

    __slots__ = ("form", "name", "raw", "record", "source_id")

    def __init__(self, raw: bytes, source: Source[Any]) -> None:
        self.raw = raw
        self.form = _form(raw)
        self.record = self.form[0] if isinstance(self.form, tuple) else _readable_members(raw)
        found = source.source_id(self.record)
        self.source_id = found if found is not None and storable(found) == found else None
        self.name = source.name(self.record)


def _form(raw: bytes) -> tuple[dict[str, Any], bytes] | NotCanonical:
    """The record and its canonical form, or why there is none; one that is too large isn't read."""
    if len(raw) > LARGEST:
        return NotCanonical("is too large")
    try:
        return canonical(raw)
    except NotCanonical as refusal:
        return refusal


def _readable_members(raw: bytes) -> dict[str, Any]:
    """Of a record that is unreadable as a whole, the members that can be read."""
    try:
        parts = bodies.members(raw)
    except bodies.NotJson:
        return {}
    return {key: value for key, part in parts.items() if (value := _readable(part)) is not None}


@dataclass(frozen=True, slots=True)
class Rule:
    """A reason to reject a record: what it is about, why it is there, and what it says of a record, if anything."""

    name: str
    why: str
    says: Callable[[Subject], str | None]


def _too_large(subject: Subject) -> str | None:
    size = len(subject.raw)
    return f"is larger than {LARGEST // 1_000_000} MB ({size / 1_000_000:.1f} MB)" if size > LARGEST else None


def _unreadable(subject: Subject) -> str | None:
    return str(subject.form) if isinstance(subject.form, NotCanonical) else None


def _without_id(subject: Subject) -> str | None:
    if subject.source_id is None:
        return "has no usable id: text of 1 to 300 characters, or a whole number, is needed"
    return None


def _without_name(subject: Subject) -> str | None:
    return "has no usable name: none is given, or it is blank" if subject.name is None else None


RULES = (
    Rule("size", "one such record would fill the memory and the databases' own limits", _too_large),
    Rule(
        "content",
        "no object, no JSON, NaN, infinities, NUL, lone surrogates, numbers beyond range, endless nesting: no database "
        "can store it, and dlt would drop or change it silently (RELIABILITY.md, findings 2 and 3)",
        _unreadable,
    ),
    Rule("id", "without an id it can't be told which product it is", _without_id),
    Rule("name", "products.name is not null, and a menu can't show it", _without_name),
)
"""Each rule in the order in which it is asked; the first that has something to say rejects the record."""


class Validator:
    """Turns what a source yields into what can be landed.

    What came in bytes that are `known` is not parsed again, for it passed when it was landed.
    """

    def __init__(self, source: Source[Any], known: Landed) -> None:
        self._source = source
        self._known = known

    def check(self, product: RawProduct) -> Record | RejectedRecord:
        """The record, its payload None where its content is landed already; or why it can't be used."""
        raw_hash = digest(product.raw)
        landed = self._known.find(raw_hash)
        if landed is not None:
            return Record(*landed, raw_hash, None, product.page)
        subject = Subject(product.raw, self._source)
        reason = next((said for rule in RULES if (said := rule.says(subject)) is not None), None)
        form, source_id = subject.form, subject.source_id
        if reason is not None or source_id is None or isinstance(form, NotCanonical):
            return RejectedRecord.of(product.raw, page=product.page, reason=str(reason), source_id=source_id)
        content_hash = digest(form[1])
        payload = None if self._known.holds(content_hash) else form[1].decode()
        return Record(source_id, content_hash, raw_hash, payload, product.page)


def _readable(part: bytes) -> Any:
    try:
        return bodies.lenient(part)
    except bodies.NotJson:
        return None
