"""`guidelight sandbox` as a script meets it, and the page that tells of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import requests
from typer.main import get_command

from pipelines.cli import app
from pipelines.sandbox import tables

COMMAND = [sys.executable, "-m", "pipelines.cli", "sandbox"]


def started(*options: str) -> tuple[subprocess.Popen[str], str]:
    """The sandbox as a process of its own, and its first line."""
    process = subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline()


def test_its_first_line_says_how_to_reach_it_and_its_options_are_heeded() -> None:
    process, line = started(
        "--json", "--products", "7", "--day", "1", "--rate", "0", "--page-cap", "3", "--fault", "html:page=2",
        "--quirk", "past-end=400", "--quirk", "stock=capped",
    )  # fmt: skip
    try:
        known = json.loads(line)
        state = requests.get(f"{known['base_url']}/_admin", timeout=9).json()
    finally:
        process.terminate()
    assert process.wait(10) == 0
    assert set(known) == {"base_url", "dispensary_id", "client_id", "api_key"}
    assert (state["opened_with"], state["day"], state["rate"], state["page_cap"]) == (7, 1, None, 3)
    assert state["faults"] == ["html:page=2"]
    assert (state["quirks"]["past-end"], state["quirks"]["stock"]) == ("400", "capped")


def test_without_json_the_first_line_is_for_people() -> None:
    process, line = started("--products", "1")
    process.terminate()
    assert process.wait(10) == 0
    assert re.fullmatch(
        r"base_url=http://127\.0\.0\.1:\d+ dispensary_id=sandbox client_id=sandbox-client api_key=sandbox-key\n", line
    )


def test_what_it_does_not_know_is_wrong_use() -> None:
    for option, word in (("--quirk", "past-end"), ("--fault", "http-500")):
        ran = subprocess.run([*COMMAND, option, "nonsense"], capture_output=True, text=True, check=False, timeout=30)
        assert ran.returncode == 2 and word in ran.stderr and ran.stdout == ""


def test_the_page_has_the_tables_of_the_code() -> None:
    text = tables.DOCUMENT.read_text()
    assert text == tables.filled(text), "run `python -m pipelines.sandbox.tables`"
    for table in (tables.faults(), tables.missing(), tables.quirks()):
        assert table in text


def test_the_tables_are_written_between_their_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- quirks -->\nold\n<!-- /quirks -->\nafter\n")
    tables.main(page)
    assert page.read_text() == f"before\n<!-- quirks -->\n{tables.quirks()}\n<!-- /quirks -->\nafter\n"


def test_the_page_names_every_option() -> None:
    command = get_command(app).commands["sandbox"]  # type: ignore[attr-defined]
    options = {option for parameter in command.params for option in parameter.opts} - {"--json", "--verbose"}
    assert set(re.findall(r"^\| `(--[a-z-]+)`", tables.DOCUMENT.read_text(), re.MULTILINE)) | {"--seed"} == options
