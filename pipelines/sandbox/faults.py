"""The one table of faults: what each does, which of RELIABILITY.md's numbers it stands for, and what it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Value = int | str

ALL, CONTENT, LISTING, TOKEN = "all", "content", "listing", "token"
"""What a fault concerns unless `page` or `at` says otherwise: all requests, products (listed or one), lists, token."""

CONCERNS = {
    ALL: ("token", "listing", "lookup", "updated", "product", "other"),
    CONTENT: ("listing", "lookup", "updated", "product"),
    LISTING: ("listing", "lookup", "updated"),
    TOKEN: ("token",),
    "pages": ("listing",),
    "lookup": ("lookup",),
    "updated": ("updated",),
    "product": ("product",),
}
"""What `at` may say, and the requests it means: lookup is product_list with `id`, updated lastUpdated/after."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a fault does, its numbers in RELIABILITY.md 3.3, what it concerns, its own arguments with their defaults (of
    a tuple of texts one may be chosen, the first is the default), and the page and the number of times where none is
    given (None: any page; for ever)."""

    does: str
    numbers: tuple[int, ...] = ()
    concerns: str = CONTENT
    takes: Mapping[str, Value | tuple[str, ...]] = field(default_factory=dict)
    page: int | None = None
    times: int | None = None


RETRY: Mapping[str, Value] = {"retry_after": ""}
PRICES = ("huge", "big", "digits", "comma", "dollar", "words", "negative", "zero", "negative-zero")
IDS = ("null", "missing", "empty", "blank", "spaces", "upper", "number", "long", "sql")
DATES = ("epoch", "epoch-ms", "no-zone", "us", "feb-29", "year-1", "year-9999", "dst-gap", "dst-overlap", "words")
SHAPES = ("array", "null", "text", "number", "no-data", "no-list", "list-object", "strange-list")

FAULTS: Mapping[str, Kind] = {
    # The connection.
    "down": Kind("every connection is closed without an answer", (31,), ALL),
    "reset": Kind("the connection is reset before the headers", (32,)),
    "reset-body": Kind("the connection is reset in the middle of the body", (33,)),
    "cut-body": Kind("the connection closes before Content-Length is reached", (34,)),
    "cut-chunked": Kind("a chunked body ends in the middle of a chunk", (34,)),
    "short-length": Kind("Content-Length says half of what is sent", (34,)),
    "slow": Kind("the answer takes ms longer", (35,), ALL, {"ms": 1000}),
    "slow-headers": Kind("each line of the headers comes ms after the one before", (35,), takes={"ms": 1000}),
    "drip": Kind("the body comes a byte at a time, one each ms", (36,), takes={"ms": 1000}),
    "hang": Kind("the headers, and then nothing more", (37,)),
    "gzip-bomb": Kind("about a kilobyte for each MB (`mb`) that it unpacks to", (38,), takes={"mb": 1024}),
    "wrong-encoding": Kind("Content-Encoding names what the body is not", (39,),
                           takes={"as": ("gzip", "deflate", "br", "nonsense")}),
    "wrong-charset": Kind("Content-Type names a charset (`as`) that the body is not in", (39,),
                          takes={"as": "ISO-8859-1"}),
    "keep-alive-closed": Kind("the connection is closed after a whole answer that promised to keep it", (40,)),
    # An answer of another kind in its place.
    "http-204": Kind("204: no content", (23,)),
    "http-408": Kind("408, with a page of the web server", (8,)),
    "http-409": Kind("409 FAIL", (9,)),
    "http-423": Kind("423 FAIL: locked", (9,)),
    "http-425": Kind("425, with a page of the web server"),
    "http-429": Kind("429 OVER LIMIT; Retry-After as retry_after says: seconds (0, -5, 1000000000), date+N or date-N (a"
                     " date N seconds from now), anything else as it stands", (10, 11, 12, 13, 14, 15, 16, 17),
                     takes=RETRY),
    "http-500": Kind("500, with a page of the web server", (18, 19)),
    "http-502": Kind("502; Retry-After as for http-429", (20,), takes=RETRY),
    "http-503": Kind("503; Retry-After as for http-429", (20,), takes=RETRY),
    "http-504": Kind("504; Retry-After as for http-429", (20,), takes=RETRY),
    "html": Kind("200 with an HTML page", (22,)),
    "fail-200": Kind("200 with a FAIL envelope", (21,)),
    "empty-body": Kind("200 with nothing in it", (23,)),
    "redirect": Kind("a redirect (`status`) to another host (`to`)", (24,),
                     takes={"to": "http://elsewhere.invalid", "status": 302}),
    "redirect-loop": Kind("302 to the address that was asked for", (25,)),
    # Key, token, shop.
    "key-refused": Kind("the key is refused: no token (FAIL, with `status`); bearer 401", (1,), TOKEN, {"status": 200}),
    "token-expired": Kind("401 until a new token is fetched; an API key as bearer does not expire", (2, 28, 30),
                          LISTING, times=1),
    "unauthorized": Kind("401, whatever the token or the key", (3,)),
    "forbidden": Kind("403, as the gateway in front of Treez answers", (4, 5), ALL),
    "not-found": Kind("404 NOT_FOUND: the dispensary is unknown", (6, 7), ALL),
    "token-no-expiry": Kind("the token comes without expires_at and expires_in", (29,), TOKEN),
    "token-clock": Kind("the token's expires_at and expires_in are an hour off: `past` is over already, though the"
                        " token is good", (29,), TOKEN, {"as": ("past", "future")}),
    "token-life": Kind("the token lives `seconds`, and says so", (28,), TOKEN, {"seconds": 2}),
    # The paging.
    "empty-list": Kind("200 SUCCESS without products", (41, 51), LISTING),
    "repeat-page": Kind("this page and all later ones are the page before", (42,), LISTING, page=2),
    "repeat-last": Kind("past the end comes the last page, again and again", (42,), LISTING),
    "page-one-forever": Kind("every page is page 1", (43,), LISTING),
    "sliding": Kind("as this page is asked for, page 1's first product is renamed to the end: one slips past", (44, 45),
                    LISTING, page=2, times=1),
    "inserting": Kind("as this page is asked for, a product is added in front: the last of each page moves to the next",
                      (44,), LISTING, page=2, times=1),
    "deleting": Kind("as this page is asked for, page 1's first product is removed: one slips past", (45, 46), LISTING,
                     page=2, times=1),
    "short-page": Kind("the page lacks `count` of its products; no other has them", (45,), LISTING, {"count": 1},
                       page=2),
    "wrong-total": Kind("total_count is `total`", (47,), LISTING, {"total": 1}),
    "no-total": Kind("total_count is missing", (47,), LISTING),
    "text-total": Kind("total_count is a text", (47,), LISTING),
    "moving-total": Kind("total_count is `by` more on each page", (47,), LISTING, {"by": 1}),
    "capped": Kind("a page has `size` products at most, whatever was asked for", (48,), LISTING, {"size": 10}),
    "past-end-400": Kind("a page past the end is 400 INVALID_REQUEST", (50,), LISTING),
    "collapse": Kind("only one product in `to` is still listed", (52,), LISTING, {"to": 10}),
    "double": Kind("every product is listed once more, under another id", (53,), LISTING),
    "active-ignored": Kind("`active` is not heeded: it counts as `as`", (54,), LISTING,
                           {"as": ("true", "false", "all")}),
    "wrapped": Kind("bearer: the list stands in an object (as=products) or v2's envelope (as=envelope)", (), LISTING,
                    {"as": ("products", "envelope")}),
    # The body.
    "bad-json": Kind("200 with JSON that breaks off", (55, 56)),
    "invalid-json": Kind("200 with a comma too many", (55,)),
    "trailing-junk": Kind("something stands behind the JSON", (57,)),
    "bom": Kind("a byte order mark stands before the JSON", (58,)),
    "utf-16": Kind("the JSON is UTF-16", (58,)),
    "wrong-shape": Kind("200 with JSON that is no envelope, or whose list is none", (69,), takes={"as": SHAPES}),
    "reorder-keys": Kind("the same contents: keys in another order, other white space, 1 as 1.0", (66,)),
    # Records: the first `count` of the page have it.
    "invalid-utf8": Kind("a byte that UTF-8 doesn't have stands in the name", (59,), LISTING, {"count": 1}, page=1),
    "nul": Kind("NUL stands in a text (escaped, or as the byte) or in a key", (60,), LISTING,
                {"as": ("escaped", "raw", "key"), "count": 1}, page=1),
    "lone-surrogate": Kind("half of a surrogate pair stands in the name", (61,), LISTING, {"count": 1}, page=1),
    "nan": Kind("the price is NaN or Infinity, which JSON does not have", (62,), LISTING,
                {"as": ("nan", "infinity", "minus-infinity"), "count": 1}, page=1),
    "odd-price": Kind("the price is 1e400, 10^30, of 20 decimals, \"12,50\", \"$12\", words, negative, 0 or -0.0",
                      (62, 63), LISTING, {"as": PRICES, "count": 1}, page=1),
    "duplicate-keys": Kind("product_status stands there twice, with other values", (64,), LISTING, {"count": 1},
                           page=1),
    "like-keys": Kind("keys that differ only in case, or only as camelCase from snake_case", (65,), LISTING,
                      {"as": ("case", "snake"), "count": 1}, page=1),
    "deep": Kind("a field is nested `levels` deep", (67,), LISTING, {"levels": 1000, "count": 1}, page=1),
    "long-text": Kind("the description has `bytes` bytes", (68,), LISTING, {"bytes": 1_048_576, "count": 1}, page=1),
    "long-array": Kind("internal_tags has `items` entries", (68,), LISTING, {"items": 50_000, "count": 1}, page=1),
    "type-flip": Kind("`field` (dots lead inward) is of another type", (69,), LISTING,
                      {"as": ("object", "array", "null", "boolean", "number", "text"), "field": "sellable_quantity",
                       "count": 1}, page=1),
    "fields": Kind("`field` is gone or has another name; or a field is new, or named like SQL", (70, 76), LISTING,
                   {"as": ("gone", "renamed", "added", "sql"), "field": "lab_results", "count": 1}, page=1),
    "odd-id": Kind("product_id is null, missing, empty, blank, in spaces, in capitals, a number, of 300 characters, or"
                   " like SQL", (71, 76), LISTING, {"as": IDS, "count": 1}, page=1),
    "twin": Kind("one more record: with the same id and another price, or an id that differs in case or in the form of"
                 " its accents (two more)", (71, 72), LISTING, {"as": ("same", "case", "accents"), "count": 1}, page=1),
    "duplicate": Kind("a product of page 1 stands on this page too, with another price", (72,), LISTING, page=2),
    "odd-date": Kind("last_updated_at is of another form, or of no day that there is", (73,), LISTING,
                     {"as": DATES, "count": 1}, page=1),
    "markup": Kind("name and description are HTML, a script or a spreadsheet's formula", (74,), LISTING,
                   {"as": ("html", "script", "formula"), "count": 1}, page=1),
    "odd-letters": Kind("the name is written right to left, with joiners, or in emoji", (75,), LISTING,
                        {"as": ("rtl", "joiner", "emoji"), "count": 1}, page=1),
    "odd-barcode": Kind("the barcode begins with zeros, is a number, or is nested", (77,), LISTING,
                        {"as": ("zeros", "number", "nested"), "count": 1}, page=1),
    "bad-records": Kind("`count` records that can't be used stand on the page", (60, 61, 62, 71), LISTING,
                        {"count": 6}, page=1),
}  # fmt: skip
"""Every fault there is, by name. `name:key=value,key=value`: page, times, after, every and at are understood by all."""

NOT_HERE: Mapping[int, str] = {
    26: "the sandbox speaks plain HTTP",
    27: "a name that can't be resolved never reaches a server: ask for another host",
    49: "there is no cursor to loop: pages are counted",
}
"""Faults of RELIABILITY.md 1 to 77 that this API can't have."""
