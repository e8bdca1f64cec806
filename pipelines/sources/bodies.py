"""Takes a JSON body apart into the bytes of its parts, without reading what is in them.

msgspec does it for a body that is JSON. One record with NaN, a lone surrogate or nesting beyond all measure makes
it refuse the whole body; then the body is split at its brackets and commas, so that such a record costs itself and
not its page.
"""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar

import msgspec

_BOM = b"\xef\xbb\xbf"
_MARK = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|["{}\[\],:]', re.DOTALL)
_CLOSED_BY = {b"{": b"}", b"[": b"]"}
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_REFUSED = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)

T = TypeVar("T")


class NotJson(ValueError):
    """The bytes are no JSON, or not of the shape that was asked for; the text says which."""


def trimmed(body: bytes) -> bytes:
    """The body without the byte order mark and white space around it."""
    return body.removeprefix(_BOM).strip()


def at_once(raw: bytes, shape: msgspec.json.Decoder[T]) -> T | None:
    """A body read in one go where it has the shape that is expected; None where it has another, or is no JSON."""
    try:
        return shape.decode(raw)
    except _REFUSED:
        return None


def members(raw: bytes) -> dict[str, bytes]:
    """The members of an object: {key: the value's own bytes}; of a doubled key the last. Raises NotJson."""
    try:
        return {key: bytes(value) for key, value in _MEMBERS.decode(raw).items()}
    except _REFUSED:
        pairs = (_pair(part) for part in _split(raw, b"{"))
        return dict(pairs)


def items(raw: bytes) -> list[bytes]:
    """The items of an array, each as its own bytes. Raises NotJson."""
    try:
        return [bytes(item) for item in _ITEMS.decode(raw)]
    except _REFUSED:
        parts = _split(raw, b"[")
        for part in parts:
            lenient(part)
        return parts


def lenient(raw: bytes) -> Any:
    """The value as Python's reader takes it: with NaN, lone surrogates and control characters in text.

    None for nesting that no reader here follows. Raises NotJson for what is no JSON to anyone.
    """
    try:
        return json.loads(raw.decode("utf-8", "surrogateescape"), strict=False, parse_int=_whole)
    except RecursionError:
        return None
    except ValueError as error:
        raise NotJson("is not valid JSON") from error


def _whole(digits: str) -> int | float:
    """Python refuses to read integers of more than 4,300 digits; here they only have to be passed over."""
    return int(digits) if len(digits) < 400 else float(digits)


def _split(raw: bytes, opening: bytes) -> list[bytes]:
    """What stands between the commas of the outermost array or object, in any depth of nesting."""
    text = raw.strip()
    if not text.startswith(opening):
        raise NotJson(f"is not valid JSON, or no {'object' if opening == b'{' else 'array'}")
    closing: list[bytes] = []
    parts: list[bytes] = []
    begin = 1
    for mark in _MARK.finditer(text):
        sign = mark.group()
        if sign in _CLOSED_BY:
            closing.append(_CLOSED_BY[sign])
        elif sign == b'"' or (sign in (b"}", b"]") and (not closing or closing.pop() != sign)):
            raise NotJson("is not valid JSON")
        if not closing or (sign == b"," and len(closing) == 1):
            parts.append(text[begin : mark.start()].strip())
            begin = mark.end()
        if not closing:
            break
    if closing or begin != len(text):
        raise NotJson("is cut short, or goes on after its end")
    if parts == [b""]:
        return []
    if not all(parts):
        raise NotJson("is not valid JSON")
    return parts


def _pair(part: bytes) -> tuple[str, bytes]:
    key = _MARK.match(part)
    value = part[key.end() :].lstrip() if key else b""
    if key is None or len(key.group()) < 2 or not value.startswith(b":"):
        raise NotJson("is not valid JSON")
    return str(lenient(key.group())), value[1:].strip()


def what_it_is(body: bytes) -> str | None:
    """What a body is that is no JSON, in words."""
    text = trimmed(body)
    if not text:
        return "the answer is empty"
    return "the answer is a web page (HTML), no data" if text.startswith(b"<") else None
