"""The disk is full: the sync fails and says so, products are as before, and with room again all is well (95)."""

from __future__ import annotations

import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from pipelines.database import connect
from pipelines.settings import target
from tests.databases import TestDatabase, copied
from tests.faults.aftermath import Control, control, left, move, moved
from tests.shop import Shop, Synced
from tests.shops import Shops

KIB = 1024

Record = Callable[[str, object], None]

SIZES = (4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
"""KiB beyond which no file may grow: the database is larger, and what goes on with it in its log is smaller."""

ROOM = (0, 16, 64, 128, 192, 256, 320, 384, 512, 768, 1024, 1536, 2048, 3072, 4096)
"""KiB that the disk has left when the sync begins."""

IN_MAKE_TEST = (64,)


@pytest.fixture
def undisturbed(shops: Shops) -> Control:
    return control(shops, "duckdb")


def quota(size: int) -> None:
    """No file may grow beyond a size: a write there fails, for Python has switched the signal off."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@contextmanager
def small_disk(directory: Path, size: int) -> Iterator[Callable[[int], None]]:
    """A file system of its own in memory; call with a size to change it. Skipped where nothing may be mounted."""
    options = f"size={size},mode=0777"
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", directory], capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip(f"this machine lets nobody mount a small disk: {made.stderr.strip()}; the quota is tried instead")

    def resize(wanted: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={wanted}", directory], check=True)

    try:
        yield resize
    finally:
        subprocess.run(["umount", "--lazy", directory], check=True)


def as_it_says(shop: Shop, synced: Synced, before: object) -> str:
    """Failed with a clear line and products as before; or published, and then complete. Returns what it said."""
    assert "Traceback" not in synced.ran.stderr
    if synced.log is None or synced.row["published_at"] is None:
        assert synced.status in (1, 2), synced.ran
        error: str = synced.result["error"]
        assert error and "\n" not in error
        assert shop.published() == before
        assert any(cause in error for cause in ("File too large", "No space left on device")), error
        return error
    assert synced.row["status"] == "partial" and synced.status == 3
    return "published"


def healed(shop: Shop, by: Control) -> None:
    """With room again the next sync leaves what an undisturbed one leaves, and nothing stays running."""
    again = shop.ended(shop.begin())
    assert again.status == by.synced.status, again.ran
    assert left(shop) == by.left
    assert "running" not in [log["status"] for log in shop.logs()]


@pytest.mark.duckdb_only
@pytest.mark.parametrize("size", [pytest.param(n, marks=() if n in IN_MAKE_TEST else pytest.mark.long) for n in SIZES])
def test_files_that_may_not_grow(
    shops: Shops, undisturbed: Control, size: int, engine: str, record_property: Record
) -> None:
    with moved(shops, "duckdb") as shop:
        before = shop.published()
        synced = shop.ended(shop.begin(prepare=partial(quota, size * KIB)))
        record_property("came to", as_it_says(shop, synced, before))
        healed(shop, undisturbed)


@pytest.mark.long
@pytest.mark.duckdb_only
@pytest.mark.parametrize("room", ROOM)
def test_a_file_on_a_full_disk(
    shops: Shops, undisturbed: Control, tmp_path: Path, room: int, engine: str, record_property: Record
) -> None:
    with shops.open("duckdb", stocked=True) as shop:
        template = Path(shop.database.url)
        size = template.stat().st_size
        with small_disk(tmp_path, size * 3) as resize:
            url = str(tmp_path / template.name)
            copied(template, Path(url))
            shop.database = TestDatabase(url, target(url), "duckdb")
            move(shop)
            before = shop.published()
            used = shutil.disk_usage(tmp_path).used
            resize(used + room * KIB)
            synced = shop.ended(shop.begin())
            record_property("came to", as_it_says(shop, synced, before))
            resize(size * 10)
            healed(shop, undisturbed)


ROOM_OF_POSTGRES = (0, 8, 16, 32, 64, 256)
"""KiB that the tables' disk has left; the server's log of changes is on another."""


@contextmanager
def tablespace(shop: Shop) -> Iterator[tuple[Path, Callable[[int], None]]]:
    """The shop's database moved to a disk of its own: where it is mounted, and what changes its size."""
    server = shop.database.server
    assert server is not None
    (server.directory / "disk").mkdir()
    name = dict(shop.database.target.parameters)["dbname"]
    with small_disk(server.directory / "disk", 256 * KIB * KIB) as resize, connect(server.target("postgres")) as admin:
        directory = server.directory / "disk" / "tables"
        directory.mkdir()
        shutil.chown(directory, server.directory.stat().st_uid)
        admin.execute(f"create tablespace small location '{directory}'")
        admin.execute(f"alter database {name} set tablespace small")
        try:
            yield server.directory / "disk", resize
        finally:
            resize(256 * KIB * KIB)
            admin.execute(f"drop database {name} with (force)")
            admin.execute("drop tablespace small")
    (server.directory / "disk").rmdir()


@pytest.mark.long
@pytest.mark.postgres_only
@pytest.mark.parametrize("room", ROOM_OF_POSTGRES)
def test_tables_on_a_full_disk(shops: Shops, room: int, engine: str, record_property: Record) -> None:
    by = control(shops, "postgres")
    with moved(shops, "postgres") as shop, tablespace(shop) as (disk, resize):
        before = shop.published()
        resize(shutil.disk_usage(disk).used + room * KIB)
        synced = shop.ended(shop.begin())
        said = as_it_says(shop, synced, before)
        record_property("came to", said)
        resize(256 * KIB * KIB)
        if said == "published":
            assert left(shop) == by.left
        else:
            healed(shop, by)
