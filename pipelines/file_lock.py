"""DuckDB's turn: an OS lock on `<file>.lock`, which names source, sync and process."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from filelock import lock_descriptor

from pipelines.errors import ConfigurationError, TurnRefused
from pipelines.settings import Target

Tell = Callable[[str], None]


@contextmanager
def file_lock(target: Target, source: str, act: str, sync_log_id: UUID, tell: Tell) -> Iterator[None]:
    """DuckDB: an OS lock on `<file>.lock`, which names who has it. It ends with this process, however that ends.

    `act`: sync or plan.
    Raises TurnRefused when the source is being read already, ConfigurationError when the name can't be written.
    """
    assert target.path is not None
    path = Path(f"{target.path}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        told = False
        while not lock_descriptor(descriptor, blocking=False):
            holder = _named(descriptor)
            if holder.get("source") == source:
                who = f"process {holder.get('pid')}"
                their = holder.get("act", "sync")
                raise TurnRefused(
                    refusal(source, their, holder.get("sync_log_id", "?"), who), holder.get("sync_log_id")
                )
            if holder and not told:
                tell(
                    f"waiting for the {holder.get('act', 'sync')} of {holder.get('source')} "
                    f"(process {holder.get('pid')}), which has the file"
                )
                told = True
            time.sleep(0.1)
        try:
            _name(descriptor, {"source": source, "act": act, "sync_log_id": str(sync_log_id), "pid": str(os.getpid())})
        except OSError as error:
            raise ConfigurationError(f"{path} can't be written: {error.strerror}. Make room there") from error
        try:
            yield
        finally:
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _named(descriptor: int) -> dict[str, str]:
    """Who holds the lock; empty while it is being written."""
    text = os.pread(descriptor, 4096, 0)
    try:
        return dict(json.loads(text))
    except ValueError:
        return {}


def _name(descriptor: int, holder: dict[str, str]) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(holder).encode(), 0)


def refusal(source: str, act: str, sync_log_id: str, who: str) -> str:
    """What a second sync or plan of the same source is told."""
    if act == "plan":
        return f"{source} is already being read for a plan: {sync_log_id} ({who}). Wait for it"
    return f"{source} is already syncing: sync {sync_log_id} ({who}). Wait for it, or look at `guidelight logs show`"
