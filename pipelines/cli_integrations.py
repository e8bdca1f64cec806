"""The commands about the shops that are synced, a few lines each, as in cli.py."""

from __future__ import annotations

import sys
from typing import Annotated
from uuid import UUID

import typer

from pipelines import offers, options
from pipelines.console import Console, say
from pipelines.options import FLAG, Database, Json, Verbose

integrations_app = typer.Typer(help="The shops that are synced.", no_args_is_help=True)

IntegrationId = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="The integration's id, or its first characters.", autocompletion=offers.integrations
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A setting; may be repeated.", autocompletion=offers.settings),
]
Secrets = Annotated[
    list[str] | None,
    typer.Option(
        "--secret",
        metavar="KEY=env:VARIABLE|KEY=-",
        help="A secret: the environment variable that holds it, or - to read it from standard input and seal it.",
        autocompletion=offers.secrets,
    ),
]


@integrations_app.command("add")
def integrations_add(
    source: Annotated[str | None, options.source("treez")] = None,
    name: Annotated[str | None, typer.Option("--name", help="What people call it: “Treez - Main Store”.")] = None,
    settings: Settings = None,
    secret: Secrets = None,
    created_by: Annotated[UUID | None, typer.Option("--created-by", metavar="UUID", help="A budtender.")] = None,
    database: Database = None,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Register a shop and print its id; at a terminal, ask for what is missing.

    There the shop is tried before it is kept, and what turns out wrong can be corrected. Elsewhere nobody is asked.
    """
    from pipelines.interview import wanted
    from pipelines.registry import add

    console = Console(json=json, verbose=verbose)
    new = wanted(database, console, source, name, settings, secret)
    if new is None:
        console.tell("nothing was kept")
        raise typer.Exit(1)
    row = add(database, console.tell, new, created_by)
    console.show(row, lambda: say(str(row["id"])))
    if new.is_reached:
        console.tell("next: `guidelight plan` shows what a sync would do, `guidelight sync` does it")
    elif sys.stdout.isatty():
        console.tell(f"try it with `guidelight integrations test {str(row['id'])[:8]}`, then `guidelight sync`")


@integrations_app.command("list")
def integrations_list(
    due: Annotated[bool, typer.Option("--due", metavar=FLAG, help="Only those whose interval has passed.")] = False,
    database: Database = None,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """List the shops."""
    from pipelines.registry import listed

    console = Console(json=json, verbose=verbose)
    rows = listed(database, due=due)
    console.show(rows, lambda: console.integrations(rows))


@integrations_app.command("show")
def integrations_show(
    integration: IntegrationId, database: Database = None, verbose: Verbose = False, json: Json = False
) -> None:
    """Show one shop, its secrets masked."""
    from pipelines.registry import shown

    console = Console(json=json, verbose=verbose)
    row = shown(database, integration)
    console.show(row, lambda: console.details(row))


@integrations_app.command("set")
def integrations_set(
    integration: IntegrationId,
    settings: Settings = None,
    unset: Annotated[
        list[str] | None,
        typer.Option(
            "--unset", metavar="KEY", help="Back to the default; may be repeated.", autocompletion=offers.keys
        ),
    ] = None,
    secret: Secrets = None,
    database: Database = None,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Change a shop's settings: checked as a whole, then all of them or none."""
    from pipelines.registry import changed

    console = Console(json=json, verbose=verbose)
    row = changed(database, console.tell, integration, settings=settings, removed=unset, secrets=secret)
    console.show(row, lambda: console.details({"name": row["name"], "config": row["config"]}))


@integrations_app.command("enable")
def integrations_enable(
    integration: IntegrationId, database: Database = None, verbose: Verbose = False, json: Json = False
) -> None:
    """Let a shop be synced."""
    _switch(integration, database, Console(json=json, verbose=verbose), on=True)


@integrations_app.command("disable")
def integrations_disable(
    integration: IntegrationId, database: Database = None, verbose: Verbose = False, json: Json = False
) -> None:
    """Keep a shop from being synced; nothing is removed."""
    _switch(integration, database, Console(json=json, verbose=verbose), on=False)


def _switch(integration: str, database: str | None, console: Console, *, on: bool) -> None:
    from pipelines.registry import switched

    row = switched(database, console.tell, integration, on=on)
    console.show(row, lambda: say(f"{row['name']} is {'enabled' if on else 'disabled'}"))


@integrations_app.command("test")
def integrations_test(
    integration: IntegrationId, database: Database = None, verbose: Verbose = False, json: Json = False
) -> None:
    """Try a shop's settings, address, key and first page; write nothing. Exit 0 when all is well, 1 when not."""
    from pipelines.reach import reach

    console = Console(json=json, verbose=verbose)
    steps = reach(database, integration, console.tell)
    ok = all(step.ok for step in steps)
    console.show({"ok": ok, "steps": steps}, lambda: console.steps(steps))
    raise typer.Exit(0 if ok else 1)


@integrations_app.command("rotate")
def integrations_rotate(
    integration: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]",
            help="The integration's id, or its first characters. Default: all.",
            autocompletion=offers.integrations,
        ),
    ] = None,
    database: Database = None,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Put everything sealed under the first key of GUIDELIGHT_SECRET_KEY, so that the others can go."""
    from pipelines.registry import rotated

    console = Console(json=json, verbose=verbose)
    done = rotated(database, console.tell, integration)
    console.show(done, lambda: say(f"sealed anew with the newest key: {done['rotated']}"))
    if done["removed"]:
        console.tell(f"kept access tokens that no key opened, removed: {done['removed']}")
