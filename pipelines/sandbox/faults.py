"""One table of named faults: what each does, what it takes, and how often it still comes."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipelines.errors import ConfigurationError

Value = int | str

ALL, CONTENT, LISTING, TOKEN = "all", "content", "listing", "token"
"""What a fault concerns unless `page` or `at` says otherwise: all requests, products (listed or one), lists, token."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a fault does, what it concerns, its arguments beside page, times and at with their defaults, and the page
    and the number of times where none is given (None: any page; for ever)."""

    does: str
    concerns: str = CONTENT
    takes: Mapping[str, Value] = field(default_factory=dict)
    page: int | None = None
    times: int | None = None


FAULTS: Mapping[str, Kind] = {
    "down": Kind("every connection is closed without an answer", ALL),
    "reset": Kind("the connection is reset before the headers"),
    "slow": Kind("the answer takes ms longer", ALL, {"ms": 1000}),
    "http-500": Kind("500, with a page of the web server"),
    "http-503": Kind("503; Retry-After is sent where retry_after (seconds) is given", takes={"retry_after": ""}),
    "http-429": Kind("429 OVER LIMIT; Retry-After where retry_after (seconds) is given", takes={"retry_after": ""}),
    "html": Kind("200 with an HTML page"),
    "fail-200": Kind("200 with a FAIL envelope"),
    "empty-body": Kind("200 with nothing in it"),
    "bad-json": Kind("200 with JSON that breaks off"),
    "cut-body": Kind("the connection closes before Content-Length is reached"),
    "redirect": Kind("302 to another host, `to`", takes={"to": "http://elsewhere.invalid"}),
    "forbidden": Kind("403, as the gateway in front of Treez answers", ALL),
    "not-found": Kind("404 NOT_FOUND: the dispensary is unknown", ALL),
    "key-refused": Kind("the key is refused: no token (FAIL, with `status`); bearer 401", TOKEN, {"status": 200}),
    "token-expired": Kind("401 until a new token is fetched; an API key as bearer does not expire", LISTING, times=1),
    "empty-list": Kind("200 SUCCESS without products", LISTING),
    "repeat-page": Kind("this page and all later ones are the page before", LISTING, page=2),
    "page-one-forever": Kind("every page is page 1", LISTING),
    "short-page": Kind("the page lacks `count` of its products; no other has them", LISTING, {"count": 1}, page=2),
    "duplicate": Kind("a product of page 1 stands on this page too, with another price", LISTING, page=2),
    "bad-records": Kind("`count` records that can't be used stand on the page", LISTING, {"count": 6}, page=1),
    "sliding": Kind("as this page is asked for, page 1's first product is renamed to the end: one slips past", LISTING,
                    page=2, times=1),
    "wrong-total": Kind("total_count is `total`", LISTING, {"total": 1}),
    "no-total": Kind("total_count is missing", LISTING),
    "reorder-keys": Kind("the same contents: keys in another order, other white space, 1 as 1.0"),
    "past-end-400": Kind("a page past the end is 400 INVALID_REQUEST", LISTING),
    "wrapped": Kind("bearer: the list stands in an object (as=products) or v2's envelope (as=envelope)", LISTING,
                    {"as": "products"}),
}  # fmt: skip
"""Every fault there is, by name. `name:key=value,key=value`: page, times and at are understood by all."""

CONCERNS = {
    ALL: ("token", "listing", "product", "other"),
    CONTENT: ("listing", "product"),
    LISTING: ("listing",),
    TOKEN: ("token",),
    "product": ("product",),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault to come: its page (None: any), how many times (None: for ever), what it concerns, its own arguments."""

    name: str
    page: int | None
    times: int | None
    concerns: str
    options: Mapping[str, Value]

    def number(self, option: str) -> int:
        """An option that is a number."""
        return int(self.options[option])


def parse_fault(text: str) -> Fault:
    """Read `name` or `name:key=value,key=value`.

    Raises ConfigurationError, naming what is known, for an unknown name or argument or a value that can't be.
    """
    name, _, arguments = text.strip().partition(":")
    kind = FAULTS.get(name)
    if kind is None:
        raise ConfigurationError(f"Unknown fault {name!r}: known are {', '.join(sorted(FAULTS))}")
    given = _arguments(name, kind, arguments)
    page = _whole(name, "page", given.pop("page", None), kind.page, least=2 if name == "repeat-page" else 1)
    times = _whole(name, "times", given.pop("times", None), kind.times, least=1)
    by_page = page is not None and kind.concerns in (ALL, CONTENT)
    at = given.pop("at", LISTING if by_page else kind.concerns)
    if at not in CONCERNS:
        raise ConfigurationError(f"Fault {name}: at={at} is not one of {', '.join(CONCERNS)}")
    options: dict[str, Value] = dict(kind.takes)
    for key, value in given.items():
        options[key] = (_whole(name, key, value, None, least=0) or 0) if isinstance(kind.takes[key], int) else value
    if name == "wrapped" and options["as"] not in ("products", "envelope"):
        raise ConfigurationError(f"Fault wrapped: as={options['as']} is neither products nor envelope")
    return Fault(name, page, times, at, options)


def _arguments(name: str, kind: Kind, text: str) -> dict[str, str]:
    known = ("page", "times", "at", *kind.takes)
    found: dict[str, str] = {}
    for part in text.split(",") if text else ():
        key, equals, value = part.partition("=")
        if not equals or key not in known:
            raise ConfigurationError(f"Fault {name} does not take {part!r}: it takes {', '.join(known)}, as key=value")
        found[key] = value
    return found


def _whole(name: str, key: str, value: str | None, default: int | None, *, least: int) -> int | None:
    if value is None:
        return default
    if not value.isdecimal() or int(value) < least:
        raise ConfigurationError(f"Fault {name}: {key} must be a whole number from {least}, not {value!r}")
    return int(value)


class Faults:
    """The faults that are set, counted down as they come; safe with many requests at once."""

    def __init__(self, faults: Iterable[str | Fault] = ()) -> None:
        """Raises ConfigurationError as `parse_fault` does."""
        self._set = [fault if isinstance(fault, Fault) else parse_fault(fault) for fault in faults]
        self._left = [fault.times for fault in self._set]
        self._lock = threading.Lock()

    def take(self, name: str, asked_for: str, page: int | None = None) -> Fault | None:
        """The fault, if it is set for this request and page and has not healed: this use is counted.

        `asked_for` is "listing", "product", "token" or "other". Without a page, as in the bearer dialect's one list,
        the fault's page does not matter.
        """
        with self._lock:
            place = self._place(name, asked_for, page)
            if place is None:
                return None
            left = self._left[place]
            self._left[place] = None if left is None else left - 1
            return self._set[place]

    def look(self, name: str, asked_for: str) -> Fault | None:
        """The fault, if it is set and has not healed, whatever its page: nothing is counted."""
        with self._lock:
            place = self._place(name, asked_for, None)
            return None if place is None else self._set[place]

    def _place(self, name: str, asked_for: str, page: int | None) -> int | None:
        for place, fault in enumerate(self._set):
            there = fault.name == name and self._left[place] != 0 and asked_for in CONCERNS[fault.concerns]
            if there and (page is None or _meets(fault, page)):
                return place
        return None


def _meets(fault: Fault, page: int) -> bool:
    """Whether the page is the fault's; repeat-page concerns every later one as well."""
    if fault.page is None:
        return True
    return page >= fault.page if fault.name == "repeat-page" else page == fault.page
