"""A process that makes its imports first, and then does what its parent asks, task by task, until that is gone.

A process of its own can be killed in the middle of its work, and its start hides behind what the parent waits for.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from multiprocessing.connection import Connection as Pipe
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any

from pipelines.errors import GuidelightError, SyncFailed

Acts = Mapping[str, Callable[..., Any]]
Prepare = Callable[[], Acts]

_TRACKERS_WARNING = "ignore:resource_tracker"

_GRACE = 5.0
"""Seconds between asking the process to end and killing it."""


class Worker:
    """A process that is told to `prepare` its acts when it is started, at the latest by its first task; `forks` where
    this one is prepared already."""

    def __init__(self, name: str, prepare: Prepare, *, forks: bool) -> None:
        self._name = name
        self._prepare = prepare
        self.forks = forks
        self._process: BaseProcess | None = None
        self._dismissed: list[BaseProcess] = []

    def start(self) -> None:
        """Start the process where none is running. Raises SyncFailed where the machine has no room for another."""
        if self._process is None:
            self._start()

    def _start(self) -> None:
        # Killed in the middle of its work it leaves semaphores, which Python's tracker removes, and mourns.
        if _TRACKERS_WARNING not in sys.warnoptions:
            sys.warnoptions.append(_TRACKERS_WARNING)
        context: Any = multiprocessing.get_context("fork" if self.forks else "spawn")
        try:
            self._pipe, theirs = context.Pipe()
            ours = self._pipe if self.forks else None
            self._process = context.Process(
                target=_serve,
                args=(theirs, ours, self._prepare, os.getpid()),
                name=f"guidelight-{self._name}",
                daemon=True,
            )
            self._launch(self._process)
        except OSError as error:
            self._process = None
            raise SyncFailed(
                f"the process that runs {self._name} can't be started: {error.strerror}. End what else runs on this "
                "machine, and run the sync again"
            ) from error
        theirs.close()

    def _launch(self, process: BaseProcess) -> None:
        # A forked child has our handlers until it sets its own, and either has Python's for Ctrl-C.
        early = {signal.SIGINT, signal.SIGTERM} if self.forks else {signal.SIGINT}
        before = signal.pthread_sigmask(signal.SIG_BLOCK, early)
        try:
            with _main_left_out():
                process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def ask(self, act: str, *arguments: object) -> Any:
        """Have an act done and return its answer; a process that was stopped is started anew.

        Raises SyncFailed with the sentence of an error of ours, which is its cause; or when the process ended without
        an answer.
        """
        return self.begin(act, *arguments)()

    def begin(self, act: str, *arguments: object) -> Callable[[], Any]:
        """Have an act begun; what is returned waits for its answer, as `ask` does."""
        self.start()
        gone: OSError | None = None
        try:
            self._pipe.send((act, arguments))
        except OSError as error:
            gone = error
        return partial(self._answer, gone)

    def _answer(self, gone: OSError | None) -> Any:
        try:
            if gone is not None:
                raise gone
            answer, failure = self._pipe.recv()
        except (EOFError, OSError) as error:
            raise SyncFailed(
                f"the process that runs {self._name} ended without an answer: run the sync again"
            ) from error
        if failure is not None:
            raise SyncFailed(str(failure)) from failure
        return answer

    def dismiss(self) -> None:
        """End the process, whatever it does, and don't wait until it is gone: what it had not committed is rolled
        back."""
        process, self._process = self._process, None
        if process is None:
            return
        self._pipe.close()
        if process.pid is None:  # a signal came while it was started
            return
        self._dismissed.append(process)
        process.terminate()

    def stop(self) -> None:
        """End the process, and wait until it is gone."""
        self.dismiss()
        while self._dismissed:
            process = self._dismissed[-1]
            process.join(_GRACE)
            if process.is_alive():
                process.kill()
                process.join()
            self._dismissed.pop()


def _serve(pipe: Pipe, parents_end: Pipe | None, prepare: Prepare, parent: int) -> None:
    """Prepare, then do what the parent asks until it is gone. Nothing is begun for a parent that is."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    if parents_end is not None:
        parents_end.close()
    with contextlib.suppress(EOFError, BrokenPipeError):
        with imports_at_once():
            acts, failure = _told(prepare)
            gc.freeze()
        while True:
            act, arguments = pipe.recv()
            if os.getppid() != parent:
                break
            pipe.send((None, failure) if acts is None else _told(acts[act], *arguments))
    sys.stdout.flush()
    # DuckDB may print about leaked objects at an ordinary exit (STACK.md).
    os._exit(0)


@contextlib.contextmanager
def _main_left_out() -> Iterator[None]:
    """A spawned process imports its parent's main module anew, and what that imports, in front of its own work: for
    functions that stand there, and none of ours does."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextlib.contextmanager
def imports_at_once() -> Iterator[None]:
    """Without the garbage collector, which goes through what is imported again and again: a tenth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def ends_with_its_parent() -> None:
    """From now on this process ends as soon as its parent is gone, in the middle of whatever it does."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "this process was not started by a Worker"

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def _told(act: Callable[..., Any], *arguments: object) -> tuple[Any, GuidelightError | None]:
    """What an act answered, or the error of ours that it raised."""
    try:
        return act(*arguments), None
    except GuidelightError as error:
        return None, error
