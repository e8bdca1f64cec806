"""The change set of a run, evaluated and not kept: what its publish would write, row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from models.publish import Publish
from pipelines.database import Connection, Row, connect
from pipelines.errors import SyncFailed
from pipelines.merged import merged_from, merged_into
from pipelines.settings import Target
from pipelines.sources import SOURCES
from pipelines.warm import Warm

_MERGED = """
    select changes.source_id, payload.payload
    from guidelight_changes as changes
    inner join staging_{source}.payloads as payload on payload.content_hash = changes.content_hash
    where changes.change is not null and cast(payload.payload -> '{member}' as varchar) like '[_%]'
"""

_CHANGES = """
    select
        changes.source_id, coalesce(product.name, changes.name) as name, changes.change, changes.cause,
        cast(changes.fields as jsonb) as fields
    from guidelight_changes as changes
    left join products as product on product.source = $source and product.source_id = changes.source_id
    where changes.change is not null
    order by changes.source_id
"""


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """What a publish would write. `changes`: {source_id, name, change, cause, fields}, as product_changes has them, and
    where products were merged `merged_from` and `merged_into`, source_ids.

    `digest` is the same where the same would be written (DESIGN.md, `plan`). `held_back`: how many products are no
    longer listed, and kept by the guard.
    """

    changes: Sequence[Row]
    digest: str
    held_back: int

    def count(self, change: str) -> int:
        """How many products would be `created`, `updated` or `absent`."""
        return sum(row["change"] == change for row in self.changes)


def evaluate(target: Target, warm: Warm, wanted: Publish, tell: Callable[[str], None]) -> ChangeSet:
    """The change set of what the run brought into staging, by the SQL of its publish, in a transaction rolled back.

    To be called by who has the turn. Raises SyncFailed where the turn was lost or dbt fails, DatabaseFailed where what
    is in staging is not what was received.
    """
    compiled = warm.compile(replace(wanted, digests=True, expect=None))
    with connect(target, waiting=tell) as connection, connection.transaction(keeps=False):
        if connection.is_postgres:
            # The rows, the digest and the guard's word of one state.
            connection.execute("set transaction isolation level repeatable read")
        held = "select source from sync_turns where source = $source and sync_log_id = $id"
        if connection.one(held, source=wanted.source, id=wanted.sync_log_id) is None:
            raise SyncFailed("the turn of the source was lost to another: run the command again")
        connection.script(compiled["plan_session"])
        connection.script(compiled["plan_proof"])
        connection.script(f"create temporary table guidelight_changes as ({compiled['products']})")
        verdict = connection.one(compiled["plan_digest"])
        changes = [row | merged for row, merged in _with_merged(connection, wanted.source)]
    assert verdict is not None
    return ChangeSet(changes, verdict["digest"], verdict["held_back"])


def _with_merged(connection: Connection, source: str) -> Iterator[tuple[Row, dict[str, list[str]]]]:
    changes = connection.rows(_CHANGES, source=source)
    gone = [row["source_id"] for row in changes if row["change"] == "absent"]
    into = merged_into(connection, source, gone)
    records = connection.rows(_MERGED.format(source=source, member=SOURCES[source].merged_from))
    named = {row["source_id"]: merged_from(source, row["payload"]) for row in records}
    for row in changes:
        merges = {"merged_into": into.get(row["source_id"]), "merged_from": named.get(row["source_id"])}
        yield row, {name: source_ids for name, source_ids in merges.items() if source_ids}
