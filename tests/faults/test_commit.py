"""The connection is lost exactly at a commit: the client can't know, the log row can (RELIABILITY.md, 101)."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.settings import target
from tests.databases import TestDatabase
from tests.faults.aftermath import Control, control, left, moved
from tests.faults.proxy import Proxy
from tests.shop import Shop
from tests.shops import Shops

pytestmark = pytest.mark.postgres_only


@pytest.fixture
def shop(shops: Shops) -> Iterator[Shop]:
    with moved(shops, "postgres") as opened:
        yield opened


@pytest.fixture
def undisturbed(shops: Shops) -> Control:
    return control(shops, "postgres")


@pytest.fixture
def directory() -> Iterator[Path]:
    """Short: the name of a socket has 107 characters at most."""
    made = Path(tempfile.mkdtemp(prefix="guidelight-proxy-"))
    yield made
    shutil.rmtree(made)


def behind(shop: Shop, directory: Path, marked: bytes, *, lets_through: bool) -> tuple[Shop, Proxy]:
    """The shop as it is reached through a proxy, and the proxy."""
    server = shop.database.server
    assert server is not None
    url = shop.database.url.replace(str(server.directory), str(directory))
    database = TestDatabase(url, target(url), "postgres", server)
    return replace(shop, database=database), Proxy(directory, server.directory, marked, lets_through)


@pytest.mark.parametrize("lets_through", [True, pytest.param(False, marks=pytest.mark.long)])
def test_the_commit_of_the_publish(shop: Shop, undisturbed: Control, directory: Path, lets_through: bool) -> None:
    before = shop.published()
    through, proxy = behind(shop, directory, b"guidelight_changes", lets_through=lets_through)
    with proxy:
        synced = shop.ended(through.begin())
    assert proxy.has_cut.is_set()
    assert (synced.row["published_at"] is not None) is lets_through
    assert "Traceback" not in synced.ran.stderr
    if lets_through:
        assert (synced.status, synced.counts) == (undisturbed.synced.status, undisturbed.synced.counts)
        assert synced.problems == undisturbed.synced.problems, "it was published, and is checked"
    else:
        assert (synced.status, synced.row["status"]) == (1, "failed")
        assert synced.row["error_message"] == synced.result["error"] and "\n" not in synced.result["error"]
        assert shop.published() == before
        assert shop.ended(shop.begin()).counts == undisturbed.synced.counts
    assert left(shop) == undisturbed.left


@pytest.mark.long
@pytest.mark.parametrize("lets_through", [True, False])
def test_the_commit_of_the_logs_end(shop: Shop, undisturbed: Control, directory: Path, lets_through: bool) -> None:
    through, proxy = behind(shop, directory, b"duration_ms", lets_through=lets_through)
    with proxy:
        synced = shop.ended(through.begin())
    assert proxy.has_cut.is_set()
    assert synced.row["status"] == "partial" and synced.row["published_at"] is not None
    assert "Traceback" not in synced.ran.stderr
    assert synced.status == 3 and synced.counts == undisturbed.synced.counts
    assert left(shop) == undisturbed.left
    assert shop.ended(shop.begin()).counts[1:3] == (0, 0)


@pytest.mark.long
@pytest.mark.parametrize("lets_through", [True, False])
def test_the_commit_of_the_turn(shop: Shop, undisturbed: Control, directory: Path, lets_through: bool) -> None:
    """It may stand in sync_turns under a process that has ended: the next sync finds that out at once."""
    before = shop.published()
    through, proxy = behind(shop, directory, b"taken_at", lets_through=lets_through)
    with proxy:
        ran = through.begin().wait()
    assert proxy.has_cut.is_set()
    assert ran.status == 1 and "Traceback" not in ran.stderr and "\n" not in ran.error
    assert shop.published() == before
    assert shop.ended(shop.begin()).counts == undisturbed.synced.counts
    assert [log["status"] for log in shop.logs()] == ["success", *(["failed"] if lets_through else []), "partial"]
    assert left(shop) == undisturbed.left
