"""The process that imports and parses dbt while the network waits, and runs it when it is asked to.

A process of its own can be killed in the middle of a publish, and its start costs nothing: a shop's answer is slow
network waiting beside an idle processor (STACK.md, Start-up).
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection as Pipe
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import TYPE_CHECKING, Any

from pipelines.errors import SyncFailed
from pipelines.settings import Target
from pipelines.transform import Dbt, Publish

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

PARSED: dict[str, Manifest] = {}
"""Manifests that a long-lived process parsed beforehand, one an engine: what it forks is warm at once."""

_TRACKERS_WARNING = "ignore:resource_tracker"

_GRACE = 5.0
"""Seconds between asking the process to end and killing it."""


class Warm:
    """dbt in a process of its own, started at once; a context manager that never outlives it."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._start()

    def _start(self) -> None:
        # Killed in the middle of its work it leaves semaphores of dbt's, which Python's tracker removes, and mourns.
        if _TRACKERS_WARNING not in sys.warnoptions:
            sys.warnoptions.append(_TRACKERS_WARNING)
        method = "fork" if self._target.engine in PARSED else "spawn"
        context: Any = multiprocessing.get_context(method)
        self._pipe, theirs = context.Pipe()
        ours = self._pipe if method == "fork" else None
        self._process: BaseProcess | None = context.Process(
            target=_serve, args=(theirs, ours, self._target, os.getpid()), name="guidelight-dbt", daemon=True
        )
        # A forked child has our handlers until it sets its own, and either has Python's for Ctrl-C.
        early = {signal.SIGINT, signal.SIGTERM} if method == "fork" else {signal.SIGINT}
        before = signal.pthread_sigmask(signal.SIG_BLOCK, early)
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()

    def make_views(self) -> None:
        """Load category_map and make every view. Raises SyncFailed with dbt's reason."""
        self._ask("make_views")

    def publish(self, wanted: Publish) -> None:
        """Publish one change set. Raises SyncFailed; only published_at tells whether it stands."""
        self._ask("publish", wanted)

    def _ask(self, *task: object) -> None:
        if self._process is None:
            self._start()
        try:
            self._pipe.send(task)
            answer = self._pipe.recv()
        except (EOFError, OSError) as error:
            raise SyncFailed("the process that runs dbt ended without an answer: run the sync again") from error
        if answer is not None:
            raise SyncFailed(answer)

    def __enter__(self) -> Warm:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the process, whatever it does: what it had not committed is rolled back. The next task starts another."""
        process, self._process = self._process, None
        if process is None:
            return
        self._pipe.close()
        process.terminate()
        process.join(_GRACE)
        if process.is_alive():
            process.kill()
            process.join()


def _serve(pipe: Pipe, parents_end: Pipe | None, target: Target, parent: int) -> None:
    """Parse, then do what the parent asks until it is gone. A publish is never begun for a parent that is."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    if parents_end is not None:
        parents_end.close()
    with contextlib.suppress(EOFError, BrokenPipeError):
        dbt, failure = _started(target)
        while True:
            task = pipe.recv()
            if os.getppid() != parent:
                break
            pipe.send(failure if dbt is None else _answer(dbt, task))
    sys.stdout.flush()
    # DuckDB may print about leaked objects at an ordinary exit (STACK.md).
    os._exit(0)


def _started(target: Target) -> tuple[Dbt | None, str | None]:
    try:
        return Dbt(target, PARSED.get(target.engine)), None
    except SyncFailed as error:
        return None, str(error)


def _answer(dbt: Dbt, task: tuple[str, Publish] | tuple[str]) -> str | None:
    acts: dict[str, Callable[..., None]] = {"make_views": dbt.make_views, "publish": dbt.publish}
    try:
        acts[task[0]](*task[1:])
    except SyncFailed as error:
        return str(error)
    return None
