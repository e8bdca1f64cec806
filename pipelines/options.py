"""The options that several commands take, as options of their own (INTERFACE.md)."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import typer

from models.sync import SYNC_TYPES
from pipelines import offers

FLAG = ""
"""What an option that is only named takes: typer would show it as one that wants a <bool>."""

Database = Annotated[
    str | None,
    typer.Option("--database", metavar="URL_OR_PATH", help="A Postgres URL or a DuckDB file. Default: DATABASE_URL."),
]
Verbose = Annotated[
    bool, typer.Option("--verbose", metavar=FLAG, help="Say more on standard error, and what dbt and dlt log.")
]
Json = Annotated[bool, typer.Option("--json", metavar=FLAG, help="Print JSON on standard output and nothing else.")]

AllowMassDeactivation = Annotated[
    bool,
    typer.Option(
        "--allow-mass-deactivation", metavar=FLAG, help="Let more products become absent than the guard allows."
    ),
]
SyncType = Annotated[
    str | None,
    typer.Option(
        "--sync-type",
        metavar="|".join(SYNC_TYPES),
        help="What the log says of it.",
        autocompletion=offers.sync_types,
    ),
]
TriggeredBy = Annotated[
    UUID | None, typer.Option("--triggered-by", metavar="UUID", help="The budtender who asked for it.")
]


def integration(what: str) -> Any:
    return typer.Option("--integration", metavar="ID", help=what, autocompletion=offers.integrations)


def source(what: str) -> Any:
    return typer.Option("--type", metavar="TYPE", help=what, autocompletion=offers.sources)


def sync(what: str) -> Any:
    return typer.Option("--sync", metavar="ID", help=what, autocompletion=offers.syncs)
