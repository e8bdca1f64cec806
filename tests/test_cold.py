"""The command as it is installed, in a process of its own: few, for each costs seconds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.settings import ROOT
from tests.databases import TestDatabase
from tests.warm import messages, until

GUIDELIGHT = Path(sys.executable).parent / "guidelight"


def guidelight(*words: str, home: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run it with an environment of a few words."""
    return subprocess.run(
        [str(GUIDELIGHT), *words], capture_output=True, text=True, cwd=home, timeout=120, env=clean(home) | env
    )


def clean(home: Path) -> dict[str, str]:
    return {"PATH": os.defpath, "HOME": str(home), "TMPDIR": str(home), "PYTHONPATH": str(ROOT)}


def test_a_newcomers_two_syncs(empty_database: TestDatabase, tmp_path: Path) -> None:
    first = guidelight("sync", "--or-sandbox", "--database", empty_database.url, home=tmp_path)
    assert first.returncode == 0, first.stderr
    assert messages(first.stderr) == ["No integration is active: syncing a shop to practise on"]
    assert "SUCCESS in" in first.stdout and "make sync" in first.stdout
    second = guidelight("sync", "--or-sandbox", "--json", "--database", empty_database.url, home=tmp_path)
    assert (second.returncode, messages(second.stderr)) == (0, [])
    stats = json.loads(second.stdout)["stats"]
    assert stats["created"] > 0 and stats["updated"] > 0 and stats["unchanged"] > 400


@pytest.mark.long
def test_migrate_twice(empty_database: TestDatabase, tmp_path: Path) -> None:
    first = guidelight("migrate", "--json", home=tmp_path, DATABASE_URL=empty_database.url)
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)["applied"][-1] == "views"
    second = guidelight("migrate", "--json", home=tmp_path, DATABASE_URL=empty_database.url)
    assert json.loads(second.stdout)["applied"] == [] and second.stderr == ""


def test_help_is_there_at_once(tmp_path: Path) -> None:
    guidelight("--help", home=tmp_path)
    began = time.monotonic()
    ran = guidelight("--help", home=tmp_path)
    assert ran.returncode == 0 and "sync" in ran.stdout
    assert time.monotonic() - began < 2, "help imports what only a sync needs"


def test_a_wrong_word_is_two(tmp_path: Path) -> None:
    ran = guidelight("sink", home=tmp_path)
    assert ran.returncode == 2 and "sink" in ran.stderr and "Traceback" not in ran.stderr


@pytest.mark.duckdb_only
@pytest.mark.long
def test_ctrl_c_in_a_terminal_reaches_every_process(empty_database: TestDatabase, tmp_path: Path) -> None:
    """A terminal sends SIGINT to the whole group: the child that imports dbt included."""
    process = subprocess.Popen(
        [str(GUIDELIGHT), "sync", "--or-sandbox", "--database", empty_database.url],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
        env=clean(tmp_path), start_new_session=True,
    )  # fmt: skip
    lock = Path(f"{empty_database.url}.lock")
    until(lambda: lock.exists() and lock.read_text(), "the sync has its turn")
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "error: interrupted by SIGINT" in stderr and "Traceback" not in stderr
    again = guidelight("sync", "--or-sandbox", "--json", "--database", empty_database.url, home=tmp_path)
    assert again.returncode == 0, again.stderr
