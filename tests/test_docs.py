"""`make docs`: the pages that describe the data, and that they are built of the database and of nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.settings import ROOT
from tests.shop import Shop

pytestmark = pytest.mark.long


def docs(database: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run what `make docs` runs."""
    home.mkdir(exist_ok=True)
    env = {"PATH": os.defpath, "HOME": str(home), "TMPDIR": str(home), "PYTHONPATH": str(ROOT)}
    env |= {"GUIDELIGHT_BUILD": str(home / "build"), "DATABASE_URL": database}
    return subprocess.run(
        [sys.executable, "-m", "pipelines.report.docs"], capture_output=True, text=True, cwd=home, timeout=300, env=env
    )


def test_an_index_of_dbt_docs_and_data_docs_and_nothing_is_written_elsewhere(stocked: Shop) -> None:
    before = stocked.published(), stocked.logs()
    ran = docs(stocked.database.url, stocked.home)
    index = stocked.home / "build" / "docs" / "index.html"
    assert (ran.returncode, ran.stdout.strip(), ran.stderr) == (0, str(index), "")
    assert 'href="dbt/index.html"' in index.read_text() and 'href="../data_docs/index.html"' in index.read_text()
    described = (index.parent / "dbt" / "index.html").read_text()
    assert "stg_treez__prices" in described
    assert [path.name for path in (index.parent / "dbt").iterdir()] == ["index.html"]
    assert (stocked.home / "build" / "data_docs" / "index.html").is_file()
    assert (stocked.published(), stocked.logs()) == before
    assert stocked.command("report").status == 0
    page = (stocked.home / "build" / "report" / "index.html").read_text()
    assert 'href="../docs/index.html"' in page


def test_without_a_database_they_say_so(tmp_path: Path) -> None:
    ran = docs(str(tmp_path / "none.duckdb"), tmp_path)
    assert (ran.returncode, ran.stdout) == (2, "") and ran.stderr.startswith("error: There is no database at ")
    assert not (tmp_path / "build" / "docs").exists()
