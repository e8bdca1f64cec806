"""The faults that stand for a whole answer, whatever was asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from pipelines.sandbox.armed import Fault
from pipelines.sandbox.message import HTML, Answer, Request, json_answer, over_limit, refusal

UNAUTHENTICATED = "Full authentication is required to access this resource"

_FROM_NOW = re.compile(r"date([+-][0-9]{1,9})")


def _retry_after(fault: Fault) -> tuple[tuple[str, str], ...]:
    given = str(fault.options["retry_after"])
    if not given:
        return ()
    if found := _FROM_NOW.fullmatch(given):
        moment = datetime.now(UTC) + timedelta(seconds=int(found[1]))
        given = format_datetime(moment, usegmt=True)
    return (("Retry-After", given),)


def _page_of_the_server(status: int) -> Callable[[Fault, Request], Answer]:
    return lambda fault, _: Answer(
        status, HTML, "text/html", _retry_after(fault) if "retry_after" in fault.options else ()
    )


INSTEAD: Mapping[str, Callable[[Fault, Request], Answer]] = {
    "down": lambda fault, _: Answer(broken="closed"),
    "reset": lambda fault, _: Answer(broken="reset"),
    "unauthorized": lambda fault, _: refusal(401, UNAUTHENTICATED),
    "forbidden": lambda fault, _: json_answer({"message": "Forbidden"}, 403),
    "not-found": lambda fault, _: refusal(404, "NOT_FOUND", "unknown dispensary"),
    "http-204": lambda fault, _: Answer(204),
    "http-408": _page_of_the_server(408),
    "http-409": lambda fault, _: refusal(409, "CONFLICT", "the inventory is being changed"),
    "http-423": lambda fault, _: refusal(423, "LOCKED", "the inventory is being counted"),
    "http-425": _page_of_the_server(425),
    "http-429": lambda fault, _: over_limit(_retry_after(fault)),
    "http-500": _page_of_the_server(500),
    "http-502": _page_of_the_server(502),
    "http-503": _page_of_the_server(503),
    "http-504": _page_of_the_server(504),
    "html": lambda fault, _: Answer(200, HTML, "text/html"),
    "fail-200": lambda fault, _: refusal(200, "INTERNAL_ERROR", "try again later"),
    "empty-body": lambda fault, _: Answer(),
    "redirect": lambda fault, _: Answer(fault.number("status"), headers=(("Location", str(fault.options["to"])),)),
    "redirect-loop": lambda fault, request: Answer(302, headers=(("Location", request.target),)),
}
"""Of several that are set, the first here."""
