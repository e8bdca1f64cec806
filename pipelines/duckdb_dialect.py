"""duckdb-engine's dialect as Great Expectations needs it: results stay readable after their transaction ended.

Great Expectations reads a result after its connection was closed and rolled back, which drops it on DuckDB: every
expectation fails then with "list index out of range". Over a read-only connection there is nothing to begin, commit
or roll back (STACK.md, Great Expectations). And it opens the file as all of us do, waiting for who has it, and asks no
other DuckDB for words that SQL keeps to itself: no column of ours is one.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import duckdb_engine
from sqlalchemy.dialects.postgresql.base import PGIdentifierPreparer

from pipelines.duckdb_file import PATIENCE, Raw, opened


class _Connection(duckdb_engine.ConnectionWrapper):
    """A connection that lets go of its file as all of ours do."""

    def __init__(self, raw: Raw, left: ExitStack) -> None:
        super().__init__(raw)
        self._left = left

    def close(self) -> None:
        self._left.close()
        self.closed = True


class _Identifiers(duckdb_engine.DuckDBIdentifierPreparer):
    """Quotes names, with Postgres's list of those that SQL keeps to itself."""

    def __init__(self, dialect: Dialect, **named: Any) -> None:
        PGIdentifierPreparer.__init__(self, dialect, **named)


class Dialect(duckdb_engine.Dialect):
    """DuckDB, read only, without transactions."""

    name = "duckdb"
    supports_statement_cache = False
    preparer: Any = _Identifiers

    def connect(self, database: str, **_: Any) -> Any:
        """A connection to the file at a path. Raises ConfigurationError where another process keeps it."""
        left = ExitStack()
        file = opened(Path(database), read_only=True, patience=PATIENCE, waiting=None, at_end=False)
        return _Connection(left.enter_context(file), left)

    def do_begin(self, dbapi_connection: Any) -> None:
        """Nothing to begin."""

    def do_commit(self, dbapi_connection: Any) -> None:
        """Nothing to commit."""

    def do_rollback(self, dbapi_connection: Any) -> None:
        """Nothing to roll back."""
