"""The databases that tests work on: fresh ones of each engine, empty or migrated."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from pipelines.migrate import migrate
from pipelines.settings import Target, target
from tests import postgres

Engine = Literal["duckdb", "postgres", "postgres15"]


@dataclass(frozen=True, slots=True)
class TestDatabase:
    """A database of one test's own: as `--database` takes it, as the code does, and which engine it is."""

    __test__: ClassVar[bool] = False  # no test class, whatever its name

    url: str
    target: Target
    engine: Literal["duckdb", "postgres"]
    server: postgres.Server | None = None


@dataclass
class Databases:
    """Makes databases; servers are started when the first of theirs is asked for."""

    directory: Path
    system_only: bool = False
    _servers: dict[Path, postgres.Server] = field(default_factory=dict)
    _templates: dict[str, str] = field(default_factory=dict)
    _made: int = 0

    @contextmanager
    def make(self, engine: Engine, *, migrated: bool) -> Iterator[TestDatabase]:
        """A fresh database, dropped at the end."""
        if engine == "duckdb":
            with _removed(self._duckdb(migrated)) as database:
                yield database
            return
        server = self.server(engine)
        name = server.create(self._template(engine, server) if migrated else "template0")
        try:
            yield TestDatabase(server.url(name), server.target(name), "postgres", server)
        finally:
            server.drop(name)

    def template(self, engine: Engine, of: TestDatabase | None = None) -> TestDatabase:
        """A database that is kept to the end, for `copy`: migrated, or itself a copy of another template."""
        if engine == "duckdb":
            return self._duckdb(migrated=True) if of is None else self._duckdb_copy(of)
        server = self.server(engine)
        name = server.create(self._template(engine, server) if of is None else _name(of))
        return TestDatabase(server.url(name), server.target(name), "postgres", server)

    @contextmanager
    def copy(self, template: TestDatabase) -> Iterator[TestDatabase]:
        """A fresh copy of a template that nobody has open, dropped at the end."""
        server = template.server
        if server is None:
            with _removed(self._duckdb_copy(template)) as database:
                yield database
            return
        name = server.create(_name(template))
        try:
            yield TestDatabase(server.url(name), server.target(name), "postgres", server)
        finally:
            server.drop(name)

    def server(self, engine: Engine) -> postgres.Server:
        """The server of the engine: the wheel's, or with `--postgres15` the system's, as postgres15 always is."""
        system = postgres.system_postgres()
        if engine == "postgres15" or self.system_only:
            assert system is not None, f"no Postgres 15, 16 or 17 in {postgres.SYSTEM}"
            binaries = system
        else:
            binaries = postgres.wheel_postgres()
        if binaries not in self._servers:
            self._servers[binaries] = postgres.start(binaries)
        return self._servers[binaries]

    def close(self) -> None:
        for server in self._servers.values():
            server.stop()

    def _template(self, engine: Engine, server: postgres.Server) -> str:
        if engine not in self._templates:
            name = server.create()
            migrate(server.target(name))
            self._templates[engine] = name
        return self._templates[engine]

    def _duckdb_copy(self, template: TestDatabase) -> TestDatabase:
        """A copy under the same file name: the views in it name their database."""
        assert template.target.path is not None
        copy = self._duckdb(migrated=False)
        _copied(template.target.path, Path(copy.url))
        return copy

    def _duckdb(self, migrated: bool) -> TestDatabase:
        self._made += 1
        path = self.directory / f"guidelight-{self._made}" / "guidelight.duckdb"
        path.parent.mkdir()
        if migrated:
            template = self.directory / "migrated.duckdb"
            if not template.exists():
                migrate(Target("duckdb", path=template))
            _copied(template, path)
        return TestDatabase(str(path), target(str(path)), "duckdb")


def _copied(file: Path, to: Path) -> None:
    """A file of DuckDB, with what was written to it and is not folded in yet."""
    shutil.copyfile(file, to)
    if Path(f"{file}.wal").exists():
        shutil.copyfile(f"{file}.wal", f"{to}.wal")


@contextmanager
def _removed(database: TestDatabase) -> Iterator[TestDatabase]:
    """A file of DuckDB whose directory goes with the test: each holds 10 MB, and there are many."""
    try:
        yield database
    finally:
        shutil.rmtree(Path(database.url).parent)


def _name(database: TestDatabase) -> str:
    return dict(database.target.parameters)["dbname"]
