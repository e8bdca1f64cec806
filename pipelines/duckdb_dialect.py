"""duckdb-engine's dialect as Great Expectations needs it: results stay readable after their transaction ended.

Great Expectations reads a result after its connection was closed and rolled back, which drops it on DuckDB: every
expectation fails then with "list index out of range". Over a read-only connection there is nothing to begin, commit
or roll back (STACK.md, Great Expectations). And it opens the file as all of us do, waiting for who has it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb_engine

from pipelines.database import open_file
from pipelines.settings import Target


class Dialect(duckdb_engine.Dialect):
    """DuckDB, read only, without transactions."""

    name = "duckdb"
    supports_statement_cache = False

    def connect(self, database: str, **_: Any) -> Any:
        """A connection to the file at a path. Raises ConfigurationError where another process keeps it."""
        return duckdb_engine.ConnectionWrapper(open_file(Target("duckdb", Path(database)), read_only=True))

    def do_begin(self, dbapi_connection: Any) -> None:
        """Nothing to begin."""

    def do_commit(self, dbapi_connection: Any) -> None:
        """Nothing to commit."""

    def do_rollback(self, dbapi_connection: Any) -> None:
        """Nothing to roll back."""
