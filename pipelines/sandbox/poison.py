"""The faults of records: what stands in a record that no client should swallow as it is."""

from __future__ import annotations

import json
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pipelines.sandbox.armed import Fault, Faults
from pipelines.sandbox.goods import Product

BAD_ID = "bad00000-0000-4000-8000-{:012x}"
ACCENTED_ID = "caf\u00e9-{}"

_RAW = "@@raw@@"
"""Stands for bytes that no JSON writer would write, until they take its place."""


def rendered(record: Any) -> bytes:
    """Compact JSON of anything: what UTF-8 or JSON does not have (lone surrogates, NaN) as lenient writers send it."""
    try:
        return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(record, separators=(",", ":")).encode()


def poisoned(raws: list[bytes], faults: Faults, asked_for: str, page: int | None) -> list[bytes]:
    """The records of a page with the faults that are set for it: each changes the first `count` of them."""
    for name, poison in POISON.items() if faults and raws else ():
        if fault := faults.take(name, asked_for, page):
            count = fault.number("count")
            raws = [new for raw in raws[:count] for new in _changed(raw, poison, fault)] + raws[count:]
    return raws


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


def dearer(raws: Iterable[bytes]) -> list[bytes]:
    """The first product with a plain price once more, five dollars dearer."""
    for raw in raws:
        record = json.loads(raw)
        pricing = record.get("pricing") if isinstance(record, dict) else None
        if pricing and pricing.get("price_sell") is not None:
            pricing["price_sell"] = round(float(pricing["price_sell"]) + 5, 2)
            return [rendered(record)]
    return []


Poison = Callable[[Product, str, Fault], bytes | list[bytes]]
"""The record (a copy), the fault's `as`, the fault: what is sent in the record's place."""


def _changed(raw: bytes, poison: Poison, fault: Fault) -> list[bytes]:
    try:
        record = json.loads(raw)
    except (ValueError, RecursionError):
        return [raw]  # another fault was here already
    if not isinstance(record, dict):
        return [raw]
    found = poison(record, str(fault.options.get("as", "")), fault)
    return [found] if isinstance(found, bytes) else found


def _with_raw(record: Product, value: bytes) -> bytes:
    return rendered(record).replace(f'"{_RAW}"'.encode(), value)


def _named(record: Product, name: str) -> Product:
    """The record under another name, on the menu as well."""
    fields, shown = record.get("product_configurable_fields"), record.get("e_commerce")
    record["product_configurable_fields"] = {**(fields or {}), "name": name}
    if shown and shown.get("menu_title"):
        record["e_commerce"] = {**shown, "menu_title": name}
    return record


def _described(record: Product, text: str) -> Product:
    record["e_commerce"] = {**(record.get("e_commerce") or {}), "product_description": text}
    return record


def _words(length: int) -> str:
    return ("wordy " * (length // 6 + 1))[:length]


def _priced(record: Product, value: bytes) -> bytes:
    record["pricing"] = {**(record.get("pricing") or {}), "price_type": "FLAT", "price_sell": _RAW}
    return _with_raw(record, value)


def _nul(record: Product, how: str, fault: Fault) -> bytes:
    if how == "key":
        return rendered({**record, "nul\u0000key": 1})
    nul = b'"Nul \\u0000 inside"' if how == "escaped" else b'"Nul \x00 inside"'
    return _with_raw(_named(record, _RAW), nul)


def _duplicate_keys(record: Product, how: str, fault: Fault) -> bytes:
    other = "ACTIVE" if record.get("product_status") != "ACTIVE" else "DEACTIVATED"
    return rendered(record)[:-1] + f',"product_status":"{other}"}}'.encode()


def _like_keys(record: Product, how: str, fault: Fault) -> bytes:
    names = ("Product_Status", "SELLABLE_QUANTITY") if how == "case" else ("productStatus", "sellableQuantity")
    return rendered({**record, names[0]: "DEACTIVATED", names[1]: 0})


def _deep(record: Product, how: str, fault: Fault) -> bytes:
    levels = fault.number("levels")
    return _with_raw({**record, "nested": _RAW}, b"[" * levels + b"]" * levels)


def _long_array(record: Product, how: str, fault: Fault) -> bytes:
    tags = [f"TAG {number}" for number in range(fault.number("items"))]
    return rendered({**record, "attributes": {**(record.get("attributes") or {}), "internal_tags": tags}})


_OTHER_TYPES: Mapping[str, Any] = {
    "object": {"value": 1}, "array": [1, "2"], "null": None, "boolean": True, "number": 7.5, "text": "many",
}  # fmt: skip


def _type_flip(record: Product, how: str, fault: Fault) -> bytes:
    *inward, last = str(fault.options["field"]).split(".")
    place: Any = record
    for name in inward:
        if not isinstance(place.get(name), dict):
            place[name] = {}
        place = place[name]
    place[last] = _OTHER_TYPES[how]
    return rendered(record)


def _fields(record: Product, how: str, fault: Fault) -> bytes:
    name = str(fault.options["field"])
    if how == "added":
        return rendered({**record, "loyalty_points": {"base": 5, "double_on": ["TUESDAY"]}})
    if how == "sql":
        return rendered({**record, 'name"; drop table products; --': "'; delete from products; --", "select": 1})
    value = record.pop(name, None)
    return rendered({**record, f"{name}_v2": value} if how == "renamed" else record)


def _odd_id(record: Product, how: str, fault: Fault) -> bytes:
    identity = str(record.get("product_id"))
    if how == "missing":
        record.pop("product_id", None)
        return rendered(record)
    odd = {
        "null": None, "empty": "", "blank": "   ", "spaces": f" {identity} ", "upper": identity.upper(),
        "number": zlib.crc32(identity.encode()), "long": (identity + "-").ljust(300, "0"),
        "sql": f"{identity[:8]}'; drop table products; --",
    }[how]  # fmt: skip
    return rendered({**record, "product_id": odd})


def _twin(record: Product, how: str, fault: Fault) -> list[bytes]:
    itself, identity = rendered(record), str(record.get("product_id"))
    if how == "same":
        return [itself, *dearer([itself])] if dearer([itself]) else [itself, rendered(_named(record, "Twin"))]
    if how == "case":
        return [itself, rendered({**record, "product_id": identity.upper()})]
    accented = ACCENTED_ID.format(identity[:8])
    forms = [unicodedata.normalize("NFC", accented), unicodedata.normalize("NFD", accented)]
    return [itself, *(rendered({**record, "product_id": form}) for form in forms)]


_PRICES: Mapping[str, bytes] = {
    "huge": b"1e400", "big": b"1" + b"0" * 30, "digits": b"12.12345678901234567890", "comma": b'"12,50"',
    "dollar": b'"$12"', "words": b'"call us"', "negative": b"-5", "zero": b"0", "negative-zero": b"-0.0",
}  # fmt: skip
_NOT_NUMBERS = {"nan": b"NaN", "infinity": b"Infinity", "minus-infinity": b"-Infinity"}
_DATES: Mapping[str, Any] = {
    "epoch": 1790000000, "epoch-ms": 1790000000000, "no-zone": "2026-08-30T10:55:58.000",
    "us": "08/30/2026 10:55 AM", "feb-29": "2027-02-29T10:00:00.000-08:00", "year-1": "0001-01-01T00:00:00.000Z",
    "year-9999": "9999-12-31T23:59:59.999Z", "dst-gap": "2026-03-08T02:30:00.000-08:00",
    "dst-overlap": "2026-11-01T01:30:00.000-07:00", "words": "yesterday",
}  # fmt: skip
_MARKUP = {
    "html": "<b>Bold & <i>Fresh</i></b><br/>&nbsp;&lt;3",
    "script": "<script>alert(document.cookie)</script>\"><img src=x onerror=alert(1)>",
    "formula": "=HYPERLINK(\"http://elsewhere.invalid\",\"+1 -1 @SUM(A1)\")",
}  # fmt: skip
_LETTERS = {
    "rtl": "\u202eזהב ירוק\u202c \u0627\u0644\u0642\u0646\u0628 3.5g",
    "joiner": "Zero\u200dWidth\u200bSpace \u0915\u094d\u200d\u0937 e\u0301\ufeff",
    "emoji": "👩🏽\u200d🌾🌿🏳️\u200d🌈 3.5g",
}
_BARCODES: Mapping[str, Any] = {
    "zeros": ["000123456789"], "number": [123456789], "nested": [{"sku": ["000123456789", None]}, []],
}  # fmt: skip

POISON: Mapping[str, Poison] = {
    "nul": _nul,
    "lone-surrogate": lambda record, how, fault: _with_raw(_named(record, _RAW), b'"Half a pair \\ud83d"'),
    "invalid-utf8": lambda record, how, fault: _with_raw(_named(record, _RAW), b'"Caf\xe9 \xff"'),
    "nan": lambda record, how, fault: _priced(record, _NOT_NUMBERS[how]),
    "odd-price": lambda record, how, fault: _priced(record, _PRICES[how]),
    "duplicate-keys": _duplicate_keys,
    "like-keys": _like_keys,
    "long-text": lambda record, how, fault: rendered(_described(record, _words(fault.number("bytes")))),
    "long-array": _long_array,
    "type-flip": _type_flip,
    "fields": _fields,
    "odd-id": _odd_id,
    "odd-date": lambda record, how, fault: rendered({**record, "last_updated_at": _DATES[how]}),
    "markup": lambda record, how, fault: rendered(_described(_named(record, _MARKUP[how]), _MARKUP[how])),
    "odd-letters": lambda record, how, fault: rendered(_named(record, _LETTERS[how])),
    "odd-barcode": lambda record, how, fault: rendered({**record, "product_barcodes": _BARCODES[how]}),
    "twin": _twin,
    "deep": _deep,
}
"""In the order in which several of them are applied."""
