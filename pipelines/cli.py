"""The commands, a few lines each; what they need is imported inside them, so that the others start fast."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Annotated, Any, NoReturn
from uuid import UUID

import typer

from pipelines import offers, options
from pipelines.cli_integrations import integrations_app
from pipelines.cli_logs import history, logs_app, report, verify
from pipelines.cli_staging import doctor, inspect, staging_app, status
from pipelines.completion import PROGRAM, completion
from pipelines.console import Console, tell_error, tell_trace
from pipelines.errors import ConfigurationError, GuidelightError
from pipelines.examples import teach
from pipelines.options import FLAG, AllowMassDeactivation, Database, Json, SyncType, TriggeredBy, Verbose
from pipelines.stdout import open_what_is_closed

app = typer.Typer(
    name="guidelight",
    help="Keeps a dispensary's products in step with its point of sale.",
    no_args_is_help=True,
    callback=completion,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(integrations_app, name="integrations")
app.add_typer(logs_app, name="logs")
app.add_typer(staging_app, name="staging")


@app.command()
def sync(
    integration: Annotated[str | None, options.integration("Sync this one. Default: every active one.")] = None,
    source: Annotated[str | None, options.source("Sync the active one of a type.")] = None,
    due: Annotated[bool, typer.Option("--due", metavar=FLAG, help="Sync those whose interval has passed.")] = False,
    product: Annotated[
        str | None,
        typer.Option("--product", metavar="SOURCE_ID", help="Sync this product only, and say why it is as it is."),
    ] = None,
    expect: Annotated[
        str | None,
        typer.Option("--expect", metavar="DIGEST", help="Publish exactly what `guidelight plan` showed, or nothing."),
    ] = None,
    allow_mass_deactivation: AllowMassDeactivation = False,
    sync_type: SyncType = None,
    triggered_by: TriggeredBy = None,
    or_sandbox: Annotated[
        bool, typer.Option("--or-sandbox", metavar=FLAG, help="With no integration at all, sync a shop to practise on.")
    ] = False,
    database: Database = None,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Bring products up to date with the point of sale."""
    from models.sync import SyncRequest
    from pipelines.command import Each, run

    console = Console(json=json, verbose=verbose)
    request = SyncRequest(
        _kind(sync_type, triggered_by),
        triggered_by,
        allow_mass_deactivation,
        product=None if product is None else product.strip(),
        expect=None if expect is None else expect.strip().lower(),
    )

    def begin() -> Each:
        from pipelines.command_sync import syncs
        from pipelines.selection import Selection

        return syncs(Selection(integration, source, due=due, or_sandbox=or_sandbox), request, console)

    raise typer.Exit(run(database, console, begin, as_array=due))


@app.command()
def plan(
    integration: Annotated[str | None, options.integration("Plan this one. Default: every active one.")] = None,
    source: Annotated[str | None, options.source("Plan the active one of a type.")] = None,
    allow_mass_deactivation: AllowMassDeactivation = False,
    database: Database = None,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Show what a sync would do, product by product, and keep nothing of it."""
    from models.sync import SyncRequest
    from pipelines.command import Each, run

    console = Console(json=json, verbose=verbose)
    request = SyncRequest(allow_mass_deactivation=allow_mass_deactivation)

    def begin() -> Each:
        from pipelines.command_plan import plans
        from pipelines.selection import Selection

        return plans(Selection(integration, source), request, console)

    raise typer.Exit(run(database, console, begin))


@app.command()
def replay(
    sync: Annotated[
        str | None, options.sync("Replay what this sync received. Default: the newest full sync and what came after.")
    ] = None,
    integration: Annotated[str | None, options.integration("Replay this one. Default: the active one.")] = None,
    source: Annotated[str | None, options.source("Replay the active one of a type.")] = None,
    sync_type: SyncType = None,
    triggered_by: TriggeredBy = None,
    database: Database = None,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Publish once more what staging keeps, without asking the source: after a mapping was mended."""
    from models.sync import SyncRequest
    from pipelines.command import Each, run

    console = Console(json=json, verbose=verbose)
    request = SyncRequest(_kind(sync_type, triggered_by), triggered_by)

    def begin() -> Each:
        from pipelines.command_replay import replays
        from pipelines.selection import Selection

        return replays(Selection(integration, source), sync, request, console)

    raise typer.Exit(run(database, console, begin))


def _kind(given: str | None, triggered_by: UUID | None) -> str:
    """What the log says of a run whose kind was not given (INTERFACE.md, sync_type)."""
    return given or ("manual" if triggered_by or sys.stdin.isatty() else "scheduled")


@app.command()
def migrate(database: Database = None, verbose: Verbose = False, json: Json = False) -> None:
    """Bring the database to this release: tables, then views."""
    from pipelines.settings import target
    from pipelines.views import bring_up_to_date
    from pipelines.warm import Warm

    console = Console(json=json, verbose=verbose)
    where = target(database)
    with Warm(where, verbose=verbose) as warm:
        applied = bring_up_to_date(where, warm, console.tell)
    console.show({"database": str(where), "applied": applied}, console.migrated)


@app.command()
def sandbox(
    port: Annotated[int, typer.Option(help="Where it listens on 127.0.0.1; 0 takes a free one.")] = 0,
    products: Annotated[int, typer.Option(min=0, help="How many products the shop has on day 0.")] = 500,
    seed: Annotated[int, typer.Option(help="Another seed, another shop.")] = 1,
    latency: Annotated[int, typer.Option(min=0, metavar="MS", help="Milliseconds before each answer.")] = 0,
    rate: Annotated[int, typer.Option(min=0, help="Requests a second that are let through; 0: no limit.")] = 10,
    page_cap: Annotated[int, typer.Option("--page-cap", min=1, help="The most products on a page.")] = 50,
    day: Annotated[int, typer.Option(min=0, help="The shop's day: it moves on from day to day.")] = 0,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            "--fault",
            metavar="NAME[:ARGS]",
            help="Misbehave on purpose; may be repeated.",
            autocompletion=offers.faults,
        ),
    ] = None,
    quirk: Annotated[
        list[str] | None,
        typer.Option(
            "--quirk",
            metavar="NAME=WAY",
            help="Answer as some Treez may; may be repeated.",
            autocompletion=offers.quirks,
        ),
    ] = None,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Serve a Treez to practise on until it is stopped."""
    from pipelines.sandbox.server import Sandbox, serve

    shop = Sandbox(
        port=port,
        products=products,
        seed=seed,
        latency_ms=latency,
        rate=rate or None,
        page_cap=page_cap,
        day=day,
        faults=tuple(fault or ()),
        quirks=tuple(quirk or ()),
    )
    with shop:
        serve(lambda: Console(json=json, verbose=verbose).serving(shop))


app.command()(history)
app.command()(verify)
app.command()(report)
app.command()(status)
app.command()(doctor)
app.command()(inspect)

teach(app)


def main(arguments: list[str] | None = None) -> None:
    """The console script: an error is one line on standard error, its exit status, and an object with --json."""
    words = sys.argv[1:] if arguments is None else arguments
    open_what_is_closed()
    try:
        result: Any = app(args=_readable(words), prog_name=PROGRAM, standalone_mode=False)
    except typer.Exit as done:
        _leave(done.exit_code)
    except SystemExit as done:  # the end of a completion
        _leave(done.code if isinstance(done.code, int) else 0)
    except typer.Abort:
        _leave(130)
    except GuidelightError as error:
        if "--verbose" in words:
            tell_trace(error)
        _fail(error, words)
    except _USAGE_ERRORS as error:
        _fail(_wrong_use(error), words)
    _leave(result if isinstance(result, int) else 0)


def _fail(error: GuidelightError, words: list[str]) -> NoReturn:
    """End with an error; the object that --json prints then is every command's (INTERFACE.md, Exit status)."""
    tell_error(error)
    if "--json" in words:
        from pipelines.command import refused

        Console(json=True, verbose=False).show(refused(error), lambda: None)
    _leave(error.exit_status)


def _wrong_use(error: Any) -> ConfigurationError:
    """What typer says of words that a command does not take, in one line with a next step."""
    message = error.format_message().strip().rstrip(".")
    if not message:  # a group without a command, whose help typer has shown
        _leave(ConfigurationError.exit_status)
    command = PROGRAM if error.ctx is None else error.ctx.command_path
    return ConfigurationError(f"{message}. See `{command} --help`")


def _readable(arguments: list[str]) -> list[str]:
    """The command's words; Python stands for bytes that are no UTF-8 with what neither a database nor JSON takes."""
    for word in arguments:
        if any("\ud800" <= letter <= "\udfff" for letter in word):
            raise ConfigurationError(f"The argument {word} holds bytes that are no UTF-8 text: give it as UTF-8")
    return arguments


# typer brings a click of its own and shows the root of its usage errors by this one child only.
_USAGE_ERRORS: Any = typer.BadParameter.__mro__[1]


def _leave(status: int) -> NoReturn:
    """Leave at once: a thread may still wait for an answer, and DuckDB may print of leaks at an ordinary exit."""
    sys.stdout.flush()
    with contextlib.suppress(OSError):
        sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
