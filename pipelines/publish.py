"""What of an intake is to be published, and what the guard that holds back says of it."""

from __future__ import annotations

from models.integration import Integration, SourceSettings
from models.publish import Publish
from models.sync import Problem, ProblemKind, Problems, SyncRequest
from pipelines.intake import Intake
from pipelines.transform import mapping_version


def publish_of(
    integration: Integration, settings: SourceSettings, request: SyncRequest, intake: Intake, problems: Problems
) -> Publish:
    """What is to be published of an intake that is in staging."""
    received = intake.received
    return Publish(
        source=integration.type,
        sync_log_id=received.sync_log_id,
        integration_id=integration.id,
        mapping_version=mapping_version(settings.category_map),
        category_map=dict(settings.category_map),
        listing_complete=intake.complete,
        allow_mass_deactivation=request.allow_mass_deactivation,
        max_deactivation_percent=settings.max_deactivation_percent,
        sightings=len(received.sightings),
        sightings_digest=received.sightings_digest,
        rejected=len(received.rejected),
        errors=problems.total,
        conflict_strategy=settings.conflict_strategy,
        product=request.product,
        scope=request.scope,
        digests=request.expect is not None,
        expect=request.expect,
    )


def guard(held_back: int, settings: SourceSettings) -> Problem:
    """The problem that a guard is which held back."""
    return Problem(
        ProblemKind.GUARD,
        f"{held_back} products are no longer listed, more than {settings.max_deactivation_percent:g}% of the active "
        "ones at once: none was made absent. Is this another shop? "
        "If they are really gone, sync once with --allow-mass-deactivation",
    )
