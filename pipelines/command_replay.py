"""`guidelight replay`: publish once more what staging keeps, without asking the source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from models.integration import Integration
from models.sync import SyncRequest
from pipelines import store
from pipelines.command import Each, prepare
from pipelines.command_sync import check_request, synced
from pipelines.console import Console
from pipelines.database import connect
from pipelines.errors import ConfigurationError
from pipelines.restage import base_of
from pipelines.selection import Selection, chosen
from pipelines.settings import Target
from pipelines.warm import Warm


def replays(selection: Selection, given: str | None, request: SyncRequest, console: Console) -> Each:
    """Replay the one integration that is meant, or that of the sync given."""

    def each(where: Target, warm: Warm) -> Iterator[tuple[dict[str, Any], int]]:
        check_request(selection, request)
        prepare(where, warm, console)
        integration = _meant(where, selection, given, request, console)
        with connect(where, waiting=console.tell) as connection:
            replay = base_of(connection, integration, given)
        yield synced(where, integration, replace(request, replay=replay), warm, console)

    return each


def _meant(
    where: Target, selection: Selection, given: str | None, request: SyncRequest, console: Console
) -> Integration:
    if given is not None and selection == Selection():
        with connect(where, waiting=console.tell) as connection:
            selection = Selection(str(store.log(connection, given).integration_id))
    wanted = chosen(where, selection, request.triggered_by, console.tell)
    if len(wanted) > 1:
        raise ConfigurationError("Several integrations are active: say with --integration which one is replayed")
    return wanted[0]
