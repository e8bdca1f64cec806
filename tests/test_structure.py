"""The house's own rules, as far as a tool can hold them: directions, sizes, documents that are true."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from typer.main import get_command

from pipelines.cli import app
from pipelines.settings import ROOT, Settings

CODE = sorted([*(ROOT / "models").rglob("*.py"), *(ROOT / "pipelines").rglob("*.py")])
ROOMS = ("models", "pipelines", "dbt_project", "sql", "tests", "docs", "benchmarks", ".github")
README = (ROOT / "README.md").read_text()


def imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


def of(*places: str) -> list[Path]:
    return [path for path in CODE if str(path.relative_to(ROOT)).startswith(places)]


@pytest.mark.parametrize("path", of("models"), ids=lambda path: path.name)
def test_models_import_nothing_of_ours_and_do_no_io(path: Path) -> None:
    forbidden = ("pipelines", "psycopg", "duckdb", "requests", "os", "pathlib", "dlt", "dbt")
    assert not [name for name in imports(path) if name.split(".")[0] in forbidden]


@pytest.mark.parametrize(
    "path", of("pipelines/sources", "pipelines/http.py", "pipelines/wire.py"), ids=lambda p: p.name
)
def test_a_source_knows_neither_dbt_nor_the_database_nor_the_log(path: Path) -> None:
    forbidden = ("dlt", "dbt", "psycopg", "duckdb", "pipelines.database", "pipelines.store", "pipelines.transform")
    assert not [name for name in imports(path) if name.startswith(forbidden)]


@pytest.mark.parametrize(
    "path",
    of("pipelines/http.py", "pipelines/wire.py", "pipelines/load.py", "pipelines/validate.py"),
    ids=lambda p: p.name,
)
def test_the_shared_parts_know_nothing_of_treez(path: Path) -> None:
    code = ast.unparse(ast.parse(path.read_text()))
    assert "treez" not in re.sub(r'"""(.|\n)*?"""', "", code).lower()


def test_only_settings_reads_the_environment() -> None:
    readers = [path.name for path in CODE if re.search(r"os\.(environ|getenv)", path.read_text())]
    assert readers == ["settings.py"]


def test_only_the_console_and_the_job_summary_speak() -> None:
    """They make what a source said harmless (pipelines/plain.py, pipelines/github_text.py)."""
    speakers = {
        path.name
        for path in of("pipelines")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and re.fullmatch(
            r"print|sys\.std(out|err)\.write|traceback\.print_\w+|logging\.(?!getLogger)\w+", ast.unparse(node.func)
        )
    }
    assert speakers == {"console.py", "job_summary.py"}


def test_there_is_one_broad_except() -> None:
    broad = [
        f"{path.name}:{node.lineno}"
        for path in CODE
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
    ]
    assert [place.split(":")[0] for place in broad] == ["sync.py"], broad


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_says_what_it_is_for_and_stays_small(path: Path) -> None:
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text)), "the first line says the one reason to exist"
    assert len(text.splitlines()) <= 310
    assert path.stem not in ("utils", "helpers", "common", "manager", "misc")


def commands() -> list[tuple[str, list[str]]]:
    found = []
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        for sub, inner in getattr(command, "commands", {"": command}).items():
            options = [option for parameter in inner.params for option in parameter.opts if option.startswith("--")]
            found.append((f"{name} {sub}".strip(), options))
    return found


@pytest.mark.parametrize(("command", "options"), commands(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_command_is_documented_and_takes_the_common_options(command: str, options: list[str]) -> None:
    for word in command.split():
        assert re.search(rf"\b{word}\b", README), f"README.md does not name `{command}`"
    common = {"--verbose", "--json"} | (set() if command == "sandbox" else {"--database"})
    assert common <= set(options)


def test_every_environment_variable_is_in_the_example_and_every_other_way_round() -> None:
    example = (ROOT / ".env.example").read_text()
    read = {str(field.validation_alias) for field in Settings.model_fields.values()} - {"CI"}
    shown = set(re.findall(r"^# ([A-Z_]+)=", example, re.MULTILINE)) - {"TREEZ_API_KEY"}
    assert shown == read


def test_every_make_target_is_listed_by_make_and_real() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split())  # type: ignore[index]
    documented = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    assert phony == documented
    assert set(re.findall(r"(?:^\$ |`)make (\w+)", README, re.MULTILINE)) <= documented


def test_the_changelog_knows_this_version() -> None:
    version = re.search(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    assert f"## {version[1]}" in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_the_files_that_a_page_names_are_there(page: str) -> None:
    named = set(re.findall(r"`([a-z_][a-z_0-9./-]*\.(?:py|sql|md|yml|csv|toml))`", (ROOT / page).read_text()))
    known = {str(path.relative_to(ROOT)) for room in ROOMS for path in (ROOT / room).rglob("*.*")}
    known |= {path.name for path in ROOT.iterdir()}
    lost = [name for name in named if not any(f"/{path}".endswith(f"/{name}") for path in known)]
    assert named and not lost
