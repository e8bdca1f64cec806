"""Folds what was written to a DuckDB file into it, under the guard of a copy.

DuckDB folds at each close, and writes blocks of metadata in place while it does: of 250 processes that were killed at
random one left a file that nothing opens (2.0.0: "computed checksum … does not match stored checksum … in block at
location 12288"), of 250 that only wrote to the WAL none did. So ours leave what is small in the WAL, and fold in here
what is large, or is left when a command has done. Who is killed meanwhile, or has no room, leaves the guard, and who
opens the file next puts it back.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import threading
from contextlib import ExitStack, suppress
from pathlib import Path

import duckdb

from pipelines.errors import ConfigurationError

FOLDED_FROM = 8_000_000
"""Bytes of WAL from which it is folded in: each that opens the file reads it whole, a fiftieth of a second a MB."""

_SMALL = 50_000_000
"""Bytes of a file that is copied in less time than its WAL is read by those who open it in one sync,"""

_SMALL_FROM = 400_000
"""where that is as large as this."""

_WORTH = 20
"""At a command's end it is folded in where the file is small, or the WAL more than this part of it."""

_NEVER = ("pragma disable_checkpoint_on_shutdown", "set checkpoint_threshold = '1TB'")

_FOLDING = threading.Lock()
"""Of this process; every other is kept out by DuckDB's lock."""


def leave_in_wal(raw: duckdb.DuckDBPyConnection) -> None:
    """Keep DuckDB from folding by itself, in every connection of this process to the file."""
    for statement in _NEVER:
        raw.execute(statement)


def fold(raw: duckdb.DuckDBPyConnection, path: Path, *, at_end: bool = False) -> None:
    """Fold the WAL in where it has become large; to be called by who has the file open for writing, before it closes.

    `at_end`: a command has done, and what it leaves should be one file wherever that costs little.
    Where there is no room for the copy, or others of this process are writing, the WAL stays until the next close.
    """
    if not _is_large(path, at_end=at_end) or not _FOLDING.acquire(blocking=False):
        return
    try:
        held = _made(path)
        try:
            # Where others of this process are writing it is refused, and the file as it was.
            with suppress(duckdb.TransactionException):
                raw.execute("checkpoint")
            # Before it is let go: whoever could have it would put back what is folded by now.
            _removed(_guard(path))
        except (duckdb.Error, RuntimeError):
            # No room, a failing disk, or a signal, which comes again: who opens the file next puts back what it was.
            return
        finally:
            os.close(held)
    except (OSError, subprocess.CalledProcessError):
        return
    finally:
        _FOLDING.release()


def _is_large(path: Path, *, at_end: bool) -> bool:
    wal = _wal(path)
    if not wal.exists():
        return False
    size, whole = wal.stat().st_size, path.stat().st_size
    is_small = whole < _SMALL
    return size >= FOLDED_FROM or (is_small and size >= _SMALL_FROM) or (at_end and (is_small or size > whole / _WORTH))


def is_guarded(path: Path) -> bool:
    """Whether somebody is folding the file, or died while it did."""
    return _guard(path).exists()


def put_back(path: Path) -> None:
    """Where who folded the file is gone, put back what it was before: nothing that was committed is lost.

    Raises BlockingIOError while somebody is folding it, ConfigurationError where it can't be put back.
    """
    guard = _guard(path)
    try:
        held = os.open(guard, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Another may have done it, or taken the guard away, before the lock was ours.
        if guard.exists() and os.path.samestat(guard.stat(), os.fstat(held)):
            for file in (path.resolve(), _wal(path).resolve()):
                fresh = file.with_name(f"{file.name}.back")
                shutil.copy2(guard / file.name, fresh)
                fresh.replace(file)
            _removed(guard)
    except BlockingIOError:
        raise
    except OSError as error:
        raise ConfigurationError(
            f"{path} was left half written by a process that died, and can't be put back from {guard}: "
            f"{error.strerror or error}. Make room there, or let someone who may write there run any command"
        ) from error
    finally:
        os.close(held)


def _made(path: Path) -> int:
    """Copy the file and its WAL beside it, and hold that until what is returned is closed. Raises OSError."""
    fresh = path.with_name(f"{path.name}.guard-new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    with ExitStack() as undone:
        held = os.open(fresh, os.O_RDONLY)
        undone.callback(os.close, held)
        fcntl.flock(held, fcntl.LOCK_EX)
        # By another process: one that opens the file and closes it loses all of its locks on it, DuckDB's among them.
        copy = ("cp", "-p", str(path), str(_wal(path)), str(fresh))
        subprocess.run(copy, check=True, capture_output=True)  # noqa: S603 - of our own words
        fresh.replace(_guard(path))
        undone.pop_all()
    return held


def _removed(guard: Path) -> None:
    """As a whole: half a guard would be worse than none."""
    done = guard.with_name(f"{guard.name}-done")
    shutil.rmtree(done, ignore_errors=True)
    guard.replace(done)
    shutil.rmtree(done, ignore_errors=True)


def _guard(path: Path) -> Path:
    return path.with_name(f"{path.name}.guard")


def _wal(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")
