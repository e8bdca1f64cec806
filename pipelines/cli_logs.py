"""The commands that tell what syncs did, of a run, a product or all, and prove it; a few lines each, as in cli.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines import offers, options
from pipelines.console import Console, say
from pipelines.options import Database, Json, Verbose

logs_app = typer.Typer(help="What the syncs did.", no_args_is_help=True)


@logs_app.command("list")
def logs_list(
    integration: Annotated[str | None, options.integration("Only of this one.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 20,
    database: Database = None,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """List the newest syncs."""
    from pipelines.registry import logs

    console = Console(json=json, verbose=verbose)
    rows = logs(database, integration, limit)
    console.show(rows, lambda: console.logs(rows))


@logs_app.command("show")
def logs_show(
    sync_log_id: Annotated[
        str | None,
        typer.Argument(
            help="The sync's id, or its first characters. Default: the newest.", autocompletion=offers.syncs
        ),
    ] = None,
    database: Database = None,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Explain one sync: its counts and receipt, what it changed and rejected, what went wrong, how to repeat it."""
    from pipelines import console_log
    from pipelines.registry import log

    console = Console(json=json, verbose=verbose)
    row = log(database, sync_log_id)
    console.show(row, lambda: console_log.log(console, row))


def history(
    source_id: Annotated[
        str, typer.Argument(metavar="SOURCE_ID", help="The product's id at the source, or its first characters.")
    ],
    source: Annotated[str | None, options.source("Its source. Default: whichever knows the id.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many changes, newest first.")] = 50,
    database: Database = None,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Tell one product's life: how it stands, and each change with its cause and its sync, newest first."""
    from pipelines import console_log
    from pipelines.history import history

    console = Console(json=json, verbose=verbose)
    row = history(database, source_id, source, limit)
    console.show(row, lambda: console_log.history(console, row))


def verify(
    sync: Annotated[
        str | None, options.sync("The sync's id, or its first characters. Default: newest published.")
    ] = None,
    database: Database = None,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Recompute a sync's receipt from the tables; exit 1 and say by which products where it fails."""
    from pipelines import console_log
    from pipelines.verify import verify

    console = Console(json=json, verbose=verbose)
    row = verify(database, sync)
    console.show(row, lambda: console_log.verified(console, row))
    raise typer.Exit(0 if row["ok"] else 1)


def report(
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="PATH", help="The file to write. Default: build/report/index.html."),
    ] = None,
    database: Database = None,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Write one HTML page: how fresh the menu is, what the syncs did, what changed and why. Each sync writes it too."""
    from pipelines.report.write import written

    console = Console(json=json, verbose=verbose)
    row = written(database, output)
    console.show(row, lambda: say(row["path"]))
