"""Learning the commands: examples that work in each --help, and a shell that completes words."""

from __future__ import annotations

import shlex
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from pipelines.cli import app
from pipelines.database import connect
from pipelines.examples import EXAMPLES, LONGEST
from pipelines.offers import AT_ONCE
from tests.shop import Shop
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
    lines = {line.strip("│ ").split("  ")[0]: line for line in ran.stdout.splitlines()}
    assert "--json" in lines and "<bool>" not in lines["--json"], "a flag wants no value"
    assert """--set 'category_map={"DABS": "concentrate"}'""" in ran.stdout, "no markup is seen in it"


PRIVATE = {"allow_private_address=true", "allow_private_address=false"}

BASH = """
eval "$({guidelight} --completion bash)"
COMP_WORDS=({words}) COMP_CWORD={last}
_guidelight_completion {guidelight}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def completed(home: Path, *words: str, **env: str) -> set[str]:
    """What bash offers for the last of these words."""
    script = BASH.format(guidelight=GUIDELIGHT, words=" ".join(map(shlex.quote, words)), last=len(words) - 1)
    ran = subprocess.run(
        ["bash", "--norc", "-c", script], capture_output=True, text=True, cwd=home, timeout=60, env=clean(home) | env
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return set(ran.stdout.split())


def test_bash_completes_commands_and_options(tmp_path: Path) -> None:
    assert completed(tmp_path, "guidelight", "integrations", "") == {
        name.partition(" ")[2] for name in NAMES if name.startswith("integrations ")
    }
    assert {"--product", "--due", "--expect"} < completed(tmp_path, "guidelight", "sync", "--")


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("--completion ", {"bash", "zsh", "fish"}),
        ("sync --sync-type ", {"manual", "scheduled", "webhook"}),
        ("sync --sync-type s", {"scheduled"}),
        ("history X --type ", {"treez"}),
        ("inspect out", {"out_of_stock"}),
        ("integrations add --secret ", {"api_key=env:", "api_key=-"}),
        ("integrations add --type treez --set a", {"api=treez-v2", "api=bearer", *PRIVATE}),
        ("integrations set X --set dis", {"dispensary_id="}),
        ("integrations set X --set page_size = 5 --set api =", {"treez-v2", "bearer"}),  # as bash takes it apart
        ("integrations set X --set conflict_strategy = m", {"manual_wins", "merge"}),
        ("sync --sync-type = w", {"webhook"}),
        ("integrations set X --unset c", {"category_map", "checks", "client_id", "conflict_strategy"}),
        ("sandbox --fault gz", {"gzip-bomb"}),
        ("sandbox --quirk stock", {"stock=exact", "stock=capped"}),
    ],
)
def test_bash_completes_values_that_are_known(tmp_path: Path, line: str, offered: set[str]) -> None:
    assert completed(tmp_path, "guidelight", *line.split(" ")) == offered


@pytest.mark.alternating
def test_bash_completes_ids_of_the_database(stocked: Shop, tmp_path: Path) -> None:
    named = {"DATABASE_URL": stocked.database.url}
    ids, syncs = {stocked.integration[:8]}, {str(row["id"])[:8] for row in stocked.logs()}
    for words in (["integrations", "test"], ["sync", "--integration"], ["logs", "list", "--integration"]):
        assert completed(tmp_path, "guidelight", *words, "", **named) == ids
    for words in (["logs", "show"], ["verify", "--sync"], ["replay", "--sync"], ["staging", "rejected", "--sync"]):
        assert completed(tmp_path, "guidelight", *words, "", **named) == syncs
    by_option = ["integrations", "test", "--database", stocked.database.url, ""]
    assert completed(tmp_path, "guidelight", *by_option) == ids


def test_a_database_that_can_not_be_read_is_neither_made_nor_waited_for(tmp_path: Path) -> None:
    odd = tmp_path / "odd.duckdb"
    odd.write_text("no database")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mute = f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/d"
        for url in (str(tmp_path / "new" / "none.duckdb"), str(odd), "mysql://x", mute, f"{mute}?connect_timeout=x"):
            began = time.monotonic()
            assert completed(tmp_path, "guidelight", "integrations", "test", "", DATABASE_URL=url) == set()
            assert time.monotonic() - began < AT_ONCE + 8, "no more than a start, and what the database may take"
    assert [path.name for path in tmp_path.iterdir()] == [odd.name] and odd.read_text() == "no database"


@pytest.mark.duckdb_only
def test_a_file_that_a_sync_has_is_not_waited_for(stocked: Shop, tmp_path: Path) -> None:
    with connect(stocked.database.target):
        assert completed(tmp_path, "guidelight", "logs", "show", "", DATABASE_URL=stocked.database.url) == set()


@pytest.mark.duckdb_only
def test_the_name_of_an_integration_gives_zsh_no_order(stocked: Shop, tmp_path: Path) -> None:
    stocked.execute(
        "update integrations set name = $name", name="Main [/x] \\$(touch x) `touch x` ';touch x;' \") Store"
    )
    asked = {"_GUIDELIGHT_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "guidelight integrations test "}
    ran = subprocess.run(
        [str(GUIDELIGHT)], capture_output=True, text=True, cwd=tmp_path, timeout=60,
        env=clean(tmp_path) | asked | {"DATABASE_URL": stocked.database.url},
    )  # fmt: skip
    told = f'"{stocked.integration[:8]}":"Main x touch x touch x ’ touch x ’ Store, treez"'
    assert (ran.returncode, ran.stderr, ran.stdout.strip()) == (0, "", f"_arguments '*: :(({told}))'")


def test_after_a_key_that_wants_a_value_bash_puts_no_blank(tmp_path: Path) -> None:
    script = run(["--completion", "bash"], home=tmp_path).stdout
    assert "[[ $COMPREPLY == *[=:] ]] && compopt -o nospace" in script


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_have_a_script_that_asks_for_the_same(tmp_path: Path, shell: str) -> None:
    ran = run(["--completion", shell], home=tmp_path)
    assert ran.status == 0 and f"_GUIDELIGHT_COMPLETE=complete_{shell}" in ran.stdout
    assert run(["--completion", "ksh"], home=tmp_path).status == 2


@pytest.mark.parametrize(
    ("line", "offered", "more"),
    [
        ("sync --pro", '"--product"', {"duckdb", "psycopg"}),
        ("sync --sync-type ", '"manual"', {"duckdb", "psycopg"}),
        ("integrations set X --set ", '"dispensary_id="', {"duckdb", "psycopg"}),
        ("sandbox --fault ", '"down"', {"duckdb", "psycopg"}),
        ("inspect ", '"out_of_stock"', set()),
        ("integrations test ", "_files", set()),
    ],
)
def test_completion_imports_nothing_that_takes_long(tmp_path: Path, line: str, offered: str, more: set[str]) -> None:
    asked = {"_GUIDELIGHT_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": f"guidelight {line}"}
    nowhere = {"DATABASE_URL": str(tmp_path / "none.duckdb"), "PYTHONPROFILEIMPORTTIME": "1"}
    ran = subprocess.run(
        [str(GUIDELIGHT)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
        env=clean(tmp_path) | asked | nowhere,
    )
    assert ran.returncode == 0 and offered in ran.stdout
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in ran.stderr.splitlines()}
    assert "typer" in imported
    assert not imported & ({"dbt", "dlt", "great_expectations", "pyarrow"} | more)
