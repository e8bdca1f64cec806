"""Runs a command that takes its turn: dbt starts at once, what else it needs is imported while it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from models.sync import SyncResult, SyncStats
from pipelines import duckdb_file
from pipelines.console import Console, tell_error
from pipelines.errors import GuidelightError, Interrupted
from pipelines.settings import Target, target
from pipelines.signals import interruptible
from pipelines.stdout import ours_alone
from pipelines.warm import Warm
from pipelines.worker import imports_at_once

_ORDER = (1, 2, 4, 3, 0)
"""Of several integrations, the first of these that occurs is the command's exit status (INTERFACE.md)."""

Each = Callable[[Target, Warm], Iterator[tuple[dict[str, Any], int]]]
"""Runs what was selected: of each integration what it prints as JSON, and its exit status."""


def run(database: str | None, console: Console, begin: Callable[[], Each], *, as_array: bool = False) -> int:
    """Run what was selected and print it as JSON where that was asked for; return the command's exit status.

    `begin`: imports what it takes, and returns what runs it. `as_array`: however many there are.
    """
    objects: list[dict[str, Any]] = []
    statuses: list[int] = []
    try:
        with ours_alone(), interruptible():
            where = target(database)
            with duckdb_file.often(where.path), Warm(where, verbose=console.verbose) as warm:
                with imports_at_once():
                    each = begin()
                for told, status in each(where, warm):
                    objects.append(told)
                    statuses.append(status)
    except (GuidelightError, Interrupted) as error:
        objects.append(refused(error))
        statuses.append(error.exit_status)
        tell_error(error)
    if console.json:
        console.show(objects if as_array or len(objects) != 1 else objects[0], lambda: None)
    known = [status for status in _ORDER if status in statuses]
    return next((status for status in statuses if status > 4), known[0] if known else 0)


def prepare(where: Target, warm: Warm, console: Console) -> None:
    """Bring the database to this release, which a first run waits for. Raises what `bring_up_to_date` raises."""
    from pipelines.console_progress import watched
    from pipelines.progress import Stage
    from pipelines.views import bring_up_to_date

    with watched(console, "database", Stage.MIGRATING) as progress:
        bring_up_to_date(where, warm, progress.tell)


def refused(error: GuidelightError | Interrupted) -> dict[str, Any]:
    """The object that a run prints which came to nothing (INTERFACE.md, Exit status)."""
    sync_log_id = None if error.sync_log_id is None else UUID(error.sync_log_id)
    return SyncResult(False, sync_log_id, SyncStats(), None, str(error)).as_json()
