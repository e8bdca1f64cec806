"""Completion in a shell: typer's own, by one quiet option in place of its two. Values are offered by offers.py."""

from __future__ import annotations

from typing import Annotated

import typer
from typer._click.shell_completion import CompletionItem, add_completion_class
from typer._completion_classes import BashComplete, completion_init
from typer._completion_shared import get_completion_script

PROGRAM = "guidelight"

SHELLS = ("bash", "zsh", "fish")

_BASH_ENDS = "    return 0\n"
_NO_BLANK = "    [[ $COMPREPLY == *[=:] ]] && compopt -o nospace 2>/dev/null\n"
"""After `key=` its value is typed at once."""


class _Bash(BashComplete):
    """bash takes `key=value` for three words: they are one again here, and what is typed is not put in twice."""

    _typed = ""

    def get_completion_args(self) -> tuple[list[str], str]:
        args, incomplete = super().get_completion_args()
        words: list[str] = []
        for word in (*args, incomplete):
            if words and (word == "=" or words[-1].endswith("=")):
                words[-1] += word
            else:
                words.append(word)
        self._typed = words[-1][: words[-1].rfind("=") + 1]
        return words[:-1], words[-1]

    def format_completion(self, item: CompletionItem) -> str:
        return str(item.value).removeprefix(self._typed)


# What the scripts then ask for, as _GUIDELIGHT_COMPLETE in the environment, typer answers by these.
completion_init()
add_completion_class(_Bash, "bash")


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
