"""The dbt project as it was parsed, checked and compiled is kept in the build folder, and is never another's."""

from __future__ import annotations

import multiprocessing
import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from dbt.contracts.graph.manifest import Manifest
from dbt.contracts.graph.nodes import Macro, ManifestSQLNode
from jinja2 import Environment

import pipelines.parsed
import pipelines.transform
from pipelines import lean_dbt
from pipelines.errors import SyncFailed
from pipelines.parsed import PROJECT, parsed
from pipelines.settings import Target
from pipelines.transform import Dbt


def read_twice(build: Path) -> list[dict[str, Any]]:
    """Three manifests: parsed; read again; and read for another database. In a process of its own, for dbt leaves
    settings behind."""
    os.environ["GUIDELIGHT_BUILD"] = str(build)
    times = []

    class Counting(Dbt):
        def _parse(self) -> Manifest:
            times.append(1)
            return super()._parse()

    found = []
    for database in ("guidelight", "guidelight", "other"):
        manifest = Counting(Target("duckdb", path=build / f"{database}.duckdb")).manifest
        found.append(
            {
                "parsed": len(times),
                "macros": {name: macro.macro_sql for name, macro in manifest.macros.items()},
                "nodes": {name: (node.raw_code, node.relation_name) for name, node in manifest.nodes.items()},
                "graph": {name: node["raw_code"] for name, node in manifest.flat_graph["nodes"].items()},
            }
        )
    return found


def test_it_is_parsed_once_and_read_from_then_on(tmp_path: Path) -> None:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        first, second, elsewhere = process.submit(read_twice, tmp_path).result()
    assert first == second and len(first["nodes"]) > 10 and first["graph"].keys() == first["nodes"].keys()
    assert elsewhere["parsed"] == 1, "dbt was asked once"
    products = "model.guidelight.products"
    assert first["nodes"][products][1] == '"guidelight"."main"."products"'
    assert elsewhere["nodes"][products][1] == '"other"."main"."products"'


def rehearsed(build: Path, project: Path) -> tuple[int, str]:
    """How many templates Jinja compiled when dbt rehearsed, and why it could not. In a process of its own."""
    os.environ["GUIDELIGHT_BUILD"] = str(build)
    pipelines.parsed.PROJECT = pipelines.transform.PROJECT = project
    times = []
    take = lean_dbt.take_compiled

    def counting(macros: Sequence[Macro], nodes: Sequence[ManifestSQLNode]) -> None:
        with patch.object(Environment, "compile", autospec=True, side_effect=Environment.compile) as compiled:
            take(macros, nodes)
        times.append(compiled.call_count)

    try:
        with patch.object(lean_dbt, "take_compiled", counting):
            Dbt(Target("duckdb", path=build / "guidelight.duckdb")).rehearse()
    except SyncFailed as error:
        return 0, str(error)
    return times[0], ""


@pytest.mark.long
def test_macros_are_compiled_once_and_settings_checked_where_they_were_edited(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(PROJECT, project)

    def again() -> tuple[int, str]:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
            return process.submit(rehearsed, tmp_path / "build", project).result()

    compiled, _ = again()
    assert compiled > 100
    assert again() == (0, "")
    (project / "macros" / "another.sql").write_text("{% macro another() %}1{% endmacro %}")
    assert again() == (1, "")
    with (project / "dbt_project.yml").open("a") as file:
        file.write("no-such-setting: true\n")
    compiled, why = again()
    assert compiled == 0 and "no-such-setting" in why


class Counted:
    """Stands for the parsing: an empty manifest, and how often it was asked for."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> Manifest:
        self.times += 1
        return Manifest()


@pytest.fixture
def parse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Counted:
    """A project and a build folder of the test's own, into which it was parsed once."""
    monkeypatch.setenv("GUIDELIGHT_BUILD", str(tmp_path / "build"))
    monkeypatch.setattr(pipelines.parsed, "PROJECT", tmp_path / "project")
    shutil.copytree(PROJECT, tmp_path / "project")
    counted = Counted()
    parsed(DUCKDB, counted)
    return counted


DUCKDB = Target("duckdb", path=Path("guidelight.duckdb"))


def kept(directory: Path) -> list[Path]:
    return sorted((directory / "build" / "dbt").iterdir())


def edited(path: str) -> Callable[[Path], None]:
    def edit(project: Path) -> None:
        with (project / path).open("a") as file:
            file.write("\n")

    return edit


EDITS: dict[str, Callable[[Path], None]] = {
    "a model": edited("models/marts/products.sql"),
    "a description": edited("models/marts/_marts__models.yml"),
    "a text of descriptions": edited("models/_columns.md"),
    "the project's settings": edited("dbt_project.yml"),
    "a seed": edited("seeds/category_map.csv"),
    "a file more": lambda project: (project / "macros/another.sql").touch(),
    "a file less": lambda project: (project / "models/marts/sync_health.sql").unlink(),
    "a file of another name": lambda project: (project / "macros/text.sql").rename(project / "macros/texts.sql"),
}


@pytest.mark.parametrize("what", EDITS)
def test_what_was_parsed_before_an_edit_is_not_read(parse: Counted, tmp_path: Path, what: str) -> None:
    (old,) = kept(tmp_path)
    EDITS[what](tmp_path / "project")
    parsed(DUCKDB, parse)
    assert parse.times == 2
    (new,) = kept(tmp_path)
    assert new != old, "what no project fits any more is removed"
    parsed(DUCKDB, parse)
    assert parse.times == 2


def test_each_engine_has_its_own(parse: Counted, tmp_path: Path) -> None:
    parsed(Target("postgres", parameters=(("dbname", "shop"),)), parse)
    assert parse.times == 2 and len(kept(tmp_path)) == 2


@pytest.mark.parametrize("share", [0, 1, 2, 5])
def test_a_file_that_is_cut_short_or_none_is_made_anew(parse: Counted, tmp_path: Path, share: int) -> None:
    (path,) = kept(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * share // 5] if share < 5 else b"\x81\xa5nodes\x01")
    for _ in range(2):
        parsed(DUCKDB, parse)
        assert parse.times == 2


def test_where_nothing_can_be_written_it_is_parsed_each_time(parse: Counted, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "build")
    (tmp_path / "build").write_text("a file where the folder would be")
    for times in (2, 3):
        parsed(DUCKDB, parse)
        assert parse.times == times
