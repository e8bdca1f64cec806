"""Apply sql/NNNN_*.sql in order, each in one transaction with its row in the ledger."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import psycopg

from pipelines import adoption
from pipelines.database import Connection, connect
from pipelines.errors import ConfigurationError
from pipelines.settings import ROOT, Target

DIRECTORY = ROOT / "sql"

LEDGER = "guidelight_migrations"

_FILE = re.compile(r"(?P<number>\d{4})_\w+(?P<engine>\.postgres|\.duckdb)?\.sql")

_ADOPTING = "0003_products"
"""The first file that touches `products`: while it is pending, an existing table is looked at before anything."""

_LOCK = 7_310_421_165
"""The advisory lock of migrations: any number that nothing else in the database uses."""

_PATIENCE = "60s"
"""How long a migration waits for a lock: longer, and the app's own queries would queue up behind it."""


@dataclass(frozen=True, slots=True)
class Migration:
    """A file of sql/ that applies to this engine."""

    name: str
    text: str

    @property
    def digest(self) -> str:
        """SHA-256 of the text, line endings as \\n: a checkout that rewrites them changes nothing."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrate(target: Target, *, waiting: Callable[[str], None] | None = None, directory: Path = DIRECTORY) -> list[str]:
    """Bring the database to this release; return the names of the files that were applied, none when current.

    Each file is applied in one transaction with its row in the ledger: what fails leaves nothing of itself. Two that
    run at once: one waits (up to 60 s), `waiting` is told, in a sentence, and then finds the work done.
    Raises ConfigurationError: not reachable, lacking rights, an applied file changed, a database newer than the
    checkout, a `products` that can't be adopted (then nothing was changed), a statement that failed.
    """
    applied = []
    with connect(target, waiting=waiting, at_end=True) as connection, _in_one_line(target):
        todo = _todo(connection, directory)
        if todo:
            require_owner(connection, f"{len(todo)} of this release's migrations (first {todo[0].name})")
        if any(migration.name.startswith(_ADOPTING) for migration in todo):
            adoption.preflight(connection)
        for migration in todo:
            with _in_one_line(target, migration.name), connection.transaction():
                _take_lock(connection, waiting)
                if _apply(connection, migration):
                    applied.append(migration.name)
    return applied


def pending(connection: Connection, directory: Path = DIRECTORY) -> list[str]:
    """The names of the files that this database lacks, in the order in which they will be applied.

    Raises ConfigurationError for an applied file that was changed and for a database newer than the checkout.
    """
    with _in_one_line(connection.target):
        return [migration.name for migration in _todo(connection, directory)]


def require_current(connection: Connection) -> None:
    """Raise ConfigurationError unless every migration is applied: for commands that only read."""
    missing = pending(connection)
    if missing:
        raise ConfigurationError(
            f"The database {connection.target} lacks {len(missing)} of this release's migrations "
            f"(first {missing[0]}): run `guidelight migrate`"
        )


def require_owner(connection: Connection, lacking: str) -> None:
    """Raise ConfigurationError, naming who has to, where what is `lacking` is not this role's to make.

    guidelight_sync, as which a scheduled sync may run, makes nothing (docs/permissions.md).
    """
    if not connection.is_postgres or not _has_ledger(connection):
        return
    owner = connection.value(
        "select tableowner::text from pg_catalog.pg_tables where schemaname = $schema and tablename = $table "
        "and not pg_has_role(tableowner, 'usage')",
        schema=connection.public,
        table=LEDGER,
    )
    if owner is not None:
        me = connection.value("select current_user::text")
        raise ConfigurationError(
            f"The database {connection.target} lacks {lacking}, which {me} may not make: "
            f"run `guidelight migrate` as {owner}, the tables' owner"
        )


def recorded(connection: Connection, name: str) -> str | None:
    """The digest under which `name` stands in the ledger, or None."""
    if not _has_ledger(connection):
        return None
    digest: str | None = connection.value(f"select digest from {_ledger(connection)} where name = $name", name=name)
    return digest


def record(connection: Connection, name: str, digest: str) -> None:
    """Write a repeatable step (the dbt views of a release) into the ledger, or its new digest.

    Its name must not end in .sql: those are the files of sql/, written once. The caller opens the transaction.
    """
    if name.endswith(".sql"):
        raise ValueError(f"{name} is the name of a file: only migrate() records those")
    connection.execute(
        f"insert into {_ledger(connection)} (name, digest, applied_at) values ($name, $digest, now()) "
        "on conflict (name) do update set digest = excluded.digest, applied_at = excluded.applied_at",
        name=name,
        digest=digest,
    )


def _files(engine: str, directory: Path) -> list[Migration]:
    """The files for this engine by number; under one number the common file comes first."""
    found = []
    for path in directory.glob("*.sql"):
        parts = _FILE.fullmatch(path.name)
        if parts is not None and parts["engine"] in (None, f".{engine}"):
            order = (parts["number"], parts["engine"] is not None, path.name)
            found.append((order, Migration(path.name, path.read_text(encoding="utf-8"))))
    return [migration for _, migration in sorted(found, key=lambda pair: pair[0])]


def _todo(connection: Connection, directory: Path) -> list[Migration]:
    files = _files(connection.target.engine, directory)
    ledger: dict[str, str] = {}
    if _has_ledger(connection):
        ledger = {
            row["name"]: row["digest"] for row in connection.rows(f"select name, digest from {_ledger(connection)}")
        }
    unknown = sorted({name for name in ledger if name.endswith(".sql")} - {migration.name for migration in files})
    if unknown:
        raise ConfigurationError(
            f"The database {connection.target} is newer than this checkout, which has no {', '.join(unknown)}: "
            "update it (git pull && make install)"
        )
    for migration in files:
        if ledger.get(migration.name, migration.digest) != migration.digest:
            raise ConfigurationError(
                f"sql/{migration.name} was changed after it was applied to {connection.target}: restore it "
                f"(git checkout sql/{migration.name}) and put the change into a migration of its own"
            )
    return [migration for migration in files if migration.name not in ledger]


def _ledger(connection: Connection) -> str:
    return f"{connection.public}.{LEDGER}"


def _has_ledger(connection: Connection) -> bool:
    found = connection.value(
        "select count(*) from pg_catalog.pg_tables where schemaname = $schema and tablename = $table",
        schema=connection.public,
        table=LEDGER,
    )
    return bool(found)


def _take_lock(connection: Connection, waiting: Callable[[str], None] | None) -> None:
    """One migration at a time. On DuckDB the open file is the lock; here none outlives its transaction (poolers)."""
    if not connection.is_postgres:
        return
    connection.execute("set local search_path to public")
    connection.execute(f"set local lock_timeout to '{_PATIENCE}'")
    if not connection.value(f"select pg_try_advisory_xact_lock({_LOCK})"):
        if waiting is not None:
            waiting(f"waiting for another migration of {connection.target}")
        connection.execute(f"select pg_advisory_xact_lock({_LOCK})")


def _apply(connection: Connection, migration: Migration) -> bool:
    """Run the file, unless another process did while we waited for the lock."""
    connection.execute(
        f"create table if not exists {_ledger(connection)} "
        "(name text primary key, digest text not null, applied_at timestamptz not null default now())"
    )
    if recorded(connection, migration.name) is not None:
        return False
    connection.script(migration.text)
    connection.execute(
        f"insert into {_ledger(connection)} (name, digest) values ($name, $digest)",
        name=migration.name,
        digest=migration.digest,
    )
    return True


@contextmanager
def _in_one_line(target: Target, migration: str | None = None) -> Iterator[None]:
    """Say what the database refused, and what to do, in place of its own error."""
    doing = f"sql/{migration} can't be applied to {target}" if migration else f"{target} can't be migrated"
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise ConfigurationError(
            f"{doing}, lacking rights: {_first_line(error)}. Connect as the tables' owner, or let an administrator "
            "grant what is missing"
        ) from error
    except psycopg.errors.ReadOnlySqlTransaction as error:
        raise ConfigurationError(
            f"{doing}: it takes no writes ({_first_line(error)}). Point DATABASE_URL at the primary server"
        ) from error
    except psycopg.errors.LockNotAvailable as error:
        raise ConfigurationError(
            f"{doing}: another session held a lock for more than {_PATIENCE}. Look for it in pg_stat_activity, "
            "then run `guidelight migrate` again"
        ) from error
    except (psycopg.Error, duckdb.Error) as error:
        raise ConfigurationError(
            f"{doing}: {_first_line(error)}. Nothing of it was kept; mend that and run `guidelight migrate` again"
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
