"""The end of a sync at a glance: its counts, what was odd, what to try next, and last what it came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from models.sync import Status
from pipelines.console import BAD, COUNTS, DOUBTFUL, GOOD, OUTCOMES, QUIET, Console, say

_MEANS = {"created": GOOD, "updated": GOOD, "absent": DOUBTFUL, "rejected": BAD}
"""The colour of a count that is not zero."""


def result(console: Console, log: dict[str, Any], where: str, hints: Sequence[tuple[str, str]]) -> None:
    """The counts in a table, warnings and errors, what to try next; the last line is the one that matters."""
    from rich.text import Text

    counts = _counts(log)
    table = console.table(*COUNTS)
    table.add_row(*(Text(f"{count:,}", _MEANS.get(name, "") if count else QUIET) for name, count in counts.items()))
    console.print(table)
    console.warnings(log)
    console.problems(log)
    console.hints(hints)
    seconds = (log["duration_ms"] or 0) / 1000
    status = Status(log["status"])
    say(
        f"{status.upper()} in {seconds:.1f} s: {_came_to(status, log, counts)}   sync {str(log['id'])[:8]}   {where}",
        f"bold {OUTCOMES.get(status, '')}",
    )


def _counts(log: Mapping[str, Any]) -> dict[str, int]:
    receipt = (log["summary"] or {}).get("receipt") or {}
    return {name: log[f"products_{name}"] if f"products_{name}" in log else receipt.get(name, 0) for name in COUNTS}


def _came_to(status: Status, log: Mapping[str, Any], counts: Mapping[str, int]) -> str:
    if status is Status.FAILED:
        return "nothing was published"
    changed = [f"{counts[name]:,} {name}" for name in ("created", "updated", "absent") if counts[name]]
    errors = log["errors_count"]
    wrong = [f"{errors:,} error{'s' if errors != 1 else ''}"] if errors else []
    return ", ".join((changed or ["nothing changed"]) + wrong)
