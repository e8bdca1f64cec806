"""The parameters of a list: what they mean, and the refusals that Treez has for what they can't mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from pipelines.sandbox.armed import Faults
from pipelines.sandbox.dress import Dress
from pipelines.sandbox.listing import Filter
from pipelines.sandbox.message import Answer, refusal
from pipelines.sandbox.pages import Asked
from pipelines.sandbox.quirks import Quirks
from pipelines.sandbox.routes import COUNTING, Route

MOST_IDS = 50
ACTIVE = {"true": "TRUE", "1": "TRUE", "false": "FALSE", "0": "FALSE", "all": "ALL"}
BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
STOCK_TYPES: Mapping[str, str | None] = {"MEDICAL": "MEDICAL", "ADULT": "ADULT", "ALL": None}

_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d)")


def asked(route: Route, page_cap: int, quirks: Quirks, faults: Faults) -> Asked | Answer:
    """What a v2 list is asked for (TREEZ.md, product_list parameters), or the refusal."""
    given = route.get("active", "true")
    active = ACTIVE.get(given.lower())
    if ignored := faults.take("active-ignored", route.asked_for, route.page):
        active = ACTIVE[str(ignored.options["as"])]
    size = route.get("pagesize", str(page_cap))
    if active is None:
        return refusal(400, "INVALID_ACTIVE_PARAMETER", _not_active(given))
    if len(route.ids) > MOST_IDS:
        return refusal(400, "RESPONSE_LIMIT_EXCEEDS", f"at most {MOST_IDS} ids, not {len(route.ids)}")
    if route.page is None or COUNTING.fullmatch(size) is None:
        return refusal(400, "INCORRECT_VALUE", "page and pagesize are whole numbers from 1; page is required")
    after = _moment(route.after)
    if route.asked_for == "updated" and after is None:
        return refusal(400, "INVALID_DATE_FORMAT", f"'{route.after}' is not in yyyy-MM-ddTHH:mm:ss.SSSXXX")
    above = _boolean(route, "above_threshold", default=False)
    worn = dress(route, quirks)
    if isinstance(above, Answer):
        return above
    if isinstance(worn, Answer):
        return worn
    which = Filter(
        active=active,
        category=route.get("category_type") or None,
        ids=frozenset(route.ids) if route.asked_for == "lookup" else None,
        above_threshold=above,
        after=after,
    )
    return Asked(route.asked_for, which, route.page, min(int(size), page_cap), quirks.way("order"), worn)


def dress(route: Route, quirks: Quirks) -> Dress | Answer:
    """How the records are to be shown, for a list or one product, or the refusal."""
    flags = [
        _boolean(route, f"include_{name}", default=quirks.way(quirk) == "listed")
        for name, quirk in (("image_list", "images"), ("discounts", "discounts"))
    ]
    kind = route.get("sellable_quantity_in_type", "ALL").upper()
    for flag in flags:
        if isinstance(flag, Answer):
            return flag
    if kind not in STOCK_TYPES:
        return refusal(400, "INCORRECT_VALUE", f"sellable_quantity_in_type is one of {', '.join(STOCK_TYPES)}")
    images, discounts = map(bool, flags)
    return Dress(
        capped=quirks.way("stock") == "capped",
        numbers=quirks.way("numbers"),
        images=images,
        discounts=discounts,
        location_ids=quirks.way("location-ids") == "given",
        flat=route.dialect == "bearer" and quirks.way("bearer-records") == "flat",
        location=route.get("sellable_quantity_in_location") or None,
        kind=STOCK_TYPES[kind],
    )


def _boolean(route: Route, name: str, *, default: bool) -> bool | Answer:
    text = route.get(name).lower()
    if not text:
        return default
    found = BOOLEANS.get(text)
    return refusal(400, "INCORRECT_VALUE", f"{name} is true or false") if found is None else found


def _moment(text: str) -> datetime | None:
    if not _DATE.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _not_active(given: str) -> str:
    return f"'{given}' is not a valid value for active parameter. Possible values are: true, false, 1, 0, all"
