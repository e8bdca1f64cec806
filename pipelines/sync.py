"""The run: its steps on one screen, in the only place that knows their order."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from models.integration import Integration, SourceSettings
from models.sync import Problem, ProblemKind, Problems, SyncLog, SyncRequest, SyncResult, verdict
from pipelines import practice, secrets, store, turn
from pipelines.check import check, summary
from pipelines.configure import configured
from pipelines.database import connect
from pipelines.errors import ConfigurationError, DatabaseFailed, GuidelightError, Interrupted, SyncFailed
from pipelines.extract import Extraction
from pipelines.retention import prune
from pipelines.settings import Target
from pipelines.transform import Publish, mapping_version, release
from pipelines.warm import Warm
from pipelines.warnings import of_sync

Tell = Callable[[str], None]

_FRAMES_KEPT = 20
"""Lines of a traceback that error_details keeps, the innermost."""


@dataclass(slots=True)
class Run:
    """A sync under way: what its steps hand on to each other."""

    target: Target
    integration: Integration
    settings: SourceSettings
    request: SyncRequest
    tell: Tell
    extraction: Extraction
    problems: Problems = field(default_factory=Problems)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    checks: dict[str, Any] | None = None


def sync(target: Target, integration: Integration, request: SyncRequest, warm: Warm, tell: Tell) -> SyncResult:
    """Sync one integration (DESIGN.md, One sync); return how it ended, its log finished.

    Raises ConfigurationError and TurnRefused before anything is written; Interrupted, and what nobody expected,
    after the log was finished.
    """
    settings = configured(integration)
    with connect(target, waiting=tell) as connection:
        secret = secrets.resolve(connection, integration, settings)
        day = store.finished_syncs(connection, integration)
    opening = turn.Opening(integration, request.sync_type, request.triggered_by, release(), request.scope)
    with practice.served(integration, settings, day) as settings, turn.take(target, opening, tell) as held:
        extraction = Extraction(
            target,
            integration,
            settings,
            secret,
            held.sync_log_id,
            may_vanish=request.allow_mass_deactivation,
            tell=tell,
        )
        run = Run(target, integration, settings, request, tell, extraction)
        try:
            _extract(run, held)
            held.check()
            published = _publish(run, held, warm)
            _check(run, warm, published)
            return _finished(run, held)
        except BaseException as error:  # noqa: BLE001 - the run's boundary: recorded, then told or raised again
            if isinstance(error, Interrupted):
                error.heeded.set()
            warm.stop()
            return _failed(run, held, error)


def _extract(run: Run, held: turn.Turn) -> None:
    """Step 3."""
    try:
        run.extraction.run(run.request.product, held.progress)
    finally:
        run.problems.extend(run.extraction.problems)
        run.warnings.extend(run.extraction.warnings)


def _publish(run: Run, held: turn.Turn, warm: Warm) -> Publish:
    """Step 4. What dbt says of it counts for nothing: published_at, read back, is the proof."""
    received = run.extraction.received
    wanted = Publish(
        source=run.integration.type,
        sync_log_id=held.sync_log_id,
        integration_id=run.integration.id,
        mapping_version=mapping_version(run.settings.category_map),
        category_map=dict(run.settings.category_map),
        listing_complete=run.extraction.complete,
        allow_mass_deactivation=run.request.allow_mass_deactivation,
        max_deactivation_percent=run.settings.max_deactivation_percent,
        sightings=len(received.sightings),
        sightings_digest=received.sightings_digest,
        rejected=len(received.rejected),
        errors=run.problems.total,
        conflict_strategy=run.settings.conflict_strategy,
        product=run.request.product,
    )
    try:
        warm.publish(wanted)
    except SyncFailed:
        # A connection lost at commit reports an error although the publish stands.
        if not _is_published(run, held):
            raise
    else:
        if not _is_published(run, held):
            raise SyncFailed("dbt reported no error, but nothing was published: run the sync again")
    return wanted


def _is_published(run: Run, held: turn.Turn) -> bool:
    with connect(run.target, waiting=run.tell) as connection:
        return store.published_at(connection, held.sync_log_id) is not None


def _check(run: Run, warm: Warm, published: Publish) -> None:
    """Step 5, on what was published: what is grave is a problem, the rest a warning."""
    now, found = check(run.target, warm, published, run.settings.checks)
    for one in found:
        if one.is_grave:
            run.problems.add(Problem(ProblemKind.CHECK, one.sentence(), one.name))
        elif not one.passed:
            run.warnings.append({"kind": "check", "message": one.sentence(), "check": one.name})
    run.checks = summary(now, found)


def _finished(run: Run, held: turn.Turn) -> SyncResult:
    """Step 6, after a publish: the guard's word, the warnings, the verdict."""
    received = run.extraction.received
    with connect(run.target, waiting=run.tell) as connection, connection.transaction():
        receipt = (store.log(connection, held.sync_log_id).summary or {})["receipt"]
        if receipt["held_back"]:
            run.problems.add(_guard(receipt, run.settings.max_deactivation_percent))
        if turn.is_held(connection, run.integration.type, held.sync_log_id):
            prune(connection, run.integration.type)
        run.warnings.extend(of_sync(connection, run.integration.type, held.sync_log_id))
        store.finish(
            connection,
            held.sync_log_id,
            status=verdict(published=True, errors_count=run.problems.total),
            problems=run.problems,
            error_message=run.problems.kept[0].message if run.problems.kept else None,
            summary={"warnings": run.warnings, "duplicates": received.duplicates, "checks": run.checks},
        )
        return _result(store.log(connection, held.sync_log_id))


def _guard(receipt: dict[str, Any], percent: float) -> Problem:
    return Problem(
        ProblemKind.GUARD,
        f"{receipt['held_back']} of {receipt['active_before']} active products are no longer listed, more than "
        f"{percent:g}% at once: none was made absent. Is this another shop? "
        "If they are really gone, sync once with --allow-mass-deactivation",
    )


def _failed(run: Run, held: turn.Turn, error: BaseException) -> SyncResult:
    """Step 6, after an error or a signal: what is recorded is the truth about the publish, whatever was in flight."""
    message = " ".join(str(error).split()) or type(error).__name__
    kind = ProblemKind.INTERRUPTED if isinstance(error, Interrupted) else ProblemKind.FAILURE
    run.problems.add(Problem(kind, message))
    is_expected = isinstance(error, GuidelightError | Interrupted)
    try:
        with connect(run.target, waiting=run.tell) as connection:
            is_published = store.published_at(connection, held.sync_log_id) is not None
            with connection.transaction():
                if not is_published:
                    store.fetched(connection, held.sync_log_id, run.extraction.received.fetched)
                store.finish(
                    connection,
                    held.sync_log_id,
                    status=verdict(published=is_published, errors_count=run.problems.total, interrupted=True),
                    problems=run.problems,
                    error_message=message,
                    summary={"warnings": run.warnings},
                    traceback=None if is_expected else traceback.format_exception(error)[-_FRAMES_KEPT:],
                )
                result = _result(store.log(connection, held.sync_log_id))
    except (ConfigurationError, DatabaseFailed) as away:
        # The database is gone: the next holder of the turn closes this log.
        raise _about(SyncFailed(f"{message}; and the log could not be finished: {away}"), held) from error
    if isinstance(error, Interrupted):
        raise _about(error, held)
    if not is_expected:
        defect = f"a defect of guidelight-sync: {type(error).__name__}: {message}"
        raise _about(SyncFailed(f"{defect} (the traceback is in error_details)"), held) from error
    return result


def _about(error: GuidelightError | Interrupted, held: turn.Turn) -> GuidelightError | Interrupted:
    error.sync_log_id = str(held.sync_log_id)
    return error


def _result(log: SyncLog) -> SyncResult:
    success = log.status in ("success", "partial")
    return SyncResult(success, log.id, log.stats, log.status, log.error_message)
