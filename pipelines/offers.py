"""What a shell offers for a value: those that are known, and of the database what can be had at once."""

from __future__ import annotations

import re
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Literal, get_args, get_origin

import typer

from models.sync import SYNC_TYPES

AT_ONCE = 1.0
"""Seconds that the database may take: somebody has pressed Tab."""

Offers = list[tuple[str, str]]
"""What is put in, and what it means."""

_UNSAFE = re.compile(r"[^\w .,–’-]+")
"""zsh evaluates what it is told, and what an integration is called others have said."""


def sync_types() -> Offers:
    return [(one, "") for one in SYNC_TYPES]


def sources() -> Offers:
    from models.integration import SETTINGS

    return [(source, "") for source in SETTINGS]


def settings(ctx: typer.Context) -> Offers:
    """`key=` of each setting; with its value where there are few."""
    return [(f"{key}={value}", what) for key, what, values in _fields(ctx) for value in values or ("",)]


def keys(ctx: typer.Context) -> Offers:
    return [(key, what) for key, what, _ in _fields(ctx)]


def _fields(ctx: typer.Context) -> list[tuple[str, str, tuple[str, ...]]]:
    """Of each setting that a person makes: its key, what it is, and its values where there are few."""
    from models.integration import SECRETS, SETTINGS

    given = ctx.params.get("source")
    return [
        (key, _harmless(field.description or ""), _values(field.annotation))
        for source in ([given] if given in SETTINGS else SETTINGS)
        for key, field in SETTINGS[source].model_fields.items()
        if key not in (*SECRETS[source], "sandbox")
    ]


def _values(kind: Any) -> tuple[str, ...]:
    if kind is bool:
        return ("true", "false")
    return get_args(kind) if get_origin(kind) is Literal else ()


def secrets() -> Offers:
    from models.integration import SECRETS

    places = (("env:", "the environment variable that holds it"), ("-", "standard input, sealed"))
    known = {key for each in SECRETS.values() for key in each}
    return [(f"{key}={place}", what) for key in sorted(known) for place, what in places]


def questions() -> Offers:
    from pipelines.inspect import questions

    return [(name, _harmless(asks)) for name, asks in questions().items()]


def faults() -> Offers:
    from pipelines.sandbox.faults import FAULTS

    return [(name, _harmless(kind.does)) for name, kind in FAULTS.items()]


def quirks() -> Offers:
    from pipelines.sandbox.quirks import QUIRKS

    return [(f"{name}={way}", _harmless(quirk.about)) for name, quirk in QUIRKS.items() for way in quirk.ways]


def integrations(ctx: typer.Context) -> Offers:
    rows = _rows(ctx, "select id, type, name from integrations order by name, id limit 100")
    return [(str(row["id"])[:8], _harmless(f"{row['name']}, {row['type']}")) for row in rows]


def syncs(ctx: typer.Context) -> Offers:
    rows = _rows(ctx, "select id, status, started_at from sync_logs order by started_at desc limit 20")
    return [(str(row["id"])[:8], _harmless(f"{row['status']} {row['started_at']:%Y-%m-%d %H.%M}")) for row in rows]


def _rows(ctx: typer.Context, sql: str) -> list[dict[str, Any]]:
    """Rows of the database that the command line names; none where it can't be read at once."""
    answer: SimpleQueue[list[dict[str, Any]]] = SimpleQueue()
    Thread(target=lambda: answer.put(_read(ctx.params.get("database"), sql)), daemon=True).start()
    try:
        return answer.get(timeout=AT_ONCE)
    except Empty:
        return []


def _read(database: str | None, sql: str) -> list[dict[str, Any]]:
    """Nothing is made, mended or waited for, and there is nobody to be told of an error."""
    import psycopg

    from pipelines.database import connect
    from pipelines.errors import GuidelightError
    from pipelines.fold import is_guarded
    from pipelines.settings import target

    try:
        where = target(database)
        if where.path is not None and (not where.path.is_file() or is_guarded(where.path)):
            return []
        with connect(where, read_only=True, patience=0) as connection:
            return connection.rows(sql)
    except (GuidelightError, OSError, psycopg.Error):
        return []


def _harmless(text: str) -> str:
    return " ".join(_UNSAFE.sub(" ", text.replace("'", "’")).split())
