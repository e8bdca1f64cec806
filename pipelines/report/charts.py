"""The history of an integration as charts: plain SVG that takes its colours from the page, and needs no script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree.ElementTree import Element, tostring

import pygal
from markupsafe import Markup
from pygal.style import Style

from pipelines.database import Row

MARKS = {"success": "✓", "partial": "!", "failed": "✕", "running": "…"}
"""What stands beside the word of a status, so that no colour is needed to tell them apart."""

_COUNTED = {
    "created": "New products",
    "updated": "Changed products",
    "absent": "Products no longer listed",
    "errors": "Errors",
}

_UNSEEN = ("defs", "desc", "title")
"""pygal's own styles and script, and what its script would show on a touch."""

_FEWEST = 2
"""Syncs that make a history."""

_PLACES = 15
"""Bars that there is room for at least: few syncs make no wide ones."""

_LABEL = 16
"""The size of labels that room is kept for; how large they are is said by the page, by the width of the screen."""


def charts(syncs: Sequence[Row]) -> list[tuple[str, Markup]]:
    """The charts of those syncs, each with its heading; they are given newest first and shown newest right.

    None of what was 0 in each of them, and none at all of fewer than two syncs.
    """
    drawn = [row for row in reversed(syncs) if row["status"] != "running"]
    if len(drawn) < _FEWEST:
        return []
    told = {"How long it took, in seconds": [(row["duration_ms"] or 0) / 1000 for row in drawn]}
    told |= {title: [row[name] for row in drawn] for name, title in _COUNTED.items()}
    statuses = [str(row["status"]) for row in drawn]
    return [(title, _chart(title, values, statuses)) for title, values in told.items() if any(values)]


def _chart(title: str, values: Sequence[float], statuses: Sequence[str]) -> Markup:
    """A bar a sync, in the colour of its status, whose mark stands below."""
    chart = pygal.StackedBar(
        js=[], css=[], style=Style(label_font_size=_LABEL, major_label_font_size=_LABEL), show_legend=False,
        width=560, height=170, margin=6, spacing=6,
    )  # fmt: skip
    chart.y_labels = [{"value": mark, "label": _number(mark)} for mark in (0, max(values))]
    empty = [None] * (_PLACES - len(values))
    chart.x_labels = [*("" for _ in empty), *(MARKS[status] for status in statuses)]
    met = sorted(set(statuses))
    for wanted in met:
        of_it = [value if status == wanted else None for value, status in zip(values, statuses, strict=True)]
        chart.add(wanted, [*empty, *of_it])
    label = f"{title}; the {len(values)} newest syncs, oldest first: {', '.join(map(_number, values))}"
    return _inline(chart.render_tree(), label, met)


def _number(value: Any) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"


def _inline(svg: Element, label: str, met: Sequence[str]) -> Markup:
    """What pygal drew, as part of a page: named, each series by its status, without pygal's own styles, script and
    texts for tooltips."""
    for parent in list(svg.iter()):
        for child in list(parent):
            is_unseen = child.get("class") in ("tooltip", "plot text-overlay") or child.tag in _UNSEEN
            if is_unseen or not isinstance(child.tag, str):
                parent.remove(child)
    for number, status in enumerate(met):
        for series in svg.iterfind(f".//g[@class='series serie-{number} color-{number}']"):
            series.set("class", status)
    svg.attrib.pop("id")
    svg.attrib |= {"role": "img", "aria-label": label}
    return Markup(tostring(svg, encoding="unicode"))  # noqa: S704 - numbers and marks of ours
