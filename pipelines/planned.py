"""The plans that this machine has made, by their digests: what `sync --expect` says has moved on since."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.change_set import ChangeSet
from pipelines.settings import build_directory

KEPT = 10
"""The newest plans that stay in build/plans."""

_SHOWN = 5
_LONGEST = 60


def save(plan: Mapping[str, Any]) -> None:
    """Keep a plan, as `plan --json` prints it, under its digest: whole or not at all. Raises OSError."""
    directory = _directory()
    directory.mkdir(parents=True, exist_ok=True)
    written = directory / f"{plan['digest']}.json.{os.getpid()}"
    written.write_text(json.dumps(plan, default=str, ensure_ascii=False), "utf-8")
    written.rename(directory / f"{plan['digest']}.json")
    for old in sorted(directory.glob("*.json"), key=lambda path: path.stat().st_mtime)[:-KEPT]:
        old.unlink(missing_ok=True)


def moved_on(digest: str, now: ChangeSet) -> str:
    """One line: what differs between the plan of a digest, or of its beginning, and what would be done now.

    Where this machine has no such plan, only what would be done now.
    """
    known = sorted(_directory().glob(f"{digest}*.json"))
    what = "What this sync would do is no longer what was planned, and nothing was published"
    if not known:
        would = ", ".join(f"{name} {now.count(name):,}" for name in ("created", "updated", "absent"))
        return f"{what}: now it would be {would} (digest {now.digest[:12]}). Look at `guidelight plan` again"
    then = json.loads(known[0].read_text("utf-8"))
    moves = _moves(then["changes"], now.changes)
    if bool(then["held_back"]) != bool(now.held_back):
        moves.insert(0, "the guard now holds back" if now.held_back else "the guard no longer holds back")
    more = f"; and {len(moves) - _SHOWN:,} more" if len(moves) > _SHOWN else ""
    return f"{what}: {'; '.join(moves[:_SHOWN])}{more}. Look at `guidelight plan` again"


def _moves(then: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> list[str]:
    planned, wanted = ({row["source_id"]: row for row in rows} for rows in (then, now))
    told = []
    for source_id in sorted(planned.keys() | wanted.keys()):
        before, after = planned.get(source_id), wanted.get(source_id)
        if after is None:
            told.append(f"{source_id} would not be written any more")
        elif before is None or before["change"] != after["change"]:
            planned_as = "nothing" if before is None else before["change"]
            told.append(f"{source_id} would be {after['change']}, {planned_as} was planned")
        else:
            told += _columns(source_id, _new(before), _new(after))
    return told


def _columns(source_id: str, planned: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    differing = [name for name in sorted(planned.keys() | wanted.keys()) if planned.get(name) != wanted.get(name)]
    if not differing:
        return []
    told = [
        "another record" if name == "source_data" else f"{name} {_cut(wanted.get(name))} for {_cut(planned.get(name))}"
        for name in differing
    ]
    return [f"{source_id} would get {', '.join(told)}"]


def _cut(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _new(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values.get("new") for name, values in row["fields"].items()}


def _directory() -> Path:
    return build_directory() / "plans"
