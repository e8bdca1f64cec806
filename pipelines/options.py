"""The options that several commands take, as options of their own (INTERFACE.md)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

Database = Annotated[
    str | None,
    typer.Option("--database", metavar="URL_OR_PATH", help="A Postgres URL or a DuckDB file. Default: DATABASE_URL."),
]
Verbose = Annotated[bool, typer.Option("--verbose", help="Say more on standard error, and what dbt and dlt log.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output and nothing else.")]

AllowMassDeactivation = Annotated[
    bool, typer.Option("--allow-mass-deactivation", help="Let more products become absent than the guard allows.")
]
SyncType = Annotated[
    str | None, typer.Option("--sync-type", metavar="manual|scheduled|webhook", help="What the log says of it.")
]
TriggeredBy = Annotated[
    UUID | None, typer.Option("--triggered-by", metavar="UUID", help="The budtender who asked for it.")
]
