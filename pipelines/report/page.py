"""Makes the page: one HTML file that asks for nothing else, in which no text of others is anything but text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from pipelines.history import CAUSES
from pipelines.plain import plain
from pipelines.report.charts import MARKS, charts
from pipelines.report.told import Change, Report
from pipelines.templates import Compiled

_LONGEST = 160
"""Letters of a value that are shown."""

_LONGEST_TEXT = 1_000
"""Letters of any other text: a message quotes what others wrote."""

_CONTEXT = 24
"""Of two long values that begin alike, so many letters before the first that differs."""

_UNSCHEDULED = 24 * 60
"""Minutes after which a page says that it is old, where no integration has an interval."""

HEADLINES = {
    "healthy": ("ok", "The menu is fresh"),
    "partial": ("warn", "The menu is fresh, but not all of it"),
    "late": ("warn", "The menu may be out of date"),
    "failing": ("bad", "The menu is not being updated"),
    "never": ("warn", "The menu was never updated"),
}
"""What each state of marks.sync_health means to whoever reads the menu; how grave it is, and in which words."""

WORDS = {
    "price_retail": "price", "price_member": "member price", "price_sale": "sale price", "stock_quantity": "stock",
    "is_active": "active", "image_url": "image", "thc_percent": "THC percent", "cbd_percent": "CBD percent",
    "sku": "SKU",
}  # fmt: skip
"""Columns whose names are no words; of the others the underscores become blanks."""

_HERE = Path(__file__).parent

_VERSION = f"report-{hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]}"
"""Of what stands in compiled templates besides their text."""


def render(report: Report, links: Mapping[str, str]) -> str:
    """The page. `links`: other pages that stand beside it, {what they are: a relative address}."""
    intervals = [one.interval_minutes for one in report.shops if one.interval_minutes is not None]
    return _made(
        "page.html",
        (_HERE / "page.js").read_text("utf-8"),
        report=report,
        links=links,
        charts=charts,
        headlines=HEADLINES,
        causes=CAUSES,
        stale_minutes=min(intervals) * 2 if intervals else _UNSCHEDULED,
    )


def index(pages: Mapping[str, tuple[str, str]]) -> str:
    """A page of links: {name: (relative address, what is there)}."""
    return _made("docs.html", "", pages=pages)


def _made(template: str, script: str, **context: Any) -> str:
    """A page with our style and one script, and the policy that lets it load and run nothing else."""
    style = (_HERE / "page.css").read_text("utf-8")
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    own = {"style": Markup(style), "script": Markup(script)}  # noqa: S704 - our own files
    return environment().get_template(template).render(**own, policy=policy, **context)


@cache
def environment() -> Environment:
    """The templates, and what they say things with."""
    made = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, finalize=_seen,
        trim_blocks=True, lstrip_blocks=True, bytecode_cache=Compiled(_VERSION),
    )  # fmt: skip
    made.filters |= {
        "when": when, "stamp": stamp, "age": age, "number": number, "value": value, "price": price, "word": word,
        "code": code, "status": status, "short": lambda given: str(given)[:8], "pair": pair, "gist": gist,
    }  # fmt: skip
    return made


def _seen(given: Any) -> Any:
    """Of text what can be seen (pipelines/plain.py); the escaping of its signs is Jinja's."""
    return plain(_cut(given, _LONGEST_TEXT)) if isinstance(given, str) and not isinstance(given, Markup) else given


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"


def _hash(text: str) -> str:
    """How a page's own policy names a script or style in it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def when(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def stamp(moment: datetime) -> str:
    """A moment as programs read it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def age(minutes: int) -> str:
    """A time span in the words that page.js uses too."""
    if minutes < 1:
        return "less than a minute"
    if minutes < 120:
        return f"{minutes} minute{'' if minutes == 1 else 's'}"
    return f"{minutes // 60} hours" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"


def number(given: int | None) -> str:
    return "–" if given is None else f"{given:,}"


def word(column: str) -> str:
    return WORDS.get(column, column.replace("_", " "))


def price(given: Any) -> str:
    return "none" if given is None else f"{float(given):,.2f}"


def value(given: Any, column: str = "") -> str:
    """A value of a column in words, cut where it is long."""
    if given is None or given == "":
        return "none"
    if isinstance(given, bool):
        return "yes" if given else "no"
    if column.startswith("price_") and isinstance(given, int | float):
        return price(given)
    if isinstance(given, int):
        return f"{given:,}"
    text = json.dumps(given, ensure_ascii=False) if isinstance(given, dict | list) else str(given)
    return _cut(text, _LONGEST)


def pair(change: Mapping[str, Any], column: str) -> tuple[str, str]:
    """The old value and the new; of long ones that begin alike, from where they differ."""
    old, new = change.get("old"), change.get("new")
    if isinstance(old, str) and isinstance(new, str) and max(len(old), len(new)) > _LONGEST // 2:
        alike = next((at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
        if alike > _CONTEXT:
            old, new = (f"…{text[alike - _CONTEXT :]}" for text in (old, new))
    return value(old, column), value(new, column)


def gist(change: Change) -> str:
    """What is said of a new product: where it stands in the menu, and its price."""
    told = {name: change.fields[name].get("new") for name in ("category", "brand") if name in change.fields}
    words = [value(given) for given in told.values() if given]
    cost = change.fields.get("price_retail", {}).get("new")
    return " · ".join([*words, *([] if cost is None else [price(cost)])])


def code(sentence: Any) -> Markup:
    """A sentence with what stands between backticks as a command."""
    parts = re.split(r"`([^`]+)`", plain(_cut(str(sentence), _LONGEST_TEXT)))
    marked = [f"<code>{escape(part)}</code>" if at % 2 else str(escape(part)) for at, part in enumerate(parts)]
    return Markup("".join(marked))  # noqa: S704 - each part was escaped


def status(name: Any) -> Markup:
    """A status as a badge: a mark, a word, and a colour."""
    return Markup('<span class="badge {0}"><span aria-hidden="true">{1}</span> {0}</span>').format(
        str(name), MARKS[str(name)]
    )
