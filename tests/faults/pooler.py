"""pgbouncer in transaction mode, as Debian packages it, before a server of the tests."""

from __future__ import annotations

import os
import pwd
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipelines.settings import target
from tests import postgres
from tests.databases import TestDatabase
from tests.warm import PATIENCE, until

PGBOUNCER = Path("/usr/sbin/pgbouncer")

_INI = """
[databases]
* = host={server} user=postgres

[pgbouncer]
listen_addr =
unix_socket_dir = {directory}
listen_port = 5432
auth_type = any
pool_mode = transaction
logfile = {directory}/log
pidfile = {directory}/pid
"""
"""Where it listens, where it leads and who may: every other setting is its default."""


@contextmanager
def pooled(server: postgres.Server) -> Iterator[Path]:
    """The directory with the pooler's socket. Skipped where there is no pgbouncer."""
    if not PGBOUNCER.exists():
        pytest.skip(f"there is no {PGBOUNCER} here (Debian: apt-get install pgbouncer): no pooler was tried")
    directory = Path(tempfile.mkdtemp(prefix="guidelight-pooler-"))
    user: dict[str, Any] = {}
    if os.geteuid() == 0:  # it refuses to run as root
        account = pwd.getpwnam("nobody")
        user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": ()}
        os.chown(directory, account.pw_uid, account.pw_gid)
    settings = directory / "pgbouncer.ini"
    settings.write_text(_INI.format(server=server.directory, directory=directory))
    settings.chmod(0o644)
    process = subprocess.Popen(
        [PGBOUNCER, settings], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **user
    )
    try:
        socket = directory / ".s.PGSQL.5432"
        until(lambda: socket.exists() or process.poll() is not None, "pgbouncer listens")
        assert process.poll() is None, (directory / "log").read_text()
        yield directory
    finally:
        process.terminate()
        process.wait(PATIENCE)


def through(directory: Path, database: TestDatabase) -> TestDatabase:
    """A database as it is reached through the pooler."""
    assert database.server is not None
    url = database.url.replace(str(database.server.directory), str(directory)) + "&pgbouncer=true"
    return TestDatabase(url, target(url), "postgres", database.server)
