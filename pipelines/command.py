"""`guidelight sync`: which integrations, in which order, and what the command's exit status says of them all."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

from models.integration import Integration
from models.record import storable
from models.sync import Status, SyncRequest, SyncResult, SyncStats
from pipelines import console_log, practice, store
from pipelines.console import Console
from pipelines.database import connect
from pipelines.errors import ConfigurationError, GuidelightError, Interrupted
from pipelines.explain import explain
from pipelines.settings import Target, target
from pipelines.signals import interruptible
from pipelines.views import bring_up_to_date
from pipelines.warm import Warm

SYNC_TYPES = ("manual", "scheduled", "webhook")

_STATUS = {Status.SUCCESS: 0, Status.PARTIAL: 3, Status.FAILED: 1}
_ORDER = (1, 2, 4, 3, 0)
"""Of several integrations, the first of these that occurs is the command's exit status (INTERFACE.md)."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which integrations a command means."""

    integration: str | None
    source: str | None
    due: bool
    or_sandbox: bool

    def check(self) -> None:
        """Raise ConfigurationError for options that exclude each other."""
        if sum((self.integration is not None, self.source is not None, self.due)) > 1:
            raise ConfigurationError("--integration, --type and --due exclude each other: give one of them")


def run_syncs(
    database: str | None,
    selection: Selection,
    request: SyncRequest,
    console: Console,
) -> int:
    """Sync what was selected and print what happened; return the exit status."""
    results: list[SyncResult] = []
    statuses: list[int] = []
    try:
        with interruptible():
            where = target(database)
            with Warm(where, checks=True) as warm:
                for result, status in _each(where, selection, request, console, warm):
                    results.append(result)
                    statuses.append(status)
    except (GuidelightError, Interrupted) as error:
        results.append(_refused(error))
        statuses.append(error.exit_status)
        console.tell(f"error: {error}")
    if console.json:
        objects = [result.as_json() for result in results]
        console.show(objects if selection.due or len(objects) != 1 else objects[0], lambda: None)
    elif not results:
        console.tell("No integration is due")
    known = [status for status in _ORDER if status in statuses]
    return next((status for status in statuses if status > 4), known[0] if known else 0)


def _each(
    where: Target,
    selection: Selection,
    request: SyncRequest,
    console: Console,
    warm: Warm,
) -> Iterator[tuple[SyncResult, int]]:
    from pipelines.sync import sync

    selection.check()
    if request.sync_type not in SYNC_TYPES:
        raise ConfigurationError(f"Unknown sync type: {request.sync_type} (known: {', '.join(SYNC_TYPES)})")
    if request.product is not None and (
        not 0 < len(request.product) <= 300 or storable(request.product) != request.product
    ):
        raise ConfigurationError("--product takes a product's id at the source: text of 1 to 300 characters")
    if request.product is not None and selection.due:
        raise ConfigurationError("--product is one product of one integration: it can't go with --due")
    bring_up_to_date(where, warm, console.tell)
    chosen = _chosen(where, selection, request.triggered_by, console)
    if request.product is not None and len(chosen) > 1:
        raise ConfigurationError("Several integrations are active: say with --integration whose product is meant")
    for integration in chosen:
        try:
            result = sync(where, integration, request, warm, console.tell)
        except GuidelightError as error:
            console.tell(f"error: {error}")
            yield _refused(error), error.exit_status
            continue
        try:
            if request.product is not None and result.success:
                with connect(where, read_only=True) as connection:
                    result = replace(result, product=explain(connection, integration.type, request.product))
            if not console.json:
                _print(where, integration, result, console)
        except GuidelightError as error:
            console.tell(f"the sync ended as {result.status}, but can't be shown: {error}")
        yield result, 1 if result.status is None else _STATUS[result.status]


def _chosen(where: Target, selection: Selection, triggered_by: UUID | None, console: Console) -> list[Integration]:
    with connect(where, waiting=console.tell) as connection:
        if triggered_by is not None and not store.budtender_exists(connection, triggered_by):
            raise ConfigurationError(f"There is no budtender {triggered_by}: check the id, or leave --triggered-by out")
        if selection.integration is not None:
            return [store.integration(connection, selection.integration)]
        known = store.integrations(connection)
        wanted = [one for one in known if one.is_active and selection.source in (None, one.type)]
        if wanted and all(one.is_sandbox for one in wanted):
            practice.refuse_under_ci()
        if not wanted and selection.or_sandbox and selection.source in (None, practice.TYPE):
            console.tell("No integration is active: syncing a shop to practise on")
            return [practice.register(connection, where)]
        if selection.due and known:
            return store.integrations(connection, due=True)
    if not wanted:
        of_type = f" of type {selection.source}" if selection.source else ""
        raise ConfigurationError(f"There is no active integration{of_type}: {practice.HOW_TO_ADD}, or try `make sync`")
    return wanted


def _refused(error: GuidelightError | Interrupted) -> SyncResult:
    sync_log_id = None if error.sync_log_id is None else UUID(error.sync_log_id)
    return SyncResult(False, sync_log_id, SyncStats(), None, str(error))


def _print(where: Target, integration: Integration, result: SyncResult, console: Console) -> None:
    with connect(where, read_only=True) as connection:
        log: dict[str, Any] = asdict(store.log(connection, result.sync_log_id))
    if result.product is not None:
        console_log.explained(console, result.product)
    program = sys.argv[0] if "/" in sys.argv[0] and not sys.argv[0].startswith("/") else "guidelight"
    hints = [f"{program} logs show", "what this sync did, and what went wrong"]
    if integration.is_sandbox:
        hints += ["make sync", "the shop's next day", f"{program} integrations add …", "your own shop (see the README)"]
    console.result(log, f"products in {_nearby(where)}", list(zip(hints[::2], hints[1::2], strict=True)))


def _nearby(where: Target) -> str:
    """Where the data is, a file as seen from here."""
    here = Path.cwd()
    if where.path is not None and where.path.is_relative_to(here):
        return str(where.path.relative_to(here))
    return str(where)
