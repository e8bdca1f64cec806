"""A request as it came, an answer as it will be sent, and the answers that need no shop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson

HTML = b"<!DOCTYPE html><html><head><title>Treez</title></head><body><h1>We'll be right back</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent: `sent` is the part of the body that arrives (None: all); `broken` says how the connection ends
    without an answer ("closed", "reset"), `ending` how it ends after it ("hang": not at all, but no more comes); times
    in seconds: `delay` before it, `head_pause` between two lines of the headers, `byte_pause` between two bytes."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json;charset=UTF-8"
    headers: tuple[tuple[str, str], ...] = ()
    sent: int | None = None
    broken: str | None = None
    ending: Literal["closed", "reset", "hang"] | None = None
    delay: float = 0
    head_pause: float = 0
    byte_pause: float = 0


def json_answer(value: Mapping[str, Any], status: int = 200) -> Answer:
    """An answer of JSON."""
    return Answer(status, orjson.dumps(value))


def refusal(status: int, reason: str, detail: str | None = None) -> Answer:
    """Treez's failure envelope, with any HTTP status: 200 too."""
    return json_answer({"resultCode": "FAIL", "resultReason": reason, "resultDetail": detail, "data": None}, status)


def enveloped(*data: bytes) -> bytes:
    """Treez's envelope around data that is JSON already."""
    return b"".join((b'{"resultCode":"SUCCESS","resultReason":null,"resultDetail":null,"data":', *data, b"}"))


def over_limit(headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """The throttled answer (TREEZ.md, Order and edges)."""
    return Answer(429, b"OVER LIMIT", "text/plain", headers)
