"""One connection for both engines: the same SQL with `$name` parameters, the same Python values back."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import orjson
import psycopg
from psycopg.rows import tuple_row

from pipelines.errors import ConfigurationError, DatabaseFailed
from pipelines.fold import fold, is_guarded, leave_in_wal, put_back
from pipelines.settings import Target
from pipelines.signals import raise_what_arrived

DUCKDB_PATIENCE = 60.0
"""Seconds to wait for a DuckDB file that another process holds (DESIGN.md, One sync)."""

_HEADERS = 12_288
"""Bytes that a DuckDB file begins with: a shorter one is being made by another process, or is none."""

_MAKING = 1.0
"""Seconds that making one may take."""

OLDEST_POSTGRES = 15

_PARAMETER = re.compile(r"\$([a-z_]\w*)")
_HOLDER = re.compile(r"held in (?P<program>\S+).*?\(PID (?P<pid>\d+)\)", re.DOTALL)

_LOCKED = "Could not set lock"
"""DuckDB's word for a file that somebody else has."""

Row = dict[str, Any]
Raw = psycopg.Connection[tuple[Any, ...]] | duckdb.DuckDBPyConnection


class Connection:
    """An open connection. Statements are committed one by one unless inside `transaction()`."""

    def __init__(self, target: Target, raw: Raw) -> None:
        self.target = target
        self.raw = raw

    @property
    def is_postgres(self) -> bool:
        return self.target.engine == "postgres"

    @property
    def public(self) -> str:
        """The schema of our own tables (INTERFACE.md, Paths)."""
        return "public" if self.is_postgres else "main"

    def rows(self, sql: str, **parameters: Any) -> list[Row]:
        """Run one statement and return its rows as dicts: json columns as Python values, on both engines."""
        if isinstance(self.raw, psycopg.Connection):
            cursor = self.raw.execute(*_for_psycopg(sql, parameters))
            if cursor.description is None:
                return []
            names = [column.name for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        result = self.raw.execute(sql, parameters or None)
        columns = [(column[0], str(column[1]) == "JSON") for column in result.description or ()]
        return [
            {
                name: orjson.loads(value) if is_json and value is not None else value
                for (name, is_json), value in zip(columns, row, strict=True)
            }
            for row in result.fetchall()
        ]

    def tuples(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """As `rows`, for many of few columns, none of them json: what a dict for each would cost is saved."""
        if isinstance(self.raw, psycopg.Connection):
            return self.raw.execute(*_for_psycopg(sql, parameters)).fetchall()
        return self.raw.execute(sql, parameters or None).fetchall()

    def one(self, sql: str, **parameters: Any) -> Row | None:
        """The first row, or None."""
        found = self.rows(sql, **parameters)
        return found[0] if found else None

    def value(self, sql: str, **parameters: Any) -> Any:
        """The first column of the first row, or None."""
        row = self.one(sql, **parameters)
        return None if row is None else next(iter(row.values()))

    def execute(self, sql: str, **parameters: Any) -> None:
        """Run one statement whose rows nobody needs."""
        self.rows(sql, **parameters)

    def written(self, sql: str, **parameters: Any) -> int:
        """Run one insert, update or delete, and return how many rows it wrote."""
        if isinstance(self.raw, psycopg.Connection):
            return self.raw.execute(*_for_psycopg(sql, parameters)).rowcount
        (count,) = self.raw.execute(sql, parameters or None).fetchone() or (0,)
        return int(count)

    def script(self, sql: str) -> None:
        """Run several statements without parameters, in the transaction that is open."""
        self.raw.execute(sql.encode() if isinstance(self.raw, psycopg.Connection) else sql)  # type: ignore[arg-type]

    @contextmanager
    def transaction(self, *, keeps: bool = True) -> Iterator[None]:
        """All or nothing: committed at the end, rolled back when anything raises, or where nothing is to be kept."""
        if isinstance(self.raw, psycopg.Connection):
            with self.raw.transaction(force_rollback=not keeps):
                yield
            return
        self.raw.execute("begin")
        is_committed = False
        try:
            yield
            if keeps:
                self.raw.execute("commit")
                is_committed = True
        finally:
            if not is_committed:
                # A commit that failed has rolled back already.
                with suppress(duckdb.TransactionException):
                    self.raw.execute("rollback")


@contextmanager
def connect(
    target: Target,
    *,
    read_only: bool = False,
    patience: float = DUCKDB_PATIENCE,
    waiting: Callable[[str], None] | None = None,
    at_end: bool = False,
) -> Iterator[Connection]:
    """Open the database, and close it at the end: on DuckDB others get at the file in between.

    A DuckDB file that another process holds is waited for, `patience` seconds; `waiting` is told once, in a
    sentence. A missing file is created unless `read_only`. `at_end`: the last writing of a command (fold.py).
    Raises ConfigurationError: not reachable, refused, older than Postgres 15, no database, held too long, lacking
    rights; DatabaseFailed when a statement fails or the connection is lost.
    """
    raw = _postgres(target) if target.engine == "postgres" else open_file(target, read_only, patience, waiting)
    try:
        yield Connection(target, raw)
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction) as error:
        raise ConfigurationError(
            f"The database {target} refuses: {_first_line(error)}. Use a role that may write there, the tables' owner"
        ) from error
    except (psycopg.Error, duckdb.Error) as error:
        raise DatabaseFailed(f"The database {target} failed: {_first_line(error)}") from error
    except RuntimeError as error:
        # DuckDB's word for a signal that came while it worked; it drops what our handler raised.
        if str(error) != "Query interrupted":
            raise
        raise_what_arrived()
        raise DatabaseFailed(f"The database {target} was interrupted: run the command again") from error
    finally:
        try:
            if isinstance(raw, duckdb.DuckDBPyConnection) and not read_only and target.path is not None:
                fold(raw, target.path, at_end=at_end)
        finally:
            raw.close()


def _postgres(target: Target) -> psycopg.Connection[tuple[Any, ...]]:
    parameters: dict[str, Any] = {"connect_timeout": "10", "application_name": "guidelight-sync"}
    parameters.update(target.parameters)
    try:
        # No prepared statements: a transaction-mode pooler gives each transaction another server connection.
        connection = psycopg.connect(autocommit=True, prepare_threshold=None, row_factory=tuple_row, **parameters)
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split()).rstrip(".?")
        raise ConfigurationError(
            f"The database {target} can't be reached: {reason}. Check DATABASE_URL and that the server is up"
        ) from error
    if connection.info.server_version < OLDEST_POSTGRES * 10_000:
        version = connection.info.server_version // 10_000
        connection.close()
        raise ConfigurationError(
            f"The database {target} is Postgres {version}: guidelight-sync needs {OLDEST_POSTGRES} or newer"
        )
    return connection


def open_file(
    target: Target,
    read_only: bool,
    patience: float = DUCKDB_PATIENCE,
    waiting: Callable[[str], None] | None = None,
) -> duckdb.DuckDBPyConnection:
    """DuckDB's own connection to the file, as `connect` opens it; the caller closes it. Raises ConfigurationError."""
    assert target.path is not None
    if read_only and not target.path.exists():
        raise ConfigurationError(f"There is no database at {target.path} yet: run `guidelight migrate` or `make sync`")
    try:
        target.path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"The directory of {target.path} can't be made: {error.strerror}. Choose another path"
        ) from error
    began = time.monotonic()
    deadline = began + patience
    told = False
    while True:
        who, cause = "another process", None
        try:
            put_back(target.path)
            # As dbt-duckdb opens it: within a process all have to open a file alike.
            raw = duckdb.connect(str(target.path), config={"access_mode": "read_only"} if read_only else {})
            # It goes to standard output, in front of what a command prints there.
            raw.execute("set enable_progress_bar = false")
            if not read_only:
                leave_in_wal(raw)
            if not is_guarded(target.path):
                return raw
            raw.close()  # who folded it died just before it was opened
            continue
        except BlockingIOError:
            pass
        except duckdb.Error as error:
            if _is_being_made(target.path) and time.monotonic() < began + _MAKING:
                time.sleep(0.05)
                continue
            if _LOCKED not in str(error):
                raise ConfigurationError(
                    f"{target.path} can't be opened as a DuckDB file: {_first_line(error).rstrip('.!')}. "
                    "Restore it, or move it away and sync anew"
                ) from error
            holder, cause = _HOLDER.search(str(error)), error
            if holder is not None:
                who = f"process {holder['pid']} ({Path(holder['program']).name})"
        if time.monotonic() >= deadline:
            raise ConfigurationError(
                f"{target.path} is held by {who}, for more than {patience:.0f} s: close it there and try again"
            ) from cause
        if waiting is not None and not told:
            waiting(f"waiting for {target.path.name}, which {who} has open")
            told = True
        time.sleep(0.05)


def _is_being_made(path: Path) -> bool:
    return path.is_file() and path.stat().st_size < _HEADERS


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].strip() if lines else type(error).__name__


def _for_psycopg(sql: str, parameters: dict[str, Any]) -> tuple[bytes, dict[str, Any] | None]:
    if not parameters:
        return sql.encode(), None
    return _PARAMETER.sub(r"%(\1)s", sql.replace("%", "%%")).encode(), parameters
