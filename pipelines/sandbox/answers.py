"""What the shop answers to a request: routes, keys and tokens, envelopes, and the faults that stand for an answer."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import orjson

from pipelines.sandbox.faults import Fault, Faults
from pipelines.sandbox.listing import Filter, Listing, Page, respelled

DISPENSARY, CLIENT, KEY = "sandbox", "sandbox-client", "sandbox-key"
TOKEN_LIFE = 7200
"""Seconds (TREEZ.md, v2 in detail)."""

MOST_IDS = 50
PACIFIC = timezone(timedelta(hours=-8))
UNAUTHENTICATED = "Full authentication is required to access this resource"
HTML = b"<!DOCTYPE html><html><head><title>Treez</title></head><body><h1>We'll be right back</h1></body></html>"

_COUNTING = re.compile(r"[1-9][0-9]{0,8}")

_ROUTES = (
    ("token", "v2", re.compile(r"/v2\.0/dispensary/([^/]+)/config/api/gettokens/?")),
    ("listing", "v2", re.compile(r"/v2\.0/dispensary/([^/]+)/product/product_list/?")),
    ("product", "v2", re.compile(r"/v2\.0/dispensary/([^/]+)/product/([^/]+)/?")),
    ("listing", "bearer", re.compile(r"/v2/dispensary/([^/]+)/products/?")),
    ("product", "bearer", re.compile(r"/v2/dispensary/([^/]+)/products/([^/]+)/?")),
)


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
    without an answer ("closed", "reset"); `delay` in seconds."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json;charset=UTF-8"
    headers: tuple[tuple[str, str], ...] = ()
    sent: int | None = None
    broken: str | None = None
    delay: float = 0


@dataclass(frozen=True, slots=True)
class _Route:
    """What a path asks for: "token", "listing", "product" or "other"; query parameters by name, the last one counts."""

    asked_for: str
    dialect: str = "v2"
    dispensary: str = ""
    product_id: str = ""
    query: Mapping[str, list[str]] = field(default_factory=dict)

    def get(self, name: str, default: str = "") -> str:
        return self.query.get(name, [default])[-1]

    @property
    def page(self) -> int | None:
        """The page asked for; None where that is no page. The bearer dialect's first answer is page 1."""
        text = self.get("page", "1" if self.dialect == "bearer" else "")
        return int(text) if _COUNTING.fullmatch(text) else None


class Shop:
    """The shop behind the API: its listing, its tokens, its faults. Safe with many requests at once."""

    def __init__(self, listing: Listing, *, page_cap: int, faults: Faults) -> None:
        self.listing = listing
        self.faults = faults
        self._page_cap = page_cap
        self._tokens: dict[str, float] = {}
        self._issued = 0
        self._lock = threading.Lock()

    def answer(self, request: Request) -> Answer:
        """The answer to one request."""
        route, faults = _route(request.target), self.faults
        slow = faults.take("slow", route.asked_for, route.page)
        delay = slow.number("ms") / 1000 if slow else 0.0
        for name, instead in INSTEAD.items():
            if fault := faults.take(name, route.asked_for, route.page):
                return replace(instead(fault), delay=delay)
        answer = self._routed(request, route)
        for name in ("bad-json", "cut-body"):
            if answer.status == 200 and faults.take(name, route.asked_for, route.page):
                half = len(answer.body) // 2
                answer = replace(answer, body=answer.body[:half]) if name == "bad-json" else replace(answer, sent=half)
        return replace(answer, delay=delay)

    def _routed(self, request: Request, route: _Route) -> Answer:
        if route.asked_for == "other" or request.method != ("POST" if route.asked_for == "token" else "GET"):
            return refusal(404, "NOT_FOUND", f"no such resource: {request.method} {urlsplit(request.target).path}")
        if route.dispensary != DISPENSARY:
            return refusal(404, "NOT_FOUND", f"unknown dispensary: {route.dispensary}")
        if route.asked_for == "token":
            return self._token(request)
        if not self._authenticated(request, route):
            return refusal(401, UNAUTHENTICATED)
        if route.asked_for == "product":
            return self._product(route)
        return self._bearer_list(route) if route.dialect == "bearer" else self._product_list(route)

    def _token(self, request: Request) -> Answer:
        if refused := self.faults.take("key-refused", "token"):
            return _no_token(refused.number("status"))
        sent = _form(request)
        if sent.get("client_id") != CLIENT or sent.get("apikey") != KEY:
            return _no_token(200)
        with self._lock:
            self._issued += 1
            token = f"sandbox-token-{self._issued}"
            self._tokens[token] = time.monotonic() + TOKEN_LIFE
        expires_at = (datetime.now(PACIFIC) + timedelta(seconds=TOKEN_LIFE)).strftime("%Y-%m-%dT%H:%M:%S.000%z")
        return _json(
            {
                "resultCode": "SUCCESS",
                "resultReason": None,
                "access_token": token,
                "refresh_token": f"{token}-refresh",
                "expires_at": expires_at,
                "expires_in": str(TOKEN_LIFE),
            }
        )

    def _authenticated(self, request: Request, route: _Route) -> bool:
        given = request.headers.get("authorization", "")
        if route.dialect == "bearer":
            return given == f"Bearer {KEY}" and not self.faults.take("key-refused", "token")
        with self._lock:
            if self.faults.take("token-expired", route.asked_for, route.page):
                self._tokens.clear()
            known = self._tokens.get(given.removeprefix("Bearer "), 0) > time.monotonic()
        return known and request.headers.get("client_id") == CLIENT

    def _product(self, route: _Route) -> Answer:
        raw = self.listing.one(route.product_id)
        if raw is None:
            return refusal(
                400 if route.dialect == "v2" else 404,
                "PRODUCT_NOT_FOUND",
                f"Cannot find product by id {route.product_id}",
            )
        if self.faults.take("reorder-keys", "product"):
            raw = respelled(raw)
        return Answer(body=raw if route.dialect == "bearer" else _enveloped(raw))

    def _bearer_list(self, route: _Route) -> Answer:
        listed = b"[" + b",".join(self.listing.whole(self.faults).raws) + b"]"
        if wrapped := self.faults.take("wrapped", "listing"):
            inner = b'{"products":' if wrapped.options["as"] == "products" else b'{"product_list":'
            listed = inner + listed + b"}"
            return Answer(body=listed if wrapped.options["as"] == "products" else _enveloped(listed))
        return Answer(body=listed)

    def _product_list(self, route: _Route) -> Answer:
        active = ACTIVE.get(route.get("active", "true").lower())
        ids = [identity for given in route.query.get("id", ()) for identity in given.split(",")]
        size = route.get("pagesize", str(self._page_cap))
        if active is None:
            return refusal(400, "INVALID_ACTIVE_PARAMETER", _not_active(route.get("active")))
        if len(ids) > MOST_IDS:
            return refusal(400, "RESPONSE_LIMIT_EXCEEDS", f"at most {MOST_IDS} ids, not {len(ids)}")
        if route.page is None or _COUNTING.fullmatch(size) is None:
            return refusal(400, "INCORRECT_VALUE", "page and pagesize are whole numbers from 1; page is required")
        which = Filter(
            active=active,
            category=route.get("category_type") or None,
            ids=frozenset(ids) if ids else None,
            above_threshold=route.get("above_threshold").lower() == "true",
        )
        page = self.listing.page(which, route.page, min(int(size), self._page_cap), self.faults)
        if page.past_end and self.faults.take("past-end-400", "listing"):
            return refusal(400, "INVALID_REQUEST", f"page {route.page} is out of range")
        return Answer(body=_listed(page))


ACTIVE = {"true": "TRUE", "1": "TRUE", "false": "FALSE", "0": "FALSE", "all": "ALL"}


def refusal(status: int, reason: str, detail: str | None = None) -> Answer:
    """Treez's failure envelope, with any HTTP status: 200 too."""
    return _json({"resultCode": "FAIL", "resultReason": reason, "resultDetail": detail, "data": None}, status)


def over_limit(headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """The throttled answer (TREEZ.md, Order and edges)."""
    return Answer(429, b"OVER LIMIT", "text/plain", headers)


def _retry_after(fault: Fault) -> tuple[tuple[str, str], ...]:
    return (("Retry-After", str(fault.options["retry_after"])),) if fault.options["retry_after"] != "" else ()


INSTEAD: Mapping[str, Callable[[Fault], Answer]] = {
    "down": lambda fault: Answer(broken="closed"),
    "reset": lambda fault: Answer(broken="reset"),
    "forbidden": lambda fault: _json({"message": "Forbidden"}, 403),
    "not-found": lambda fault: refusal(404, "NOT_FOUND", "unknown dispensary"),
    "http-500": lambda fault: Answer(500, HTML, "text/html"),
    "http-503": lambda fault: Answer(503, HTML, "text/html", _retry_after(fault)),
    "http-429": lambda fault: over_limit(_retry_after(fault)),
    "html": lambda fault: Answer(200, HTML, "text/html"),
    "fail-200": lambda fault: refusal(200, "INTERNAL_ERROR", "try again later"),
    "empty-body": lambda fault: Answer(),
    "redirect": lambda fault: Answer(302, headers=(("Location", str(fault.options["to"])),)),
}
"""The faults that stand for the whole answer; of several that are set, the first here."""


def _route(target: str) -> _Route:
    parts = urlsplit(re.sub("^/+", "/", target))
    path = re.sub("/{2,}", "/", parts.path)
    query = parse_qs(parts.query, keep_blank_values=True)
    for asked_for, dialect, pattern in _ROUTES:
        if found := pattern.fullmatch(path):
            dispensary, product_id, *_ = (*map(unquote, found.groups()), "")
            return _Route(asked_for, dialect, dispensary, product_id, query)
    return _Route("other", query=query)


def _form(request: Request) -> dict[str, Any]:
    """The fields of a body: form-encoded as the contract has it, or a JSON object."""
    if "json" in request.headers.get("content-type", ""):
        try:
            sent = json.loads(request.body)
        except ValueError:
            return {}
        return sent if isinstance(sent, dict) else {}
    return {name: values[-1] for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()}


def _no_token(status: int) -> Answer:
    return _json({"resultCode": "FAIL", "resultReason": "INVALID_CREDENTIALS", "access_token": None}, status)


def _not_active(given: str) -> str:
    return f"'{given}' is not a valid value for active parameter. Possible values are: true, false, 1, 0, all"


def _json(value: Mapping[str, Any], status: int = 200) -> Answer:
    return Answer(status, orjson.dumps(value))


def _enveloped(*data: bytes) -> bytes:
    return b"".join((b'{"resultCode":"SUCCESS","resultReason":null,"resultDetail":null,"data":', *data, b"}"))


def _listed(page: Page) -> bytes:
    total = b"" if page.total is None else b'"total_count":%d,' % page.total
    counts = b'{"page_count":%d,%s"product_list":[' % (len(page.raws), total)
    return _enveloped(counts, b",".join(page.raws), b"]}")
