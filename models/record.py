"""A product as received: its bytes, the one form that equal contents share, and what is kept of one that is refused."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
import orjson

TEXT_KEPT = 64 * 1024
"""How much of a rejected record's text is kept, in characters; its true length stands beside it."""

_UNSTORABLE = {code: f"\\u{code:04x}" for code in (0, *range(0xD800, 0xE000))}
_ANY_UNSTORABLE = re.compile("[\ud800-\udfff\x00]")

_LARGEST_EXPONENT = 400
"""Beyond it a number is refused: writing it out in digits would make a megabyte of one character."""

_BEYOND = f"holds a number beyond 10^{_LARGEST_EXPONENT}, or as close to zero"

DEEPEST = 100
"""Levels of nesting. A Treez product has five; the recursion of Python's and of the databases' readers ends later."""

_TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


class NotCanonical(ValueError):
    """The bytes are no JSON object that can be stored; the text says why."""


@dataclass(frozen=True, slots=True)
class RawProduct:
    """One product as a source yields it: the record's own JSON bytes, and the page it stood on (from 1)."""

    raw: bytes
    page: int


@dataclass(frozen=True, slots=True)
class Record:
    """A product that passed validation, in the form in which it is landed.

    `content_hash` is the SHA-256 of the canonical JSON, `raw_hash` that of the bytes as received; `payload` is the
    canonical JSON, None where this content has been landed before.
    """

    source_id: str
    content_hash: str
    raw_hash: str
    payload: str | None
    page: int


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """A record that can't be used: why, where it stood, and its text made storable (DESIGN.md, Tables)."""

    source_id: str | None
    reason: str
    page: int
    text: str
    text_length: int

    @classmethod
    def of(cls, raw: bytes, *, page: int, reason: str, source_id: str | None = None) -> RejectedRecord:
        r"""Keep a refused record: NUL and lone surrogates become \uXXXX, at most `TEXT_KEPT` characters stay."""
        text = raw.decode("utf-8", errors="backslashreplace")
        return cls(source_id, reason, page, storable(text)[:TEXT_KEPT], len(text))


def storable(text: str) -> str:
    r"""The text with NUL and lone surrogates written as \uXXXX: neither a json nor a text column takes them."""
    return text if _ANY_UNSTORABLE.search(text) is None else text.translate(_UNSTORABLE)


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def canonical(raw: bytes) -> tuple[dict[str, Any], bytes]:
    """The record, and its canonical form: keys sorted, no white space, each number in one spelling (1, not 1.0).

    Two records have the same canonical form exactly when their contents are equal (DESIGN.md, What changed).
    Raises NotCanonical for what is no JSON object or holds what can't be stored: NaN, infinities, a number that
    neither a double nor 400 digits can hold, NUL, a lone surrogate, more than 100 levels of nesting.
    """
    if _nested_too_deep(raw):
        raise NotCanonical(f"is nested more than {DEEPEST} levels deep")
    try:
        record = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise NotCanonical(_why_unreadable(raw, error)) from error
    if not isinstance(record, dict):
        raise NotCanonical(f"a JSON object was expected, not {_KINDS[type(record)]}")
    if rb"\u0000" in raw and _holds_nul(record):
        raise NotCanonical("holds a NUL character, which Postgres can't store")
    return record, _exact(raw)


_KINDS = {list: "an array", str: "text", int: "a number", float: "a number", bool: "true or false", type(None): "null"}


def _exact(raw: bytes) -> bytes:
    """Its contents with keys sorted and numbers as they were written, in one spelling each."""
    try:
        return orjson.dumps(_EXACT.decode(raw), option=orjson.OPT_SORT_KEYS)
    except (msgspec.MsgspecError, orjson.JSONEncodeError):
        # A number beyond 64 bits, or one that is refused: the slower reader has its digits, and its own word for it.
        return orjson.dumps(json.loads(raw, parse_float=_fraction, parse_int=_whole), option=orjson.OPT_SORT_KEYS)


def _nested_too_deep(raw: bytes) -> bool:
    if raw.count(b"{") + raw.count(b"[") <= DEEPEST:
        return False
    depth = 0
    for sign in re.findall(rb"[\[\]{}]", _TEXT.sub(b"", raw)):
        depth += 1 if sign in (b"[", b"{") else -1
        if depth > DEEPEST:
            return True
    return False


def _why_unreadable(raw: bytes, error: orjson.JSONDecodeError) -> str:
    """Tell what Python's lenient reader takes (NaN, 1e999, lone surrogates) from what is no JSON at all."""
    constants: list[str] = []
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return "holds bytes that are not UTF-8"
    try:
        json.loads(text, strict=False, parse_constant=constants.append, parse_int=float)
    except ValueError:
        return f"is not valid JSON: {error.msg}"
    if constants:
        return f"holds {constants[0]}, which JSON does not have"
    if "infinity" in error.msg:
        return "holds a number beyond the range of a double"
    if "control character" in error.msg:
        return "holds a control character, such as NUL or a line break, unescaped in a text"
    return "holds a lone surrogate, which is no valid Unicode"


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any("\x00" in key or _holds_nul(item) for key, item in value.items())
    return isinstance(value, list) and any(_holds_nul(item) for item in value)


def _whole(digits: str) -> int | orjson.Fragment:
    return int(digits) if len(digits) < 19 else orjson.Fragment(digits)


def _fraction(digits: str) -> orjson.Fragment:
    """A number in digits alone, exact where a float would round: no exponent, no zeros at the end, no minus zero."""
    if len(digits) > 2 * _LARGEST_EXPONENT:
        raise NotCanonical(f"holds a number of {len(digits)} characters")
    written = digits if "e" not in digits and "E" not in digits else _without_exponent(digits)
    if "." in written:
        written = written.rstrip("0").rstrip(".")
    return orjson.Fragment("0" if written == "-0" else written)


def _without_exponent(digits: str) -> str:
    try:
        value = Decimal(digits)
    except InvalidOperation as error:
        raise NotCanonical(_BEYOND) from error
    if value and abs(value.adjusted()) > _LARGEST_EXPONENT:
        raise NotCanonical(_BEYOND)
    return format(value, "f") if value else "0"


_EXACT = msgspec.json.Decoder(float_hook=_fraction)
