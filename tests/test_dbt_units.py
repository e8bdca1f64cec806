"""dbt's unit tests (the YAML beside the models), on both engines."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.settings import target
from pipelines.transform import PROJECT, Dbt
from tests.databases import TestDatabase


@pytest.mark.alternating
def test_every_unit_test_passes(database: TestDatabase, tmp_path: Path) -> None:
    # In a process of its own, for dbt leaves settings behind in the one it ran in.
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        said = process.submit(run_unit_tests, database.url, tmp_path).result()
    failures = [f"{name}\n{message}" for name, message in said.items() if message is not None]
    assert not failures, f"{len(failures)} of {len(said)} unit tests failed on {database.engine}:\n\n" + "\n\n".join(
        failures
    )
    assert said.keys() == unit_tests_in_yaml()
    assert said


def run_unit_tests(url: str, target_path: Path) -> dict[str, str | None]:
    """Make the views, which the given rows take their types from, and test: {unit test: None, or how it failed}."""
    from dbt.cli.main import dbtRunner

    dbt = Dbt(target(url))
    dbt.make_views()
    paths = ("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(target_path))
    quiet = ("--quiet", "--log-level", "none", "--log-level-file", "none", "--no-use-colors")
    ended = dbtRunner(manifest=dbt.manifest).invoke(["test", "--select", "test_type:unit", *paths, *quiet])
    if ended.exception is not None:
        return {"dbt test": str(ended.exception)}
    results: list[Any] = list(ended.result)  # type: ignore[arg-type]
    return {one.node.name: None if one.status == "pass" else str(one.message) for one in results}


def unit_tests_in_yaml() -> set[str]:
    """Every unit test's name, as the files have it."""
    documents = [yaml.safe_load(path.read_text()) for path in PROJECT.rglob("*unit_tests*.yml")]
    return {test["name"] for document in documents for test in document["unit_tests"]}
