"""The dbt project explains itself: every relation, column and macro described, in files that fit the eye."""

from __future__ import annotations

import multiprocessing
import re
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pipelines.database import connect
from pipelines.settings import target
from pipelines.transform import PROJECT, Dbt
from tests.databases import Databases

LONGEST = 300
SHORTEST_DESCRIPTION = 15
SQL = sorted(path for folder in ("models", "macros") for path in (PROJECT / folder).rglob("*.sql"))
MODELS = sorted((PROJECT / "models").rglob("*.sql"))
FILES = sorted(path for suffix in ("sql", "yml", "md", "csv") for path in PROJECT.rglob(f"*.{suffix}"))
IMPORT = re.compile(r"select \* from \{\{ (source|ref)\(")
STAR = re.compile(r"\bselect\s+(distinct\s+)?\*|\.\*")


@dataclass
class Relation:
    """What dbt knows of a model, seed or source table, and the columns that the database gives it."""

    description: str
    described: dict[str, str]
    columns: set[str] = field(default_factory=set)


@dataclass
class Project:
    """The project as dbt parsed it."""

    relations: dict[str, Relation]
    macros: dict[str, str]
    """{name: description} of our own, an engine's form left out where the default has one."""


@pytest.fixture(scope="module")
def project(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Parsed, and its views made in a migrated DuckDB file, by a process of its own: dbt leaves settings behind."""
    with (
        databases.make("duckdb", migrated=True) as database,
        ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process,
    ):
        return process.submit(read_project, database.url, tmp_path_factory.mktemp("dbt")).result()


def read_project(url: str, target_path: Path) -> Project:
    """The relations with the columns that DuckDB gives their compiled SQL, or the tables themselves."""
    from dbt.cli.main import dbtRunner

    dbt = Dbt(target(url))
    dbt.make_views()
    macros = {
        macro.name: macro.description for macro in dbt.manifest.macros.values() if macro.package_name == "guidelight"
    }
    paths = ("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(target_path))
    compiled = dbtRunner(manifest=dbt.manifest).invoke(["compile", "--quiet", "--log-level-file", "none", *paths])
    dbt._close()
    nodes: list[Any] = [one.node for one in compiled.result if one.node.resource_type in ("model", "seed")]  # type: ignore[union-attr]
    relations = {}
    with connect(target(url), read_only=True) as connection:
        for node in [*nodes, *dbt.manifest.sources.values()]:
            described = {name: column.description for name, column in node.columns.items()}
            sql = node.compiled_code if node.resource_type == "model" else f"select * from {node.relation_name}"
            columns = {row["column_name"] for row in connection.rows(f"describe {sql}")}
            relations[node.unique_id] = Relation(node.description, described, columns)
    forms = ("default__", "duckdb__", "materialization_")
    return Project(relations, {name: said for name, said in macros.items() if not name.startswith(forms)})


def test_the_project_holds_what_the_migrations_made(project: Project) -> None:
    """A source table, a view and the change set among it: else the tests below would look at nothing."""
    expected = {
        "source.guidelight.guidelight.products",
        "source.guidelight.treez.payloads",
        "model.guidelight.stg_treez__products",
        "model.guidelight.products",
        "seed.guidelight.category_map",
    }
    assert expected <= project.relations.keys()
    assert "price_retail" in project.relations["model.guidelight.products"].columns


def test_every_relation_is_described(project: Project) -> None:
    assert [name for name, relation in project.relations.items() if not says_something(relation.description)] == []


def test_every_column_is_described(project: Project) -> None:
    for name, relation in project.relations.items():
        assert relation.columns, name
        silent = {column for column in relation.columns if not says_something(relation.described.get(column, ""))}
        assert silent == set(), f"{name} has columns that its YAML does not describe"


def test_no_column_is_described_that_is_not_there(project: Project) -> None:
    for name, relation in project.relations.items():
        assert relation.described.keys() - relation.columns == set(), f"{name} has no such columns"


def test_every_macro_is_described(project: Project) -> None:
    assert "treez_mapping" in project.macros
    assert [name for name, description in project.macros.items() if not says_something(description)] == []


def test_models_know_no_engine() -> None:
    """The differences stand in macros/engine.sql (STYLE.md, 13)."""
    assert [path.name for path in MODELS if "target.type" in path.read_text()] == []


@pytest.mark.parametrize("path", SQL, ids=lambda path: path.name)
def test_columns_are_listed(path: Path) -> None:
    """A star stands in an import alone: elsewhere a reader could not tell which columns there are."""
    code = re.sub(r"\{#.*?#\}|--[^\n]*", "", path.read_text(), flags=re.DOTALL)
    assert STAR.search(IMPORT.sub("", code)) is None


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_files_fit_the_eye(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST


def says_something(description: str) -> bool:
    """Whether a description is more than a name written out."""
    return len(description.strip()) >= SHORTEST_DESCRIPTION
