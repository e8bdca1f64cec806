"""The commands that look into what was received, and how the integrations fare; a few lines each, as in cli.py."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from pipelines import offers, options
from pipelines.console import Console
from pipelines.options import Database, Json, Verbose

staging_app = typer.Typer(help="What was received.", no_args_is_help=True)


@staging_app.command("list")
def staging_list(database: Database = None, verbose: Verbose = False, json: Json = False) -> None:
    """List the syncs that staging keeps, and what each received."""
    from pipelines.staging import kept

    console = Console(json=json, verbose=verbose)
    rows = kept(database)
    columns = ("sync_log_id", "source", "started_at", "scope", "status", "products", "new_contents", "rejected")
    console.show(rows, lambda: console.listing(rows, columns, "Staging holds nothing yet: run `guidelight sync`"))


@staging_app.command("show")
def staging_show(
    source_id: Annotated[
        str | None,
        typer.Argument(metavar="SOURCE_ID", help="One product, by its id or the id's first characters."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many products, by name.")] = 20,
    database: Database = None,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Show the products of the newest published sync, or one with its record and the history of its contents."""
    from pipelines.staging import product, products

    console = Console(json=json, verbose=verbose)
    if source_id is not None:
        row = product(database, source_id)
        console.show(row, lambda: console.staged(row))
        return
    rows = products(database, limit)
    columns = ("source_id", "name", "brand", "category", "price_retail", "stock_quantity", "is_active")
    console.show(rows, lambda: console.listing(rows, columns, "Staging holds no published sync: run `guidelight sync`"))


@staging_app.command("rejected")
def staging_rejected(
    sync: Annotated[str | None, options.sync("The sync's id, or its first characters. Default: newest.")] = None,
    database: Database = None,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Show the records of a sync that could not be used, and why."""
    from pipelines.staging import rejected

    console = Console(json=json, verbose=verbose)
    rows = rejected(database, sync)
    columns = ("page", "source_id", "reason", "record_text")
    console.show(rows, lambda: console.listing(rows, columns, "That sync rejected nothing"))


def status(database: Database = None, verbose: Verbose = False, json: Json = False) -> None:
    """Say how each integration fares; exit 0 when all that are switched on are healthy, 1 when not."""
    from pipelines.staging import health, is_healthy

    console = Console(json=json, verbose=verbose)
    rows = health(database)
    console.show(rows, lambda: console.health(rows))
    raise typer.Exit(0 if is_healthy(rows) else 1)


def inspect(
    question: Annotated[
        str | None,
        typer.Argument(
            metavar="QUESTION",
            help="The name of a question in sql/inspect, or a file of SQL.",
            autocompletion=offers.questions,
        ),
    ] = None,
    database: Database = None,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Ask in SQL, read-only: one of the questions, a file, standard input, or at a terminal a prompt."""
    from pipelines.inspect import ask, converse, text_of
    from pipelines.settings import target

    console = Console(json=json, verbose=verbose)
    where = target(database)
    if question is None and sys.stdin.isatty():
        converse(where, console.answer, console.tell)
        return
    console.answer(ask(where, sys.stdin.read() if question is None else text_of(question)))


def doctor(database: Database = None, verbose: Verbose = False, json: Json = False) -> None:
    """Look for what could keep a sync from working, and say how to mend it; exit 0 when all is well, 1 when not."""
    from pipelines.doctor import examine

    console = Console(json=json, verbose=verbose)
    found = examine(database, console.tell)
    ok = all(one.ok for one in found)
    console.show({"ok": ok, "checks": found}, lambda: console.findings(found))
    raise typer.Exit(0 if ok else 1)
