"""Completion of commands and options in a shell: typer's own, by one quiet option in place of its two."""

from __future__ import annotations

from typing import Annotated

import typer
from typer._completion_classes import completion_init
from typer._completion_shared import get_completion_script

PROGRAM = "guidelight"

SHELLS = ("bash", "zsh", "fish")

# What the scripts then ask for, as _GUIDELIGHT_COMPLETE in the environment, typer answers by these.
completion_init()


def _print(shell: str | None) -> None:
    if shell is None:
        return
    if shell not in SHELLS:
        raise typer.BadParameter(f"there is a script for {', '.join(SHELLS)}, none for {shell}")
    typer.echo(get_completion_script(prog_name=PROGRAM, complete_var=f"_{PROGRAM.upper()}_COMPLETE", shell=shell))
    raise typer.Exit


def completion(
    shell: Annotated[
        str | None,
        typer.Option(
            "--completion",
            metavar="|".join(SHELLS),
            help='Print what makes the shell complete commands and options: eval "$(guidelight --completion bash)"',
            callback=_print,
            is_eager=True,
        ),
    ] = None,
) -> None:
    """The option of the program itself."""
