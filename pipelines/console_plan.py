"""A plan in words: each product that would change, the counts, and how to publish exactly that."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import shorten
from typing import Any

from pipelines.console import BAD, Console, cell, say, tell

SHOWN = 200
"""Changes that are listed; --json has them all."""

_NAME = 40
"""Letters of a product's name."""

_COUNTS = ("fetched", "created", "updated", "unchanged")


def plan(console: Console, name: str, told: Mapping[str, Any]) -> None:
    """The changes in a table, old and new, then the counts in one line, and what to do with the digest."""
    changes = told["changes"]
    rows = [
        {
            "change": change["change"],
            "cause": change["cause"],
            "source_id": change["source_id"],
            "name": shorten(cell(change["name"]), _NAME, placeholder="…"),
            "what": _what(change),
        }
        for change in changes[:SHOWN]
    ]
    console.listing(rows, ("change", "cause", "source_id", "name", "what"), "Nothing would change")
    if len(changes) > SHOWN:
        console.tell(f"and {len(changes) - SHOWN:,} more: --json shows them all")
    for warning in told["warnings"]:
        console.warn(f"warning: {cell(warning['message'])}")
    for problem in told["problems"]:
        tell(f"{problem['kind']}: {cell(problem['message'])}", BAD)
    absent = sum(change["change"] == "absent" for change in changes)
    counts = ", ".join(f"{told['stats'][count]:,} {count}" for count in _COUNTS)
    say(f"{cell(name)}: {counts}, {absent:,} absent, {told['stats']['errors']:,} errors; nothing was kept")
    say(f"digest {told['digest']}")
    console.hints([(f"guidelight sync --expect {told['digest'][:12]}", "publish exactly this, or nothing")])


def _what(change: Mapping[str, Any]) -> str:
    merges = [
        f"{how.replace('_', ' ')} {', '.join(change[how])}" for how in ("merged_into", "merged_from") if how in change
    ]
    return ", ".join([cell(merge) for merge in merges] + [_values(change)])


def _values(change: Mapping[str, Any]) -> str:
    if change["change"] == "created":
        new = {column: values["new"] for column, values in change["fields"].items()}
        shown = ("price_retail", "price_sale", "stock_quantity", "is_active")
        return ", ".join(f"{column} {cell(new[column])}" for column in shown if column in new)
    return ", ".join(
        "another record" if column == "source_data" else f"{column} {cell(values['old'])} → {cell(values['new'])}"
        for column, values in change["fields"].items()
    )
