"""`guidelight sync`, one integration after the other."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from models.integration import Integration
from models.record import storable
from models.sync import SYNC_TYPES, Status, SyncRequest, SyncResult
from pipelines import console_log, console_result, store
from pipelines.command import Each, prepare, refused
from pipelines.console import Console, tell_error
from pipelines.console_progress import watched
from pipelines.database import connect
from pipelines.errors import ConfigurationError, GuidelightError, Interrupted, TurnRefused
from pipelines.explain import explain
from pipelines.report.write import renew
from pipelines.selection import Selection, chosen
from pipelines.settings import Target
from pipelines.sync import sync
from pipelines.warm import Warm

_DIGEST = re.compile(r"[0-9a-f]{12,64}")

_STATUS = {Status.SUCCESS: 0, Status.PARTIAL: 3, Status.FAILED: 1}


def syncs(selection: Selection, request: SyncRequest, console: Console) -> Each:
    """Sync what was selected and print what happened."""

    def each(where: Target, warm: Warm) -> Iterator[tuple[dict[str, Any], int]]:
        check_request(selection, request)
        prepare(where, warm, console)
        wanted = chosen(where, selection, request.triggered_by, console.tell)
        if len(wanted) > 1 and not (request.product is None and request.expect is None):
            raise ConfigurationError("Several integrations are active: say with --integration which one is meant")
        if not wanted:
            console.tell("No integration is due")
        for integration in wanted:
            yield synced(where, integration, request, warm, console)

    return each


def check_request(selection: Selection, request: SyncRequest) -> None:
    """Raise ConfigurationError for what a sync can't be asked for."""
    selection.check()
    if request.sync_type not in SYNC_TYPES:
        raise ConfigurationError(f"Unknown sync type: {request.sync_type} (known: {', '.join(SYNC_TYPES)})")
    if request.product is not None and (
        not 0 < len(request.product) <= 300 or storable(request.product) != request.product
    ):
        raise ConfigurationError("--product takes a product's id at the source: text of 1 to 300 characters")
    if request.expect is not None and not _DIGEST.fullmatch(request.expect):
        raise ConfigurationError(
            "--expect takes the digest that `guidelight plan` prints, or 12 of its characters or more, in 0-9 and a-f"
        )
    if request.product is not None and request.expect is not None:
        raise ConfigurationError("--expect and --product exclude each other: a plan is of all products")
    for name, given in (("--product", request.product), ("--expect", request.expect)):
        if given is not None and selection.due:
            raise ConfigurationError(f"{name} is about one integration: it can't go with --due")


def synced(
    where: Target, integration: Integration, request: SyncRequest, warm: Warm, console: Console
) -> tuple[dict[str, Any], int]:
    """Sync one integration, print it in words, renew the report, and return its JSON and its exit status."""
    if request.replay is None:
        warm.expect_landing()
    warm.expect_checks()
    try:
        with watched(console, integration.name) as progress:
            result = sync(where, integration, request, warm, progress)
    except Interrupted:
        renew(where, console.warn)
        raise
    except GuidelightError as error:
        tell_error(error)
        if error.sync_log_id is not None and not isinstance(error, TurnRefused):
            renew(where, console.warn)
        return refused(error), error.exit_status
    try:
        if request.product is not None and result.success:
            with connect(where, read_only=True) as connection:
                result = replace(result, product=explain(connection, integration.type, request.product))
        if not console.json:
            _print(where, integration, result, console)
    except GuidelightError as error:
        console.warn(f"the sync ended as {result.status}, but can't be shown: {error}")
    renew(where, console.warn)
    return result.as_json(), 1 if result.status is None else _STATUS[result.status]


def _print(where: Target, integration: Integration, result: SyncResult, console: Console) -> None:
    with connect(where, read_only=True) as connection:
        log: dict[str, Any] = asdict(store.log(connection, result.sync_log_id))
    if result.product is not None:
        console_log.explained(console, result.product)
    program = sys.argv[0] if "/" in sys.argv[0] and not sys.argv[0].startswith("/") else "guidelight"
    hints = [f"{program} logs show", "what this sync did, and what went wrong"]
    if integration.is_sandbox:
        hints += [
            "make sync",
            "the shop's next day",
            f"{program} integrations add",
            "your own shop: asks for what it needs",
        ]
    console_result.result(
        console, log, f"products in {_nearby(where)}", list(zip(hints[::2], hints[1::2], strict=True))
    )


def _nearby(where: Target) -> str:
    """Where the data is, a file as seen from here."""
    here = Path.cwd()
    if where.path is not None and where.path.is_relative_to(here):
        return str(where.path.relative_to(here))
    return str(where)
