"""Two containers: neither can see the other's processes, so that only silence tells who is dead (DESIGN.md, step 2)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines.settings import ROOT
from tests.shop import PRODUCTS, Shop
from tests.test_interrupt import children, is_alive
from tests.warm import PATIENCE, until

pytestmark = pytest.mark.postgres_only

_NAMESPACES = ("--net", "--pid", "--fork", "--kill-child", "--mount-proc")
"""No network but a loopback that is down: a socket in the file system is all that leads out."""

SILENT = "update sync_turns set heartbeat_at = clock_timestamp() - $seconds * interval '1 second'"

ELSEWHERE = "update sync_turns set pid_namespace = 'pid:[1]', pid = 1"


def _unshare() -> list[str] | None:
    """The command that makes the namespaces; None where this machine permits none of them."""
    for words in (["unshare", *_NAMESPACES], ["unshare", "--map-root-user", *_NAMESPACES]):
        if shutil.which("unshare") and subprocess.run([*words, "true"], capture_output=True).returncode == 0:
            return words
    return None


@dataclass
class Container:
    """A process in another place, that was told to take the turn; `first` is what it said then."""

    process: subprocess.Popen[str]
    stderr: Path
    first: str = ""

    def listen(self) -> str:
        """Wait for its first word."""
        assert self.process.stdout is not None
        self.first = self.process.stdout.readline().strip()
        assert self.first, self.stderr.read_text()
        return self.first

    @property
    def sync_log_id(self) -> str:
        assert self.first.startswith("has "), self.first
        return self.first.removeprefix("has ")

    def kill(self) -> None:
        """SIGKILL; its namespace, and all that runs there, goes with it."""
        inside = children(self.process.pid) if self.process.poll() is None else []
        self.process.kill()
        self.process.wait(PATIENCE)
        until(lambda: not any(is_alive(pid) for pid in inside), "nobody in it can beat any more")

    def end(self) -> None:
        """Let it give the turn back."""
        self.process.communicate(timeout=PATIENCE)


@pytest.fixture(scope="module")
def unshare() -> list[str] | None:
    words = _unshare()
    if words is None:
        warnings.warn(
            "this machine permits no namespaces: the containers are processes of this one, whose rows in sync_turns "
            "are given another namespace by hand",
            stacklevel=1,
        )
    return words


@contextmanager
def container(shop: Shop, unshare: list[str] | None) -> Iterator[Container]:
    """Begin to take the turn in another container."""
    shop.home.mkdir(exist_ok=True)
    number = len(list(shop.home.glob("container-*")))
    stderr = shop.home / f"container-{number}"
    with stderr.open("w") as file:
        process = subprocess.Popen(
            [*(unshare or []), sys.executable, "-m", "tests.faults.container", shop.database.url],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file, text=True, cwd=ROOT,
            env={"PATH": os.defpath, "HOME": str(shop.home), "TMPDIR": str(shop.home)},
        )  # fmt: skip
    started = Container(process, stderr)
    try:
        yield started
    finally:
        started.kill()


@contextmanager
def holder(shop: Shop, unshare: list[str] | None) -> Iterator[Container]:
    """A container that has the turn."""
    with container(shop, unshare) as started:
        started.listen()
        if unshare is None:
            shop.execute(ELSEWHERE)
        yield started


@pytest.mark.long
def test_who_beats_in_another_container_is_respected(stocked: Shop, unshare: list[str] | None) -> None:
    with holder(stocked, unshare) as first:
        row = stocked.rows("select pid, pid_namespace, host from sync_turns")[0]
        assert row["pid_namespace"] != str(Path("/proc/self/ns/pid").readlink()) and row["pid"] < 10
        refused = stocked.sync()
        assert (refused.status, refused.result["sync_log_id"]) == (4, first.sync_log_id)
        assert f"process {row['pid']} on {row['host']}" in refused.ran.error
        with container(stocked, unshare) as second:
            assert second.listen().startswith("refused: treez is already syncing: sync " + first.sync_log_id)
        first.end()
    assert stocked.log(first.sync_log_id)["status"] == "failed", "it gave back a turn in which it published nothing"
    assert stocked.sync().counts == (PRODUCTS, 0, 0, PRODUCTS)


def test_who_died_in_another_container_has_the_turn_for_a_minute(stocked: Shop, unshare: list[str] | None) -> None:
    before = stocked.published()
    with holder(stocked, unshare) as first:
        first.kill()
        stocked.execute(SILENT, seconds=0)
        refused = stocked.sync()
        assert (refused.status, refused.result["sync_log_id"]) == (4, first.sync_log_id)
        stocked.execute(SILENT, seconds=30)
        with container(stocked, unshare) as second:
            until(lambda: "has been silent for" in second.stderr.read_text(), "it says that it waits")
            assert stocked.running_log()["id"] == stocked.log(first.sync_log_id)["id"], "nothing is taken yet"
            stocked.execute(SILENT, seconds=61)
            second.listen()
            closed = stocked.log(first.sync_log_id)
            assert (closed["status"], closed["error_message"]) == ("failed", "interrupted before publish")
            assert str(stocked.running_log()["id"]) == second.sync_log_id
            assert stocked.published() == before
            second.end()
    assert stocked.sync().counts == (PRODUCTS, 0, 0, PRODUCTS)


@pytest.mark.long
def test_a_process_of_the_same_number_here_proves_nothing(stocked: Shop, unshare: list[str] | None) -> None:
    """A container's process 1 or 2 died; ours of that number lives, or never was: neither counts."""
    with holder(stocked, unshare) as first:
        first.kill()
    for pid in (1, 4_000_000):
        stocked.execute("update sync_turns set pid = $pid, heartbeat_at = clock_timestamp()", pid=pid)
        assert stocked.sync().status == 4
    stocked.execute(SILENT, seconds=61)
    assert stocked.sync().counts == (PRODUCTS, 0, 0, PRODUCTS)
    assert stocked.log(first.sync_log_id)["status"] == "failed"
