"""Land records in staging with dlt: Arrow tables of one fixed shape, appended to tables that the migrations made."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import pyarrow as pa
from duckdb import DuckDBPyConnection

from models.record import Record, RejectedRecord
from pipelines.database import Connection, connect
from pipelines.errors import GuidelightError, SyncFailed
from pipelines.library_log import of_dlt
from pipelines.settings import Target, quiet_libraries
from pipelines.uninstalled import uninstalled

if TYPE_CHECKING:
    from dlt.common.destination import Destination

BATCH = 5_000
"""Records in an Arrow table: what is held in memory at a time."""

_UNWANTED = ("pandas", "sqlalchemy")
"""What dlt imports wherever it is installed, 0.4 s, to see whether what it is given is of theirs. It never is."""

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)

_TIME = pa.timestamp("us", tz="UTC")
PAYLOADS = pa.schema(
    [
        pa.field("content_hash", pa.string(), nullable=False),
        pa.field("raw_hash", pa.string(), nullable=False),
        pa.field("source_id", pa.string(), nullable=False),
        pa.field("payload", pa.string(), nullable=False),
    ]
)
SIGHTINGS = pa.schema(
    [
        pa.field("sync_log_id", pa.string(), nullable=False),
        pa.field("integration_id", pa.string(), nullable=False),
        pa.field("source_id", pa.string(), nullable=False),
        pa.field("content_hash", pa.string(), nullable=False),
        pa.field("page", pa.int32(), nullable=False),
        pa.field("extracted_at", _TIME, nullable=False),
    ]
)
REJECTED = pa.schema(
    [
        pa.field("sync_log_id", pa.string(), nullable=False),
        pa.field("integration_id", pa.string(), nullable=False),
        pa.field("source_id", pa.string()),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("page", pa.int32(), nullable=False),
        pa.field("received_at", _TIME, nullable=False),
        pa.field("record_text", pa.string(), nullable=False),
        pa.field("record_length", pa.int32(), nullable=False),
    ]
)


@dataclass(slots=True)
class Received:
    """What a sync received, brought together: one sighting a product (the latest), each refused text once.

    `known` holds the content hashes that are landed already; it grows as new ones are handed to dlt.
    """

    sync_log_id: UUID
    integration_id: UUID
    known: set[str] = field(default_factory=set)
    sightings: dict[str, tuple[str, int, datetime]] = field(default_factory=dict)
    rejected: dict[tuple[str, str], tuple[RejectedRecord, datetime]] = field(default_factory=dict)
    duplicates: int = 0

    def take(self, seen: Record | RejectedRecord, at: datetime, *, again: bool = False) -> bool:
        """Count one record as seen; True when it is a content that has to be landed.

        `again`: it was asked for a second time, so that a second sight is no duplicate of the source's.
        """
        if isinstance(seen, RejectedRecord):
            self.rejected.setdefault((seen.text, seen.reason), (seen, at))
            return False
        self.duplicates += not again and seen.source_id in self.sightings
        self.sightings[seen.source_id] = (seen.content_hash, seen.page, at)
        if seen.payload is None or seen.content_hash in self.known:
            return False
        self.known.add(seen.content_hash)
        return True

    @property
    def fetched(self) -> int:
        return len(self.sightings) + len(self.rejected)

    @property
    def sightings_digest(self) -> int:
        """The sum of the contents' first 48 bits: what the publish finds in staging must add up to it."""
        return sum(int(content_hash[:12], 16) for content_hash, _, _ in self.sightings.values())


def landed(connection: Connection, source: str) -> dict[str, tuple[str, str]]:
    """Every content in staging: {raw_hash: (content_hash, source_id)}. To be read under the turn."""
    rows = connection.rows(f"select raw_hash, content_hash, source_id from staging_{source}.payloads")
    return {row["raw_hash"]: (row["content_hash"], row["source_id"]) for row in rows}


def prepare() -> None:
    """Import dlt, half a second of work: to be done before the first request waits for it."""
    quiet_libraries()
    import dlt.destinations  # noqa: F401


def load(
    target: Target, source: str, received: Received, records: Iterable[Record], log: Callable[[str], None] | None = None
) -> None:
    """Append to staging_<source>: the payloads of `records` as they stream by, then what was received of them.

    A fresh working directory for each sync: a package that a killed run left would be loaded instead of this one
    (RELIABILITY.md, finding 1). Nothing that dlt reports is taken for proof; the publish counts the rows itself.
    `log` is told what dlt logs, where that is wanted.
    Raises SyncFailed when dlt gives up, or has no room for its files.
    """
    prepare()
    import dlt
    from dlt.pipeline.exceptions import PipelineStepFailed

    with uninstalled(*_UNWANTED), _working_directory() as directory:
        pipeline = dlt.pipeline(
            pipeline_name=f"guidelight_{source}",
            pipelines_dir=directory,
            destination=_destination(target),
            dataset_name=f"staging_{source}",
        )
        pipeline.config.restore_from_destination = False
        pipeline.config.enable_runtime_trace = False
        pipeline.runtime_config.intercept_signals = False
        resource = dlt.resource(_tables(received, records), name="records")
        try:
            with nullcontext() if log is None else of_dlt(log):
                pipeline.extract(resource, schema=dlt.Schema(source))
                pipeline.normalize()
                with _open_destination(target) as destination:
                    pipeline.load(destination=destination, raise_on_failed_jobs=True)
        except PipelineStepFailed as error:
            deepest = _deepest(error)
            if isinstance(deepest, OSError) and deepest.errno in _NO_ROOM:
                raise deepest from error
            raise _ours_within(error) or SyncFailed(
                f"dlt could not land the records in staging ({error.step}): {_first_line(deepest)}. "
                "Nothing was published: run the sync again"
            ) from error


@contextmanager
def _working_directory() -> Iterator[str]:
    """A directory for one load, removed at its end. Raises SyncFailed where the machine has no room for its files."""
    try:
        with tempfile.TemporaryDirectory(prefix="guidelight-") as directory:
            yield directory
    except OSError as error:
        place = error.filename or tempfile.tempdir
        where = "" if place is None else f" in {place}"
        raise SyncFailed(
            f"The working files of a sync can't be written{where}: {error.strerror or error}. "
            "Make room there, or set TMPDIR to another directory"
        ) from error


def _tables(received: Received, records: Iterable[Record]) -> Iterator[Any]:
    """The Arrow tables, each marked with its table: payloads while they stream, then sightings and rejected records."""
    import dlt

    def marked(table: pa.Table, name: str) -> Any:
        columns = (
            {"payload": {"name": "payload", "data_type": "json", "nullable": False}} if name == "payloads" else None
        )
        hints = dlt.mark.make_hints(table_name=name, columns=columns, write_disposition="append")  # type: ignore[arg-type]
        return dlt.mark.with_hints(table, hints, create_table_variant=True)

    batch: list[Record] = []
    for record in records:
        batch.append(record)
        if len(batch) == BATCH:
            yield marked(_payloads(batch), "payloads")
            batch = []
    if batch:
        yield marked(_payloads(batch), "payloads")
    if received.sightings:
        yield marked(_sightings(received), "sightings")
    if received.rejected:
        yield marked(_rejected(received), "rejected_records")


def _payloads(records: list[Record]) -> pa.Table:
    return pa.table(
        [
            [record.content_hash for record in records],
            [record.raw_hash for record in records],
            [record.source_id for record in records],
            [record.payload for record in records],
        ],
        schema=PAYLOADS,
    )


def _sightings(received: Received) -> pa.Table:
    count = len(received.sightings)
    hashes, pages, times = zip(*received.sightings.values(), strict=True)
    moments = list(dict.fromkeys(times))  # one a page: Arrow takes long over each of Python's datetimes
    place = {moment: number for number, moment in enumerate(moments)}
    return pa.table(
        [
            pa.repeat(str(received.sync_log_id), count),
            pa.repeat(str(received.integration_id), count),
            list(received.sightings),
            list(hashes),
            list(pages),
            pa.array(moments, _TIME).take(pa.array([place[moment] for moment in times], pa.int32())),
        ],
        schema=SIGHTINGS,
    )


def _rejected(received: Received) -> pa.Table:
    rows = [
        {
            "sync_log_id": str(received.sync_log_id),
            "integration_id": str(received.integration_id),
            "source_id": record.source_id,
            "reason": record.reason,
            "page": record.page,
            "received_at": at,
            "record_text": record.text,
            "record_length": record.text_length,
        }
        for record, at in received.rejected.values()
    ]
    return pa.Table.from_pylist(rows, schema=REJECTED)


def _destination(target: Target) -> Destination[Any, Any]:
    import dlt

    if target.engine == "duckdb":
        return dlt.destinations.duckdb(credentials=str(target.path))
    from pipelines.dlt_postgres import destination

    return destination(target)


@contextmanager
def _open_destination(target: Target) -> Iterator[Destination[Any, Any]]:
    """The destination while it is written to: on DuckDB over a connection of ours, which waits for who has the file."""
    import dlt

    if target.engine == "postgres":
        yield _destination(target)
        return
    with connect(target) as connection:
        yield dlt.destinations.duckdb(credentials=cast(DuckDBPyConnection, connection.raw))


def _ours_within(error: BaseException) -> GuidelightError | None:
    """An error of ours that was raised inside dlt's extraction: the source's word, not dlt's."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, GuidelightError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None


def _deepest(error: BaseException) -> BaseException:
    return error if error.__cause__ is None else _deepest(error.__cause__)


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__
