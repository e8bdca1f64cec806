"""Hands what a sync receives to dlt's process, batch by batch: while one is landed, the next is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from time import monotonic

from models.batch import Batch, Rows
from models.record import Record
from pipelines.received import Received
from pipelines.warm import Warm
from pipelines.working_files import working_directory

BATCH = 10_000
"""Payloads in a batch at most: what is held in memory at a time, here and in dlt's process."""

_WAITS = 2.0
"""Seconds after which what has come is a batch. Where the source is slow, little is left to be landed at its end."""


def land(warm: Warm, source: str, received: Received, records: Iterable[Record]) -> None:
    """Append to staging_<source>: the payloads of `records` as they stream by, then what was received of them.

    A fresh working directory for each sync: a package that a killed run left would be loaded instead of this one
    (RELIABILITY.md, finding 1). Nothing that dlt reports is taken for proof; the publish counts the rows itself.
    Raises SyncFailed when dlt gives up, or has no room for its files; and what `records` raises.
    """
    with working_directory() as directory, ExitStack() as unless_all_is_landed:
        # Its files go with the directory.
        unless_all_is_landed.callback(warm.stop_landing)
        landed = None
        for batch in _batches(directory, source, received, records):
            if landed is not None:
                landed()
            landed = warm.landing(batch)
        if landed is not None:
            landed()
        unless_all_is_landed.pop_all()


def _batches(directory: str, source: str, received: Received, records: Iterable[Record]) -> Iterator[Batch]:
    def batch(*rows: Rows, is_last: bool = False) -> Batch:
        return Batch(source, received.sync_log_id, directory, [one for one in rows if one.columns[0]], is_last)

    waiting: list[Record] = []
    due = monotonic() + _WAITS
    for record in records:
        waiting.append(record)
        if len(waiting) == BATCH or monotonic() > due:
            yield batch(_payloads(waiting))
            waiting = []
            due = monotonic() + _WAITS
    yield batch(_payloads(waiting), _sightings(received), _rejected(received), is_last=True)


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


def _sightings(received: Received) -> Rows:
    count = len(received.sightings)
    seen = received.sightings.values()
    return Rows(
        "sightings",
        [
            [str(received.sync_log_id)] * count,
            [str(received.integration_id)] * count,
            list(received.sightings),
            [content_hash for content_hash, _, _ in seen],
            [page for _, page, _ in seen],
            [at for _, _, at in seen],
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
