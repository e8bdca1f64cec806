"""A process that opens its DuckDB file often lets go of it each time, and has it as any other would."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from pipelines import duckdb_file
from pipelines.database import connect
from pipelines.duckdb_file import keep, often
from pipelines.errors import ConfigurationError, DatabaseFailed
from pipelines.settings import ROOT, Target

NAMES = (
    "shop.duckdb", "Order Book.duckdb", "o'clock.duckdb", 'so "called".duckdb', "shop", ".shop", "shop.v1.duckdb",
    "memory.duckdb", "Memory.v2.duckdb", "temp.duckdb", "main.duckdb", "information_schema.duckdb", "pg_catalog",
)  # fmt: skip


@pytest.fixture(params=NAMES)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Target]:
    """A file with one row, which this process opens often."""
    path = tmp_path / request.param
    with often(path):
        target = Target("duckdb", path=path)
        with connect(target) as connection:
            connection.script("create table told (number integer); insert into told values (1)")
        yield target


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Target]:
    """As `target`, of one name."""
    path = tmp_path / "shop.duckdb"
    with often(path):
        with connect(Target("duckdb", path=path)) as connection:
            connection.script("create table told (number integer); insert into told values (1)")
        yield Target("duckdb", path=path)


def numbers(target: Target) -> list[int]:
    with connect(target, read_only=True) as connection:
        return [row["number"] for row in connection.rows("select number from told order by 1")]


def another(target: Target, sql: str) -> str:
    """What a program that knows nothing of ours prints of the file, or how it fails."""
    program = "import duckdb, sys; print(duckdb.connect(sys.argv[1]).execute(sys.argv[2]).fetchall())"
    ran = subprocess.run(
        [sys.executable, "-c", program, str(target.path), sql], capture_output=True, text=True, timeout=60
    )
    return ran.stdout.strip() if ran.returncode == 0 else ran.stderr.strip().splitlines()[-1]


def test_others_get_at_the_file_in_between(target: Target) -> None:
    for number in (2, 3):
        assert another(target, f"insert into told values ({number})") == "[(1,)]"
        with connect(target) as connection:
            assert connection.value("select count(*) from told") == number
            assert "Could not set lock" in another(target, "from told")
    assert numbers(target) == [1, 2, 3]


def test_it_is_the_same_database_as_for_anybody(target: Target) -> None:
    name = another(target, "select current_database(), current_schema()")
    with connect(target) as connection, connect(target) as beside:
        [row] = connection.each("select current_database(), current_schema()")
        connection.execute("insert into main.told values (2)")
        assert beside.value("select count(*) from told") == 2
    assert name == str([row])
    assert numbers(target) == [1, 2]


def test_what_is_read_only_is_not_written_to(shop: Target) -> None:
    with pytest.raises(DatabaseFailed, match="read-only"), connect(shop, read_only=True) as connection:
        connection.execute("insert into told values (2)")
    assert numbers(shop) == [1]


def test_after_a_failure_the_next_has_it(shop: Target) -> None:
    for _ in range(2):
        with pytest.raises(DatabaseFailed, match="no_such"), connect(shop) as connection, connection.transaction():
            connection.execute("insert into told values (2)")
            connection.execute("insert into no_such values (2)")
        assert another(shop, "from told") == "[(1,)]"
    with connect(shop) as connection, pytest.raises(DatabaseFailed), connect(shop) as beside:
        beside.execute("select no_such")
    with pytest.raises(RuntimeError), connect(shop) as connection:
        connection.raw.execute("begin")
        connection.execute("insert into told values (3)")
        raise RuntimeError
    assert another(shop, "from told") == "[(1,)]"
    assert numbers(shop) == [1]


def test_a_file_that_another_process_has_is_waited_for(shop: Target) -> None:
    program = (
        "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('open', flush=True); input(); held.close();"
        "print('closed', flush=True); input()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(shop.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdin is not None and holder.stdout is not None
    assert holder.stdout.readline() == "open\n"
    with pytest.raises(ConfigurationError, match=f"held by process {holder.pid}"), connect(shop, patience=0):
        pass
    said: list[str] = []

    def waiting(sentence: str) -> None:
        said.append(sentence)
        assert holder.stdin is not None and holder.stdout is not None
        holder.stdin.write("\n")
        holder.stdin.flush()
        holder.stdout.readline()

    with connect(shop, waiting=waiting) as connection:
        assert connection.value("select number from told") == 1
    assert len(said) == 1 and f"process {holder.pid}" in said[0]
    holder.communicate("\n", timeout=60)


FORKED = """
import os, sys
from pathlib import Path
from pipelines.database import connect
from pipelines.duckdb_file import keep, often
from pipelines.settings import Target

target = Target("duckdb", path=Path(sys.argv[1]))
with often(target.path):
    with connect(target) as connection:
        connection.script("create table told (number integer)")
    child = os.fork()
    if not child:
        if sys.argv[2] == "keeps":
            keep(target.path)
        for number in range(3):
            with connect(target) as connection:
                connection.execute("insert into told values ($number)", number=number)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    with connect(target) as connection:
        connection.execute("insert into told values (3)")
        print(list(connection.each("select number from told order by 1")))
"""


@pytest.mark.parametrize("how", ["keeps", "does not"])
def test_a_process_that_is_forked_has_its_own(tmp_path: Path, how: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", FORKED, str(tmp_path / "shop.duckdb"), how],
        cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ran.stdout.strip() == "[(0,), (1,), (2,), (3,)]", ran.stderr


def test_what_is_too_large_for_memory_goes_beside_the_file(shop: Target) -> None:
    with connect(shop) as connection:
        place = connection.value("select current_setting('temp_directory')")
    assert place == f"{shop.path}.tmp"


def test_in_one_process_a_file_is_open_in_one_way_only(shop: Target) -> None:
    with connect(shop), pytest.raises(duckdb.Error, match="already attached"):
        duckdb.connect(str(shop.path))


def test_of_a_server_there_is_nothing_to_keep() -> None:
    keep(None)
    with often(None):
        pass


SIGNALLED = """
import contextlib, os, random, signal, sys, threading
from pathlib import Path
from pipelines import duckdb_file
from pipelines.database import connect
from pipelines.errors import Interrupted
from pipelines.settings import Target
from pipelines.signals import interruptible

target = Target("duckdb", path=Path(sys.argv[1]))
with interruptible(), duckdb_file.often(target.path):
    with connect(target) as connection:
        connection.script("create table told (number integer)")
    try:
        moment = random.Random(int(sys.argv[2])).uniform(0.01, 0.06)
        threading.Timer(moment, os.kill, (os.getpid(), signal.SIGTERM)).start()
        for number in range(1_000_000):
            with connect(target, read_only=number % 2 == 0) as connection:
                connection.value("select count(*) from told")
    except Interrupted as interrupted:
        interrupted.heeded.set()
        duckdb_file.afresh()
        with connect(target, patience=1) as connection:
            connection.execute("insert into told values (1)")
        print("given back", flush=True)
        input()
"""


@pytest.mark.parametrize("seed", [*range(6), *(pytest.param(seed, marks=pytest.mark.faults) for seed in range(6, 150))])
def test_a_signal_at_any_moment_leaves_nothing_of_it_open(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "shop.duckdb"
    process = subprocess.Popen(
        [sys.executable, "-c", SIGNALLED, path, str(seed)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    said = process.stdout.readline()
    told = another(Target("duckdb", path=path), "from told")
    _, complained = process.communicate("\n", timeout=60)
    assert (said, told) == ("given back\n", "[(1,)]"), complained


class Stopped(BaseException):
    """Stands for a signal."""


def test_who_is_interrupted_as_it_opens_lets_go(shop: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> bool:
        raise Stopped

    for name in ("is_guarded", "leave_in_wal"):
        with monkeypatch.context() as patched:
            patched.setattr(duckdb_file, name, stopped)
            with pytest.raises(Stopped), connect(shop):
                pass
        assert another(shop, "from told") == "[(1,)]"
    assert numbers(shop) == [1]


def test_one_who_reads_is_not_joined_by_one_who_writes(shop: Target) -> None:
    with connect(shop, read_only=True), pytest.raises(ConfigurationError, match="open already"), connect(shop):
        pass
    with connect(shop), pytest.raises(ConfigurationError, match="open already"), connect(shop, read_only=True):
        pass
    assert numbers(shop) == [1]
