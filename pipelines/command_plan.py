"""`guidelight plan`: of each integration that is meant, what a sync would do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from models.sync import SyncRequest
from pipelines import console_plan
from pipelines.command import Each, prepare, refused
from pipelines.console import Console, tell_error
from pipelines.console_progress import watched
from pipelines.errors import GuidelightError
from pipelines.plan import plan
from pipelines.selection import Selection, chosen
from pipelines.settings import Target
from pipelines.warm import Warm


def plans(selection: Selection, request: SyncRequest, console: Console) -> Each:
    """Plan what was selected and print it; the exit status is that of the sync as far as it is known."""

    def each(where: Target, warm: Warm) -> Iterator[tuple[dict[str, Any], int]]:
        selection.check()
        prepare(where, warm, console)
        for integration in chosen(where, selection, None, console.tell):
            warm.expect_landing()
            try:
                with watched(console, integration.name) as progress:
                    told = plan(where, integration, request, warm, progress)
            except GuidelightError as error:
                tell_error(error)
                yield refused(error), error.exit_status
                continue
            if not console.json:
                console_plan.plan(console, integration.name, told)
            yield told, 3 if told["stats"]["errors"] else 0

    return each
