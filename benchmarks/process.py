"""Runs one whole process and says how long it took and how much memory it and its children held at once."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measured import NotMeasured
from pipelines.settings import ROOT

_SAMPLED_EVERY = (0.1, 1.0)
"""Seconds, at least and at most. A peak that is shorter may be missed, but for that of the largest process, which the
kernel keeps."""

_SHARE = 0.03
"""What watching may take of a core where that leaves it a look a second: the kernel walks through every page, 40 ms
where 2 GB are held, and whoever holds most would be slowed down most."""

_SAID = 2_000
"""Characters kept of what a command that failed said at last."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A process that ended well: `began` by time.time(), `seconds` to its end, `peak` in bytes, its output."""

    began: float
    seconds: float
    peak: int
    stdout: str


def run(words: Sequence[str], env: Mapping[str, str]) -> Ran:
    """Run a command from the checkout with nothing in its environment but `env`. NotMeasured where it fails."""
    with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
        began = time.time()
        process = subprocess.Popen(words, cwd=ROOT, env=dict(env), stdout=stdout, stderr=stderr)
        memory = Memory(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.time() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        tree = memory.peak()
        stdout.seek(0)
        stderr.seek(0)
        if process.returncode != 0:
            said = (stdout.read() + stderr.read()).strip()[-_SAID:]
            raise NotMeasured(f"{' '.join(words[:4])} … ended with {process.returncode}: {said}")
        return Ran(began, seconds, max(tree, usage.ru_maxrss * 1024), stdout.read())


class Memory:
    """The most that a process and its descendants held at one time; what they share counts once (PSS)."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._most = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def peak(self) -> int:
        """End the watching."""
        self._ended.set()
        self._thread.join()
        return self._most

    def _watch(self) -> None:
        took = 0.0
        least, most = _SAMPLED_EVERY
        while not self._ended.wait(min(max(least, took / _SHARE), most)):
            began = time.thread_time()
            self._most = max(self._most, _held(self._pid))
            took = time.thread_time() - began


def _held(pid: int) -> int:
    """Bytes of a process and its descendants; 0 for one that is gone, and where there is no /proc."""
    here = Path(f"/proc/{pid}")
    try:
        found = re.search(r"^Pss:\s+(\d+) kB", (here / "smaps_rollup").read_text(), re.MULTILINE)
        children = [child for task in (here / "task").iterdir() for child in (task / "children").read_text().split()]
    except OSError:
        return 0
    return (int(found[1]) * 1024 if found else 0) + sum(_held(int(child)) for child in children)
