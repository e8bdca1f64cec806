"""The harness: whole commands, each in a process of its own forked from a warm one, and so done in about a second."""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import re
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from pipelines.settings import ROOT

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.preload"])

PATIENCE = 60.0
"""Seconds that a command, or a condition, may take before the test fails."""

Prepare = Callable[[], None]


def messages(stderr: str) -> list[str]:
    """Lines of standard error, but for those of pipelines.console_progress.Lines."""
    return [line for line in stderr.splitlines() if not re.match(r"(\[\w+\] )?… ", line)]


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that ended: its exit status (minus the signal's number where one killed it), and what it said."""

    status: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """Standard output, which must be one JSON value and nothing else."""
        return orjson.loads(self.stdout)

    @property
    def messages(self) -> list[str]:
        """The lines on standard error, without those that say how far a run has come that takes long."""
        return messages(self.stderr)

    @property
    def error(self) -> str:
        """The one line on standard error that begins with `error: `."""
        lines = [line for line in self.stderr.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, f"one error line was expected:\n{self.stderr}"
        return lines[0].removeprefix("error: ")


class Running:
    """A command under way in a process of its own; `home` is its HOME, TMPDIR and working directory."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], home: Path, prepare: Prepare | None) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._said = [_file(home, name) for name in ("stdout-", "stderr-")]
        self._process = _CONTEXT.Process(
            target=_command, args=(list(argv), dict(env), home, *self._said, prepare), daemon=False
        )
        _start(self._process)

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.is_alive()

    @property
    def stderr(self) -> str:
        """What it has said so far on standard error."""
        return self._said[1].read_text()

    def send(self, signum: signal.Signals) -> None:
        """Send a signal to the command's process, and to no child of it."""
        os.kill(self.pid, signum)

    def wait(self) -> Ran:
        """Wait for its end."""
        self._process.join(PATIENCE)
        if self._process.is_alive():
            self.send(signal.SIGUSR1)  # it says where its threads are
            self._process.join(1)
            self._process.kill()
            raise AssertionError(f"the command did not end in {PATIENCE:.0f} s:\n{self.stderr}")
        assert self._process.exitcode is not None
        return Ran(self._process.exitcode, *(path.read_text() for path in self._said))

    def kill(self) -> Ran:
        """SIGKILL: nothing of it gets to tidy up."""
        self.send(signal.SIGKILL)
        return self.wait()


def _file(home: Path, prefix: str) -> Path:
    number, path = tempfile.mkstemp(dir=home, prefix=prefix)
    os.close(number)
    return Path(path)


def start(
    argv: Sequence[str], *, home: Path, env: Mapping[str, str] | None = None, prepare: Prepare | None = None
) -> Running:
    """Begin `guidelight ARGV` with nothing in its environment but `env`; `prepare` is called there before it."""
    return Running(argv, env or {}, home, prepare)


def run(
    argv: Sequence[str], *, home: Path, env: Mapping[str, str] | None = None, prepare: Prepare | None = None
) -> Ran:
    """`start`, and wait for the end."""
    return start(argv, home=home, env=env, prepare=prepare).wait()


def until(holds: Callable[[], Any], what: str) -> Any:
    """Wait until a condition holds and return its value; fail, saying what was awaited, when it doesn't in time."""
    deadline = time.monotonic() + PATIENCE
    pause = threading.Event()
    while not (value := holds()):
        assert time.monotonic() < deadline, f"waited {PATIENCE:.0f} s in vain: {what}"
        pause.wait(0.02)
    return value


def _start(process: Any) -> None:
    """The first process starts the forkserver, which finds `tests` by PYTHONPATH only."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(ROOT)
    try:
        process.start()
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


def _command(
    argv: list[str], env: dict[str, str], home: Path, stdout: Path, stderr: Path, prepare: Prepare | None
) -> None:
    assert "tests.preload" in sys.modules, "the forkserver could not import tests.preload"
    os.environ.clear()
    os.environ.update(
        {"PATH": os.defpath, "HOME": str(home), "TMPDIR": str(home), "GUIDELIGHT_BUILD": str(home / "build"), **env}
    )
    tempfile.tempdir = None
    os.chdir(home)
    for number, path, name in ((1, stdout, "stdout"), (2, stderr, "stderr")):
        file = path.open("w", encoding="utf-8")
        os.dup2(file.fileno(), number)
        setattr(sys, name, os.fdopen(number, "w", encoding="utf-8", closefd=False))
    faulthandler.register(signal.SIGUSR1)
    if prepare is not None:
        prepare()
    from pipelines.cli import main

    main(argv)
