"""What each role may do, tried on rows that are there, and written as the tables of docs/permissions.md."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import psycopg

from pipelines.database import Connection
from pipelines.settings import ROOT
from tests.security.roles import PEOPLE, WHO, acting_as

DOCUMENT = ROOT / "docs" / "permissions.md"

SCHEMAS = ("public", "staging_treez", "marts")
"""Those whose tables, views and functions are ours; of auth only what 0001 supplies is."""

ACTS = "SIUDT"
"""select, insert, update, delete, truncate."""

ONE = "00000000-0000-4000-8000-000000000001"

ROWS = f"""
{PEOPLE}
insert into media_assets (url) values ('https://example.com/a.png');
insert into products (name, category) values ('House Grinder', 'other');
insert into integration_secrets (integration_id, name, sealed) select id, 'api_key', 'sealed' from integrations;
insert into staging_treez.rejected_records
select id, integration_id, null, 'is odd', 1, now(), '{{}}', 2 from sync_logs;
"""
"""What a shop that was synced once lacks, so that every table has a row that somebody may see."""

WRITES = {
    # what a row is inserted with, and what an update sets
    "public.budtenders": ("(name, role) values ('Me', 'manager')", "role = 'manager'"),
    "public.guidelight_migrations": ("(name, digest) values ('0999_mine.sql', 'd')", "digest = 'd'"),
    "public.integration_secrets": ("(integration_id, name, sealed) select id, 'x', 'y' from {one}", "sealed = 'y'"),
    "public.integrations": ("(type, name) values ('leafly', 'Other')", "updated_at = now()"),
    "public.media_assets": ("(url) values ('https://example.com/b.png')", "url = 'https://example.com/c.png'"),
    "public.product_changes": (
        f"values ('{ONE}', '{ONE}', 'treez', 'n', 'absent', 'absence', '{{}}', now())",
        "source = 'x'",
    ),
    "public.product_sync_state": (
        "(source, source_id, content_hash, mapping_version, updated_at) values ('treez', 'n', 'h', 'm', now())",
        "name = 'x'",
    ),
    "public.products": ("(name, category, source, source_id) values ('N', 'other', 'treez', 'n')", "name = 'x'"),
    "public.sync_logs": ("(integration_id, sync_type, status) select id, 'manual', 'failed' from {one}", "scope = 'x'"),
    "public.sync_turns": ("(source) values ('leafly')", "host = 'x'"),
    "staging_treez.payloads": ("values ('h', 'r', 'n', '{}')", "raw_hash = 'x'"),
    "staging_treez.sightings": (f"values ('{ONE}', '{ONE}', 'n', 'h', 1, now())", "page = 2"),
    "staging_treez.rejected_records": (f"values ('{ONE}', '{ONE}', 'n', 'r', 1, now(), 't', 1)", "page = 2"),
    "staging_treez._dlt_loads": ("values ('1', 'treez', 0, now(), 'h')", "status = 1"),
    "staging_treez._dlt_version": ("values (1, 11, now(), 'treez', 'h', '{}')", "version = 2"),
    "marts.category_map": ("values ('treez', 'X', 'other')", "category = 'other'"),
}  # fmt: skip
"""A table without a line here fails the test: nobody has said what is tried on it."""


def relations(connection: Connection) -> dict[str, str]:
    """Every table and view of ours by its full name: 'r' a table, 'v' a view, and whatever else there may be."""
    found = connection.rows(
        "select n.nspname || '.' || c.relname as name, c.relkind::text as kind from pg_class as c "
        "inner join pg_namespace as n on n.oid = c.relnamespace "
        "where n.nspname = any($schemas) and c.relkind not in ('i', 't', 'c') order by n.nspname, c.relname",
        schemas=list(SCHEMAS),
    )
    return {row["name"]: row["kind"] for row in found}


def functions(connection: Connection) -> dict[str, bool]:
    """Every function of ours and auth.uid(): whether it runs as its owner."""
    found = connection.rows(
        "select oid::regprocedure::text as name, prosecdef as as_owner from pg_proc "
        "where pronamespace = any($schemas::regnamespace[]) order by 1",
        schemas=[*SCHEMAS, "auth"],
    )
    return {row["name"]: row["as_owner"] for row in found}


def touched(connection: Connection, who: str | None, statement: str) -> int | None:
    """How many rows the statement touched, None where it was refused; undone. `who` None: the owner."""
    assert isinstance(connection.raw, psycopg.Connection)
    try:
        with connection.raw.transaction(force_rollback=True):
            if who is None:
                return connection.raw.execute(statement.encode()).rowcount
            with acting_as(connection, who):
                return connection.raw.execute(statement.encode()).rowcount
    except psycopg.errors.InsufficientPrivilege:
        return None


def statements(connection: Connection, name: str, kind: str) -> list[str]:
    """What is tried on a relation, in the order of ACTS: of a view that can't be written only whether it shows rows."""
    if kind != "r":
        return [f"select from {name}"]
    one = connection.value("select id from integrations")
    row, change = WRITES[name]
    row = row.replace("from {one}", f"from (select '{one}'::uuid as id) as one")
    return [
        f"select from {name}",
        f"insert into {name} {row}",
        f"update {name} set {change}",
        f"delete from {name}",
        f"truncate {name} cascade",
    ]


def cells(connection: Connection, name: str, kind: str) -> dict[str, str]:
    """What each may do with a relation, a letter an act: see the document's legend."""
    found = dict.fromkeys(WHO, "")
    for act, statement in zip(ACTS, statements(connection, name, kind), strict=False):
        every = touched(connection, None, statement)
        assert act == "T" or every, f"{name}: the owner's own {statement!r} touches nothing, so nothing is tried"
        for who in WHO:
            rows = touched(connection, who, statement)
            if rows is None:
                found[who] += "-"
            elif act == "T" or rows == every:
                found[who] += act
            else:
                found[who] += act.lower() if rows else "·"
    return found


def tried(connection: Connection) -> dict[str, list[list[str]]]:
    """The tables of the document, by name: what this database lets each role do."""
    return {
        "relations": [[name, *cells(connection, name, kind).values()] for name, kind in relations(connection).items()],
        "columns": _by_column(connection),
        "functions": [
            [name, "its owner" if as_owner else "its caller", *_runs(connection, name)]
            for name, as_owner in functions(connection).items()
        ],
        "schemas": [[name, *_schema(connection, name)] for name in (*SCHEMAS, "auth")],
    }


def _by_column(connection: Connection) -> list[list[str]]:
    rows = connection.rows(
        "select a.attrelid::regclass::text as name, one.grantee::regrole::text as role, "
        "lower(one.privilege_type) as act, string_agg(a.attname, ', ' order by a.attname) as columns "
        "from pg_attribute as a cross join aclexplode(a.attacl) as one "
        "inner join pg_class as c on c.oid = a.attrelid "
        "where c.relnamespace = any($schemas::regnamespace[]) group by 1, 2, 3 order by 1, 2, 3",
        schemas=list(SCHEMAS),
    )
    return [list(row.values()) for row in rows]


def _runs(connection: Connection, function: str) -> Iterable[str]:
    for who in WHO:
        yield "-" if touched(connection, who, f"select {function}") is None else "X"


def _schema(connection: Connection, name: str) -> Iterable[str]:
    for role, _ in WHO.values():
        has = "select has_schema_privilege($role, $name, $act)"
        letters = [
            act[0].upper() for act in ("usage", "create") if connection.value(has, role=role, name=name, act=act)
        ]
        yield "".join(letters) or "-"


def renewed(document: str, found: dict[str, list[list[str]]]) -> str:
    """The document with its tables written anew; its words, and the heads of the tables, stay."""
    for name, rows in found.items():
        body = "".join(_line(row) for row in rows)
        part = re.compile(rf"(<!-- {name} -->\n\|.*\n\|.*\n)(?:\|.*\n)*")
        document, times = part.subn(lambda head, body=body: head[1] + body, document)  # type: ignore[misc]
        assert times == 1, f"{DOCUMENT.name} has no table under <!-- {name} -->"
    return document


def _line(row: Sequence[str]) -> str:
    return "| " + " | ".join(f"`{cell}`" for cell in row) + " |\n"
