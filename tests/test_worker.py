"""The processes that wait on a parent, and checks that break: an answer is an answer, and silence is a failure."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import pytest
from sqlalchemy import Engine, event

from models.check import Expectation, Found, Metrics, Severity
from models.integration import CheckSettings
from models.publish import Publish
from pipelines.check import check
from pipelines.errors import ConfigurationError, SyncFailed
from pipelines.examine import examine
from pipelines.expectations import expectations
from pipelines.settings import ROOT
from pipelines.worker import Worker
from tests.shop import PRODUCTS, Shop


def _acts() -> Mapping[str, Callable[..., Any]]:
    def double(number: int) -> int:
        return 2 * number

    def refuse() -> None:
        raise ConfigurationError("no, and here is why")

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    return {"double": double, "refuse": refuse, "die": die, "pid": os.getpid}


def _unprepared() -> Mapping[str, Callable[..., Any]]:
    raise SyncFailed("the project does not parse")


@pytest.mark.parametrize("forks", [True, False])
def test_acts_are_done_errors_are_told_and_death_is_noticed(forks: bool) -> None:
    worker = Worker("numbers", _acts, forks=forks)
    assert worker.ask("double", 21) == 42
    with pytest.raises(SyncFailed, match="no, and here is why"):
        worker.ask("refuse")
    pid = worker.ask("pid")
    with pytest.raises(SyncFailed, match="the process that runs numbers ended without an answer"):
        worker.ask("die")
    worker.stop()
    assert worker.ask("pid") != pid, "a process that was stopped is started anew"
    worker.stop()


_PROGRAM = """
print("imported", flush=True)
if __name__ == "__main__":
    from tests.test_worker import _acts
    from pipelines.worker import Worker

    worker = Worker("numbers", _acts, forks=False)
    print(worker.ask("double", 21))
    worker.stop()
"""


def test_a_process_does_not_import_the_program_anew(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(_PROGRAM)
    words = [sys.executable, str(program)]
    said = subprocess.run(words, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert said.stdout.split() == ["imported", "42"], said.stderr


STARTED = """
import multiprocessing, sys
from pipelines.settings import target
from pipelines.warm import Warm

def tell():
    print("Great Expectations" in " ".join(one.name for one in multiprocessing.active_children()))

with Warm(target(sys.argv[1])) as warm:
    warm.expect_checks()
    warm.expect_checks(100_000)
    tell()
    warm.expect_checks(5_000)
    tell()
"""


NO_ROOM = """
import resource
from pipelines.errors import SyncFailed
from pipelines.worker import Worker
from tests.test_worker import _acts

worker = Worker("arithmetic", _acts, forks=False)
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
for room in range(3, 12):
    resource.setrlimit(resource.RLIMIT_NOFILE, (room, hard))
    try:
        worker.start()
    except SyncFailed as error:
        said = str(error)
    worker.stop()
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
print(said, worker.ask("double", 21))
worker.stop()
"""


def test_a_process_that_cannot_be_started_says_so_and_starts_once_there_is_room() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", NO_ROOM], capture_output=True, text=True, timeout=60, check=True, cwd=ROOT
    )
    assert "the process that runs arithmetic can't be started: Too many open files. End" in ran.stdout
    assert ran.stdout.split()[-1] == "42"


def test_a_large_catalogues_checks_do_not_start_while_it_is_landed(tmp_path: Path) -> None:
    words = [sys.executable, "-c", STARTED, str(tmp_path / "guidelight.duckdb")]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True, cwd=ROOT)
    assert ran.stdout.split() == ["False", "True"]


def test_what_could_not_be_prepared_says_so_at_each_task() -> None:
    worker = Worker("nothing", _unprepared, forks=True)
    for _ in range(2):
        with pytest.raises(SyncFailed, match="the project does not parse"):
            worker.ask("anything")
    worker.stop()


def test_an_expectation_that_raises_is_broken_and_grave(stocked: Shop) -> None:
    wanted = [
        Expectation("no_such_column", Severity.WARNING, "ExpectColumnValuesToNotBeNull", "", "", {"column": "nope"}),
        Expectation("ids", Severity.ERROR, "ExpectColumnValuesToNotBeNull", "", "", {"column": "source_id"}),
    ]
    broken, ids = examine(stocked.database.target, "treez", wanted)
    assert (broken.passed, broken.broken, broken.is_grave) == (False, True, True)
    assert "could not judge" in broken.sentence()
    assert (ids.passed, ids.broken) == (True, False)


def test_no_row_is_fetched_to_learn_the_columns(stocked: Shop) -> None:
    """Great Expectations runs a query whole to learn its columns: 100,000 rows came over, twice."""
    told: list[str] = []

    def heard(*executed: Any) -> None:
        told.append(executed[2])

    event.listen(Engine, "after_cursor_execute", heard)
    try:
        found = examine(stocked.database.target, "treez", expectations(CheckSettings(), Metrics(PRODUCTS, 0, 0, 0)))
    finally:
        event.remove(Engine, "after_cursor_execute", heard)
    asked = [statement for statement in told if statement.startswith("select source_id")]
    assert len(found) == 10 and len(asked) > 1
    assert all(statement.endswith(" limit 0") for statement in asked), asked


class Dead:
    """The two layers, neither of which can be run."""

    def testing(self, *arguments: Any) -> Callable[[], list[Found]]:
        return partial(gone, "dbt")

    def examining(self, *arguments: Any) -> Callable[[], list[Found]]:
        return partial(gone, "Great Expectations")


def gone(layer: str) -> NoReturn:
    raise SyncFailed(f"{layer} is gone")


def test_a_layer_that_cannot_be_run_is_never_silence(stocked: Shop) -> None:
    log = stocked.logs()[-1]
    published = Publish("treez", log["id"], log["integration_id"], "x", {}, True, False, 20, PRODUCTS, 0, 0, 0)
    metrics, found = check(stocked.database.target, Dead(), published, CheckSettings())  # type: ignore[arg-type]
    assert metrics.active > 0
    assert [one.name for one in found] == ["dbt_data_tests", "great_expectations"]
    assert all(one.is_grave for one in found)
