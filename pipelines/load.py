"""Land batches in staging with dlt: Arrow tables of one fixed shape, appended to tables that the migrations made."""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import duckdb
import pyarrow as pa
from duckdb import DuckDBPyConnection

from models.batch import Batch, Rows
from pipelines import lean_dlt
from pipelines.database import connect
from pipelines.errors import SyncFailed
from pipelines.fold import leave_in_wal
from pipelines.library_log import begins, tell_of_dlt
from pipelines.settings import Target, quiet_libraries
from pipelines.uninstalled import uninstall
from pipelines.working_files import unwritten, working_directory

if TYPE_CHECKING:
    import dlt
    from dlt.common.destination import Destination

_UNWANTED = ("pandas", "sqlalchemy")
"""What dlt imports wherever it is installed, 0.4 s, to see whether what it is given is of theirs. It never is."""

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)

_TIME = pa.timestamp("us", tz="UTC")
_PAYLOADS = pa.schema(
    [
        pa.field("content_hash", pa.string(), nullable=False),
        pa.field("raw_hash", pa.string(), nullable=False),
        pa.field("source_id", pa.string(), nullable=False),
        pa.field("payload", pa.string(), nullable=False),
    ]
)
_SIGHTINGS = pa.schema(
    [
        pa.field("sync_log_id", pa.string(), nullable=False),
        pa.field("integration_id", pa.string(), nullable=False),
        pa.field("source_id", pa.string(), nullable=False),
        pa.field("content_hash", pa.string(), nullable=False),
        pa.field("page", pa.int32(), nullable=False),
        pa.field("extracted_at", _TIME, nullable=False),
    ]
)
_REJECTED = pa.schema(
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
_SCHEMAS = {"payloads": _PAYLOADS, "sightings": _SIGHTINGS, "rejected_records": _REJECTED}


def import_dlt(engine: str) -> None:
    """Import of dlt what a batch needs, half a second of work, and what it would import when the first has come."""
    import dlt.common.libs.pyarrow
    import dlt.destinations
    import dlt.sources.helpers.requests

    if engine == "duckdb":
        import dlt.destinations.impl.duckdb.duck  # noqa: F401
    else:
        import pipelines.dlt_postgres  # noqa: F401
    lean_dlt.spare_each_step()


def prepare(engine: str) -> None:
    """Import dlt, without what it imports wherever that is installed, and have it look for its settings and plugins.

    Raises SyncFailed for settings of dlt's that can't be read.
    """
    quiet_libraries()
    uninstall(*_UNWANTED)
    import_dlt(engine)
    from dlt.common.configuration.container import Container
    from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext
    from dlt.common.exceptions import DltException

    try:
        Container()[PluggableRunContext]
    except (DltException, OSError) as error:
        reason = _first_line(error)
        raise SyncFailed(f"dlt can't read its own settings: {reason}. Mend or remove them in .dlt") from error


class Loader:
    """Lands a sync's batches. On a server two at a time: one is copied while the next is brought into dlt's form. A
    DuckDB file has one holder, and each time that it is opened takes a while: there the last one brings them all.

    `log` is told what dlt logs, where that is wanted.
    """

    def __init__(self, target: Target, log: Callable[[str], None] | None) -> None:
        prepare(target.engine)
        self._target = target
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="landing")
        self._under_way: deque[Future[None]] = deque()
        self._log = log

    def load(self, batch: Batch) -> None:
        """Take a batch on; with the last one return when all of them are landed.

        Raises SyncFailed when dlt gave up on this one or one before it, or has no room for its files.
        """
        if self._target.engine == "duckdb" and not batch.is_last:
            _put_aside(batch)
            return
        if batch.superseded and self._target.engine == "postgres":
            self._wait(0)
            _withdraw(self._target, batch)
        self._under_way.append(self._pool.submit(_land, self._target, batch, self._log))
        self._wait(0 if batch.is_last else 1)

    def _wait(self, left: int) -> None:
        while len(self._under_way) > left:
            self._under_way.popleft().result()


def _withdraw(target: Target, batch: Batch) -> None:
    """Remove what earlier batches landed of products whose content was another one later."""
    with connect(target) as connection:
        connection.execute(
            f"delete from staging_{batch.source}.sightings where sync_log_id = $id and source_id = any($source_ids)",
            id=batch.sync_log_id,
            source_ids=sorted(batch.superseded),
        )


def _land(target: Target, batch: Batch, log: Callable[[str], None] | None) -> None:
    """dlt's three steps, in a directory that no other run of them knows."""
    import dlt
    from dlt.pipeline.exceptions import PipelineStepFailed

    try:
        with working_directory(batch.directory) as directory:
            pipeline = _pipeline(target, batch, directory)
            if log is not None:
                tell_of_dlt(lambda line: log(begins(batch.sync_log_id) + line))
            tables = chain(_aside(batch), _tables(batch))
            pipeline.extract(dlt.resource(tables, name="records"), schema=dlt.Schema(batch.source))
            pipeline.normalize()
            with _open_destination(target) as destination:
                pipeline.load(destination=destination, raise_on_failed_jobs=True)
    except PipelineStepFailed as error:
        deepest = _deepest(error)
        if isinstance(deepest, OSError) and deepest.errno in _NO_ROOM:
            raise unwritten(deepest, _parent(batch)) from error
        raise SyncFailed(
            f"dlt could not land the records in staging ({error.step}): {_first_line(deepest)}. "
            "Nothing was published: run the sync again"
        ) from error
    except OSError as error:
        raise unwritten(error, _parent(batch)) from error


def _parent(batch: Batch) -> str:
    return str(Path(batch.directory).parent)


def _put_aside(batch: Batch) -> None:
    """Keep a batch's tables in files, for the last one."""
    directory = Path(batch.directory)
    try:
        for rows in batch.rows:
            number = len(list(directory.glob("*.arrow")))
            table = _table(rows)
            with pa.ipc.new_file(directory / f"{number:06d}.{rows.table}.arrow", table.schema) as file:
                file.write_table(table)
    except OSError as error:
        raise unwritten(error, _parent(batch)) from error


def _aside(batch: Batch) -> Iterator[Any]:
    for path in sorted(Path(batch.directory).glob("*.arrow")):
        with pa.memory_map(str(path)) as file:
            name, table = path.name.split(".")[1], pa.ipc.open_file(file).read_all()
            if name == "sightings" and batch.superseded:
                table = table.filter([one not in batch.superseded for one in table["source_id"].to_pylist()])
            yield _marked(name, table)


def _pipeline(target: Target, batch: Batch, directory: str) -> dlt.Pipeline:
    """The pipeline whose files are in that directory."""
    import dlt

    pipeline = dlt.pipeline(
        pipeline_name=f"guidelight_{batch.source}",
        pipelines_dir=directory,
        destination=_destination(target),
        dataset_name=f"staging_{batch.source}",
    )
    pipeline.config.restore_from_destination = False
    pipeline.config.enable_runtime_trace = False
    pipeline.runtime_config.intercept_signals = False
    return pipeline


def _tables(batch: Batch) -> Iterator[Any]:
    """The rows as tables, each let go of as it is handed on: dlt keeps exceptions, and these the frames of everything
    that was going on, this batch's after it has long been landed."""
    while batch.rows:
        rows = batch.rows.pop(0)
        yield _marked(rows.table, _table(rows))


def _marked(name: str, table: pa.Table) -> Any:
    """An Arrow table that says which of the staging tables it belongs to."""
    import dlt

    columns = {"payload": {"name": "payload", "data_type": "json", "nullable": False}} if name == "payloads" else None
    hints = dlt.mark.make_hints(table_name=name, columns=columns, write_disposition="append")  # type: ignore[arg-type]
    return dlt.mark.with_hints(table, hints, create_table_variant=True)


def _table(rows: Rows) -> pa.Table:
    schema = _SCHEMAS[rows.table]
    return pa.table(
        [
            _moments(values) if field.type == _TIME else pa.array(values, field.type)
            for field, values in zip(schema, rows.columns, strict=True)
        ],
        schema=schema,
    )


def _moments(times: list[Any]) -> pa.Array:
    """Arrow takes long over each of Python's datetimes, and there is one a page."""
    moments = list(dict.fromkeys(times))
    place = {moment: number for number, moment in enumerate(moments)}
    return pa.array(moments, _TIME).take(pa.array([place[moment] for moment in times], pa.int32()))


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
        raw = cast(DuckDBPyConnection, connection.raw)
        try:
            yield dlt.destinations.duckdb(credentials=raw)
        finally:
            # dlt has DuckDB fold what it wrote into the file as it closes (fold.py). What has failed folds nothing.
            with suppress(duckdb.Error):
                leave_in_wal(raw)


def _deepest(error: BaseException) -> BaseException:
    return error if error.__cause__ is None else _deepest(error.__cause__)


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__
