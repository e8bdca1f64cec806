"""A Postgres of one test's own, that can be stopped as by a power cut and started again."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import postgres
from tests.databases import Databases, Engine

_OPTIONS = (
    "-c fsync=off -c synchronous_commit=on -c full_page_writes=on -c max_connections=100 -c shared_buffers=32MB "
    "-c listen_addresses='' -c unix_socket_directories='{directory}'"
)
"""What is committed is in the log before the client hears of it: a cut must lose nothing that was told."""


@dataclass
class Mains:
    """The server's power."""

    server: postgres.Server
    binaries: Path
    owner: dict[str, Any]

    def cut(self) -> None:
        """Stop at once: every connection is lost, nothing is tidied up."""
        self._control("--mode=immediate", "stop")

    def restore(self) -> None:
        """Start it again; it recovers from its log first."""
        directory = self.server.directory
        options = _OPTIONS.format(directory=directory)
        self._control("--wait", f"--log={directory}/log", f"--options={options}", "start")

    def _control(self, *words: str) -> None:
        subprocess.run(
            [self.binaries / "pg_ctl", f"--pgdata={self.server.directory}/data", "--silent", *words],
            check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            cwd="/", start_new_session=True, **self.owner,
        )  # fmt: skip


@contextmanager
def own_server() -> Iterator[Mains]:
    """A server whose commits are durable, gone at the end, running or not."""
    server = postgres.start(postgres.wheel_postgres())
    try:
        owner = server.directory.stat().st_uid
        as_owner = {} if owner == os.geteuid() else _as(owner)
        mains = Mains(server, _binaries(server), as_owner)
        mains.cut()
        mains.restore()
        yield mains
    finally:
        server.stop()


class OneServer(Databases):
    """Databases that are all in one server of the test's own."""

    def __init__(self, directory: Path, mains: Mains) -> None:
        super().__init__(directory)
        self._mains = mains

    def server(self, engine: Engine) -> postgres.Server:
        assert engine == "postgres"
        return self._mains.server


def _as(uid: int) -> dict[str, Any]:
    return {"user": uid, "group": pwd.getpwuid(uid).pw_gid, "extra_groups": ()}


def _binaries(server: postgres.Server) -> Path:
    """Where the server that runs was started from: a copy, where its user can't read the wheel."""
    pid = (server.directory / "data" / "postmaster.pid").read_text().split()[0]
    return Path(f"/proc/{pid}/exe").resolve().parent
