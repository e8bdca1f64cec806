"""What of the database could keep a sync from working: its schema, our rights in it, the clock, keys, integrations."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import duckdb

from models.integration import Integration
from pipelines import adoption, migrate, store, vault
from pipelines.database import Connection
from pipelines.errors import ConfigurationError
from pipelines.reach import reach
from pipelines.seal import seal
from pipelines.transform import release
from pipelines.views import VIEWS

SKEW = 60.0
"""Seconds by which two clocks may differ: certificates and access tokens bear no more."""

_NEEDED = {
    "public.guidelight_migrations": "select",
    "public.integrations": "select, update",
    "public.integration_secrets": "select, insert, update, delete",
    "public.sync_logs": "select, insert, update, delete",
    "public.sync_turns": "select, insert, update",
    "public.products": "select, insert, update",
    "public.product_changes": "select, insert",
    "public.product_sync_state": "select, insert, update",
    "staging_treez.payloads": "select, insert, delete",
    "staging_treez.sightings": "select, insert, delete",
    "staging_treez.rejected_records": "select, insert, delete",
    "marts.category_map": "select",
}
"""What a sync does, by table: the rights of guidelight_sync (sql/0009, docs/permissions.md)."""


def version(connection: Connection) -> str:
    """Which database it is. One that is too old could not be opened."""
    if connection.is_postgres:
        return f"{connection.target} is Postgres {connection.value('show server_version')}"
    return f"{connection.target} is a file of DuckDB {duckdb.__version__}"


def looks(connection: Connection) -> Iterator[tuple[str, Callable[[], str]]]:
    """What is looked at, in its order: a name, and what says that all is well or raises what to mend."""
    yield "migrations", lambda: _migrations(connection)
    yield "rights", lambda: _rights(connection)
    yield "products", lambda: _products(connection)
    yield "clock", lambda: _clock(connection)


def looks_where_current(connection: Connection) -> Iterator[tuple[str, Callable[[], str]]]:
    """What can be looked at only where every migration is applied."""
    yield "secrets", lambda: _secrets(connection)
    yield "integrations", lambda: _integrations(connection)


def enabled(connection: Connection) -> list[Integration]:
    """The integrations that a sync may be asked for."""
    return [one for one in store.integrations(connection) if one.is_active]


def reached(database: str | None, integration: Integration, tell: Callable[[str], None]) -> str:
    """The last step of trying an integration. Raises ConfigurationError with the step that failed."""
    last = reach(database, str(integration.id), tell)[-1]
    if not last.ok:
        raise ConfigurationError(f"{integration.name}: {last.step}: {last.message}")
    return f"{integration.name}: {last.message}"


def _migrations(connection: Connection) -> str:
    migrate.require_current(connection)
    if migrate.recorded(connection, VIEWS) != release():
        migrate.require_owner(connection, "this release's views")
        return "The tables are this release's, and the next sync makes its views"
    return "The tables and views are this release's"


def _rights(connection: Connection) -> str:
    if not connection.is_postgres:
        return _file_rights(connection)
    me = connection.value("select current_user::text")
    lacking = [
        f"{right} on {table}"
        for table, rights in _NEEDED.items()
        for right in rights.split(", ")
        if connection.value("select to_regclass($table) is not null", table=table)
        and not _may(connection, table, right)
    ]
    if lacking:
        raise ConfigurationError(
            f"{me} may not {', '.join(lacking)}: connect as the tables' owner, or "
            f'let the owner run "grant guidelight_sync to {me}"'
        )
    return f"{me} may do what a sync does"


def _may(connection: Connection, table: str, right: str) -> bool:
    """On the table, or on some of its columns; rows may not be deleted by column."""
    of = "has_table_privilege" if right == "delete" else "has_any_column_privilege"
    return bool(connection.value(f"select {of}(to_regclass($table)::oid, $right)", table=table, right=right))


def _file_rights(connection: Connection) -> str:
    path = connection.target.path
    assert path is not None
    for place in (path, path.parent):
        if not os.access(place, os.W_OK):
            raise ConfigurationError(f"{place} can't be written: mend its rights, or choose another database")
    return f"{path.name} and its directory can be written"


def _products(connection: Connection) -> str:
    """Among other things whether an enum knows our categories."""
    reasons = list(adoption.unusable(connection))
    if reasons:
        raise ConfigurationError(f"No sync could write products: {'; '.join(reasons)}")
    return "products has the columns, types and categories that a sync writes"


def _clock(connection: Connection) -> str:
    """A DuckDB file has this machine's clock: there a log that began in the future tells."""
    now = datetime.now(UTC)
    if connection.is_postgres:
        apart = (connection.value("select clock_timestamp()") - now).total_seconds()
        who = "the database's"
    else:
        known = connection.value("select count(*) from duckdb_tables() where table_name = 'sync_logs'")
        newest = connection.value("select max(started_at) from sync_logs") if known else None
        apart = max((newest - now).total_seconds(), 0.0) if newest else 0.0
        who = "that of the newest sync"
    if abs(apart) > SKEW:
        way = "behind" if apart > 0 else "ahead of"
        raise ConfigurationError(
            f"This machine's clock is {abs(apart):,.0f} s {way} {who}: let both follow a time server "
            "(timedatectl set-ntp true)"
        )
    return f"This machine's clock and {who} agree"


def _secrets(connection: Connection) -> str:
    opener = seal()
    rows = connection.rows("select integration_id, name, sealed from integration_secrets order by 1, 2")
    kept = [row for row in rows if row["name"] != vault.ACCESS_TOKEN]
    if opener is None and kept:
        raise ConfigurationError(
            f"{len(kept)} secrets are sealed, and GUIDELIGHT_SECRET_KEY is not set: "
            "set it to the key that they were sealed with"
        )
    for row in kept if opener else ():
        opener.open(row["integration_id"], row["name"], row["sealed"])  # type: ignore[union-attr]
    return f"{len(kept)} sealed secrets can be opened" if kept else "Nothing is sealed"


def _integrations(connection: Connection) -> str:
    known = store.integrations(connection)
    on = [one for one in known if one.is_active]
    if not on:
        raise ConfigurationError(
            "No integration is enabled: `guidelight integrations add` registers a shop, `make sync` one to practise on"
        )
    return f"{len(on)} of {len(known)} integrations enabled: {', '.join(one.name for one in on)}"
