"""Completion in a shell: typer's own, by one quiet option in place of its two. Values are offered by offers.py."""

from __future__ import annotations

from typing import Annotated

import typer
from typer._completion_classes import completion_init
from typer._completion_shared import get_completion_script

PROGRAM = "guidelight"

SHELLS = ("bash", "zsh", "fish")

_BASH_ENDS = "    return 0\n"
_NO_BLANK = "    [[ $COMPREPLY == *[=:] ]] && compopt -o nospace 2>/dev/null\n"
"""After `key=` its value is typed at once."""

# What the scripts then ask for, as _GUIDELIGHT_COMPLETE in the environment, typer answers by these.
completion_init()


def _print(shell: str | None) -> None:
    if shell is None:
        return
    if shell not in SHELLS:
        raise typer.BadParameter(f"there is a script for {', '.join(SHELLS)}, none for {shell}")
    script = get_completion_script(prog_name=PROGRAM, complete_var=f"_{PROGRAM.upper()}_COMPLETE", shell=shell)
    typer.echo(script.replace(_BASH_ENDS, _NO_BLANK + _BASH_ENDS))
    raise typer.Exit


def completion(
    shell: Annotated[
        str | None,
        typer.Option(
            "--completion",
            metavar="|".join(SHELLS),
            help='Print what makes the shell complete words: eval "$(guidelight --completion bash)"',
            callback=_print,
            autocompletion=lambda: list(SHELLS),
            is_eager=True,
        ),
    ] = None,
) -> None:
    """The option of the program itself."""
