"""One connection for both engines: the same SQL with `$name` parameters, the same Python values back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from typing import Any, TypeVar

import duckdb
import orjson
import psycopg
from psycopg.rows import tuple_row
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed

from pipelines import duckdb_file
from pipelines.errors import ConfigurationError, DatabaseFailed
from pipelines.plain import first_line
from pipelines.settings import Target
from pipelines.signals import raise_what_arrived

OLDEST_POSTGRES = 15

_PARAMETER = re.compile(r"\$([a-z_]\w*)")

_AT_ONCE = 5_000
"""Rows that are fetched at a time, where they are many."""

_ROOM = 1.0
"""Seconds for which a Postgres that has no connection to spare is asked again."""

_NO_ROOM = ("too many clients", "too many connections", "connection slots are reserved", "max clients")
"""Of Postgres (53300) and its poolers: no driver tells the SQLSTATE of a connection refused."""

Row = dict[str, Any]
_Opened = TypeVar("_Opened")
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

    def each(self, sql: str, **parameters: Any) -> Iterator[tuple[Any, ...]]:
        """One row after another, to be read to the end: for many of few columns, none of them json.

        A catalogue's are not held all at once, and what a dict for each would cost is saved.
        """
        # Of Postgres they are all here as text, which is little: a cursor's work is not shared among its processes.
        if isinstance(self.raw, psycopg.Connection):
            fetch = self.raw.execute(*_for_psycopg(sql, parameters)).fetchmany
        else:
            fetch = self.raw.execute(sql, parameters or None).fetchmany
        while rows := fetch(_AT_ONCE):
            yield from rows

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
    patience: float = duckdb_file.PATIENCE,
    waiting: Callable[[str], None] | None = None,
    at_end: bool = False,
) -> Iterator[Connection]:
    """Open the database, and close it at the end: on DuckDB others get at the file in between.

    A DuckDB file that another process holds is waited for, `patience` seconds; `waiting` is told once, in a
    sentence. A missing file is created unless `read_only`. `at_end`: the last writing of a command (fold.py).
    Raises ConfigurationError: not reachable, refused, older than Postgres 15, no database, held too long, lacking
    rights; DatabaseFailed when a statement fails or the connection is lost.
    """
    try:
        with _opened(target, read_only, patience, waiting, at_end) as raw:
            yield Connection(target, raw)
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction) as error:
        raise ConfigurationError(
            f"The database {target} refuses: {first_line(error)}. Use a role that may write there, the tables' owner"
        ) from error
    except (psycopg.Error, duckdb.Error) as error:
        raise DatabaseFailed(f"The database {target} failed: {first_line(error)}") from error
    except RuntimeError as error:
        # DuckDB's word for a signal that came while it worked; it drops what our handler raised.
        if str(error) != "Query interrupted":
            raise
        raise_what_arrived()
        raise DatabaseFailed(f"The database {target} was interrupted: run the command again") from error


def _opened(
    target: Target, read_only: bool, patience: float, waiting: Callable[[str], None] | None, at_end: bool
) -> AbstractContextManager[Raw]:
    if target.path is None:
        return closing(_postgres(target))
    return duckdb_file.opened(target.path, read_only=read_only, patience=patience, waiting=waiting, at_end=at_end)


def _postgres(target: Target) -> psycopg.Connection[tuple[Any, ...]]:
    parameters: dict[str, Any] = {"connect_timeout": "10", "application_name": "guidelight-sync"}
    parameters.update(target.parameters)
    try:
        # No prepared statements: a transaction-mode pooler gives each transaction another server connection.
        connection = given_room(
            lambda: psycopg.connect(autocommit=True, prepare_threshold=None, row_factory=tuple_row, **parameters)
        )
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


def given_room(connect: Callable[[], _Opened]) -> _Opened:
    """Connect to a Postgres, again for a second where it has no connection to spare; raises what `connect` does.

    A server takes a moment to give back the place of a connection that was closed, and we open one after another.
    """
    again = Retrying(
        retry=retry_if_exception(_has_no_room), wait=wait_fixed(0.05), stop=stop_after_delay(_ROOM), reraise=True
    )
    return again(connect)


def _has_no_room(error: BaseException) -> bool:
    return any(word in str(error).lower() for word in _NO_ROOM)


def _for_psycopg(sql: str, parameters: dict[str, Any]) -> tuple[bytes, dict[str, Any] | None]:
    if not parameters:
        return sql.encode(), None
    return _PARAMETER.sub(r"%(\1)s", sql.replace("%", "%%")).encode(), parameters
