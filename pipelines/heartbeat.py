"""The beat of a running sync on Postgres: a thread with a connection of its own, by the database's clock."""

from __future__ import annotations

import threading
from types import TracebackType
from uuid import UUID

from pipelines.database import connect
from pipelines.errors import GuidelightError
from pipelines.settings import Target

BEAT = 5.0
"""Seconds between two beats."""


class Heartbeat:
    """Beats every `BEAT` seconds, carries progress along, and notices when the turn was lost."""

    def __init__(self, target: Target, source: str, sync_log_id: UUID) -> None:
        self.lost = False
        self.fetched: int | None = None
        self._target = target
        self._source = source
        self._sync_log_id = sync_log_id
        self._stop = threading.Event()
        self._tried = threading.Event()
        self._thread = threading.Thread(target=self._run, name="guidelight-heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        # Where the database has no room for both, it is the sync that is told so, not the beat that is missed.
        self._tried.wait(BEAT)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        # Not for ever: a connection that answers no more would keep a sync that is done.
        self._thread.join(BEAT)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._beat_on_one_connection()
            except GuidelightError:
                # The database is away: the next beat tries again, and the publish will say so if it stays away.
                self._tried.set()
                self._stop.wait(BEAT)

    def _beat_on_one_connection(self) -> None:
        shown: int | None = None
        beats = 0
        with connect(self._target) as connection:
            self._tried.set()
            while True:
                if beats % int(BEAT) == 0:
                    beaten = connection.one(
                        "update sync_turns set heartbeat_at = clock_timestamp() "
                        "where source = $source and sync_log_id = $id returning source",
                        source=self._source,
                        id=self._sync_log_id,
                    )
                    self.lost = beaten is None
                fetched = self.fetched
                if fetched is not None and fetched != shown:
                    # skip locked: the publish holds this row, and progress is never worth a wait.
                    connection.execute(
                        "update sync_logs set products_fetched = $fetched where id = ("
                        "select id from sync_logs where id = $id and status = 'running' and published_at is null "
                        "for update skip locked)",
                        fetched=fetched,
                        id=self._sync_log_id,
                    )
                    shown = fetched
                beats += 1
                if self._stop.wait(1.0):
                    return
