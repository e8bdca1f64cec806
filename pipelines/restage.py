"""What a replay reads: the sightings of earlier syncs, put into staging once more under its own id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from models.integration import Integration
from models.sync import Problem, Replay
from pipelines import store
from pipelines.database import Connection, connect
from pipelines.errors import ConfigurationError, SyncFailed
from pipelines.progress import Arrived, Progress, Stage
from pipelines.received import Received
from pipelines.settings import Target

Tell = Callable[[str], None]


class Restaging:
    """Sightings of a replay; what is absent stays so, for it is left out (issue 12: nothing returns)."""

    def __init__(
        self, target: Target, integration: Integration, replay: Replay, sync_log_id: UUID, *, tell: Tell
    ) -> None:
        self.received = Received(sync_log_id, integration.id)
        self.problems: list[Problem] = []
        self.warnings: list[dict[str, Any]] = []
        self.complete = False
        self._target = target
        self._source = integration.type
        self._replay = replay
        self._tell = tell

    def run(self, arrived: Arrived, progress: Progress) -> None:
        """Bring them into staging. Raises SyncFailed where staging no longer has any."""
        progress.entered(Stage.LANDING)
        id_, integration_id = self.received.sync_log_id, self.received.integration_id
        with connect(self._target, waiting=self._tell) as connection:
            connection.execute(
                _RESTAGED.replace("{staging}", f"staging_{self._source}"),
                id=id_,
                integration_id=integration_id,
                source=self._source,
                base=self._replay.base,
                onward=self._replay.onward,
            )
            seen = connection.each(
                f"select source_id, content_hash from staging_{self._source}.sightings where sync_log_id = $id", id=id_
            )
            self.received.sightings = {source_id: bytes.fromhex(content_hash) for source_id, content_hash in seen}
        if not self.received.sightings:
            raise SyncFailed(f"Staging keeps no product of sync {self._replay.base}: run a full sync")
        arrived(self.received.fetched, self.received.fetched)


_RESTAGED = """
    insert into {staging}.sightings (sync_log_id, integration_id, source_id, content_hash, page, extracted_at)
    with seen as (
        select
            sighting.source_id, sighting.content_hash, sighting.page, sighting.extracted_at,
            row_number() over (partition by sighting.source_id order by log.started_at desc) as place
        from {staging}.sightings as sighting
        inner join sync_logs as log on log.id = sighting.sync_log_id
        inner join sync_logs as base on base.id = $base and base.integration_id = log.integration_id
        where log.published_at is not null and log.scope <> 'replay'
            and (log.id = base.id or ($onward and log.started_at > base.started_at))
    )

    select $id, $integration_id, seen.source_id, seen.content_hash, seen.page, seen.extracted_at
    from seen
    where seen.place = 1 and not exists (
        select 1 from product_sync_state as state
        where state.source = $source and state.source_id = seen.source_id and state.absent_since is not null
    )
"""


def base_of(connection: Connection, integration: Integration, given: str | None) -> Replay:
    """What a replay of the integration rebuilds from: the newest published full sync on, or the one sync given.

    Raises ConfigurationError: none was published, the given one was not, is a replay itself or another's, or has
    left staging.
    """
    if given is None:
        newest = connection.value(
            """
            select id from sync_logs
            where integration_id = $id and published_at is not null and scope = 'full'
            order by started_at desc limit 1
            """,
            id=integration.id,
        )
        if newest is None:
            raise ConfigurationError(
                f"No full sync of {integration.name} has been published yet: run `guidelight sync`"
            )
        return Replay(newest, onward=True)
    log = store.log(connection, given)
    if log.integration_id != integration.id:
        raise ConfigurationError(f"The sync {log.id} is not one of {integration.name}: choose its integration")
    if log.published_at is None or log.scope == "replay":
        what = "is a replay itself" if log.scope == "replay" else "published nothing"
        raise ConfigurationError(f"The sync {log.id} {what}: choose another (`guidelight logs list`)")
    kept = connection.one(
        f"select 1 as is_kept from staging_{integration.type}.sightings where sync_log_id = $id limit 1", id=log.id
    )
    if kept is None:
        raise ConfigurationError(
            f"Staging no longer keeps the sync {log.id}: choose another (`guidelight staging list`)"
        )
    return Replay(log.id, onward=False)
