"""Fresh databases to sync into: files of DuckDB, databases of a private Postgres."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests import postgres

ENGINES = ("postgres", "duckdb")


@dataclass
class Places:
    """Makes databases under a directory; the server is started with the first that needs it."""

    directory: Path
    _server: postgres.Server | None = None
    _made: int = field(default=0)

    @contextmanager
    def fresh(self, engine: str) -> Iterator[str]:
        """The URL or path of a database with nothing in it, gone at the end."""
        self._made += 1
        if engine == "duckdb":
            path = self.directory / f"place{self._made}" / "bench.duckdb"
            path.parent.mkdir()
            yield str(path)
            path.unlink(missing_ok=True)
            return
        server = self._server = self._server or postgres.start(postgres.wheel_postgres())
        name = server.create()
        yield server.url(name)
        server.drop(name)

    def close(self) -> None:
        if self._server is not None:
            self._server.stop()
