"""A plan: what a sync would do, found out as the sync would find it, and nothing of it kept (DESIGN.md, `plan`)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from models.integration import Integration
from models.sync import Problems, SyncRequest, SyncStats
from pipelines import intake, turn
from pipelines.change_set import ChangeSet, evaluate
from pipelines.configure import configured
from pipelines.errors import Interrupted
from pipelines.intake import Intake
from pipelines.planned import save
from pipelines.progress import Progress, Stage
from pipelines.publish import guard, publish_of
from pipelines.settings import Target
from pipelines.transform import release
from pipelines.warm import Warm


def plan(
    target: Target, integration: Integration, request: SyncRequest, warm: Warm, progress: Progress
) -> dict[str, Any]:
    """What a full sync of the integration would do now.

    {integration_id, stats: the seed's five, changes: [{source_id, name, change, cause, fields}], digest, held_back:
    products that the guard would keep, listing_complete, problems: [{kind, message, concerns}], warnings}.
    It has the turn of the source meanwhile, and `progress` hears of it. Of its errors those are told that are known
    before a publish.
    Raises what a sync raises; the error of one that would fail too.
    """
    settings = configured(integration)
    opening = turn.Opening(integration, request.sync_type, None, release(), request.scope, is_logged=False)
    with (
        intake.opened(target, integration, settings, request, warm, progress.tell, may_seal=False) as opened,
        turn.take(target, opening, progress.tell) as held,
    ):
        progress.began(held.sync_log_id)
        received = opened(held.sync_log_id)
        problems = Problems()
        try:
            received.run(lambda fetched, _: held.progress(fetched), progress)
            held.check()
            problems.extend(received.problems)
            progress.entered(Stage.COMPARING)
            wanted = publish_of(integration, settings, request, received, problems)
            change_set = evaluate(target, warm, wanted, progress.tell)
        except Interrupted as error:
            error.heeded.set()
            warm.stop()
            raise
    if change_set.held_back:
        problems.add(guard(change_set.held_back, settings))
    told = _told(integration, received, change_set, problems)
    try:
        save(told)
    except OSError as error:
        progress.tell(
            f"The plan could not be kept in build/plans, so --expect can't say what moves on: {error.strerror}"
        )
    return told


def _told(integration: Integration, intake: Intake, change_set: ChangeSet, problems: Problems) -> dict[str, Any]:
    received = intake.received
    created, updated = change_set.count("created"), change_set.count("updated")
    unchanged = len(received.sightings) - created - updated
    return {
        "integration_id": integration.id,
        "stats": asdict(SyncStats(received.fetched, created, updated, unchanged, problems.total)),
        "changes": list(change_set.changes),
        "digest": change_set.digest,
        "held_back": change_set.held_back,
        "listing_complete": intake.complete,
        "problems": [asdict(problem) for problem in problems.kept],
        "warnings": intake.warnings,
    }
