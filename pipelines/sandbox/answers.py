"""What the shop answers to a request: its routes and envelopes, with the quirks and faults that are set."""

from __future__ import annotations

import gzip
from dataclasses import replace
from urllib.parse import urlsplit

import orjson

from pipelines.sandbox import asking, routes
from pipelines.sandbox.armed import Faults
from pipelines.sandbox.instead import INSTEAD, UNAUTHENTICATED
from pipelines.sandbox.listing import Filter, Listing, respelled
from pipelines.sandbox.mangled import MANGLED
from pipelines.sandbox.message import Answer, Request, enveloped, refusal
from pipelines.sandbox.pages import Asked, Page, cut, whole
from pipelines.sandbox.poison import poisoned
from pipelines.sandbox.quirks import Quirks
from pipelines.sandbox.routes import Route
from pipelines.sandbox.tokens import Tokens

__all__ = ["CLIENT", "DISPENSARY", "KEY", "Answer", "Request", "Shop"]

DISPENSARY, CLIENT, KEY = "sandbox", "sandbox-client", "sandbox-key"

ALL = Filter(active="ALL")


class Shop:
    """The shop behind the API: its listing, its tokens, its faults and quirks. Safe with many requests at once."""

    def __init__(self, listing: Listing, *, page_cap: int, faults: Faults, quirks: Quirks) -> None:
        self.listing = listing
        self.page_cap = page_cap
        self.faults = faults
        self.quirks = quirks
        self._tokens = Tokens()

    def answer(self, request: Request) -> Answer:
        """The answer to one request."""
        route, faults = routes.find(request.target), self.faults
        slow = faults.take("slow", route.asked_for, route.page)
        delay = slow.number("ms") / 1000 if slow else 0.0
        for name, instead in INSTEAD.items():
            if fault := faults.take(name, route.asked_for, route.page):
                return replace(instead(fault, request), delay=delay)
        answer = self._routed(request, route)
        if answer.status == 200:
            for name, mangled in MANGLED.items():
                if fault := faults.take(name, route.asked_for, route.page):
                    answer = mangled(answer, fault)
            answer = self._compressed(request, answer)
        return replace(answer, delay=delay)

    def _compressed(self, request: Request, answer: Answer) -> Answer:
        taken = "gzip" in request.headers.get("accept-encoding", "")
        named = {name for name, _ in answer.headers}
        if not taken or self.quirks.way("compression") == "none" or named & {"Content-Encoding", "Content-Length"}:
            return answer
        if answer.sent is not None or "Transfer-Encoding" in named:
            return answer
        packed = gzip.compress(answer.body, compresslevel=1, mtime=0)
        return replace(answer, body=packed, headers=(*answer.headers, ("Content-Encoding", "gzip")))

    def _routed(self, request: Request, route: Route) -> Answer:
        if route.asked_for == "other" or request.method != ("POST" if route.asked_for == "token" else "GET"):
            return refusal(404, "NOT_FOUND", f"no such resource: {request.method} {urlsplit(request.target).path}")
        if route.dispensary != DISPENSARY:
            return refusal(404, "NOT_FOUND", f"unknown dispensary: {route.dispensary}")
        if route.asked_for == "token":
            return self._tokens.issue(request, CLIENT, KEY, self.faults)
        if not self._authenticated(request, route):
            return refusal(401, UNAUTHENTICATED)
        if route.asked_for == "product":
            return self._product(route)
        return self._bearer_list(route) if route.dialect == "bearer" else self._product_list(route)

    def _authenticated(self, request: Request, route: Route) -> bool:
        given = request.headers.get("authorization", "")
        if route.dialect == "bearer":
            return given == f"Bearer {KEY}" and not self.faults.take("key-refused", "token")
        if self.faults.take("token-expired", route.asked_for, route.page):
            self._tokens.forget_all()
        sent = request.headers.get("client_id")
        named = sent == CLIENT or (sent is None and self.quirks.way("client-id") == "optional")
        return named and self._tokens.knows(given.removeprefix("Bearer "))

    def _product(self, route: Route) -> Answer:
        raw = self.listing.one(route.product_id)
        if raw is None:
            status = 400 if route.dialect == "v2" else 404
            return refusal(status, "PRODUCT_NOT_FOUND", f"Cannot find product by id {route.product_id}")
        worn = asking.dress(route, self.quirks)
        if isinstance(worn, Answer):
            return worn
        (raw,) = self.listing.dressed([raw], worn)
        raw = poisoned([raw], self.faults, "product", None)[0]
        if self.faults.take("reorder-keys", "product"):
            raw = respelled(raw)
        return Answer(body=raw if route.dialect == "bearer" else enveloped(raw))

    def _bearer_list(self, route: Route) -> Answer:
        worn, way = asking.dress(route, self.quirks), self.quirks.way("bearer-pages")
        if isinstance(worn, Answer):
            return worn
        number = (route.page or 1) if way != "whole" else 1
        asked = Asked("listing", ALL, number, self.page_cap, self.quirks.way("order"), worn)
        if way == "paged":
            page = cut(self.listing, asked, self.faults)
        elif way == "one" and number > 1:
            page = Page([], 0, past_end=True)
        else:
            page = whole(self.listing, asked, self.faults)
        wrapped = self.faults.take("wrapped", "listing")
        how = str(wrapped.options["as"]) if wrapped else self.quirks.way("bearer-answer")
        if how == "envelope":
            return Answer(body=_listed(page, self.quirks))
        listed = b"[" + b",".join(page.raws) + b"]"
        return Answer(body=b'{"products":' + listed + b"}" if how == "products" else listed)

    def _product_list(self, route: Route) -> Answer:
        asked = asking.asked(route, self.page_cap, self.quirks, self.faults)
        if isinstance(asked, Answer):
            return asked
        page = cut(self.listing, asked, self.faults)
        refused = page.past_end and self.faults.take("past-end-400", route.asked_for)
        if refused or (page.past_end and self.quirks.way("past-end") == "400"):
            return refusal(400, "INVALID_REQUEST", f"page {route.page} is out of range")
        return Answer(body=_listed(page, self.quirks))


def _listed(page: Page, quirks: Quirks) -> bytes:
    way, total = quirks.way("total-count"), page.total
    if way == "missing":
        total = None
    elif way == "text" and total is not None:
        total = str(total)
    said = b"" if total is None else b'"total_count":%b,' % orjson.dumps(total)
    counts = b'{"page_count":%d,%b"product_list":[' % (len(page.raws), said)
    return enveloped(counts, b",".join(page.raws), b"]}")
