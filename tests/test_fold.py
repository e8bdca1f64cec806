"""A DuckDB file outlives whoever writes to it: killed at any moment, nothing that was committed is lost."""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pipelines import fold
from pipelines.database import connect
from pipelines.errors import ConfigurationError
from pipelines.settings import ROOT, Target
from tests.databases import TestDatabase
from tests.shop import Shop

WRITES = """
import sys
from contextlib import nullcontext
from pathlib import Path
from pipelines import fold
from pipelines.database import connect
from pipelines.duckdb_file import often
from pipelines.settings import Target

fold.FOLDED_FROM = 0
target = Target("duckdb", path=Path(sys.argv[1]))
with often(target.path) if sys.argv[2] == "often" else nullcontext():
    for number in range(10_000):
        with connect(target) as connection:
            connection.execute("insert into written values ($number, repeat('x', 5000))", number=number)
            connection.execute("update kept set number = $number, text = repeat('y', 5000)", number=number)
            print(number, flush=True)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with two tables."""
    path = tmp_path / "shop.duckdb"
    with connect(Target("duckdb", path=path)) as connection:
        connection.script("create table written (number integer primary key, text text)")
        connection.script("create table kept as select i as id, 0 as number, 'y' as text from range(200) as t (i)")
    return path


def written(path: Path) -> int:
    """How many rows there are, each as it was written: the file is read as a whole."""
    with connect(Target("duckdb", path=path)) as connection:
        numbers = [row["number"] for row in connection.rows("select number from written order by 1")]
        assert numbers == list(range(len(numbers)))
        connection.execute("insert into written values (-1, 'z')")
        connection.execute("delete from written where number = -1")
        assert connection.value("select count(distinct number) from kept") == 1
        return len(numbers)


@pytest.mark.parametrize("seed", [*range(8), *(pytest.param(seed, marks=pytest.mark.faults) for seed in range(8, 200))])
def test_killed_while_it_folds_again_and_again(file: Path, seed: int) -> None:
    how = "often" if seed % 2 else "now and then"
    process = subprocess.Popen([sys.executable, "-c", WRITES, file, how], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None and process.stdout.readline() == "0\n"
    threading.Event().wait(random.Random(seed).uniform(0, 0.4))
    process.kill()
    last = [0, *(int(line) for line in process.stdout.read().splitlines())][-1]
    process.wait()
    assert written(file) - 1 in (last, last + 1), "what was committed is there"


def grow(file: Path) -> None:
    """Write so much that it is folded in."""
    with connect(Target("duckdb", path=file)) as connection:
        connection.execute("insert into written select i, repeat('x', 5000) || i from range(4000) as t (i)")


def test_what_is_large_is_folded_in_and_what_is_small_is_not(file: Path) -> None:
    wal = Path(f"{file}.wal")
    size = file.stat().st_size
    assert wal.exists()
    grow(file)
    assert not wal.exists() and file.stat().st_size > size
    assert sorted(path.name for path in file.parent.iterdir()) == [file.name]


def guarded(file: Path) -> Path:
    """What one leaves who dies while it folds: a guard, and of the file nothing that could be read."""
    guard = Path(f"{file}.guard")
    guard.mkdir()
    for part in (file, Path(f"{file}.wal")):
        shutil.copy(part, guard)
    file.write_bytes(b"DUCK" * 5000)
    return guard


def test_what_was_left_half_written_is_put_back(file: Path) -> None:
    guard = guarded(file)
    assert written(file) == 0
    assert not guard.exists()


def test_a_guard_that_somebody_holds_is_left_alone(file: Path) -> None:
    guard = guarded(file)
    held = os.open(guard, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    with (
        pytest.raises(ConfigurationError, match="is held by another process, for more than 0 s"),
        connect(Target("duckdb", path=file), patience=0),
    ):
        pass
    assert file.read_bytes().startswith(b"DUCKDUCK")
    os.close(held)
    assert written(file) == 0


def test_a_guard_that_can_not_be_used_is_said(file: Path) -> None:
    (guarded(file) / file.name).unlink()
    with pytest.raises(ConfigurationError, match="was left half written by a process that died, and can't be put back"):
        fold.put_back(file)


def test_without_room_for_the_copy_the_log_stays(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(file.parent))  # where there is no cp
    grow(file)
    assert Path(f"{file}.wal").stat().st_size > fold.FOLDED_FROM
    monkeypatch.undo()
    assert written(file) == 4000
    assert not Path(f"{file}.wal").exists()


def test_a_file_that_is_no_database_is_said_at_once(file: Path) -> None:
    grow(file)
    content = bytearray(file.read_bytes())
    content[12_288 + 100 : -100] = os.urandom(len(content) - 12_488)
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match="can't be opened as a DuckDB file"), connect(Target("duckdb", file)):
        pass


@pytest.mark.duckdb_only
def test_a_sync_leaves_one_file(stocked: Shop) -> None:
    assert stocked.sync().status == 0
    file = Path(stocked.database.url)
    assert sorted(path.name for path in file.parent.iterdir()) == [file.name, f"{file.name}.lock"]


LANDS = """
import hashlib, sys, tempfile
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4
from models.batch import Batch, Rows
from pipelines.load import Loader
from pipelines.settings import Target

def digest():
    return hashlib.sha256(path.read_bytes()).hexdigest()

path, count = Path(sys.argv[1]), int(sys.argv[2])
before = digest()
columns = [[str(uuid4())] * count, [str(uuid4())] * count, [str(number) for number in range(count)],
           ["c" * 64] * count, [1] * count, [datetime.now(UTC)] * count]
with tempfile.TemporaryDirectory() as directory:
    batch = Batch("treez", uuid4(), directory, [Rows("sightings", columns)], True)
    Loader(Target("duckdb", path=path), None).load(batch)
print(digest() == before, Path(f"{path}.wal").exists())
"""


@pytest.mark.duckdb_only
@pytest.mark.parametrize(("count", "left"), [(10, "True True"), (20_000, "False False")])
def test_what_dlt_wrote_is_folded_in_as_all_else_is(database: TestDatabase, count: int, left: str) -> None:
    with connect(Target("duckdb", path=Path(database.url)), at_end=True):
        pass
    ran = subprocess.run(
        [sys.executable, "-c", LANDS, database.url, str(count)], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert ran.stdout.strip() == left, ran.stderr
