"""The run: its steps on one screen, in the only place that knows their order."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from typing import Any

from models.integration import Integration, SourceSettings
from models.publish import Publish
from models.sync import Problem, ProblemKind, Problems, SyncLog, SyncRequest, SyncResult, verdict
from pipelines import duckdb_file, intake, store, turn
from pipelines.change_set import evaluate
from pipelines.check import check, summary
from pipelines.configure import configured
from pipelines.database import connect
from pipelines.errors import ConfigurationError, DatabaseFailed, GuidelightError, Interrupted, SyncFailed
from pipelines.intake import Intake
from pipelines.planned import moved_on
from pipelines.progress import Progress, Stage
from pipelines.publish import guard, publish_of
from pipelines.retention import prune
from pipelines.settings import Target
from pipelines.transform import release
from pipelines.warm import Warm
from pipelines.warnings import of_sync

_FRAMES_KEPT = 20
"""Lines of a traceback that error_details keeps, the innermost."""


@dataclass(slots=True)
class Run:
    """A sync under way: what its steps hand on to each other."""

    target: Target
    integration: Integration
    settings: SourceSettings
    request: SyncRequest
    progress: Progress
    intake: Intake
    problems: Problems = field(default_factory=Problems)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    checks: dict[str, Any] | None = None


def sync(target: Target, integration: Integration, request: SyncRequest, warm: Warm, progress: Progress) -> SyncResult:
    """Sync one integration (DESIGN.md, One sync); return how it ended, its log finished. `progress` hears of it.

    Raises ConfigurationError and TurnRefused before anything is written; Interrupted, and what nobody expected,
    after the log was finished.
    """
    settings = configured(integration)
    opening = turn.Opening(integration, request.sync_type, request.triggered_by, release(), request.scope)
    with (
        intake.opened(target, integration, settings, request, warm, progress.tell) as opened,
        turn.take(target, opening, progress.tell) as held,
    ):
        progress.began(held.sync_log_id)
        run = Run(target, integration, settings, request, progress, opened(held.sync_log_id))
        try:
            _extract(run, held, warm)
            held.check()
            _expect(run, warm)
            published = _publish(run, held, warm)
            _check(run, warm, published)
            return _finished(run, held)
        except BaseException as error:  # noqa: BLE001 - the run's boundary: recorded, then told or raised again
            if isinstance(error, Interrupted):
                error.heeded.set()
            warm.stop()
            duckdb_file.afresh()
            return _failed(run, held, error)


def _extract(run: Run, held: turn.Turn, warm: Warm) -> None:
    """Step 3."""

    def arrived(fetched: int, in_all: int) -> None:
        if fetched:
            held.progress(fetched)
        warm.expect_checks(in_all)

    try:
        run.intake.run(arrived, run.progress)
    finally:
        run.problems.extend(run.intake.problems)
        run.warnings.extend(run.intake.warnings)


def _expect(run: Run, warm: Warm) -> None:
    """Before step 4, where a plan is to be published: say what has moved on since. The publish compares once more."""
    if run.request.expect is None:
        return
    run.progress.entered(Stage.COMPARING)
    now = evaluate(run.target, warm, _wanted(run), run.progress.tell)
    if not now.digest.startswith(run.request.expect):
        raise SyncFailed(moved_on(run.request.expect, now))


def _wanted(run: Run) -> Publish:
    return publish_of(run.integration, run.settings, run.request, run.intake, run.problems)


def _publish(run: Run, held: turn.Turn, warm: Warm) -> Publish:
    """Step 4. What dbt says of it counts for nothing: published_at, read back, is the proof."""
    run.progress.entered(Stage.PUBLISHING)
    wanted = _wanted(run)
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
    with connect(run.target, waiting=run.progress.tell) as connection:
        return store.published_at(connection, held.sync_log_id) is not None


def _check(run: Run, warm: Warm, published: Publish) -> None:
    """Step 5, on what was published: what is grave is a problem, the rest a warning."""
    run.progress.entered(Stage.CHECKING)
    now, found = check(run.target, warm, published, run.settings.checks)
    for one in found:
        if one.is_grave:
            run.problems.add(Problem(ProblemKind.CHECK, one.sentence(), one.name))
        elif not one.passed:
            run.warnings.append({"kind": "check", "message": one.sentence(), "check": one.name})
    run.checks = summary(now, found)


def _finished(run: Run, held: turn.Turn) -> SyncResult:
    """Step 6, after a publish: the guard's word, the warnings, the verdict."""
    received = run.intake.received
    with connect(run.target, waiting=run.progress.tell) as connection, connection.transaction():
        receipt = (store.log(connection, held.sync_log_id).summary or {})["receipt"]
        if receipt["held_back"]:
            run.problems.add(guard(receipt["held_back"], run.settings))
        is_held = turn.is_held(connection, run.integration.type, held.sync_log_id)
        pruned = prune(connection, run.integration.type) if is_held else {}
        run.warnings.extend(of_sync(connection, run.integration.type, held.sync_log_id))
        store.finish(
            connection,
            held.sync_log_id,
            status=verdict(published=True, errors_count=run.problems.total),
            problems=run.problems,
            error_message=run.problems.kept[0].message if run.problems.kept else None,
            summary={
                "asked": run.request.asked,
                "warnings": run.warnings,
                "duplicates": received.duplicates,
                "checks": run.checks,
                "pruned": pruned,
            },
        )
        return _result(store.log(connection, held.sync_log_id))


def _failed(run: Run, held: turn.Turn, error: BaseException) -> SyncResult:
    """Step 6, after an error or a signal: what is recorded is the truth about the publish, whatever was in flight."""
    message = " ".join(str(error).split()) or type(error).__name__
    kind = ProblemKind.INTERRUPTED if isinstance(error, Interrupted) else ProblemKind.FAILURE
    run.problems.add(Problem(kind, message))
    is_expected = isinstance(error, GuidelightError | Interrupted)
    try:
        with connect(run.target, waiting=run.progress.tell) as connection:
            is_published = store.published_at(connection, held.sync_log_id) is not None
            with connection.transaction():
                if not is_published:
                    store.fetched(connection, held.sync_log_id, run.intake.received.fetched)
                store.finish(
                    connection,
                    held.sync_log_id,
                    status=verdict(published=is_published, errors_count=run.problems.total, interrupted=True),
                    problems=run.problems,
                    error_message=message,
                    summary={"asked": run.request.asked, "warnings": run.warnings},
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
