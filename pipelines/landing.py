"""Hands what a sync receives to dlt's process, batch by batch: while one is landed, the next is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime
from time import monotonic

from models.batch import Batch, Rows
from models.record import Record
from pipelines.received import Received
from pipelines.warm import Warm
from pipelines.working_files import working_directory

BATCH = 6_000
"""Payloads in a batch, of which pages arrive at most so many at a time: what is held in memory, here and at dlt's."""

_SIGHTINGS = 3 * BATCH
"""Sightings in a batch, where there are no new payloads to speak of."""

_WAITS = 2.0
"""Seconds after which what has come is a batch. Where the source is slow, little is left to be landed at its end."""


def land(warm: Warm, source: str, received: Received, arriving: Iterable[list[Record]]) -> None:
    """Append to staging_<source>, while pages arrive, their payloads and what was received of them.

    A fresh working directory for each sync: a package that a killed run left would be loaded instead of this one
    (RELIABILITY.md, finding 1). Nothing that dlt reports is taken for proof; the publish counts the rows itself.
    Raises SyncFailed when dlt gives up, or has no room for its files; and what `arriving` raises.
    """
    with working_directory() as directory, ExitStack() as failing:
        # What it had begun goes with the directory.
        failing.callback(warm.stop_landing)
        landed = None
        for batch in _batches(directory, source, received, arriving):
            if landed is not None:
                landed()
            landed = warm.landing(batch)
        if landed is not None:
            landed()
        failing.pop_all()
        # Of a large catalogue it keeps memory that others need.
        warm.dismiss_landing()


def _batches(directory: str, source: str, received: Received, arriving: Iterable[list[Record]]) -> Iterator[Batch]:
    def batch(*rows: Rows, is_last: bool = False) -> Batch:
        superseded = frozenset(received.superseded) if is_last else frozenset()
        filled = [one for one in rows if one.columns[0]]
        return Batch(source, received.sync_log_id, directory, filled, is_last, superseded)

    waiting: list[Record] = []
    due = monotonic() + _WAITS
    for records in arriving:
        waiting += records
        is_due = (waiting or received.unlanded) and monotonic() > due
        if len(waiting) >= BATCH or len(received.unlanded) >= _SIGHTINGS or is_due:
            yield batch(_payloads(waiting), _sightings(received, received.unlanded))
            waiting = []
            received.unlanded = {}
            due = monotonic() + _WAITS
    last = received.unlanded | received.superseded
    yield batch(_payloads(waiting), _sightings(received, last), _rejected(received), is_last=True)


def _payloads(records: list[Record]) -> Rows:
    return Rows(
        "payloads",
        [
            [record.content_hash for record in records],
            [record.raw_hash for record in records],
            [record.source_id for record in records],
            [record.payload for record in records],
        ],
    )


def _sightings(received: Received, seen: Mapping[str, tuple[int, datetime]]) -> Rows:
    return Rows(
        "sightings",
        [
            [str(received.sync_log_id)] * len(seen),
            [str(received.integration_id)] * len(seen),
            list(seen),
            [received.sightings[source_id].hex() for source_id in seen],
            [page for page, _ in seen.values()],
            [at for _, at in seen.values()],
        ],
    )


def _rejected(received: Received) -> Rows:
    count = len(received.rejected)
    refused = received.rejected.values()
    return Rows(
        "rejected_records",
        [
            [str(received.sync_log_id)] * count,
            [str(received.integration_id)] * count,
            [record.source_id for record, _ in refused],
            [record.reason for record, _ in refused],
            [record.page for record, _ in refused],
            [at for _, at in refused],
            [record.text for record, _ in refused],
            [record.text_length for record, _ in refused],
        ],
    )
