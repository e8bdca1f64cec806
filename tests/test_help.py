"""Learning the commands: examples that work in each --help, and a shell that completes words."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from pipelines.cli import app
from pipelines.examples import EXAMPLES, LONGEST
from tests.test_cold import GUIDELIGHT, clean
from tests.test_structure import commands
from tests.warm import run

ROOT_COMMAND: Any = get_command(app)
NAMES = [name for name, _ in commands()]


def told(name: str) -> str:
    """What the --help of a command ends with."""
    command = ROOT_COMMAND
    for word in name.split():
        command = command.commands[word]
    return command.epilog or ""


def test_no_example_is_of_a_command_that_is_not_there() -> None:
    assert set(EXAMPLES) == {"", *NAMES}


@pytest.mark.parametrize("name", ["", *NAMES])
def test_each_command_has_examples_that_work(name: str) -> None:
    assert 1 <= len(EXAMPLES[name]) <= 3
    for what, line in EXAMPLES[name]:
        assert f"# {what}\n{line}" in told(name)
        assert all(len(part) <= LONGEST for part in (f"# {what}", *line.splitlines()))
        program, *words = shlex.split(line.replace("\\\n", "").partition(" < ")[0])
        assert program == "guidelight" and " ".join(words).startswith(name)
        command = ROOT_COMMAND
        while hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        command.make_context(line, words)  # an unknown option, a missing argument or a value of no use raises


def test_help_ends_with_them(tmp_path: Path) -> None:
    ran = run(["integrations", "set", "--help"], home=tmp_path)
    said = [line.strip() for line in ran.stdout.splitlines() if line.strip()]
    assert said[-1] == EXAMPLES["integrations set"][-1][1] and said[-2].startswith("# ")
    assert """--set 'category_map={"DABS": "concentrate"}'""" in ran.stdout, "no markup is seen in it"


BASH = """
eval "$({guidelight} --completion bash)"
COMP_WORDS=({words}) COMP_CWORD={last}
_guidelight_completion {guidelight}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def completed(home: Path, *words: str) -> set[str]:
    """What bash offers for the last of these words."""
    script = BASH.format(guidelight=GUIDELIGHT, words=" ".join(map(shlex.quote, words)), last=len(words) - 1)
    ran = subprocess.run(
        ["bash", "--norc", "-c", script], capture_output=True, text=True, cwd=home, timeout=60, env=clean(home)
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return set(ran.stdout.split())


def test_bash_completes_commands_and_options(tmp_path: Path) -> None:
    assert completed(tmp_path, "guidelight", "integrations", "") == {
        name.partition(" ")[2] for name in NAMES if name.startswith("integrations ")
    }
    assert {"--product", "--due", "--expect"} < completed(tmp_path, "guidelight", "sync", "--")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_have_a_script_that_asks_for_the_same(tmp_path: Path, shell: str) -> None:
    ran = run(["--completion", shell], home=tmp_path)
    assert ran.status == 0 and f"_GUIDELIGHT_COMPLETE=complete_{shell}" in ran.stdout
    assert run(["--completion", "ksh"], home=tmp_path).status == 2


def test_completion_imports_nothing_that_takes_long(tmp_path: Path) -> None:
    asked = {"_GUIDELIGHT_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "guidelight sync --pro"}
    ran = subprocess.run(
        [str(GUIDELIGHT)], capture_output=True, text=True, cwd=tmp_path, timeout=60,
        env=clean(tmp_path) | asked | {"PYTHONPROFILEIMPORTTIME": "1"},
    )  # fmt: skip
    assert ran.returncode == 0 and '"--product"' in ran.stdout
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in ran.stderr.splitlines()}
    assert "typer" in imported
    assert not imported & {"dbt", "dlt", "great_expectations", "duckdb", "psycopg", "pyarrow"}
