"""One sync of a source at a time: take the turn, beat, give it back, on both engines (DESIGN.md, One sync, step 2)."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

import psycopg

from models.integration import Integration
from pipelines import duckdb_file, store
from pipelines.database import Connection, Row, connect
from pipelines.errors import ConfigurationError, DatabaseFailed, SyncFailed, TurnRefused
from pipelines.file_lock import file_lock, refusal
from pipelines.heartbeat import Heartbeat
from pipelines.process import Process
from pipelines.retention import forget_plan
from pipelines.settings import Target

LIVE = 15.0
"""Seconds: a heartbeat within them means that the sync lives."""

DEAD = 60.0
"""Seconds of silence after which a turn is taken over."""

_POLL = 0.5

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Opening:
    """What the log row of a sync begins with. A plan has none (`is_logged`): what it brought is removed at its end."""

    integration: Integration
    sync_type: str
    triggered_by: UUID | None
    release: str
    scope: str = "full"
    is_logged: bool = True

    @property
    def act(self) -> str:
        return "sync" if self.is_logged else "plan"


class Turn:
    """The turn of a source, held by one sync."""

    def __init__(self, target: Target, sync_log_id: UUID, heartbeat: Heartbeat | None, *, is_logged: bool) -> None:
        self.target = target
        self.sync_log_id = sync_log_id
        self._is_logged = is_logged
        self._heartbeat = heartbeat
        self._told = 0.0

    def check(self) -> None:
        """Raise SyncFailed when the turn was lost. The publish looks again, inside its transaction."""
        if self._heartbeat is not None and self._heartbeat.lost:
            raise SyncFailed("this sync lost the turn of its source to another: look at `guidelight logs list`")

    def progress(self, fetched: int) -> None:
        """Show how many products have come, at most once a second; dropped where the database is busy."""
        self.check()
        if not self._is_logged or time.monotonic() - self._told < 1.0:
            return
        self._told = time.monotonic()
        if self._heartbeat is not None:
            self._heartbeat.fetched = fetched
            return
        with contextlib.suppress(ConfigurationError, DatabaseFailed), connect(self.target, patience=0) as connection:
            connection.execute(
                "update sync_logs set products_fetched = $fetched where id = $id and status = 'running'",
                fetched=fetched,
                id=self.sync_log_id,
            )


@contextmanager
def take(target: Target, opening: Opening, tell: Tell) -> Iterator[Turn]:
    """Take the turn of the integration's source and write the log row, running and visible at once; give it back.

    What a dead sync left running is closed in the same transaction, what a dead plan left is removed. `tell` hears of
    waiting, in sentences.
    Raises TurnRefused when a sync of the source lives.
    """
    sync_log_id = uuid4()
    if target.engine == "duckdb":
        with file_lock(target, opening.integration.type, opening.act, sync_log_id, tell):
            with connect(target, waiting=tell) as connection, connection.transaction():
                _close_dead(connection, connection.rows("select id from sync_logs where status = 'running'"))
                _forget_dead_plan(connection, opening.integration.type)
                _begin(connection, sync_log_id, opening)
            try:
                yield Turn(target, sync_log_id, None, is_logged=opening.is_logged)
            finally:
                _give_back(target, opening.integration.type, sync_log_id)
        return
    _take_row(target, sync_log_id, opening, tell)
    heartbeat = Heartbeat(target, opening.integration.type, sync_log_id)
    try:
        with heartbeat:
            yield Turn(target, sync_log_id, heartbeat, is_logged=opening.is_logged)
    finally:
        _give_back(target, opening.integration.type, sync_log_id)


def is_held(connection: Connection, source: str, sync_log_id: UUID) -> bool:
    """Whether the sync has the turn, and keeps it until this transaction ends."""
    lock = " for key share" if connection.is_postgres else ""
    held = f"select source from sync_turns where source = $source and sync_log_id = $id{lock}"
    return connection.one(held, source=source, id=sync_log_id) is not None


def _begin(connection: Connection, sync_log_id: UUID, opening: Opening) -> None:
    source = opening.integration.type
    me = Process.current()
    # now() is when the transaction began, and it may have waited long for a publish to be decided.
    clock = "clock_timestamp()" if connection.is_postgres else "now()"
    if opening.is_logged:
        connection.execute(
            f"""
            insert into sync_logs (id, integration_id, sync_type, status, started_at, triggered_by, scope, release)
            values ($id, $integration_id, $sync_type, 'running', {clock}, $triggered_by, $scope, $release)
            """,
            id=sync_log_id,
            integration_id=opening.integration.id,
            sync_type=opening.sync_type,
            triggered_by=opening.triggered_by,
            scope=opening.scope,
            release=opening.release,
        )
    connection.execute(
        "insert into sync_turns (source) values ($source) on conflict (source) do nothing", source=source
    )
    connection.execute(
        f"""
        update sync_turns
        set sync_log_id = $id, integration_id = $integration_id, host = $host, boot_id = $boot_id,
            pid_namespace = $pid_namespace, pid = $pid, process_started = $started,
            taken_at = {clock}, heartbeat_at = {clock}
        where source = $source
        """,
        source=source,
        id=sync_log_id,
        integration_id=opening.integration.id,
        host=me.host,
        boot_id=me.boot_id,
        pid_namespace=me.pid_namespace,
        pid=me.pid,
        started=me.started,
    )


def _give_back(target: Target, source: str, sync_log_id: UUID) -> None:
    duckdb_file.afresh()
    # Where a role has few connections: Postgres may go on counting the heartbeat's for a moment after it was closed.
    give_up = time.monotonic() + 2 * _POLL
    while not _is_given_back(target, source, sync_log_id) and time.monotonic() < give_up:
        time.sleep(_POLL)


def _is_given_back(target: Target, source: str, sync_log_id: UUID) -> bool:
    try:
        with connect(target, at_end=True) as connection, connection.transaction():
            # A log that could not be finished must not stay running once nobody has the turn.
            _close_dead(connection, [{"id": sync_log_id}])
            if is_held(connection, source, sync_log_id):
                _forget_dead_plan(connection, source)
            connection.execute(
                "update sync_turns set sync_log_id = null, heartbeat_at = null "
                "where source = $source and sync_log_id = $id",
                source=source,
                id=sync_log_id,
            )
    except (ConfigurationError, DatabaseFailed):
        # Where the database is away nothing can be given back: silence, or the end of this process, frees the turn.
        return False
    return True


def _close_dead(connection: Connection, dead: list[Row]) -> None:
    """End the logs of syncs that died: one statement each, which looks again once it has the row's lock.

    A publish that was being decided meanwhile is seen as it ended.
    """
    for row in dead:
        connection.execute(
            """
            update sync_logs
            set status = case when published_at is null then 'failed' else 'partial' end,
                error_message = case
                    when published_at is null then 'interrupted before publish'
                    else 'interrupted after publish: not checked'
                end,
                errors_count = coalesce(errors_count, 0) + 1,
                error_details = cast($details as jsonb),
                completed_at = now(),
                duration_ms = cast(extract(epoch from (now() - started_at)) * 1000 as integer)
            where id = $id and status = 'running'
            """,
            id=row["id"],
            details=json.dumps(
                {
                    "counts": {"interrupted": 1},
                    "problems": [
                        {"kind": "interrupted", "message": "the process of this sync ended", "concerns": None}
                    ],
                }
            ),
        )


def _forget_dead_plan(connection: Connection, source: str) -> None:
    """Remove what the source's last holder brought, where that was a plan: it has the turn, but no log."""
    plan = connection.value(
        "select sync_log_id from sync_turns where source = $source and sync_log_id is not null "
        "and sync_log_id not in (select id from sync_logs)",
        source=source,
    )
    if plan is not None:
        forget_plan(connection, source, plan)


def _take_row(target: Target, sync_log_id: UUID, opening: Opening, tell: Tell) -> None:
    """Postgres: the row of sync_turns, by the database's clock."""
    source = opening.integration.type
    told = False
    first_beat: object = None
    while True:
        with connect(target) as connection:
            holder = _holder(connection, source)
            if holder is None or _is_free(holder):
                if _take_over(connection, sync_log_id, opening, holder):
                    return
                continue
        if holder["silence"] <= LIVE or (told and holder["heartbeat_at"] != first_beat):
            their = str(holder["sync_log_id"])
            raise TurnRefused(refusal(source, str(holder["act"]), their, _who(holder)), their)
        if not told:
            first_beat, told = holder["heartbeat_at"], True
            tell(
                f"{holder['act']} {holder['sync_log_id']} has the turn of {source} but has been silent for "
                f"{holder['silence']:.0f} s: waiting until it beats, or has been silent for {DEAD:.0f} s"
            )
        time.sleep(_POLL)


def _holder(connection: Connection, source: str) -> Row | None:
    return connection.one(
        """
        select sync_log_id, host, boot_id, pid_namespace, pid, process_started, heartbeat_at,
            case when sync_log_id in (select id from sync_logs) then 'sync' else 'plan' end as act,
            cast(extract(epoch from (clock_timestamp() - heartbeat_at)) as double precision) as silence
        from sync_turns where source = $source and sync_log_id is not null
        """,
        source=source,
    )


def _is_free(holder: Row) -> bool:
    process = Process(
        host=str(holder["host"]),
        boot_id=str(holder["boot_id"]),
        pid_namespace=str(holder["pid_namespace"]),
        pid=int(str(holder["pid"])),
        started=str(holder["process_started"]),
    )
    return process.is_known_dead() or float(str(holder["silence"])) > DEAD


def _take_over(connection: Connection, sync_log_id: UUID, opening: Opening, seen: Row | None) -> bool:
    """Take the turn if it still is as it was seen. The row's lock waits for a publish that has begun."""
    source = opening.integration.type
    with _known_people(opening), connection.transaction():
        connection.execute(
            "insert into sync_turns (source) values ($source) on conflict (source) do nothing", source=source
        )
        now = connection.one(
            "select sync_log_id, heartbeat_at from sync_turns where source = $source for update", source=source
        )
        assert now is not None
        before = None if seen is None else (seen["sync_log_id"], seen["heartbeat_at"])
        if (None if now["sync_log_id"] is None else (now["sync_log_id"], now["heartbeat_at"])) != before:
            return False
        if now["sync_log_id"] is not None:
            _close_dead(connection, [{"id": now["sync_log_id"]}])
            _forget_dead_plan(connection, source)
        _begin(connection, sync_log_id, opening)
    return True


@contextmanager
def _known_people(opening: Opening) -> Iterator[None]:
    """Who starts a sync as guidelight_sync can't be looked up beforehand: the log row's foreign key knows."""
    try:
        yield
    except psycopg.errors.ForeignKeyViolation as error:
        if error.diag.constraint_name != "sync_logs_triggered_by_fkey":
            raise
        raise store.unknown_budtender(opening.triggered_by) from error


def _who(holder: Row) -> str:
    return f"process {holder['pid']} on {holder['host']}"
