"""The options that every command takes, as options of its own (INTERFACE.md)."""

from __future__ import annotations

from typing import Annotated

import typer

Database = Annotated[
    str | None,
    typer.Option("--database", metavar="URL_OR_PATH", help="A Postgres URL or a DuckDB file. Default: DATABASE_URL."),
]
Verbose = Annotated[bool, typer.Option("--verbose", help="Say more on standard error.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output and nothing else.")]
