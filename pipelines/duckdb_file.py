"""Opens a DuckDB file: waits for who has it, and lets go of it in between, so that others get at it."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from pipelines.errors import ConfigurationError
from pipelines.fold import fold, is_guarded, leave_in_wal, put_back
from pipelines.plain import first_line

PATIENCE = 60.0
"""Seconds to wait for a file that another process holds (DESIGN.md, One sync)."""

_HEADERS = 12_288
"""Bytes that a file begins with: a shorter one is being made by another process, or is none."""

_MAKING = 1.0
"""Seconds that making one may take."""

_POLL = 0.05

_HOLDER = re.compile(r"held in (?P<program>\S+).*?\(PID (?P<pid>\d+)\)", re.DOTALL)

_LOCKED = "Could not set lock"
"""DuckDB's word for a file that somebody else has."""

Raw = duckdb.DuckDBPyConnection
Tell = Callable[[str], None]

_LARGE = 100_000_000
"""Bytes of a file from which on a DuckDB is made for each opening: it would keep 100 MB of what the last query took."""

_ITS_OWN = ("memory", "information_schema", "pg_catalog")
"""Names that a DuckDB without a file has taken: a file of such a name is opened as it comes."""


class _Kept:
    """A DuckDB without a file, to which one is attached while somebody in this process has it open: that takes 1.5 ms,
    where making a DuckDB takes 15. After a failure it is made anew: some leave one that serves nobody any more."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._duckdb: Raw | None = None
        self._name = ""
        self._given: list[Raw] = []
        self._is_read_only = False
        self._has_failed = False
        self._is_sound = True

    def is_ours(self) -> bool:
        """Whether it is this process's: one that was forked with it has none of its threads."""
        return os.getpid() == self._pid

    def serves(self, path: Path) -> bool:
        """Whether it may be used for a file here."""
        named = path.name.lstrip(".").partition(".")[0].casefold()
        return path == self._path and self.is_ours() and named not in _ITS_OWN

    def make(self) -> Raw:
        """The DuckDB itself, made where there is none."""
        if self._duckdb is None:
            self._duckdb = _without_file(self._path)
        return self._duckdb

    def open(self, read_only: bool) -> Raw:
        """A connection to the file, as `duckdb.connect` gives it. Raises duckdb.Error."""
        with self._lock:
            try:
                if not self._given:
                    self._attach(read_only)
                elif read_only != self._is_read_only:
                    raise duckdb.ConnectionException("this process has it open already, and otherwise")
                raw = self.make().cursor()
                raw.execute(f"use {self._name}")
                self._given.append(raw)
                return raw
            finally:
                if not self._given:
                    self.end()

    def _attach(self, read_only: bool) -> None:
        if not self._is_sound:
            self.end()
        here = self.make()
        self._is_sound, self._has_failed = False, False  # until it is detached again
        self._is_read_only = read_only
        place = str(self._path).replace("'", "''")
        here.execute(f"attach '{place}' (type duckdb{', read_only' if read_only else ''})")
        # It is called as DuckDB calls it wherever the file is opened: by what its name begins with, or nearly so.
        names = "select database_name from duckdb_databases() where not internal and path is not null"
        [[name]] = here.execute(names).fetchall()
        self._name = '"' + name.replace('"', '""') + '"'

    def close(self, raw: Raw, *, failed: bool) -> None:
        """Close a connection, and let go of the file where it was the last one."""
        with self._lock:
            # What the queries of a large file took is given back to the machine: that takes 15 ms, they take more.
            self._has_failed = self._has_failed or failed or _is_large(self._path)
            try:
                raw.close()
                if raw in self._given:
                    self._given.remove(raw)
                    self._detach()
            finally:
                if not self._given and not self._is_sound:
                    self.end()

    def _detach(self) -> None:
        """Let go of the file where nobody has it; where that fails, what ends this does."""
        if not self._given and not self._has_failed:
            with suppress(duckdb.Error):
                self.make().execute(f"detach {self._name}")
                self._is_sound = True

    def afresh(self) -> None:
        """Let go of the file, whoever was interrupted while it had it: to be called where nobody has it."""
        with self._lock:
            if self._given or not self._is_sound:
                self.end()

    def end(self) -> None:
        """Close it, and every connection that it gave."""
        while self._given:
            self._given.pop().close()
        if self._duckdb is not None:
            self._duckdb.close()
        self._duckdb, self._is_sound = None, True


_KEPT: list[_Kept] = []
"""That of the process, while it opens its file often."""


@contextmanager
def often(path: Path | None) -> Iterator[None]:
    """Have this process open a file with less effort meanwhile, for it does so again and again."""
    if path is None:
        yield
        return
    kept = _Kept(path)
    _KEPT.append(kept)
    try:
        yield
    finally:
        _KEPT.remove(kept)
        kept.end()


def keep(path: Path | None) -> None:
    """Have this process open a file with less effort as long as it lives, beginning with the first time."""
    if path is not None:
        kept = _Kept(path)
        kept.make()
        _KEPT.append(kept)


def afresh() -> None:
    """Whatever a signal interrupted: nothing of this process has its file open any more."""
    for kept in _KEPT:
        if kept.is_ours():
            kept.afresh()


@contextmanager
def opened(path: Path, *, read_only: bool, patience: float, waiting: Tell | None, at_end: bool) -> Iterator[Raw]:
    """The file, open until the end; what was written is folded in then where it has become much (fold.py).

    A file that another process holds is waited for, `patience` seconds; `waiting` is told once, in a sentence. A
    missing one is made unless `read_only`. Raises ConfigurationError: no file, none of DuckDB's, held too long.
    """
    kept = next((one for one in _KEPT if one.serves(path)), None)
    raw = _open_file(path, read_only, patience, waiting, kept)
    failed = True
    try:
        yield raw
        failed = False
    finally:
        try:
            if not read_only:
                fold(raw, path, at_end=at_end)
        finally:
            _close(raw, kept, failed=failed)


def _open_file(path: Path, read_only: bool, patience: float, waiting: Tell | None, kept: _Kept | None) -> Raw:
    if read_only and not path.exists():
        raise ConfigurationError(f"There is no database at {path} yet: run `guidelight migrate` or `make sync`")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"The directory of {path} can't be made: {error.strerror}. Choose another path"
        ) from error
    began = time.monotonic()
    deadline = began + patience
    told = False
    while True:
        who, cause = "another process", None
        try:
            put_back(path)
            raw = _ready(path, read_only, kept)
            if raw is not None:
                return raw
            continue  # who folded it died just before it was opened
        except BlockingIOError:
            pass
        except duckdb.Error as error:
            if _is_being_made(path) and time.monotonic() < began + _MAKING:
                time.sleep(_POLL)
                continue
            if _LOCKED not in str(error):
                raise ConfigurationError(
                    f"{path} can't be opened as a DuckDB file: {first_line(error).rstrip('.!')}. "
                    "Restore it, or move it away and sync anew"
                ) from error
            holder, cause = _HOLDER.search(str(error)), error
            if holder is not None:
                who = f"process {holder['pid']} ({Path(holder['program']).name})"
        if time.monotonic() >= deadline:
            raise ConfigurationError(
                f"{path} is held by {who}, for more than {patience:.0f} s: close it there and try again"
            ) from cause
        if waiting is not None and not told:
            waiting(f"waiting for {path.name}, which {who} has open")
            told = True
        time.sleep(_POLL)


def _ready(path: Path, read_only: bool, kept: _Kept | None) -> Raw | None:
    """The file, as all of ours have it; None where somebody left a guard beside it meanwhile."""
    raw = duckdb.connect(str(path), read_only=read_only) if kept is None else kept.open(read_only)
    is_ready = False
    try:
        # It goes to standard output, in front of what a command prints there.
        raw.execute("set enable_progress_bar = false")
        if not read_only:
            leave_in_wal(raw)
        is_ready = not is_guarded(path)
    finally:
        if not is_ready:
            _close(raw, kept, failed=True)
    return raw if is_ready else None


def _without_file(path: Path) -> Raw:
    raw = duckdb.connect()
    # What is too large for memory goes where it went with the file's own DuckDB, not to the working directory.
    raw.execute("set temp_directory = $place", {"place": f"{path}.tmp"})
    leave_in_wal(raw)
    return raw


def _close(raw: Raw, kept: _Kept | None, *, failed: bool) -> None:
    if kept is None:
        raw.close()
    else:
        kept.close(raw, failed=failed)


def _is_large(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > _LARGE


def _is_being_made(path: Path) -> bool:
    return path.is_file() and path.stat().st_size < _HEADERS
