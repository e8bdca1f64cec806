"""What befalls a sync's processes: one killed alone, no room for files, one frozen and overtaken."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import pytest

from models.batch import Rows
from pipelines.errors import ConfigurationError
from pipelines.settings import Target
from tests.databases import Engine
from tests.faults import dying
from tests.faults.aftermath import Control, control, left, moved, survived
from tests.faults.test_full_disk import small_disk
from tests.faults.test_takeover import SILENT
from tests.shop import KEY, Shop, Synced
from tests.shops import Shops
from tests.test_interrupt import children, is_alive, products_locked, publishes_waiting
from tests.warm import start, until

pytestmark = [pytest.mark.long, pytest.mark.alternating]


@pytest.fixture
def shop(shops: Shops, engine: Engine) -> Iterator[Shop]:
    """A shop that moved on since its one sync."""
    with moved(shops, engine) as opened:
        yield opened


@pytest.fixture
def undisturbed(shops: Shops, engine: Engine) -> Control:
    """What one undisturbed sync of that shop leaves."""
    return control(shops, engine)


def failed(shop: Shop, synced: Synced, before: object, *words: str) -> None:
    """Nothing was published, and one line says why."""
    assert (synced.status, synced.row["status"], synced.row["published_at"]) == (1, "failed", None), synced.ran
    error = synced.result["error"]
    assert "Traceback" not in synced.ran.stderr and "\n" not in error
    assert all(word in error for word in words), error
    assert shop.published() == before


def healed(shop: Shop, by: Control) -> None:
    """The next sync leaves what an undisturbed one leaves."""
    again = shop.ended(shop.begin())
    assert (again.status, again.counts) == (by.synced.status, by.synced.counts), again.ran
    assert left(shop) == by.left


def out_of_memory(pid: int) -> None:
    """What the kernel does to a process when there is no memory left."""
    os.kill(pid, signal.SIGKILL)
    until(lambda: not is_alive(pid), "it is gone")


@pytest.mark.parametrize("name", ["dbt", "dlt"])
def test_a_process_is_killed_alone(shop: Shop, undisturbed: Control, name: str) -> None:
    before = shop.published()
    running = shop.hold(3)
    dbt, dlt, _examiner = children(running.pid)
    out_of_memory({"dbt": dbt, "dlt": dlt}[name])
    shop.let_go()
    failed(shop, shop.ended(running), before, f"the process that runs {name} ended without an answer")
    healed(shop, undisturbed)


@pytest.mark.postgres_only
def test_dbts_process_is_killed_in_the_publish(shop: Shop, undisturbed: Control) -> None:
    before = shop.published()
    with products_locked(shop):
        running = shop.begin()
        until(lambda: publishes_waiting(shop), "the publish waits for the lock")
        dbt, _examiner = children(running.pid)
        out_of_memory(dbt)
    failed(shop, shop.ended(running), before, "the process that runs dbt ended without an answer")
    healed(shop, undisturbed)


def test_great_expectations_process_is_killed_alone(shop: Shop, undisturbed: Control) -> None:
    """What it would have checked was published by then: that it was not checked is an error, and said."""
    running = shop.hold(3)
    _dbt, _dlt, examiner = children(running.pid)
    out_of_memory(examiner)
    shop.let_go()
    synced = shop.ended(running)
    assert (synced.status, synced.counts) == (3, undisturbed.synced.counts), synced.ran
    told = [message for kind, message in synced.problems if kind == "check"]
    assert [one for one in told if "the process that runs Great Expectations ended without an answer" in one], told
    assert left(shop) == undisturbed.left


def small_batches() -> None:
    from pipelines import extract, landing

    landing.BATCH = landing._SIGHTINGS = extract.BATCH = 3


def test_what_comes_in_many_batches_is_landed_once(shop: Shop, undisturbed: Control) -> None:
    synced = shop.ended(shop.begin(prepare=small_batches))
    assert (synced.status, synced.counts) == (undisturbed.synced.status, undisturbed.synced.counts), synced.ran
    assert left(shop) == undisturbed.left


def test_a_batch_that_can_not_be_landed_ends_the_sync(shop: Shop, undisturbed: Control) -> None:
    """The database refuses a row of one of them: dlt's own word for it, and no file stays behind."""
    before = shop.published()
    running = shop.begin(prepare=unlanded)
    failed(shop, shop.ended(running), before, "dlt could not land the records in staging", "run the sync again")
    assert not list(shop.home.glob("guidelight-*")), "its files are gone"
    healed(shop, undisturbed)


def test_a_plan_whose_landing_is_refused_the_database_says_so(shop: Shop) -> None:
    words = ["plan", "--json", "--database", shop.database.url]
    ran = start(words, home=shop.home, env={KEY: shop.sandbox.api_key}, prepare=held_elsewhere).wait()
    assert (ran.status, ran.json["error"]) == (2, "held elsewhere"), ran


def held_elsewhere() -> None:
    from pipelines import load

    def refused(target: Target) -> NoReturn:
        raise ConfigurationError("held elsewhere")

    load._open_destination = refused


def unlanded() -> None:
    from pipelines import load

    small_batches()
    original = load._table

    def once_refused(rows: Rows) -> Any:
        if rows.table == "payloads":
            rows.columns[0][0] = None
        return original(rows)

    load._table = once_refused


def in_its_place(directory: Path) -> None:
    """The one directory for temporary files, as it was found when there was still room in it."""
    tempfile.tempdir = str(directory)


def _full(directory: Path, room: int = 0) -> None:
    free = shutil.disk_usage(directory).free
    (directory / "others").write_bytes(b"x" * (free - room))


def _read_only(directory: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", directory], check=True)


@pytest.mark.parametrize(
    "spoil", [_full, partial(_full, room=20_000), _read_only], ids=["full", "all but full", "read-only"]
)
def test_no_room_for_temporary_files(
    shop: Shop, undisturbed: Control, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    before = shop.published()
    with small_disk(tmp_path, 1_048_576):
        spoil(tmp_path)
        synced = shop.ended(shop.begin(prepare=partial(in_its_place, tmp_path)))
    failed(shop, synced, before, f"can't be written in {tmp_path}", "set TMPDIR to another directory")
    healed(shop, undisturbed)


def _nowhere() -> None:
    tempfile._candidate_tempdir_list = lambda: ["/proc"]  # type: ignore[attr-defined]


def test_no_place_for_temporary_files(shop: Shop, undisturbed: Control) -> None:
    before = shop.published()
    synced = shop.ended(shop.begin(prepare=_nowhere))
    failed(shop, synced, before, "No usable temporary directory found in ['/proc']", "set TMPDIR to another directory")
    healed(shop, undisturbed)


def test_a_load_that_a_killed_sync_left_on_the_way(shop: Shop, undisturbed: Control) -> None:
    """Its files are there still when the next one starts in the same place: they are not loaded (finding 1)."""
    running = shop.begin(prepare=partial(dying.before, "pipelines.load", "_open_destination"))
    assert running.wait().status == -signal.SIGKILL
    packages = list(shop.home.glob("guidelight-*/*/*/load/normalized/*/new_jobs/*"))
    assert packages, "a package that was ready to be loaded"
    assert survived(shop, undisturbed, shop.ended(shop.begin())) == "begun"
    assert all(package.exists() for package in packages), "nobody touched them"


@pytest.mark.duckdb_only
def test_a_publish_that_stands_in_duckdbs_wal_alone(shop: Shop, undisturbed: Control) -> None:
    running = shop.begin(prepare=partial(dying.after_statement, "commit"))
    assert running.wait().status == -signal.SIGKILL
    until(lambda: not dying.members(running.pid), "all of its processes are gone")
    assert Path(f"{shop.database.url}.wal").stat().st_size > 0
    listed = shop.command("logs", "list", "--json")
    assert listed.status == 0 and listed.json[0]["published_at"] is not None, "who only reads sees it too"
    assert survived(shop, undisturbed, shop.ended(shop.begin())) == "published"


@pytest.mark.postgres_only
def test_a_sync_that_was_frozen_and_overtaken_publishes_nothing(shop: Shop, undisturbed: Control) -> None:
    """A suspended machine: for a minute it beats no more, another takes the turn and publishes, then it wakes up."""
    first = shop.hold(3)
    frozen = shop.running_log()
    first.send(signal.SIGSTOP)
    try:
        shop.execute(SILENT, seconds=61)
        shop.let_go()
        second = shop.ended(shop.begin())
        assert (second.status, second.counts) == (undisturbed.synced.status, undisturbed.synced.counts), second.ran
        after = shop.published()
    finally:
        first.send(signal.SIGCONT)
    ran = first.wait()
    closed = shop.log(str(frozen["id"]))
    assert (closed["status"], closed["error_message"]) == ("failed", "interrupted before publish")
    assert (ran.status, ran.json["error"], ran.messages) == (1, closed["error_message"], []), ran
    assert shop.published() == after and left(shop) == undisturbed.left
    assert shop.ended(shop.begin()).counts[1:3] == (0, 0)
