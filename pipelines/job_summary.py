"""What a finished `guidelight sync --json` becomes on GitHub: markdown for the job summary, and annotations.

`python -m pipelines.job_summary RESULT.json >> "$GITHUB_STEP_SUMMARY"`: the markdown goes to standard output, the
annotations to standard error, where the runner reads them too. Exit status 0; 2 where the run must not be green
although nothing failed: nothing but a sandbox is there to be synced.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from models.integration import Integration
from models.sync import ProblemKind, SyncLog
from pipelines import store
from pipelines.changed import Changed, changed
from pipelines.database import connect
from pipelines.errors import GuidelightError
from pipelines.github_text import annotation, markdown
from pipelines.settings import target

LONGEST = 900_000
"""Bytes of a summary; GitHub drops one of more than 1 MiB whole (RELIABILITY.md, Surfaces)."""

ERRORS_SHOWN = 50
_MESSAGE = 500

_COLUMNS = ("fetched", "created", "updated", "unchanged", "absent", "rejected", "errors")
_REFUSED = "is already"
"""What every refusal says (pipelines/file_lock.py)."""

_NOT_ENABLED = "No integration is active and enabled for scheduled syncs: nothing will be synced until one is"
_ONLY_SANDBOX = (
    "Nothing but a sandbox is there to be synced: set DATABASE_URL to the real database, or register the shop with "
    "`guidelight integrations add`"
)


@dataclass(frozen=True, slots=True)
class Told:
    """One result of the command, and what the database knows of it."""

    result: dict[str, Any]
    log: SyncLog | None = None
    name: str | None = None
    changed: Changed = field(default_factory=Changed)

    @property
    def title(self) -> str:
        return self.name or "An integration"

    @property
    def is_own(self) -> bool:
        """Whether the log is this run's: a refused sync names the one that was running already."""
        return self.result["status"] is not None

    @property
    def problems(self) -> list[dict[str, Any]]:
        details = (self.log.error_details or {}) if self.log and self.is_own else {}
        found: list[dict[str, Any]] = details.get("problems", [])
        return found


@dataclass(frozen=True, slots=True)
class Read:
    """Everything that the summary is made of. `unread`: why the database could not be asked."""

    told: Sequence[Told]
    integrations: Sequence[Integration] | None = None
    unread: str | None = None

    @property
    def is_only_sandbox(self) -> bool:
        active = [one for one in self.integrations or () if one.is_active]
        return bool(active) and all(one.is_sandbox for one in active)

    @property
    def is_none_enabled(self) -> bool:
        known = self.integrations
        return known is not None and not any(one.is_active and one.sync_enabled for one in known)


def read(results: Sequence[dict[str, Any]], database: str | None = None) -> Read:
    """Ask the database about the results. Never raises: without it the summary says less, and why."""
    told: list[Told] = []
    try:
        with connect(target(database), read_only=True) as connection:
            integrations = store.integrations(connection)
            names = {one.id: one.name for one in integrations}
            for result in results:
                if result["sync_log_id"] is None:
                    told.append(Told(result))
                    continue
                log = store.log(connection, result["sync_log_id"])
                what = changed(connection, log.id) if result["status"] is not None else Changed()
                told.append(Told(result, log, names.get(log.integration_id), what))
    except GuidelightError as error:
        return Read([*told, *map(Told, results[len(told) :])], unread=str(error))
    return Read(told, integrations)


def annotated(found: Read) -> list[str]:
    """A line for each integration that somebody has to look after, and none for those that are well."""
    lines = []
    for told in found.told:
        status, error = told.result["status"], told.result["error"] or "no reason is known"
        if status == "partial":
            count = told.result["stats"]["errors"]
            title = f"{told.title}: published, with {count:,} error{'' if count == 1 else 's'}"
            lines.append(annotation("warning", title, error))
        elif not told.result["success"]:
            lines.append(annotation("error", f"{told.title}: {_status(told)}", error))
    if not found.told and found.is_only_sandbox:
        lines.append(annotation("error", "Nothing real to sync", _ONLY_SANDBOX))
    elif not found.told and found.is_none_enabled:
        lines.append(annotation("warning", "Nothing is enabled", _NOT_ENABLED))
    return lines


def summary(found: Read) -> str:
    """The markdown, under LONGEST bytes: the table first, then each integration's changes and errors."""
    parts = list(_opening(found))
    room = LONGEST - len("\n\n".join(parts).encode())
    left_out = 0
    for section in (section for told in found.told for section in _sections(told)):
        size = len(section.encode()) + 2
        if left_out or size > room - 200:
            left_out += 1
            continue
        parts.append(section)
        room -= size
    if left_out:
        parts.append(f"{left_out:,} more sections do not fit here: `guidelight logs show` has them.")
    return "\n\n".join(parts) + "\n"


def _opening(found: Read) -> Iterator[str]:
    if not found.told:
        yield "### Sync: nothing was due"
        if found.is_only_sandbox:
            yield _ONLY_SANDBOX + "."
        elif found.is_none_enabled:
            yield _NOT_ENABLED + "."
        return
    yield f"### Sync: {', '.join(dict.fromkeys(_status(told) for told in found.told))}"
    yield _table(
        ("integration", "status", *_COLUMNS, "seconds", "log"),
        [_row(told) for told in found.told],
        right=range(2, len(_COLUMNS) + 3),
    )
    if found.unread:
        yield f"The logs could not be read, and changes and errors are missing here: {markdown(found.unread, _MESSAGE)}"


def _status(told: Told) -> str:
    if told.result["status"] is not None:
        return str(told.result["status"])
    if told.result["sync_log_id"] is None:
        return "not begun"
    # Either the log of the sync that has the turn, or this run's own, which a defect or a lost database ended.
    return "already syncing" if _REFUSED in str(told.result["error"]) else "failed"


def _row(told: Told) -> list[str]:
    stats = told.result["stats"]
    receipt = ((told.log.summary or {}).get("receipt") or {}) if told.log and told.is_own else {}
    counts = [stats.get(name, receipt.get(name, 0)) for name in _COLUMNS]
    duration = told.log.duration_ms if told.log and told.is_own else None
    seconds = "" if duration is None else f"{duration / 1000:.1f}"
    log = f"`{str(told.log.id)[:8]}`" if told.log else ""
    return [markdown(told.title), _status(told), *(f"{count:,}" for count in counts), seconds, log]


def _sections(told: Told) -> Iterator[str]:
    what, name = told.changed, markdown(told.title)
    if told.is_own and what.total:
        yield f"#### {name}: changed products"
    if what.prices:
        yield _headed("Prices that moved most", len(what.prices), what.prices_total) + "\n\n" + _table(
            ("product", "price", "was", "is", "by"),
            [
                [_product(move), markdown(move["price"]), f"{move['was']:,.2f}", f"{move['becomes']:,.2f}",
                 f"{move['percent']:+,.1f}%"]
                for move in what.prices
            ],
            right=(2, 3, 4),
        )  # fmt: skip
    for heading, rows, total in (("New", what.created, what.created_total), ("Absent", what.absent, what.absent_total)):
        if rows:
            yield _headed(heading, len(rows), total) + "\n\n" + "\n".join(f"- {_product(row)}" for row in rows)
    if told.is_own and (told.problems or told.result["error"]):
        yield f"#### {name}: what went wrong"
        yield from _trouble(told)
    elif not told.result["success"]:
        yield f"#### {name}: {_status(told)}"
        yield markdown(told.result["error"] or "no reason is known", _MESSAGE)
    warnings = ((told.log.summary or {}).get("warnings") or []) if told.log and told.is_own else []
    if warnings:
        lines = [_warning(one) for one in warnings]
        yield _folded(f"{name}: warnings", lines, len(warnings))


def _trouble(told: Told) -> Iterator[str]:
    checks = [one for one in told.problems if one["kind"] == ProblemKind.CHECK]
    others = [one for one in told.problems if one["kind"] != ProblemKind.CHECK]
    counts = ((told.log.error_details or {}).get("counts") or {}) if told.log else {}
    if checks:
        total = counts.get(ProblemKind.CHECK, len(checks))
        shown = checks[:ERRORS_SHOWN]
        yield _headed("Failed checks", len(shown), total) + "\n\n" + "\n".join(f"- {_problem(one)}" for one in shown)
    if others:
        total = sum(count for kind, count in counts.items() if kind != ProblemKind.CHECK) or len(others)
        yield _folded("Errors", [f"{markdown(one['kind'])}: {_problem(one)}" for one in others], total)
    if not told.problems:
        yield markdown(told.result["error"], _MESSAGE)


def _problem(problem: dict[str, Any]) -> str:
    concerns = f" ({markdown(problem['concerns'])})" if problem["concerns"] else ""
    return markdown(problem["message"], _MESSAGE) + concerns


def _warning(warning: dict[str, Any]) -> str:
    count = f"{warning['products']:,} products: " if "products" in warning else ""
    return count + markdown(warning.get("message", warning), _MESSAGE)


def _product(row: dict[str, Any]) -> str:
    return markdown(row["name"] or row["source_id"])


def _headed(heading: str, shown: int, total: int) -> str:
    return f"**{heading}** ({total:,})" if shown == total else f"**{heading}** ({shown:,} of {total:,})"


def _folded(heading: str, lines: Sequence[str], total: int) -> str:
    shown = lines[:ERRORS_SHOWN]
    count = f"{total:,}" if len(shown) == total else f"{len(shown):,} of {total:,}"
    listed = "\n".join(f"- {line}" for line in shown)
    return f"<details><summary>{heading} ({count})</summary>\n\n{listed}\n\n</details>"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int]) -> str:
    rule = ["--:" if index in right else "---" for index in range(len(columns))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (columns, rule, *rows))


def results_of(text: str) -> list[dict[str, Any]]:
    """The results that the command printed: one object, an array, or nothing where it ended before it could."""
    try:
        printed = orjson.loads(text)
    except orjson.JSONDecodeError:
        error = "guidelight printed no result: the log of this step says what happened"
        return [{"success": False, "sync_log_id": None, "stats": {}, "error": error, "status": None}]
    return printed if isinstance(printed, list) else [printed]


def main(arguments: list[str] | None = None) -> int:
    """Print the summary and the annotations; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.job_summary", description=__doc__)
    parser.add_argument("result", type=Path, help="what `guidelight sync --json` printed")
    parser.add_argument("--database", metavar="URL_OR_PATH", help="the database that was synced. Default: DATABASE_URL")
    given = parser.parse_args(arguments)
    found = read(results_of(given.result.read_text()), given.database)
    sys.stdout.write(summary(found))
    for line in annotated(found):
        print(line, file=sys.stderr)
    return 2 if not found.told and found.is_only_sandbox else 0


if __name__ == "__main__":
    raise SystemExit(main())
