"""A process that lives long, warm for both engines, and forks a child for each command: what a service would pay.

It has imported, parsed and compiled what every sync needs (tests/preload.py); of no database and no shop it knows
anything. `python -m benchmarks.service` reads a command a line and answers with its exit status.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measured import NotMeasured
from benchmarks.process import Memory, Ran
from pipelines.settings import ROOT


class Service:
    """The parent's end; it is ready when it is made. Raises NotMeasured where it does not start."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._home = Path(env["TMPDIR"])
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.service"],
            cwd=ROOT, env=dict(env), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._answer()

    def run(self, note: Path, words: Sequence[str], env: Mapping[str, str]) -> Ran:
        """Have a command done, measured from the request to the child's end. Raises NotMeasured where it fails."""
        assert self._process.stdin is not None
        with tempfile.TemporaryDirectory(dir=self._home) as directory:
            said = {name: str(Path(directory) / name) for name in ("stdout", "stderr")}
            asked = json.dumps({"note": str(note), "words": list(words), "env": dict(env), **said})
            memory = Memory(self._process.pid)
            began = time.time()
            self._process.stdin.write(asked + "\n")
            self._process.stdin.flush()
            status = self._answer()
            seconds = time.time() - began
            peak = memory.peak()
            if status != 0:
                raise NotMeasured(
                    f"{words[0]} in a warm process ended with {status}: {Path(said['stderr']).read_text()}"
                )
            return Ran(began, seconds, peak, Path(said["stdout"]).read_text())

    def _answer(self) -> int:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise NotMeasured(f"the warm process ended with {self._process.wait()}")
        return int(line)

    def close(self) -> None:
        """End it; it has nothing under way."""
        self._process.communicate()


def _do(asked: dict[str, Any]) -> None:
    """In the child: the command, as its console script starts it; it does not return."""
    os.environ.clear()
    os.environ.update(asked["env"])
    for number, path in ((0, os.devnull), (1, asked["stdout"]), (2, asked["stderr"])):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), number)
    from benchmarks.noted import note
    from pipelines.cli import main

    note(Path(asked["note"]))
    main(asked["words"])


def serve() -> None:
    """Say 0 when warm, then the exit status of each command."""
    import tests.preload  # noqa: F401 - all that it does: what a service would have done before its second sync

    print(0, flush=True)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _do(json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
    # DuckDB may print about leaked objects at an ordinary exit (STACK.md).
    os._exit(0)


if __name__ == "__main__":
    serve()
